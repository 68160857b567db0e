#pragma once
// config.json of STDiT3 (hpcaitech/Open-Sora v1.2, "STDiT3-XL/2"), with the keys that LookTwice
// adds for small models of its own (docs/file-formats.md).

#include <array>
#include <optional>
#include <string>

#include "base/json.h"

namespace looktwice::models {

struct Stdit3Config {
  int hidden = 1152;
  int depth = 28;  ///< pairs of a spatial and a temporal block
  int heads = 16;
  int mlp = 4608;
  int in_channels = 4;  ///< 3: pixel space, no VAE
  int out_channels = 8;
  std::array<int, 3> patch{1, 2, 2};  ///< time, height, width; time is 1
  int caption_channels = 4096;
  int caption_tokens = 300;  ///< longest caption (model_max_length)
  double input_sq_size = 512;
  bool qk_norm = true;
  bool qk_norm_legacy = false;  ///< rotary before the norm
  double norm_eps = 1e-6;
  // LookTwice's own keys, all optional.
  std::optional<double> time_shift;    ///< ρ fixed, instead of by video size
  std::optional<int> cache_block;      ///< block pair that AdaCache measures
  std::array<int, 3> sample{0, 0, 0};  ///< input_size: latent frames, height, width; 0: not fixed
  double fps = 24;
  int steps = 30;
  double guidance = 7;

  int head_dim() const { return hidden / heads; }
  bool pixel_space() const { return in_channels == 3; }
  /// AdaCache's metric block: cache_block, else half the depth less one.
  int metric_block() const { return cache_block.value_or(depth / 2 > 0 ? depth / 2 - 1 : 0); }
};

/// Reads and checks. Throws Error(input) naming `where` and the key: wrong type, out of range, a
/// width that heads do not divide.
Stdit3Config read_stdit3_config(const Json& json, const std::string& where);

}  // namespace looktwice::models
