#pragma once
// config.json and preprocessor_config.json of vision transformers.

#include <filesystem>
#include <string>
#include <vector>

#include "base/json.h"
#include "checkpoint/vit_names.h"
#include "checkpoint/weight_files.h"

namespace looktwice::checkpoint {

/// What follows the last block.
enum class Pooling {
  mean,         ///< mean of tokens, then fc_norm (VideoMAE, MAE fine-tuned, global_pool "avg")
  class_token,  ///< norm, then the class token (timm, DeiT, SWAG)
  first_token   ///< norm, then token 0 (Hugging Face VideoMAE without mean pooling)
};

/// A plain vision transformer: pre-norm blocks of attention and MLP. Lengths in pixels or frames.
struct VitConfig {
  std::string model_type;  ///< "videomae" or "timm_vit"
  bool video = true;       ///< tubelets of frames; otherwise one image at a time
  int image_height = 224, image_width = 224;
  int patch = 16, frames = 16, tubelet = 2;
  int hidden = 768, layers = 12, heads = 12, mlp = 3072, classes = 400;
  bool class_token = false, distill_token = false;
  bool qkv_bias = true;
  bool tanh_gelu = false;
  Pooling pooling = Pooling::mean;
  bool mae = false;        ///< MAE fine-tuned image model: ToMe leaves proportional attention off
  double norm_eps = 1e-6;  ///< inside the blocks
  double final_norm_eps = 1e-6;  ///< after the last block
  int head_dim() const { return hidden / heads; }
  int extra_tokens() const { return int(class_token) + int(distill_token); }
  /// Elements of one patch: 3·tubelet·patch².
  int patch_elements() const { return 3 * (video ? tubelet : 1) * patch * patch; }
};

/// How pictures become numbers. From preprocessor_config.json (Hugging Face) or pretrained_cfg
/// (timm) where present; otherwise ImageNet mean and deviation.
struct Preprocess {
  float mean[3] = {0.485f, 0.456f, 0.406f};
  float std[3] = {0.229f, 0.224f, 0.225f};
  int size = 224;      ///< short side after resizing
  std::string source;  ///< where the values came from, for the trace
  std::string interpolation = "bilinear";
};

/// Reads and checks config.json; what it leaves out (timm's own files leave out nearly all) is
/// taken from the shapes of the weights. Throws Error(input) naming the key: wrong type, not
/// positive, absurdly large, hidden not a multiple of heads, an architecture this is not.
VitConfig read_vit_config(const std::filesystem::path& folder, const Json& config,
                          const WeightFiles& weights, const VitNames& names);
Preprocess read_preprocess(const std::filesystem::path& folder, const Json& config,
                           const VitConfig& vit);

/// Whether config.json says that q, k and v have biases (qkv_bias, or qv_bias; default yes).
bool wants_qkv_bias(const std::filesystem::path& folder, const Json& config);

/// Reads FOLDER/config.json; throws Error(input).
Json read_config(const std::filesystem::path& folder);
/// "model_type", else what the file lets one tell ("timm_vit" for timm's own), else "".
std::string model_type_of(const Json& config);

}  // namespace looktwice::checkpoint
