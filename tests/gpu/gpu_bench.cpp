// Measures the CUDA backend and writes one JSON object; tests/gpu/run sets it beside PyTorch.
//   gpu_bench --json FILE [--quick] [--only WORD]
// Times are medians over repeats of whole passes, the device waited for at both ends. Inputs are
// random, never zeros; outputs that are not finite end the program.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "compute/backend.h"
#include "compute/token_ops.h"
#include "models/stdit3/stdit3.h"
#include "models/vit_blocks.h"

namespace {

using namespace looktwice;
using compute::Backend;
using compute::BackendPtr;
using compute::Tensor;

bool quick = false;
std::string only;

/// Bell-shaped random numbers; slices of one large buffer, so that large models are made quickly.
Tensor random(compute::Shape shape, float scale) {
  static const std::vector<float> pool = [] {
    std::vector<float> v(size_t{1} << 22);
    std::mt19937 engine(1);
    std::normal_distribution<float> normal;
    for (float& x : v)
      x = normal(engine);
    return v;
  }();
  static size_t at = 0;
  Tensor t(std::move(shape), DType::f32);
  float* to = t.data<float>();
  const auto count = size_t(t.elements());
  size_t from = at % pool.size();
  for (size_t done = 0; done < count; from = 0) {
    const size_t n = std::min(pool.size() - from, count - done);
    for (size_t i = 0; i < n; ++i)
      to[done + i] = pool[from + i] * scale;
    done += n;
  }
  at += 104729;  // the next tensor begins elsewhere
  return t;
}

compute::LinearPtr random_linear(Backend& b, int64_t out, int64_t in, bool bias = true) {
  return b.prepare(random({out, in}, 1.0f / std::sqrt(float(in))),
                   bias ? random({out}, 0.02f) : Tensor{});
}

double median_ms(Backend& b, const std::function<void()>& pass, int repeats) {
  if (quick) repeats = std::min(repeats, 5);
  for (int i = 0; i < 3; ++i)
    pass();
  b.synchronize();
  std::vector<double> times;
  for (int i = 0; i < repeats; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    pass();
    b.synchronize();
    times.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
            .count());
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

void finite(Backend& b, const Tensor& t, const char* what) {
  for (float v : b.download_f32(t))
    if (!std::isfinite(v)) throw run_failed("gpu_bench", std::string(what) + " is not finite");
}

BackendPtr cuda(DType dtype) {
  compute::BackendOptions options;
  options.name = "cuda";
  options.dtype = dtype;
  return compute::make_backend(options);
}

/// The two ceilings that times are set against.
Json ceilings(Backend& b) {
  const int64_t n = quick ? 2048 : 8192;
  const Tensor x = b.upload(random({n, n}, 1), DType::bf16), y = b.empty({n, n}, DType::bf16);
  const auto w = random_linear(b, n, n, false);
  const double product = median_ms(
      b, [&] { b.linear(y, x, *w); }, 20);
  const int64_t rows = quick ? 1 << 14 : 1 << 18;
  const Tensor from = b.upload(random({rows, 4096}, 1), DType::bf16);
  const Tensor to = b.empty({rows, 4096}, DType::bf16);
  const double copy = median_ms(
      b, [&] { b.copy(to, from); }, 20);
  return {{"matmul_bf16_tflops", 2e-9 * double(n) * double(n) * double(n) / product},
          {"copy_gb_per_s", 2e-6 * double(from.bytes()) / copy}};
}

struct VitSize {
  const char* name;
  int hidden, layers, heads;
};
const VitSize kVits[] = {{"ViT-B", 768, 12, 12}, {"ViT-L", 1024, 24, 16}, {"ViT-H", 1280, 32, 16}};

struct VitModel {
  checkpoint::VitConfig config;
  models::BlockStack stack;
};

VitModel make_vit(Backend& b, const VitSize& size) {
  checkpoint::VitConfig c;
  c.hidden = size.hidden;
  c.layers = size.layers;
  c.heads = size.heads;
  c.mlp = 4 * size.hidden;
  std::vector<models::BlockWeights> blocks;
  for (int i = 0; i < size.layers; ++i) {
    models::BlockWeights w;
    const auto norm = [&] {
      models::NormWeights n;
      n.weight = b.upload(random({c.hidden}, 0.5f));
      n.bias = b.upload(random({c.hidden}, 0.02f));
      return n;
    };
    w.norm1 = norm();
    w.norm2 = norm();
    w.qkv = random_linear(b, 3 * c.hidden, c.hidden);
    w.proj = random_linear(b, c.hidden, c.hidden);
    w.fc1 = random_linear(b, c.mlp, c.hidden);
    w.fc2 = random_linear(b, c.hidden, c.mlp);
    blocks.push_back(std::move(w));
  }
  return {c, models::BlockStack(c, std::move(blocks))};
}

/// One pass of the blocks over packed clips.
double vit_ms(Backend& b, const VitModel& m, const std::vector<int>& lengths, int merge,
              int repeats) {
  std::vector<int32_t> offset{0};
  for (int n : lengths)
    offset.push_back(offset.back() + n);
  const Tensor x = b.upload(random({offset.back(), m.config.hidden}, 1));
  models::Reduction reduction;
  if (merge) reduction.merge.assign(size_t(m.config.layers), merge);
  models::PackedTokens tokens;
  const auto pass = [&] {
    tokens.x = b.empty(x.shape(), DType::f32);
    b.copy(tokens.x, x);
    tokens.offset = offset;
    tokens.size.assign(lengths.size(), {});
    models::Result result;
    result.clips.resize(lengths.size());
    m.stack.run(b, tokens, reduction, result);
  };
  const double ms = median_ms(b, pass, repeats);
  finite(b, tokens.x, "a ViT's output");
  return ms;
}

double flops_of(const VitModel& m, const std::vector<int>& lengths, bool attention) {
  double all = 0;
  for (int n : lengths)
    all += m.config.layers *
           (attention ? 4.0 * n * n * m.config.hidden
                      : models::block_flops(m.config, n, n) - 4.0 * n * n * m.config.hidden);
  return all;
}

void vits(Backend& b, Json& list, const std::function<void()>& save) {
  list = Json::array();
  for (const VitSize& size : kVits) {
    const VitModel m = make_vit(b, size);
    const auto add = [&](const std::string& what, const std::vector<int>& lengths, int merge) {
      const double ms = vit_ms(b, m, lengths, merge, lengths.size() > 8 ? 10 : 30);
      const double linear = flops_of(m, lengths, false), attention = flops_of(m, lengths, true);
      list.push_back({{"model", size.name},
                      {"case", what},
                      {"lengths", lengths},
                      {"merge", merge},
                      {"ms", ms},
                      {"tflops", merge ? 0.0 : (linear + attention) * 1e-9 / ms},
                      {"linear_flops", linear},
                      {"attention_flops", attention}});
      std::fprintf(stderr, "%s %s %.3f ms\n", size.name, what.c_str(), ms);
      save();
    };
    const int large = quick ? 2 : 32;
    add("dense batch 1", {1568}, 0);
    add("dense batch " + std::to_string(large), std::vector<int>(size_t(large), 1568), 0);
    add("half the tokens batch " + std::to_string(large), std::vector<int>(size_t(large), 784), 0);
    add("30% of the tokens batch " + std::to_string(large), std::vector<int>(size_t(large), 470),
        0);
    std::vector<int> mixed;
    for (int i = 0; i < large; ++i)
      mixed.push_back(196 + (i * 601) % 1372);
    add("packed, mixed keep ratios, batch " + std::to_string(large), mixed, 0);
    if (size.hidden == 1024) {
      add("ToMe r=65 batch 1", {1568}, 65);
      add("ToMe r=65 batch " + std::to_string(large), std::vector<int>(size_t(large), 1568), 65);
    }
  }
}

Json rlt(Backend& b) {
  compute::TokenOps* ops = b.token_ops();
  if (!ops) return {{"error", "decisions on the device are switched off"}};
  compute::RltFrames f;
  f.clips = quick ? 4 : 256;
  f.T = 16;
  f.H = f.W = 224;
  const double std_of[3] = {0.229, 0.224, 0.225};
  for (int c = 0; c < 3; ++c)
    f.scale[c] = 1.0 / (255.0 * std_of[c] * 3.0 * 256.0);
  std::vector<uint8_t> rgb(size_t(f.clips) * 16 * 224 * 224 * 3);
  std::mt19937 engine(1);
  for (auto& v : rgb)
    v = uint8_t(engine() >> 24);
  const Tensor frames = ops->upload_frames(rgb.data(), f);
  Tensor d;
  const double ms = median_ms(
      b, [&] { d = ops->rlt_differences(frames, f); }, 20);
  const double read = double(f.clips) * 7 * 2 * 224 * 224 * 3;  // seven pairs of pictures
  return {{"clips", f.clips}, {"ms", ms}, {"gb_per_s", read * 1e-6 / ms}};
}

/// All 24 matchings and merges of a ViT-L at r = 65, apart from the rest of its layers.
Json tome_of(Backend& b, int clips) {
  compute::TokenOps* ops = b.token_ops();
  constexpr int kTokens = 1568, kHidden = 1024, kLayers = 24, kMerged = 65;
  const int64_t rows = int64_t(clips) * kTokens;
  const Tensor x = b.upload(random({rows, kHidden}, 1)), y = b.empty({rows, kHidden}, DType::f32);
  const Tensor keys = b.upload(random({rows, kHidden}, 1), b.dtype());
  const Tensor metric = b.empty({rows, 64}, DType::f32);
  struct Layer {
    std::shared_ptr<compute::PlannedMerge> plan;
    compute::MergeTensors tensors;
  };
  std::vector<Layer> layers;
  Tensor size;
  for (int l = 0, n = kTokens; l < kLayers && n > 2 * kMerged; ++l, n -= kMerged) {
    compute::MergeShape shape;
    shape.search.a_offset = shape.search.b_offset = shape.in_offset = {0};
    for (int c = 0; c < clips; ++c) {
      for (int i = 0; i < n; ++i)
        (i % 2 ? shape.search.b : shape.search.a).push_back(c * n + i);
      shape.search.a_offset.push_back(int32_t(shape.search.a.size()));
      shape.search.b_offset.push_back(int32_t(shape.search.b.size()));
      shape.in_offset.push_back((c + 1) * n);
      shape.pairs.push_back(kMerged);
    }
    Layer layer;
    layer.plan = ops->plan_merge(shape);
    const int64_t in = shape.in_offset.back(), out = layer.plan->out_offset.back();
    compute::MergeTensors& t = layer.tensors;
    t.x = (l % 2 ? y : x).row_range(0, in);
    t.y = (l % 2 ? x : y).row_range(0, out);
    t.metric = metric.row_range(0, in);
    t.size = size;
    t.size_out = size = b.empty({out}, DType::f32);
    t.log_size = b.empty({out}, DType::f32);
    t.score = b.empty({layer.plan->sources}, DType::f32);
    t.partner = b.empty({layer.plan->sources}, DType::i32);
    layers.push_back(std::move(layer));
  }
  const double ms = median_ms(
      b,
      [&] {
        for (const Layer& layer : layers) {
          b.head_mean(layer.tensors.metric, keys.row_range(0, layer.tensors.metric.rows()), 16);
          ops->merge(*layer.plan, layer.tensors);
        }
      },
      20);
  return {{"clips", clips}, {"matching_and_merging_ms", ms}};
}

Json tome(Backend& b) {
  if (!b.token_ops()) return {{"error", "decisions on the device are switched off"}};
  Json list = Json::array();
  for (const int clips : {1, quick ? 2 : 32})
    list.push_back(tome_of(b, clips));
  return list;
}

/// STDiT3-XL/2 at 480p, 51 frames, both halves of the guidance in one batch; random weights.
Json stdit3(BackendPtr b) {
  using namespace models;
  auto model = std::make_shared<Stdit3>();
  Stdit3Config c;
  if (quick) c.depth = 2;
  model->config = c;
  model->backend = b;
  model->name = "random";
  const int64_t h = c.hidden;
  Backend& g = *b;
  model->patch = random_linear(g, h, c.in_channels * 4);
  model->t_fc1 = random_linear(g, h, 256);
  model->t_fc2 = random_linear(g, h, h);
  model->fps_fc1 = random_linear(g, h, 256);
  model->fps_fc2 = random_linear(g, h, h);
  model->t_block = random_linear(g, 6 * h, h);
  model->y_fc1 = random_linear(g, h, c.caption_channels);
  model->y_fc2 = random_linear(g, h, h);
  model->null_caption = random({c.caption_tokens, c.caption_channels}, 0.02f);
  for (int j = 0; j < c.head_dim() / 2; ++j)
    model->rope.push_back(float(std::pow(10000.0, -2.0 * j / c.head_dim())));
  for (int i = 0; i < 2 * c.depth; ++i) {
    Stdit3Block w;
    w.table = g.upload(random({1, 6 * h}, 0.03f));
    w.qkv = random_linear(g, 3 * h, h);
    w.proj = random_linear(g, h, h);
    w.q_norm = g.upload(random({c.head_dim()}, 0.5f));
    w.k_norm = g.upload(random({c.head_dim()}, 0.5f));
    w.cross_q = random_linear(g, h, h);
    w.cross_kv = random_linear(g, 2 * h, h);
    w.cross_proj = random_linear(g, h, h);
    w.fc1 = random_linear(g, c.mlp, h);
    w.fc2 = random_linear(g, h, c.mlp);
    model->blocks.push_back(std::move(w));
  }
  model->final_table = g.upload(random({1, 2 * h}, 0.03f));
  model->final_linear = random_linear(g, c.out_channels * 4, h);

  Stdit3Inputs in;
  in.batch = 2;
  in.frames = quick ? 4 : 15;
  in.height = quick ? 16 : 60;
  in.width = quick ? 16 : 106;
  in.caption = random({2, c.caption_tokens, c.caption_channels}, 0.1f);
  in.caption_mask.assign(size_t(2 * c.caption_tokens), 1);
  in.fps = {24, 24};
  in.pixel_height = 480;
  in.pixel_width = 854;
  Stdit3Run run(model, in);
  const Tensor latents = random({2, c.in_channels, in.frames, in.height, in.width}, 1);
  StepPlan compute_all, reuse;
  compute_all.keep_residual = {0, c.depth};
  reuse.add_residual = {0, c.depth};
  const auto step = [&](const StepPlan& plan) {
    run.embed(latents, {500, 500});
    run.stack(plan);
    return run.finish();
  };
  const size_t before = g.memory_in_use();
  const double computed = median_ms(
      g, [&] { step(compute_all); }, 5);
  const double reused = median_ms(
      g, [&] { step(reuse); }, 10);
  const double plan_ms = median_ms(
      g,
      [&] {
        for (int i = 0; i < 30; ++i)  // 12 of 30 computed, the first and last among them
          step(i * 11 / 29 != (i - 1) * 11 / 29 || i == 0 ? compute_all : reuse);
      },
      1);
  for (float v : step(compute_all).to_vector())
    if (!std::isfinite(v)) throw run_failed("gpu_bench", "a latent is not finite");
  const double ideal = 12 * computed;
  return {{"computed_step_ms", computed},
          {"reused_step_ms", reused},
          {"reused_over_computed", reused / computed},
          {"plan_12_of_30_ms", plan_ms},
          {"plan_share_of_ideal", ideal / plan_ms},
          {"memory_before_mib", double(before) / (1 << 20)},
          {"memory_peak_mib", double(g.memory_peak()) / (1 << 20)},
          {"flops_of_a_step", run.flops(compute_all)}};
}

}  // namespace

int main(int argc, char** argv) {
  std::string json = "-";
  bool failed = false;
  for (int i = 1; i < argc; ++i) {
    if (!std::strcmp(argv[i], "--quick")) quick = true;
    if (!std::strcmp(argv[i], "--json") && i + 1 < argc) json = argv[++i];
    if (!std::strcmp(argv[i], "--only") && i + 1 < argc) only = argv[++i];
  }
  try {
    Json doc;
    const BackendPtr b = cuda(DType::bf16);
    doc["device"] = b->description();
    doc["quick"] = quick;
    const auto save = [&] {  // whatever comes after, this is kept
      if (json != "-") write_json(json, doc);
    };
    const auto part = [&](const char* name, const std::function<void(Json&)>& measure) {
      if (!only.empty() && only != name) return;
      std::fprintf(stderr, "measuring %s\n", name);
      Json& to = doc[name];
      try {
        measure(to);
      } catch (const std::exception& e) {  // the other parts are still worth having
        const Json error = {{"error", e.what()}};
        if (to.is_array()) {
          to.push_back(error);
        } else {
          to = error;
        }
        failed = true;
        std::fprintf(stderr, "%s: %s\n", name, e.what());
      }
      save();
    };
    part("ceilings", [&](Json& to) { to = ceilings(*b); });
    part("rlt", [&](Json& to) { to = rlt(*b); });
    part("stdit3", [&](Json& to) { to = stdit3(b); });
    part("tome", [&](Json& to) { to = tome(*b); });
    part("vit", [&](Json& to) { vits(*b, to, save); });
    if (json == "-") write_json(json, doc);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "gpu_bench: %s\n", e.what());
    return 1;
  }
  return failed ? 1 : 0;
}
