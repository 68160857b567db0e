#include "overlay/font.h"

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include <stb_truetype.h>

#include "base/log.h"

namespace looktwice::overlay {
namespace {

const std::vector<std::string>& candidates() {
  static const std::vector<std::string> list = [] {
    std::vector<std::string> files;
    if (const char* own = std::getenv("LOOKTWICE_FONT"); own && *own) files.emplace_back(own);
    for (const char* file :
         {"/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
          "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf",
          "/usr/share/fonts/dejavu/DejaVuSans.ttf", "/usr/share/fonts/TTF/DejaVuSans.ttf",
          "/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf",
          "/usr/share/fonts/noto/NotoSans-Regular.ttf",
          "/usr/share/fonts/truetype/liberation2/LiberationSans-Regular.ttf",
          "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf",
          "/usr/share/fonts/liberation-sans/LiberationSans-Regular.ttf",
          "/usr/share/fonts/truetype/freefont/FreeSans.ttf",
          "/usr/share/fonts/truetype/ubuntu/Ubuntu-R.ttf",
          "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf"}) {
      files.emplace_back(file);
    }
    return files;
  }();
  return list;
}

constexpr size_t kLargestFile = size_t{32} << 20;

}  // namespace

std::vector<char32_t> code_points(std::string_view s) {
  std::vector<char32_t> out;
  for (size_t i = 0; i < s.size();) {
    const auto lead = static_cast<unsigned char>(s[i]);
    const int length = lead < 0x80                   ? 1
                       : lead >= 0xf0 && lead < 0xf8 ? 4
                       : lead >= 0xe0 && lead < 0xf0 ? 3
                       : lead >= 0xc2 && lead < 0xe0 ? 2
                                                     : 0;
    char32_t code = length == 1 ? lead : lead & (0x7fU >> length);
    bool good = length > 0 && i + length <= s.size();
    for (int k = 1; good && k < length; ++k) {
      const auto next = static_cast<unsigned char>(s[i + k]);
      good = (next & 0xc0) == 0x80;
      code = (code << 6) | (next & 0x3fU);
    }
    out.push_back(good ? code : 0xfffd);
    i += good ? length : 1;
  }
  return out;
}

struct Font::Face {
  std::vector<unsigned char> bytes;
  stbtt_fontinfo info{};
  float scale(int size) const { return stbtt_ScaleForMappingEmToPixels(&info, float(size)); }
  static std::unique_ptr<Face> open(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) return nullptr;
    auto face = std::make_unique<Face>();
    face->bytes.assign(std::istreambuf_iterator<char>(in), {});
    if (face->bytes.size() < 1024 || face->bytes.size() > kLargestFile) return nullptr;
    const int offset = stbtt_GetFontOffsetForIndex(face->bytes.data(), 0);
    if (offset < 0 || !stbtt_InitFont(&face->info, face->bytes.data(), offset)) return nullptr;
    return face;
  }
};

Font::Font() {
  while (faces_.empty() && tried_ < candidates().size()) {
    if (auto face = Face::open(candidates()[tried_++])) faces_.push_back(std::move(face));
  }
  if (faces_.empty()) {
    log_once(LogLevel::warning, "no-font",
             "no font found, so pictures carry no text; install fonts-dejavu-core or name a .ttf "
             "file in LOOKTWICE_FONT");
  }
}

Font::~Font() = default;

bool Font::usable() const {
  return !faces_.empty();
}

Font::Face* Font::face_for(char32_t code) {
  const auto has = [code](const Face& face) {
    return stbtt_FindGlyphIndex(&face.info, static_cast<int>(code)) != 0;
  };
  for (const auto& face : faces_)
    if (has(*face)) return face.get();
  while (!faces_.empty() && tried_ < candidates().size()) {
    auto face = Face::open(candidates()[tried_++]);
    if (!face) continue;
    faces_.push_back(std::move(face));
    if (has(*faces_.back())) return faces_.back().get();
  }
  return faces_.empty() ? nullptr : faces_.front().get();
}

float Font::width(std::string_view text, int size) {
  float pen = 0;
  char32_t last = 0;
  for (const char32_t code : code_points(text)) {
    const Face* face = face_for(code);
    if (!face) {
      pen += 0.6f * static_cast<float>(size);
      continue;
    }
    int advance = 0, bearing = 0;
    stbtt_GetCodepointHMetrics(&face->info, static_cast<int>(code), &advance, &bearing);
    if (last) pen += kerning(last, code, size);
    pen += static_cast<float>(advance) * face->scale(size);
    last = code;
  }
  return pen;
}

float Font::ascent(int size) {
  if (faces_.empty()) return 0.9f * static_cast<float>(size);
  int ascent = 0, descent = 0, gap = 0;
  stbtt_GetFontVMetrics(&faces_.front()->info, &ascent, &descent, &gap);
  return static_cast<float>(ascent) * faces_.front()->scale(size);
}

float Font::descent(int size) {
  if (faces_.empty()) return 0.25f * static_cast<float>(size);
  int ascent = 0, descent = 0, gap = 0;
  stbtt_GetFontVMetrics(&faces_.front()->info, &ascent, &descent, &gap);
  return -static_cast<float>(descent) * faces_.front()->scale(size);
}

float Font::kerning(char32_t left, char32_t right, int size) {
  const Face* face = face_for(left);
  if (!face || face != face_for(right)) return 0;
  return static_cast<float>(stbtt_GetCodepointKernAdvance(&face->info, static_cast<int>(left),
                                                          static_cast<int>(right))) *
         face->scale(size);
}

Glyph Font::glyph(char32_t code, int size) {
  Glyph glyph;
  const Face* face = face_for(code);
  if (!face) {
    glyph.advance = 0.6f * static_cast<float>(size);
    return glyph;
  }
  const float scale = face->scale(size);
  int advance = 0, bearing = 0, x1 = 0, y1 = 0;
  const int c = static_cast<int>(code);
  stbtt_GetCodepointHMetrics(&face->info, c, &advance, &bearing);
  glyph.advance = static_cast<float>(advance) * scale;
  stbtt_GetCodepointBitmapBox(&face->info, c, scale, scale, &glyph.left, &glyph.top, &x1, &y1);
  glyph.width = std::max(0, x1 - glyph.left);
  glyph.height = std::max(0, y1 - glyph.top);
  glyph.coverage.resize(size_t(glyph.width) * glyph.height);
  if (!glyph.coverage.empty()) {
    stbtt_MakeCodepointBitmap(&face->info, glyph.coverage.data(), glyph.width, glyph.height,
                              glyph.width, scale, scale, c);
  }
  return glyph;
}

std::string Font::fitted(const std::string& text, int size, float most) {
  if (width(text, size) <= most) return text;
  std::string cut = text;
  while (!cut.empty()) {
    do {
      cut.pop_back();
    } while (!cut.empty() && (static_cast<unsigned char>(cut.back()) & 0xc0) == 0x80);
    // A lead byte may be left without its tail: drop it too.
    if (!cut.empty() && static_cast<unsigned char>(cut.back()) >= 0xc0) cut.pop_back();
    if (width(cut + "…", size) <= most) return cut + "…";
  }
  return {};
}

}  // namespace looktwice::overlay
