// Token merging against vectors recorded from the published implementation (tests/golden/tokens).
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/json.h"
#include "base/safetensors.h"
#include "base/text.h"
#include "tokens/tome.h"
#include "tokens/tome_picture.h"
#include "tokens/tome_schedule.h"

namespace looktwice::tokens {
namespace {

const std::string kFolder = std::string(LT_TEST_DATA) + "/golden/tokens/";

const SafetensorsReader& golden() {
  static const SafetensorsReader reader(kFolder + "tome_cases.safetensors");
  return reader;
}
const Json& manifest() {
  static const Json json = read_json(kFolder + "tome_manifest.json");
  return json;
}

/// Item b of a batched array [B, …]; empty if the array is absent.
template <typename T>
std::vector<T> item(const std::string& name, int64_t b) {
  if (!golden().contains(name)) return {};
  const TensorEntry& entry = golden().entry(name);
  const int64_t count = entry.elements() / entry.shape[0];
  std::vector<T> values(static_cast<size_t>(count));
  golden().read_raw(name, b * count, count, values.data());
  return values;
}

void expect_near(const std::vector<float>& a, const std::vector<float>& b, float tolerance,
                 const std::string& what) {
  ASSERT_EQ(a.size(), b.size()) << what;
  for (size_t i = 0; i < a.size(); ++i)
    ASSERT_NEAR(a[i], b[i], tolerance) << what << " " << i;
}

std::vector<Isa> isas() {
  std::vector<Isa> all;
  for (const Isa isa : {Isa::portable, Isa::avx2, Isa::avx512})
    if (usable(isa) == isa) all.push_back(isa);
  return all;
}

/// Checks one recorded matching and returns it. `groups` goes on through chains of layers.
void check_case(const std::string& name, const std::string& inputs, int64_t b, Isa isa,
                TokenGroups* groups) {
  const std::string prefix = name + "/", from = inputs + "/";
  const Json& about = manifest()[prefix];
  ASSERT_TRUE(about.is_object()) << prefix;
  const std::string what = name + " item " + std::to_string(b) + " " + isa_name(isa);
  const std::vector<float> metric = item<float>(from + "metric", b);
  const std::vector<float> x = item<float>(from + "x", b);
  const std::vector<float> size_in = item<float>(from + "size_in", b);
  const int tokens = about["N"];
  const auto n = static_cast<size_t>(tokens);
  const size_t width = x.size() / n;
  MatchOptions options;
  options.class_token = about["cls"];
  options.distill_token = about["dist"];
  const Matching m =
      match_tokens(metric.data(), tokens, int(metric.size() / n), 0, about["r"], options, isa);
  ASSERT_EQ(int(m.source.size()), about["r_effective"].get<int>()) << what;
  ASSERT_EQ(m.tokens_out, tokens - int(m.source.size())) << what;

  // Recorded indices count within the even and the odd tokens.
  const auto src = item<int32_t>(prefix + "src_idx", b), dst = item<int32_t>(prefix + "dst_idx", b);
  ASSERT_EQ(src.size(), m.source.size()) << what;
  for (size_t k = 0; k < src.size(); ++k) {
    EXPECT_EQ(m.source[k], 2 * src[k]) << what << " pair " << k;
    EXPECT_EQ(m.destination[k], 2 * dst[k] + 1) << what << " pair " << k;
  }
  if (!src.empty()) {
    std::vector<int32_t> rest;  // the even tokens that stay, in the order in which they leave
    for (const int32_t token : m.keeper)
      if (token % 2 == 0) rest.push_back(token / 2);
    EXPECT_EQ(rest, item<int32_t>(prefix + "unm_idx", b)) << what;
  }
  TokenGroups own(tokens);
  if (!groups) groups = &own;
  groups->apply(m);
  EXPECT_EQ(groups->group(), item<int32_t>(prefix + "group_of_token", b)) << what;

  const auto rows = static_cast<size_t>(m.tokens_out);
  std::vector<float> y(rows * width), sizes(rows), back(n * width);
  merge_weighted(m, x.data(), size_in.empty() ? nullptr : size_in.data(), width, y.data(),
                 sizes.data());
  expect_near(y, item<float>(prefix + "wavg", b), 5e-6f, what + " wavg");
  EXPECT_EQ(sizes, item<float>(prefix + "size_out", b)) << what;
  if (golden().contains(prefix + "unmerged") && !about["dist"].get<bool>()) {
    unmerge_rows(m, y.data(), width, back.data());
    expect_near(back, item<float>(prefix + "unmerged", b), 5e-6f, what + " unmerged");
  }
  if (golden().contains(prefix + "mean") && size_in.empty()) {
    merge_rows(m, x.data(), width, MergeMode::mean, y.data());
    expect_near(y, item<float>(prefix + "mean", b), 5e-6f, what + " mean");
    merge_rows(m, x.data(), width, MergeMode::amax, y.data());
    expect_near(y, item<float>(prefix + "amax", b), 0, what + " amax");
  }
}

TEST(TomeGolden, BipartiteMatchingAndMerging) {
  int cases = 0;
  for (const auto& [key, about] : manifest().items()) {
    if (key.back() != '/') continue;
    const std::string name = key.substr(0, key.size() - 1);
    // Another test: chains, kth and random. The reference's unstable order of exact ties is its
    // own.
    if (name.find("chain") == 0 || name.find("kth") == 0 || name.find("randbip") == 0) continue;
    if (name.find("_refargsort") != std::string::npos) continue;
    std::string inputs = name;
    if (const size_t at = name.find("_stable"); at != std::string::npos)
      inputs = name.substr(0, at) + "_refargsort";
    const int64_t batch = golden().entry(name + "/wavg").shape[0];
    for (const Isa isa : isas())
      for (int64_t b = 0; b < batch; ++b) {
        check_case(name, inputs, b, isa, nullptr);
        ++cases;
      }
  }
  EXPECT_GE(cases, 25 * int(isas().size()));
}

TEST(TomeGolden, TiesMergeTheSameScoresAsTheReference) {
  for (const std::string name : {"ties_n48_r12", "allsame_n40_r15"}) {
    const std::vector<float> metric = item<float>(name + "_refargsort/metric", 0);
    const Json& about = manifest()[name + "_stable/"];
    const int tokens = about["N"];
    const auto who = candidates(tokens, 1, {});
    const int width = int(metric.size()) / tokens;
    const auto best =
        best_partners(metric.data(), tokens, width, 0, who.a, who.b, Distance::cosine);
    const auto scores = [&](const std::string& key) {
      std::vector<float> merged;
      for (const int32_t i : item<int32_t>(name + key + "/src_idx", 0))
        merged.push_back(best.score[size_t(i)]);
      std::sort(merged.begin(), merged.end());
      return merged;
    };
    expect_near(scores("_stable"), scores("_refargsort"), 1e-6f, name);
    const auto src = item<int32_t>(name + "_refargsort/src_idx", 0);
    const auto dst = item<int32_t>(name + "_refargsort/dst_idx", 0);
    for (size_t k = 0; k < src.size(); ++k)
      EXPECT_EQ(best.partner[size_t(src[k])], dst[k]) << name;
  }
}

TEST(TomeGolden, ChainsOfLayers) {
  for (const std::string chain : {"chain_video256_r24x6", "chain_cls65", "chain_n197_parse_r"})
    for (const Isa isa : isas()) {
      const auto schedule = golden().read<int32_t>(chain + "/r_schedule");
      const auto tokens = static_cast<int>(golden().entry(chain + "/x0").shape[1]);
      TokenGroups groups(tokens);
      for (size_t l = 0; l < schedule.size(); ++l) {
        const std::string name = chain + "/L" + (l < 10 ? "0" : "") + std::to_string(l);
        EXPECT_EQ(manifest()[name + "/"]["r"].get<int>(), schedule[l]);
        check_case(name, name, 0, isa, &groups);
      }
      // The reference's merge_source says the same with an N x N matrix.
      const auto source = golden().read<uint8_t>(chain + "/source_final");
      ASSERT_EQ(source.size(), size_t(groups.rows()) * size_t(tokens));
      for (size_t i = 0; i < size_t(tokens); ++i)
        for (size_t j = 0; j < size_t(groups.rows()); ++j)
          ASSERT_EQ(source[j * size_t(tokens) + i], groups.group()[i] == int(j) ? 1 : 0);
      for (size_t j = 0; j < groups.roots().size(); ++j)  // a root stands in its own group
        EXPECT_EQ(groups.group()[size_t(groups.roots()[j])], int(j));
    }
}

TEST(TomeGolden, KthMatching) {
  for (const std::string name : {"kth2_n64", "kth3_n64", "kth4_n66", "kth2_n65"})
    for (const Isa isa : isas())
      for (int64_t b = 0; b < 2; ++b) {
        const auto metric = item<float>(name + "/metric", b), x = item<float>(name + "/x", b);
        const auto tokens = static_cast<int>(golden().entry(name + "/x").shape[1]);
        const size_t width = x.size() / size_t(tokens);
        MatchOptions options;
        options.method = MatchMethod::kth;
        options.k = manifest()[name + "/"]["k"];
        options.drop_tail = true;
        const Matching m =
            match_tokens(metric.data(), tokens, int(metric.size()) / tokens, 0, 1, options, isa);
        const int kept = manifest()[name + "/"]["N_out"];
        ASSERT_EQ(m.tokens_out, kept) << name;
        const auto dst = item<int32_t>(name + "/dst_idx", b);
        ASSERT_EQ(dst.size(), m.destination.size());
        for (size_t i = 0; i < dst.size(); ++i)
          EXPECT_EQ(m.row[size_t(m.source[i])], dst[i]);
        std::vector<float> y(size_t(kept) * width), back(size_t(tokens) * width, 7);
        merge_rows(m, x.data(), width, MergeMode::mean, y.data());
        expect_near(y, item<float>(name + "/mean", b), 5e-6f, name);
        unmerge_rows(m, y.data(), width, back.data());
        const auto unmerged = item<float>(name + "/unmerged", b);
        for (size_t i = unmerged.size(); i < back.size(); ++i)
          EXPECT_EQ(back[i], 0);  // dropped
        back.resize(unmerged.size());
        expect_near(back, unmerged, 5e-6f, name);

        options.drop_tail = false;  // what is right keeps the tail
        const Matching whole =
            match_tokens(metric.data(), tokens, int(metric.size()) / tokens, 0, 1, options, isa);
        EXPECT_EQ(whole.tokens_out, kept + tokens % options.k);
      }
}

TEST(TomeGolden, RandomMatching) {
  const std::string name = "randbip_n50_r12/";
  for (const Isa isa : isas())
    for (int64_t b = 0; b < 2; ++b) {
      const auto metric = item<float>(name + "metric", b), x = item<float>(name + "x", b);
      Candidates who;
      who.a = item<int32_t>(name + "a_idx", b);
      who.b = item<int32_t>(name + "b_idx", b);
      MatchOptions options;
      options.method = MatchMethod::random;
      const Matching m = decide(
          50, 12, who, best_partners(metric.data(), 50, 32, 0, who.a, who.b, Distance::cosine, isa),
          options);
      const auto dst = item<int32_t>(name + "dst_idx", b);
      for (size_t i = 0; i < dst.size(); ++i)
        EXPECT_EQ(m.destination[i], who.b[size_t(dst[i])]);
      std::vector<float> y(38 * 8), back(50 * 8);
      merge_rows(m, x.data(), 8, MergeMode::mean, y.data());
      expect_near(y, item<float>(name + "mean", b), 5e-6f, name);
      unmerge_rows(m, y.data(), 8, back.data());
      expect_near(back, item<float>(name + "unmerged", b), 5e-6f, name);
    }
}

TEST(TomeGolden, Schedules) {
  int checked = 0;
  for (const auto& [key, expected] : manifest()["parse_r"].items()) {
    const auto parts = split(key, '|');
    const int layers = std::stoi(parts[0]);
    std::string text;  // "(16, -1.0)" is written 16,-1.0
    for (const char c : parts[1])
      if (c != '(' && c != ')' && c != ' ') text += c;
    const MergeSchedule schedule = parse_schedule(text);
    EXPECT_EQ(parse_schedule(schedule.text()), schedule) << key;
    if (expected.is_string()) {
      EXPECT_EQ(schedule.layers(layers), std::vector<int>{4}) << key;  // the reference divides by 0
    } else if (expected.size() > size_t(layers)) {
      EXPECT_THROW(schedule.layers(layers), Error) << key;  // the reference ignores the rest
    } else {
      EXPECT_EQ(schedule.layers(layers), expected.get<std::vector<int>>()) << key;
    }
    ++checked;
  }
  EXPECT_GE(checked, 15);
}

TEST(TomeGolden, Visualisation) {
  const SafetensorsReader reader(kFolder + "tome_vis.safetensors");
  const auto input = reader.read<uint8_t>("vis/input_u8"),
             output = reader.read<uint8_t>("vis/output_u8");
  const auto group = reader.read<int32_t>("vis/source_group");
  std::vector<double> colours(64 * 3);
  reader.read_raw("vis/colormap_f64", colours.data());
  const auto ours = border_colours(64);
  for (size_t i = 0; i < colours.size(); ++i)
    ASSERT_EQ(ours[i / 3][i % 3], colours[i]) << i;

  const ClipView clip{input.data(), 1, 96, 96};
  const Grid grid = grid_of(clip, 1, 16);
  const auto picture = group_picture(clip, grid, groups_on_grid(group, 1, grid));
  EXPECT_EQ(picture, output);
}

}  // namespace
}  // namespace looktwice::tokens
