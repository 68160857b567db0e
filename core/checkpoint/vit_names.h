#pragma once
// Which names the weights of a vision transformer go by. Spec: the same tensors under the names of
// Hugging Face VideoMAE, of the original VideoMAE and v2, of timm, DeiT and MAE, and of SWAG.

#include <map>
#include <string>
#include <vector>

#include "checkpoint/weight_files.h"

namespace looktwice::checkpoint {

enum class VitNaming { hf_videomae, original, swag };
const char* naming_text(VitNaming naming);

/// Stored tensors that, stacked along their first axis, make one; an empty name stands for zeros.
using Pieces = std::vector<std::string>;

/// Where the weights are. For every part the stored names of its weight and bias.
struct VitBlockNames {
  std::string norm1, norm2;  ///< + ".weight", ".bias"
  Pieces qkv_weight, qkv_bias;
  std::string proj, fc1, fc2;  ///< + ".weight", ".bias"
};

struct VitNames {
  VitNaming naming = VitNaming::original;
  std::string prefix;  ///< stripped in front of every name ("module.", …)
  std::string patch;   ///< + ".weight", ".bias"
  std::string class_token, distill_token, position, length_embed;  ///< empty where there is none
  std::string final_norm, head;                                    ///< + ".weight", ".bias"
  bool fc_norm = false;      ///< the final norm is fc_norm: tokens are averaged first
  std::string distill_head;  ///< empty where there is none
  int layers = 0;
  std::vector<VitBlockNames> blocks;
  std::vector<std::string> ignored;  ///< stored but not part of the forward pass
};

/// Finds the naming by the names alone. `want_bias`: config.json says that q, k, v have biases.
/// Throws Error(input) when no known naming fits, when weights of the architecture's variants are
/// there that the forward pass does not know (layer scale, q_norm, …), or when the biases of q and
/// v are missing although `want_bias`.
VitNames detect_vit_names(const WeightFiles& weights, bool want_bias);

}  // namespace looktwice::checkpoint
