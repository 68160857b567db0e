#include <limits>
#include <string>

#include "base/error.h"
#include "tokens/rlt.h"
#include "tokens/sad_kernels.h"

namespace looktwice::tokens {

namespace sad {

void columns_portable(const uint8_t* a, const uint8_t* b, size_t row_bytes, int rows, size_t bytes,
                      uint16_t* columns) {
  for (size_t i = 0; i < bytes; ++i)
    columns[i] = 0;
  for (int r = 0; r < rows; ++r, a += row_bytes, b += row_bytes)
    for (size_t i = 0; i < bytes; ++i) {
      const int d = int{a[i]} - int{b[i]};
      columns[i] = static_cast<uint16_t>(columns[i] + (d < 0 ? -d : d));
    }
}

void reduce_portable(const uint16_t* columns, int w, int patch, uint64_t* sads) {
  for (int j = 0; j < w; ++j, sads += 3) {
    uint64_t r = 0, g = 0, b = 0;
    for (int x = 0; x < patch; ++x, columns += 3) {
      r += columns[0];
      g += columns[1];
      b += columns[2];
    }
    sads[0] += r;
    sads[1] += g;
    sads[2] += b;
  }
}

}  // namespace sad

namespace {

constexpr double kStd[3] = {0.229, 0.224, 0.225};

struct Kernels {
  sad::Columns* columns;
  sad::Reduce* reduce;
};

Kernels kernels(Isa isa) {
#if defined(LT_TOKENS_X86)
  switch (usable(isa)) {
    case Isa::avx512:
      return {sad::columns_avx512, sad::reduce_avx2};
    case Isa::avx2:
      return {sad::columns_avx2, sad::reduce_avx2};
    case Isa::portable:
      break;
  }
#endif
  (void)isa;
  return {sad::columns_portable, sad::reduce_portable};
}

/// One row of patches. `sads` [w,3] is overwritten; `columns` holds w*patch*3 sums.
void band(const Kernels& kernel, const uint8_t* a, const uint8_t* b, size_t row_bytes, int w,
          int patch, uint16_t* columns, uint64_t* sads) {
  const size_t bytes = size_t(w) * patch * 3;
  for (int j = 0; j < 3 * w; ++j)
    sads[j] = 0;
  for (int row = 0; row < patch; row += sad::kMaxRows) {
    const int rows = patch - row < sad::kMaxRows ? patch - row : sad::kMaxRows;
    kernel.columns(a + row * row_bytes, b + row * row_bytes, row_bytes, rows, bytes, columns);
    kernel.reduce(columns, w, patch, sads);
  }
}

}  // namespace

void patch_sads(const uint8_t* a, const uint8_t* b, size_t row_bytes, int h, int w, int patch,
                std::span<uint64_t> sads, Isa isa) {
  if (h < 0 || w < 0 || patch < 1 || row_bytes < size_t(w) * patch * 3 ||
      sads.size() < size_t(h) * w * 3)
    throw bad_input("patch_sads", "sizes do not fit each other");
  const Kernels kernel = kernels(isa);
  std::vector<uint16_t> columns(size_t(w) * patch * 3);
  for (int i = 0; i < h; ++i)
    band(kernel, a + size_t(i) * patch * row_bytes, b + size_t(i) * patch * row_bytes, row_bytes, w,
         patch, columns.data(), sads.data() + size_t(i) * w * 3);
}

std::array<double, 3> rlt_scale(int patch) {
  const double pixels = double(patch) * patch;
  std::array<double, 3> scale{};
  for (size_t c = 0; c < 3; ++c)
    scale[c] = 1.0 / (255.0 * kStd[c] * 3.0 * pixels);
  return scale;
}

void rlt_differences(const ClipView& clip, const Grid& grid, std::span<float> to, Isa isa) {
  if (grid != grid_of(clip, grid.tubelet, grid.patch))
    throw bad_input("clip", "its grid does not belong to it");
  if (to.size() != grid.size())
    throw bad_input("rlt_differences", "the output does not hold the grid");
  const Kernels kernel = kernels(isa);
  const size_t row_bytes = size_t(clip.W) * 3, frame_bytes = row_bytes * clip.H;
  const auto scale = rlt_scale(grid.patch);

  std::vector<uint16_t> columns(size_t(grid.w) * grid.patch * 3);
  std::vector<uint64_t> sads(size_t(grid.w) * 3);
  for (size_t i = 0; i < grid.per_tubelet(); ++i)
    to[i] = std::numeric_limits<float>::infinity();
  for (int k = 0; k + 1 < grid.t; ++k) {
    const uint8_t* first = clip.rgb + size_t(k) * grid.tubelet * frame_bytes;
    const uint8_t* last = clip.rgb + (size_t(k + 2) * grid.tubelet - 1) * frame_bytes;
    for (int i = 0; i < grid.h; ++i) {
      const size_t at = size_t(i) * grid.patch * row_bytes;
      band(kernel, last + at, first + at, row_bytes, grid.w, grid.patch, columns.data(),
           sads.data());
      float* row = to.data() + (size_t(k + 1) * grid.h + i) * grid.w;
      for (int j = 0; j < grid.w; ++j)
        row[j] =
            static_cast<float>(double(sads[3 * j]) * scale[0] + double(sads[3 * j + 1]) * scale[1] +
                               double(sads[3 * j + 2]) * scale[2]);
    }
  }
}

std::vector<float> rlt_differences(const ClipView& clip, const Grid& grid, Isa isa) {
  std::vector<float> differences(grid.size());
  rlt_differences(clip, grid, differences, isa);
  return differences;
}

double normalised_per_grey_level() {
  return (1 / kStd[0] + 1 / kStd[1] + 1 / kStd[2]) / 3 / 255.0;
}

}  // namespace looktwice::tokens
