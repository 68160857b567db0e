// RLT against vectors recorded from the published implementation (tests/golden/tokens).
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/json.h"
#include "base/safetensors.h"
#include "tokens/drop.h"
#include "tokens/packing.h"
#include "tokens/rlt.h"
#include "tokens/rlt_histogram.h"
#include "tokens/sincos.h"

namespace looktwice::tokens {
namespace {

const std::string kFolder = std::string(LT_TEST_DATA) + "/golden/tokens/";

const SafetensorsReader& golden() {
  static const SafetensorsReader reader(kFolder + "rlt_cases.safetensors");
  return reader;
}
const Json& manifest() {
  static const Json json = read_json(kFolder + "rlt_manifest.json");
  return json;
}

struct Video {
  int T, H, W;
  std::vector<uint8_t> rgb;
  ClipView view() const { return {rgb.data(), T, H, W}; }
};

/// v = (3x + 5y + 17c) mod 256; columns x < 80 scroll by two pixels a frame; the block y 96..159,
/// x 128..191 brightens by 60 (mod 256) from frame 9 on.
Video proc224() {
  Video v{16, 224, 224, {}};
  for (int t = 0; t < v.T; ++t)
    for (int y = 0; y < v.H; ++y)
      for (int x = 0; x < v.W; ++x)
        for (int c = 0; c < 3; ++c) {
          int value = 3 * (x < 80 ? x + 2 * t : x) + 5 * y + 17 * c;
          if (t >= 9 && y >= 96 && y < 160 && x >= 128 && x < 192) value += 60;
          v.rgb.push_back(static_cast<uint8_t>(value & 255));
        }
  return v;
}

Video video_of(const std::string& name) {
  if (name == "proc224") return proc224();
  const std::string key = (name == "square_tub4" ? "square" : name) + "/frames_u8";
  const auto& shape = golden().entry(key).shape;
  return {int(shape[0]), int(shape[1]), int(shape[2]), golden().read<uint8_t>(key)};
}

class RltGolden : public testing::TestWithParam<std::tuple<std::string, Isa>> {};

TEST_P(RltGolden, DifferencesMasksAndLengths) {
  const auto& [name, isa] = GetParam();
  if (usable(isa) != isa) GTEST_SKIP() << "this CPU has no " << isa_name(isa);
  const Json& about = manifest()["clips"][name];
  const Video video = video_of(name);
  const Grid grid = grid_of(video.view(), about["tubelet"], about["patch"]);
  ASSERT_EQ((std::vector<int>{grid.t, grid.h, grid.w}), about["grid"].get<std::vector<int>>());

  const std::vector<float> differences = rlt_differences(video.view(), grid, isa);
  const std::vector<float> pooled = golden().read<float>(name + "/pooled");
  ASSERT_EQ(pooled.size() + grid.per_tubelet(), differences.size());
  for (size_t i = 0; i < grid.per_tubelet(); ++i)
    ASSERT_TRUE(std::isinf(differences[i]));
  for (size_t i = 0; i < pooled.size(); ++i)
    ASSERT_NEAR(differences[grid.per_tubelet() + i], pooled[i], 1e-5) << i;

  const RltHistogram histogram(differences, grid);
  const std::vector<uint8_t> masks = golden().read<uint8_t>(name + "/masks");
  const std::vector<int32_t> kept = golden().read<int32_t>(name + "/n_keep");
  const std::vector<int32_t> lengths = golden().read<int32_t>(name + "/lengths_ref_hwt");
  size_t used = 0;
  for (size_t k = 0; k < kept.size(); ++k) {
    const float tau = manifest()["thresholds"][k];
    std::vector<uint8_t> keep(grid.size());
    const size_t count = rlt_keep(differences, grid, tau, keep);
    EXPECT_EQ(count, count_kept(keep));
    EXPECT_EQ(histogram.kept(tau), count);
    std::vector<uint8_t> expected(masks.begin() + long(k * grid.size()),
                                  masks.begin() + long((k + 1) * grid.size()));
    if (tau >= 255) {  // the reference drops even the first tubelet there; we never do
      ASSERT_EQ(kept[k], 0);
      for (size_t i = 0; i < grid.per_tubelet(); ++i)
        expected[i] = 1;
      EXPECT_EQ(keep, expected);
      continue;
    }
    EXPECT_EQ(keep, expected) << "tau " << tau;
    EXPECT_EQ(int(count), kept[k]);
    const std::vector<int32_t> packed = packed_lengths(keep, grid, LengthOrder::reference);
    ASSERT_LE(used + packed.size(), lengths.size());
    EXPECT_EQ(packed, std::vector<int32_t>(lengths.begin() + long(used),
                                           lengths.begin() + long(used + packed.size())));
    used += packed.size();
  }
  EXPECT_EQ(used, lengths.size());
}

INSTANTIATE_TEST_SUITE_P(Clips, RltGolden,
                         testing::Combine(testing::Values("square", "ramp", "testsrc2",
                                                          "mandelbrot_t8_64x96", "proc224",
                                                          "square_tub4"),
                                          testing::Values(Isa::portable, Isa::avx2, Isa::avx512)),
                         [](const auto& made) {
                           return std::get<0>(made.param) + "_" + isa_name(std::get<1>(made.param));
                         });

std::vector<std::vector<uint8_t>> batch_masks(const std::string& name) {
  const std::vector<uint8_t> flat = golden().read<uint8_t>(name);
  return {{flat.begin(), flat.begin() + 392}, {flat.begin() + 392, flat.end()}};
}

TEST(RltGoldenBatch, PackingOfTwoClips) {
  const Grid grid{8, 7, 7, 2, 16};
  const auto masks = batch_masks("batch2/mask");
  EXPECT_EQ(masks, batch_masks("tokenizer_rlt/token_mask"));
  const LengthOrder reference = LengthOrder::reference, aligned = LengthOrder::aligned;
  const PackedSequence packed = pack(masks, grid, &reference);
  EXPECT_EQ(packed.cu_seqlens, (std::vector<int32_t>{0, 99, 383}));
  EXPECT_EQ(packed.length, golden().read<int32_t>("batch2/lengths_ref_hwt"));
  EXPECT_EQ(packed.length, golden().read<int32_t>("tokenizer_rlt/token_lengths_ref_hwt"));
  const PackedSequence right = pack(masks, grid, &aligned);
  int wrong = 0;
  for (size_t i = 0; i < right.length.size(); ++i)
    wrong += right.length[i] != packed.length[i];
  EXPECT_EQ(wrong, 75);  // what the reference's order gets wrong on this batch

  // Rows of the position table travel with the tokens.
  const std::vector<float> table = sincos_table(392, 64);
  const std::vector<float> expected = golden().read<float>("tokenizer_rlt/pos_embeds");
  ASSERT_EQ(expected.size(), packed.size() * 64);
  for (size_t i = 0; i < packed.size(); ++i)
    for (size_t j = 0; j < 64; ++j)
      ASSERT_NEAR(table[size_t(packed.position[i]) * 64 + j], expected[i * 64 + j], 1e-6);
}

TEST(RltGoldenBatch, PackedPatchesAreTheReferencesTokens) {
  const Grid grid{8, 7, 7, 2, 16};
  for (const char* policy : {"rlt", "none", "random"}) {
    const std::string prefix = std::string("tokenizer_") + policy + "/";
    const PackedSequence packed = pack(batch_masks(prefix + "token_mask"), grid);
    const std::vector<int32_t> counts = golden().read<int32_t>(prefix + "num_tokens");
    for (size_t b = 0; b < 2; ++b)
      EXPECT_EQ(packed.cu_seqlens[b + 1] - packed.cu_seqlens[b], counts[b]);
    std::vector<double> means(golden().entry(prefix + "token_mean").shape[0]);
    golden().read_raw(prefix + "token_mean", means.data());
    ASSERT_EQ(means.size(), packed.size());
    const Video videos[2] = {video_of("square"), video_of("ramp")};
    const double mean[3] = {0.485, 0.456, 0.406}, dev[3] = {0.229, 0.224, 0.225};
    for (size_t i = 0; i < packed.size(); ++i) {
      const Video& video = videos[packed.gather[i] / 392];
      const int p = packed.position[i], t = p / 49, y0 = p % 49 / 7 * 16, x0 = p % 7 * 16;
      double sum = 0;
      for (int f = 2 * t; f < 2 * t + 2; ++f)
        for (int y = y0; y < y0 + 16; ++y)
          for (int x = x0; x < x0 + 16; ++x)
            for (int c = 0; c < 3; ++c)
              sum +=
                  (video.rgb[size_t(((f * 112 + y) * 112 + x) * 3 + c)] / 255.0 - mean[c]) / dev[c];
      ASSERT_NEAR(sum / (2 * 16 * 16 * 3), means[i], 1e-6) << policy << " token " << i;
    }
  }
}

TEST(RltGoldenBatch, RandomDropAsTheReferenceDoesIt) {
  const std::vector<float> values = golden().read<float>("tokenizer_random/rand_values");
  const auto masks = batch_masks("tokenizer_random/token_mask");
  for (size_t b = 0; b < 2; ++b) {
    const auto mask = random_keep_reference({values.data() + b * 392, 392}, 0.5);
    EXPECT_EQ(mask, masks[b]);
    EXPECT_EQ(count_kept(mask), random_keep_count(392, 0.5) - 1);
  }
}

TEST(RltGoldenBatch, PositionTables) {
  const std::vector<int32_t> rows = golden().read<int32_t>("sinusoid/rows");
  for (const int width : {384, 768, 1024, 1280}) {
    const auto expected =
        golden().read<float>("sinusoid/pos1568_d" + std::to_string(width) + "_rows");
    const std::vector<float> table = sincos_table(1568, width);
    for (size_t i = 0; i < rows.size(); ++i)
      for (size_t j = 0; j < size_t(width); ++j)
        ASSERT_NEAR(table[size_t(rows[i]) * width + j], expected[i * width + j], 1e-7);
  }
  const auto lengths = golden().read<float>("sinusoid/length8_base1000_d768");
  const std::vector<float> table = sincos_table(8, 768, 1000.0);
  for (size_t i = 0; i < lengths.size(); ++i)
    ASSERT_NEAR(table[i], lengths[i], 1e-7);
}

}  // namespace
}  // namespace looktwice::tokens
