// The tiny transformers against the published implementations' outputs (tests/golden/tokens), on
// every backend and dtype of this machine.

#include <cmath>
#include <filesystem>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/error.h"
#include "base/json.h"
#include "base/safetensors.h"
#include "models/classifier.h"
#include "tokens/rlt.h"
#include "tokens/tome_schedule.h"
#include "trace/group_rows.h"

namespace looktwice::models {
namespace {

const std::string kGolden = std::string(LT_TEST_DATA) + "/golden/tokens/";

struct Machine {
  const char* backend;
  DType dtype;
  double logits;  // tolerance
};

void PrintTo(const Machine& m, std::ostream* out) {
  *out << m.backend << " " << dtype_name(m.dtype);
}

std::vector<Machine> machines() {
  std::vector<Machine> all{{"reference", DType::f32, 5e-5}};
  for (const auto& info : compute::list_backends())
    if (info.name == "onednn" && info.available) {
      all.push_back({"onednn", DType::f32, 5e-5});
      all.push_back({"onednn", DType::bf16, 3e-2});
    } else if (info.name == "cuda" && info.available) {
      all.push_back({"cuda", DType::f32, 1e-4});
      all.push_back({"cuda", DType::bf16, 3e-2});
      all.push_back({"cuda", DType::f16, 3e-2});
    }
  return all;
}

double largest_difference(const std::vector<float>& a, const float* b) {
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i)
    worst = std::max(worst, std::fabs(double(a[i]) - b[i]));
  return worst;
}

class VitGolden : public testing::TestWithParam<Machine> {
 protected:
  std::unique_ptr<Classifier> open(const std::string& folder) {
    return load(kGolden + folder, compute::make_backend({GetParam().backend, GetParam().dtype, 0}));
  }
  bool exact() const { return GetParam().dtype == DType::f32; }
};

INSTANTIATE_TEST_SUITE_P(Backends, VitGolden, testing::ValuesIn(machines()), [](const auto& p) {
  return std::string(p.param.backend) + "_" + dtype_name(p.param.dtype);
});

struct VideoCases {
  SafetensorsReader file{kGolden + "tiny_vit_cases.safetensors"};
  std::vector<uint8_t> frames = file.read<uint8_t>("frames_u8");  // [2,8,64,64,3]
  static constexpr size_t kClip = 8 * 64 * 64 * 3;
  ClipInput clip(size_t b) const { return {{frames.data() + b * kClip, 8, 64, 64}, {}}; }
};

TEST_P(VitGolden, DenseVideoMaeGivesEveryBlockAndTheLogits) {
  const VideoCases g;
  const auto model = open("tiny_videomae");
  Reduction r;
  r.want_hidden = true;
  const ClipInput clips[] = {g.clip(0), g.clip(1)};
  const Result result = model->classify(clips, r);
  for (size_t b = 0; b < 2; ++b) {
    for (int l = 0; l < 3; ++l) {
      const auto want = g.file.read<float>("videomae/block" + std::to_string(l));
      EXPECT_LT(
          largest_difference(result.clips[b].hidden[size_t(l) + 1], want.data() + b * 64 * 48),
          exact() ? 1e-4 : 0.15)
          << "clip " << b << " block " << l;
    }
    const auto logits = g.file.read<float>("videomae/logits");
    EXPECT_LT(largest_difference(result.clips[b].logits, logits.data() + b * 10),
              GetParam().logits);
    EXPECT_EQ(result.clips[b].tokens, (std::vector<int32_t>{64, 64, 64, 64}));
  }
}

TEST_P(VitGolden, RltPacksTheKeptTokensOfBothClips) {
  const VideoCases g;
  const auto model = open("tiny_videomae");
  for (const auto& [name, tau, eps] :
       {std::tuple{"tau0.1_eps1e-6", 0.1f, 1e-6}, std::tuple{"tau0.0_eps1e-5", 0.0f, 1e-5},
        std::tuple{"tau0.1_eps1e-5_repo_default", 0.1f, 1e-5},
        std::tuple{"none_eps1e-6", -1.0f, 1e-6}}) {
    const std::string at = std::string("rlt/") + name;
    const auto masks = g.file.read<uint8_t>(at + "/mask");
    std::vector<std::vector<uint8_t>> keep;
    std::vector<ClipInput> clips;
    for (size_t b = 0; b < 2; ++b) {
      const auto clip = g.clip(b);
      const auto grid = model->grid(8, 64, 64);
      keep.push_back(tau < 0
                         ? std::vector<uint8_t>(64, 1)
                         : tokens::rlt_keep(tokens::rlt_differences(clip.frames, grid), grid, tau));
      EXPECT_TRUE(std::equal(keep[b].begin(), keep[b].end(), masks.begin() + long(b) * 64));
    }
    for (size_t b = 0; b < 2; ++b) {
      clips.push_back(g.clip(b));
      clips[b].keep = keep[b];
    }
    Reduction r;
    r.norm_eps = eps;
    const Result result = model->classify(clips, r);
    const auto logits = g.file.read<float>(at + "/logits");
    const auto count = g.file.read<int32_t>(at + "/num_tokens");
    for (size_t b = 0; b < 2; ++b) {
      EXPECT_LT(largest_difference(result.clips[b].logits, logits.data() + b * 10),
                GetParam().logits)
          << name << " clip " << b;
      EXPECT_EQ(result.clips[b].tokens.front(), count[b]);
    }
  }
}

TEST_P(VitGolden, ToMeMergesTheSameTokens) {
  const VideoCases g;
  const auto model = open("tiny_videomae");
  for (const auto& [name, schedule] : {std::pair{"r8", std::vector<int>{8, 8, 8}},
                                       std::pair{"r16_decr", std::vector<int>{32, 16, 0}},
                                       std::pair{"r_list_20_0_6", std::vector<int>{20, 0, 6}}}) {
    const std::string at = std::string("tome/") + name;
    Reduction r;
    r.merge = schedule;
    r.norm_eps = 1e-5;
    r.want_groups = r.want_hidden = true;
    const ClipInput clips[] = {g.clip(0), g.clip(1)};
    const Result weighted = model->classify(clips, r);
    r.pool = Pool::unweighted;
    const Result unweighted = model->classify(clips, r);
    const auto group = g.file.read<int32_t>(at + "/group_of_token");
    const auto size = g.file.read<float>(at + "/size");
    const auto by_size = g.file.read<float>(at + "/logits_size_weighted_pool");
    const auto plain = g.file.read<float>(at + "/logits_repo_unweighted_pool");
    for (size_t b = 0; b < 2; ++b) {
      const ClipResult& clip = weighted.clips[b];
      if (exact()) {
        EXPECT_TRUE(std::equal(group.begin() + long(b) * 64, group.begin() + long(b + 1) * 64,
                               clip.groups.back().begin(), clip.groups.back().end()))
            << name;
        const size_t n = size.size() / 2;
        ASSERT_EQ(clip.size.size(), n);
        EXPECT_EQ(largest_difference(clip.size, size.data() + b * n), 0.0);
        for (int l = 0; l < 3; ++l) {
          const auto tokens = g.file.read<float>(at + "/L" + std::to_string(l) + "/tokens_out");
          const size_t each = tokens.size() / 2;
          ASSERT_EQ(clip.hidden[size_t(l) + 1].size(), each);
          EXPECT_LT(largest_difference(clip.hidden[size_t(l) + 1], tokens.data() + b * each), 1e-4)
              << name << " layer " << l;
        }
        EXPECT_LT(largest_difference(clip.logits, by_size.data() + b * 10), 5e-5) << name;
        EXPECT_LT(largest_difference(unweighted.clips[b].logits, plain.data() + b * 10), 5e-5)
            << name;
      }
      // In bfloat16 near-equal scores may fall the other way; what must hold is bookkeeping.
      float total = 0;
      for (float s : clip.size)
        total += s;
      EXPECT_EQ(total, 64.0f);
    }
  }
}

struct ImageCases {
  SafetensorsReader file{kGolden + "tiny_timm_cases.safetensors"};
  std::vector<uint8_t> images = file.read<uint8_t>("img_u8");  // [2,96,96,3]
  ClipInput clip(size_t b) const { return {{images.data() + b * 96 * 96 * 3, 1, 96, 96}, {}}; }
};

TEST_P(VitGolden, TimmClassTokenModelWithToMe) {
  const ImageCases g;
  const auto model = open("tiny_timm");
  for (int prop : {0, 1})
    for (const std::string schedule : {"0", "4", "6,-1"}) {
      const std::string at = "timm/prop" + std::to_string(prop) + "_r" +
                             (schedule == "6,-1" ? std::string("(6, -1.0)") : schedule);
      Reduction r;
      r.merge = schedule == "6,-1" ? std::vector<int>{12, 6, 0}
                                   : std::vector<int>(3, std::stoi(schedule));
      r.proportional_attention = prop ? Choice::on : Choice::off;
      r.want_groups = true;
      const ClipInput clips[] = {g.clip(0), g.clip(1)};
      const Result result = model->classify(clips, r);
      const auto logits = g.file.read<float>(at + "/logits");
      for (size_t b = 0; b < 2; ++b) {
        if (!exact() && schedule != "0") continue;
        EXPECT_LT(largest_difference(result.clips[b].logits, logits.data() + b * 10),
                  GetParam().logits)
            << at;
        if (schedule == "0") continue;
        // A saved trace tells the rows of a class-token model as the model had them.
        trace::ClipTrace saved;
        saved.t = 1;
        saved.h = saved.w = 6;
        saved.extra_tokens = 1;
        saved.layers = result.clips[b].layers;
        for (int l = 1; l <= 3; ++l)
          EXPECT_EQ(trace::group_rows(saved, l), result.clips[b].groups[size_t(l) - 1]) << at;
        const auto group = g.file.read<int32_t>(at + "/group_of_token");
        EXPECT_TRUE(std::equal(group.begin() + long(b) * 37, group.begin() + long(b + 1) * 37,
                               result.clips[b].groups.back().begin(),
                               result.clips[b].groups.back().end()))
            << at;
      }
    }
}

TEST_P(VitGolden, MaeFineTunedModelPoolsItsPatchesBySize) {
  // The same weights read as a model that averages its patches.
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(testing::TempDir()) / ("mae_" + std::to_string(getpid()));
  fs::create_directories(folder);
  fs::copy_file(kGolden + "tiny_timm/model.safetensors", folder / "model.safetensors",
                fs::copy_options::overwrite_existing);
  Json config = read_json(kGolden + "tiny_timm/config.json");
  config["global_pool"] = "avg";
  write_json((folder / "config.json").string(), config);
  const ImageCases g;
  const auto model = load(folder, compute::make_backend({GetParam().backend, GetParam().dtype, 0}));
  fs::remove_all(folder);
  for (const std::string name : {"prop0_r0", "prop0_r4", "prop1_r4", "prop0_r(6, -1.0)"}) {
    Reduction r;
    if (name.ends_with("r4")) r.merge = {4, 4, 4};
    if (name.ends_with(")")) r.merge = {12, 6, 0};
    // Left to itself, a MAE model does without proportional attention.
    if (name.starts_with("prop1")) r.proportional_attention = Choice::on;
    if (!exact() && !r.merge.empty()) continue;
    const ClipInput clips[] = {g.clip(0), g.clip(1)};
    const Result result = model->classify(clips, r);
    const auto logits = g.file.read<float>("mae/" + name + "/logits");
    for (size_t b = 0; b < 2; ++b)
      EXPECT_LT(largest_difference(result.clips[b].logits, logits.data() + b * 10),
                GetParam().logits)
          << name;
  }
}

TEST_P(VitGolden, LengthEncodingAlignedAndAsPublished) {
  namespace fs = std::filesystem;
  const VideoCases g;
  const fs::path folder = fs::path(testing::TempDir()) / ("length_" + std::to_string(getpid()));
  fs::create_directories(folder);
  {
    SafetensorsReader plain(kGolden + "tiny_videomae/model.safetensors");
    std::map<std::string, std::vector<float>> values;
    std::map<std::string, TensorView> views;
    for (const auto& [name, entry] : plain.tensors()) {
      values[name] = plain.read<float>(name);
      views[name] = {DType::f32, entry.shape, values[name].data()};
    }
    values["length_embed"] = g.file.read<float>("rlt/length_embed");
    views["length_embed"] = {DType::f32, {1, 4, 48}, values["length_embed"].data()};
    write_safetensors(folder / "model.safetensors", views);
    fs::copy_file(kGolden + "tiny_videomae/config.json", folder / "config.json",
                  fs::copy_options::overwrite_existing);
  }
  const auto model = load(folder, compute::make_backend({GetParam().backend, GetParam().dtype, 0}));
  fs::remove_all(folder);
  ASSERT_TRUE(model->has_length_table());
  for (const auto& [name, order] : {std::pair{"aligned", tokens::LengthOrder::aligned},
                                    std::pair{"ref_order", tokens::LengthOrder::reference}}) {
    const std::string at = std::string("rlt/tau0.1_len_") + name;
    const auto masks = g.file.read<uint8_t>(at + "/mask");
    const auto logits = g.file.read<float>(at + "/logits");
    const auto used = g.file.read<int32_t>(at + "/lengths_used");
    size_t first = 0;
    for (size_t b = 0; b < 2; ++b) {
      ClipInput clip = g.clip(b);
      clip.keep = std::span(masks).subspan(b * 64, 64);
      Reduction r;
      r.length_order = order;
      r.norm_eps = 1e-5;
      r.run_length_sizes = true;
      const Result result = model->classify({&clip, 1}, r);
      EXPECT_LT(largest_difference(result.clips[0].logits, logits.data() + b * 10),
                GetParam().logits)
          << name;
      const auto& sizes = result.clips[0].initial_size;
      for (size_t i = 0; i < sizes.size(); ++i)
        EXPECT_EQ(sizes[i], float(used[first + i]));
      first += sizes.size();
    }
  }
}

TEST_P(VitGolden, PackingEqualsRunningClipsOneByOneInAnyOrder) {
  const VideoCases g;
  const auto model = open("tiny_videomae");
  std::vector<std::vector<uint8_t>> keep(3, std::vector<uint8_t>(64, 0));
  for (size_t i = 0; i < 64; ++i) {
    keep[0][i] = 1;
    keep[1][i] = i < 16 || i % 3 == 0;
    keep[2][i] = i < 16;
  }
  Reduction r;
  r.merge = {5, 0, 9};
  std::vector<ClipInput> clips;
  for (size_t b = 0; b < 3; ++b) {
    clips.push_back(g.clip(b % 2));
    clips[b].keep = keep[b];
  }
  const Result packed = model->classify(clips, r);
  const ClipInput turned[] = {clips[2], clips[0], clips[1]};
  const Result other = model->classify(turned, r);
  for (size_t b = 0; b < 3; ++b) {
    const Result alone = model->classify({&clips[b], 1}, r);
    const double tolerance = exact() ? 1e-5 : 3e-2;
    EXPECT_LT(largest_difference(packed.clips[b].logits, alone.clips[0].logits.data()), tolerance);
    EXPECT_LT(largest_difference(packed.clips[b].logits, other.clips[(b + 1) % 3].logits.data()),
              tolerance);
    EXPECT_EQ(packed.clips[b].tokens, alone.clips[0].tokens);
    float total = 0;
    for (float size : packed.clips[b].size)
      total += size;
    EXPECT_EQ(total, float(packed.clips[b].tokens.front()));
  }
}

TEST_P(VitGolden, ThreadsChangeNothing) {
  const VideoCases g;
  const ClipInput clips[] = {g.clip(0), g.clip(1)};
  Reduction r;
  r.merge = {8, 8, 8};
  r.want_groups = true;
  std::vector<Result> runs;
  for (const int threads : {1, 2}) {
    const auto backend = compute::make_backend({GetParam().backend, GetParam().dtype, threads});
    runs.push_back(load(kGolden + "tiny_videomae", backend)->classify(clips, r));
  }
  for (size_t b = 0; b < 2; ++b) {
    EXPECT_EQ(runs[0].clips[b].groups, runs[1].clips[b].groups);
    EXPECT_EQ(runs[0].clips[b].size, runs[1].clips[b].size);
    EXPECT_EQ(runs[0].clips[b].logits, runs[1].clips[b].logits) << "bit for bit";
  }
}

TEST_P(VitGolden, SizesSumToWhatTheyStartedFrom) {
  const VideoCases g;
  const auto model = open("tiny_videomae");
  ClipInput clip = g.clip(0);
  // Runs of the last place of every tubelet go on for all four; the others are kept one by one.
  std::vector<uint8_t> keep(64, 1);
  for (size_t t = 1; t < 4; ++t)
    keep[t * 16 + 15] = keep[t * 16 + 3] = 0;
  clip.keep = keep;
  for (const auto method :
       {tokens::MatchMethod::bipartite, tokens::MatchMethod::kth, tokens::MatchMethod::random}) {
    Reduction r;
    r.merge = {9, 4, 30};
    r.run_length_sizes = true;
    r.match.method = method;
    const auto result = model->classify({&clip, 1}, r).clips[0];
    float seeded = 0, total = 0, lost = 0;
    for (const float size : result.initial_size)
      seeded += size;
    for (const float size : result.size)
      total += size;
    // The matching with every k-th token drops its tail.
    trace::ClipTrace trace;
    trace.t = trace.h = trace.w = 4;
    trace.has_rlt = true;
    trace.keep = keep;
    trace.initial_size = result.initial_size;
    trace.layers = result.layers;
    const auto roots = trace::group_roots(trace);
    for (size_t i = 0; i < roots.size(); ++i)
      if (roots[i] < 0) lost += result.initial_size[i];
    EXPECT_EQ(seeded, 64.0f);
    EXPECT_EQ(total + lost, seeded);
    if (method != tokens::MatchMethod::kth) {
      EXPECT_EQ(lost, 0.0f);
    }
  }
}

TEST_P(VitGolden, MergingNothingChangesNothing) {
  const VideoCases g;
  const auto model = open("tiny_videomae");
  const ClipInput clip = g.clip(0);
  Reduction r;
  const auto plain = model->classify({&clip, 1}, r);
  r.merge = {0, 0, 0};
  EXPECT_EQ(model->classify({&clip, 1}, r).clips[0].logits, plain.clips[0].logits);
}

TEST_P(VitGolden, WhatTheModelCannotDoIsNamed) {
  const VideoCases g;
  const auto model = open("tiny_videomae");
  const ClipInput clip = g.clip(0);
  const auto refused = [&](const ClipInput& input, const Reduction& r, const char* part) {
    try {
      model->classify({&input, 1}, r);
      ADD_FAILURE() << part << " was accepted";
    } catch (const Error& e) {
      EXPECT_EQ(e.exit_code(), 2);
      EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
    }
  };
  Reduction r;
  r.merge = {1, 1, 1, 1};
  refused(clip, r, "4 entries");
  r = {};
  r.length_encoding = Choice::on;
  refused(clip, r, "--length-encoding");
  r = {};
  r.norm_eps = -1;
  refused(clip, r, "--ln-eps");
  const std::vector<uint8_t> none(64, 0);
  ClipInput empty = clip;
  empty.keep = none;
  refused(empty, {}, "keeps no token");
  ClipInput odd = clip;
  odd.frames.T = 7;
  refused(odd, {}, "7");
  // More than can be merged is capped, as in the published code, and said.
  r = {};
  r.merge = {60, 60, 60};
  const Result capped = model->classify({&clip, 1}, r);
  EXPECT_EQ(capped.clips[0].tokens, (std::vector<int32_t>{64, 32, 16, 8}));
  EXPECT_TRUE(capped.notes.contains("merge_capped"));
}

TEST_P(VitGolden, AStoppedRunThrowsAndTheNextOneRuns) {
  const VideoCases g;
  const auto model = open("tiny_videomae");
  const ClipInput clip = g.clip(0);
  const auto before = model->classify({&clip, 1}, {});
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(model->classify({&clip, 1}, {}, stop.get_token()), Cancelled);
  EXPECT_EQ(model->classify({&clip, 1}, {}).clips[0].logits, before.clips[0].logits);
}

}  // namespace
}  // namespace looktwice::models
