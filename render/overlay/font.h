#pragma once
// Text from the machine's own fonts: measuring and glyph pictures, without OpenGL.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace looktwice::overlay {

/// Code points of UTF-8 text; bytes that are none become U+FFFD.
std::vector<char32_t> code_points(std::string_view utf8);

/// The picture of one character.
struct Glyph {
  int left = 0, top = 0;  ///< of the picture, pixels right of the pen and above (negative) it
  int width = 0, height = 0;
  float advance = 0;
  std::vector<uint8_t> coverage;  ///< [height,width]
};

/// A face with fallbacks for the characters that it lacks. Threads: one at a time.
class Font {
 public:
  /// DejaVu Sans where it is installed, else the first usable of the usual ones; the file named by
  /// LOOKTWICE_FONT before all. If none is found, says so once and measures without drawing.
  Font();
  ~Font();
  Font(const Font&) = delete;
  Font& operator=(const Font&) = delete;

  bool usable() const;
  /// Width of a line in pixels at a text height of `size` pixels (em).
  float width(std::string_view text, int size);
  float ascent(int size);   ///< pixels above the baseline
  float descent(int size);  ///< pixels below it, positive
  float kerning(char32_t left, char32_t right, int size);
  Glyph glyph(char32_t code, int size);
  /// `text`, cut with "…" to at most `most` pixels.
  std::string fitted(const std::string& text, int size, float most);

 private:
  struct Face;
  Face* face_for(char32_t code);
  std::vector<std::unique_ptr<Face>> faces_;
  size_t tried_ = 0;  ///< files of the list already opened or found missing
};

}  // namespace looktwice::overlay
