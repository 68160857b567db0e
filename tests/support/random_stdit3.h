#pragma once
// Writes model folders with random STDiT3 weights of any size: for tests and benchmarks.

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/json.h"
#include "base/safetensors.h"
#include "diffusion/noise.h"

namespace looktwice::test {

struct RandomStdit3 {
  int hidden = 32, depth = 2, heads = 2, channels = 3, caption_channels = 4, caption_tokens = 4;
  int patch = 4;
  int T = 4, H = 16, W = 16;
  double time_shift = 2;
};

inline void write_random_stdit3(const std::filesystem::path& folder, const RandomStdit3& m) {
  std::filesystem::create_directories(folder);
  write_json((folder / "config.json").string(), Json{{"model_type", "STDiT3"},
                                                     {"hidden_size", m.hidden},
                                                     {"depth", m.depth},
                                                     {"num_heads", m.heads},
                                                     {"in_channels", m.channels},
                                                     {"pred_sigma", false},
                                                     {"patch_size", {1, m.patch, m.patch}},
                                                     {"caption_channels", m.caption_channels},
                                                     {"model_max_length", m.caption_tokens},
                                                     {"input_sq_size", m.H},
                                                     {"input_size", {m.T, m.H, m.W}},
                                                     {"time_shift", m.time_shift},
                                                     {"fps", 8},
                                                     {"num_sampling_steps", 6},
                                                     {"cfg_scale", 3}});
  TensorDump dump;
  uint64_t seed = 1;
  const auto add = [&](const std::string& name, std::vector<int64_t> shape, double scale) {
    size_t count = 1;
    for (const int64_t n : shape)
      count *= static_cast<size_t>(n);
    auto values = diffusion::gaussian(count, seed++);
    for (float& v : values)
      v = static_cast<float>(v * scale);
    dump.add(name, std::move(shape), values);
  };
  const auto linear = [&](const std::string& name, int64_t out, int64_t in) {
    add(name + ".weight", {out, in}, 1.0 / std::sqrt(static_cast<double>(in)));
    add(name + ".bias", {out}, 0.02);
  };
  const int64_t h = m.hidden, d = m.hidden / m.heads;
  add("x_embedder.proj.weight", {h, m.channels, 1, m.patch, m.patch},
      1.0 / std::sqrt(1.0 * m.channels * m.patch * m.patch));
  add("x_embedder.proj.bias", {h}, 0.02);
  for (const char* e : {"t_embedder", "fps_embedder"}) {
    linear(std::string(e) + ".mlp.0", h, 256);
    linear(std::string(e) + ".mlp.2", h, h);
  }
  linear("t_block.1", 6 * h, h);
  add("y_embedder.y_embedding", {m.caption_tokens, m.caption_channels}, 1);
  linear("y_embedder.y_proj.fc1", h, m.caption_channels);
  linear("y_embedder.y_proj.fc2", h, h);
  for (int i = 0; i < m.depth; ++i)
    for (const char* kind : {"spatial_blocks.", "temporal_blocks."}) {
      const std::string p = kind + std::to_string(i);
      add(p + ".scale_shift_table", {6, h}, 0.3);
      linear(p + ".attn.qkv", 3 * h, h);
      linear(p + ".attn.proj", h, h);
      add(p + ".attn.q_norm.weight", {d}, 1);
      add(p + ".attn.k_norm.weight", {d}, 1);
      linear(p + ".cross_attn.q_linear", h, h);
      linear(p + ".cross_attn.kv_linear", 2 * h, h);
      linear(p + ".cross_attn.proj", h, h);
      linear(p + ".mlp.fc1", 4 * h, h);
      linear(p + ".mlp.fc2", h, 4 * h);
    }
  add("final_layer.scale_shift_table", {2, h}, 0.3);
  linear("final_layer.linear", int64_t{m.patch} * m.patch * m.channels, h);
  dump.write(folder / "model.safetensors");
}

}  // namespace looktwice::test
