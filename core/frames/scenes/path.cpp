// Shapes as polygons.
#include "frames/scenes/canvas.h"

namespace looktwice::frames::scenes {

Affine Affine::place(double x, double y, double scale, double turns) {
  const double s = sine(turns) * scale, c = cosine(turns) * scale;
  return {c, -s, x, s, c, y};
}

Affine Affine::operator*(const Affine& in) const {
  return {a * in.a + b * in.d, a * in.b + b * in.e, a * in.c + b * in.f + c,
          d * in.a + e * in.d, d * in.b + e * in.e, d * in.c + e * in.f + f};
}

Path& Path::add(const Path& other) {
  contours.insert(contours.end(), other.contours.begin(), other.contours.end());
  return *this;
}

Path transformed(const Path& path, const Affine& by) {
  Path result = path;
  for (auto& contour : result.contours)
    for (Point& p : contour)
      p = by(p);
  return result;
}

Path ellipse(double x, double y, double rx, double ry, int sides) {
  std::vector<Point> points;
  for (int i = 0; i < sides; ++i) {
    const double at = double(i) / sides;
    points.push_back({x + rx * cosine(at), y + ry * sine(at)});
  }
  return Path().add(std::move(points));
}

Path circle(double x, double y, double radius, int sides) {
  return ellipse(x, y, radius, radius, sides);
}

Path ring(double x, double y, double outer, double inner) {
  Path path = circle(x, y, outer, 96);
  Path hole = circle(x, y, inner, 96);
  std::reverse(hole.contours[0].begin(), hole.contours[0].end());
  return path.add(hole);
}

Path rectangle(double x, double y, double w, double h) {
  return Path().add({{x, y}, {x + w, y}, {x + w, y + h}, {x, y + h}});
}

Path rounded(double x, double y, double w, double h, double radius) {
  const double r = std::min(radius, std::min(w, h) / 2);
  std::vector<Point> points;
  const Point corners[4] = {
      {x + w - r, y + h - r}, {x + r, y + h - r}, {x + r, y + r}, {x + w - r, y + r}};
  for (int corner = 0; corner < 4; ++corner)
    for (int i = 0; i <= 8; ++i) {
      const double at = (corner + i / 8.0) / 4;
      points.push_back({corners[corner].x + r * cosine(at), corners[corner].y + r * sine(at)});
    }
  return Path().add(std::move(points));
}

Path polygon(std::initializer_list<Point> points) {
  return Path().add(std::vector<Point>(points));
}

Path star(double x, double y, int points, double outer, double inner, double turns) {
  std::vector<Point> contour;
  for (int i = 0; i < 2 * points; ++i) {
    const double at = turns + double(i) / (2 * points), r = i % 2 == 0 ? outer : inner;
    contour.push_back({x + r * cosine(at), y + r * sine(at)});
  }
  return Path().add(std::move(contour));
}

Path slice(double x, double y, double radius, double from, double to) {
  std::vector<Point> points{{x, y}};
  const int steps = 4 + int(60 * std::abs(to - from));
  for (int i = 0; i <= steps; ++i) {
    const double at = lerp(from, to, double(i) / steps);
    points.push_back({x + radius * cosine(at), y + radius * sine(at)});
  }
  return Path().add(std::move(points));
}

Path stroke(const std::vector<Point>& line, double width, bool closed) {
  Path path;
  const size_t n = line.size();
  if (n < 2) return path;
  // One outline along the left side and back along the right one, mitred by averaged normals.
  const auto normal = [&](size_t i, size_t j) -> Point {
    const double dx = line[j].x - line[i].x, dy = line[j].y - line[i].y;
    const double length = std::sqrt(dx * dx + dy * dy);
    if (length == 0) return {0, 0};
    return {-dy / length, dx / length};
  };
  std::vector<Point> left, right;
  for (size_t i = 0; i < n; ++i) {
    const bool first = i == 0 && !closed, last = i == n - 1 && !closed;
    const Point a = first ? normal(0, 1) : normal((i + n - 1) % n, i);
    const Point b = last ? a : normal(i, (i + 1) % n);
    double nx = a.x + b.x, ny = a.y + b.y;
    const double square = (nx * nx + ny * ny) / 2;
    const double scale = square > 0.1 ? width / 2 / square : width / 2;
    nx *= scale;
    ny *= scale;
    left.push_back({line[i].x + nx, line[i].y + ny});
    right.push_back({line[i].x - nx, line[i].y - ny});
  }
  std::reverse(right.begin(), right.end());
  if (closed) {
    path.add(std::move(left)).add(std::move(right));
  } else {
    left.insert(left.end(), right.begin(), right.end());
    path.add(std::move(left));
  }
  return path;
}

}  // namespace looktwice::frames::scenes
