#include "fonts.h"

#include <QCoreApplication>
#include <QFile>
#include <QFontDatabase>
#include <QFontInfo>
#include <QStringList>
#include <cmath>
#include <map>

namespace looktwice::gui {
namespace {

struct Face {
  const char* regular;
  const char* bold;
};
constexpr Face kFaces[] = {
    {"Inter-Regular.otf", "Inter-SemiBold.otf"},
    {"Inter-Regular.ttf", "Inter-SemiBold.ttf"},
    {"DejaVuSans.ttf", "DejaVuSans-Bold.ttf"},
    {"NotoSans-Regular.ttf", "NotoSans-SemiBold.ttf"},
    {"LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf"},
};

QStringList folders() {
  return {QCoreApplication::applicationDirPath() + "/../share/looktwice/fonts",
          "/usr/share/fonts/opentype/inter",
          "/usr/share/fonts/truetype/inter",
          "/usr/share/fonts/inter",
          "/usr/share/fonts/truetype/dejavu",
          "/usr/share/fonts/dejavu",
          "/usr/share/fonts/TTF",
          "/usr/share/fonts/dejavu-sans-fonts",
          "/usr/share/fonts/truetype/noto",
          "/usr/share/fonts/truetype/liberation"};
}

QString find(const char* name) {
  for (const QString& folder : folders()) {
    const QString file = folder + "/" + name;
    if (QFile::exists(file)) return file;
  }
  return {};
}

// Latin, Greek, punctuation and arrows, mathematical operators, geometric shapes.
constexpr ImWchar kRanges[] = {0x0020, 0x00ff, 0x0100, 0x017f, 0x0370, 0x03ff,
                               0x2010, 0x2027, 0x2030, 0x203a, 0x2190, 0x2199,
                               0x2200, 0x2265, 0x25a0, 0x25ff, 0};

}  // namespace

QString ui_font_file(bool bold) {
  for (const Face& face : kFaces) {
    const QString file = find(bold ? face.bold : face.regular);
    if (!file.isEmpty()) return file;
  }
  return {};
}

QString ui_font_family() {
  static const QString family = [] {
    QString found;
    for (const bool bold : {true, false}) {
      const QString file = ui_font_file(bold);
      if (file.isEmpty()) continue;
      const QStringList families =
          QFontDatabase::applicationFontFamilies(QFontDatabase::addApplicationFont(file));
      if (!families.isEmpty()) found = families.first();
    }
    return found.isEmpty() ? QFontInfo(QFont()).family() : found;
  }();
  return family;
}

void build_font_atlas(ImFontAtlas* atlas, double scale) {
  atlas->Clear();
  static const QByteArray regular = ui_font_file(false).toUtf8();
  static const QByteArray bold = ui_font_file(true).toUtf8();
  // Inter lacks some of the signs; DejaVu Sans fills in.
  static const QByteArray fallback = find("DejaVuSans.ttf").toUtf8();
  const auto add = [&](const QByteArray& file, double size) {
    // Qt counts the em, ImGui the height from ascender to descender: about 1.2 em.
    const float pixels = std::max(8.0f, float(std::lround(size * 1.2 * scale)));
    if (file.isEmpty()) {
      ImFontConfig config;
      config.SizePixels = pixels;
      atlas->AddFontDefault(&config);
      return;
    }
    ImFontConfig config;
    config.OversampleH = 2;
    config.OversampleV = 1;
    atlas->AddFontFromFileTTF(file.constData(), pixels, &config, kRanges);
    if (!fallback.isEmpty() && fallback != file) {
      ImFontConfig merge;
      merge.MergeMode = true;
      merge.OversampleH = 2;
      static constexpr ImWchar signs[] = {0x2190, 0x2199, 0x2200, 0x2265, 0x25a0, 0x25ff, 0};
      atlas->AddFontFromFileTTF(fallback.constData(), pixels, &merge, signs);
    }
  };
  add(regular, kTextSize);
  add(bold, kTextSize);
  add(regular, kSmallSize);
  add(bold, kTitleSize);
  atlas->Build();
}

std::shared_ptr<FontAtlas> font_atlas(double scale) {
  static std::map<long, std::weak_ptr<FontAtlas>> known;
  std::weak_ptr<FontAtlas>& slot = known[std::lround(scale * 1000)];
  if (auto there = slot.lock()) return there;
  auto made = std::make_shared<FontAtlas>();
  made->scale = scale;
  build_font_atlas(&made->faces, scale);
  unsigned char* bytes = nullptr;
  auto pixels = std::make_shared<FontPixels>();
  made->faces.GetTexDataAsAlpha8(&bytes, &pixels->width, &pixels->height);
  pixels->coverage.assign(bytes, bytes + size_t(pixels->width) * size_t(pixels->height));
  made->pixels = std::move(pixels);
  made->faces.ClearInputData();
  made->faces.ClearTexData();
  slot = made;
  return made;
}

ImFont* body_font() {
  return ImGui::GetIO().Fonts->Fonts[0];
}
ImFont* bold_font() {
  return ImGui::GetIO().Fonts->Fonts[1];
}
ImFont* small_font() {
  return ImGui::GetIO().Fonts->Fonts[2];
}
ImFont* title_font() {
  return ImGui::GetIO().Fonts->Fonts[3];
}

}  // namespace looktwice::gui
