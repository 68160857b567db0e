#include "checkpoint/vit_names.h"

#include <algorithm>

#include "base/error.h"

namespace looktwice::checkpoint {
namespace {

class Finder {
 public:
  Finder(const WeightFiles& weights, std::string prefix)
      : weights_(weights), prefix_(std::move(prefix)) {}
  /// The stored name of `name`, behind the prefix or bare; empty if there is none.
  std::string find(const std::string& name) const {
    if (weights_.contains(prefix_ + name)) return prefix_ + name;
    return weights_.contains(name) ? name : std::string();
  }
  bool has(const std::string& name) const { return !find(name).empty(); }
  /// The stored name, or the name that it should have (loading it names it as missing).
  std::string want(const std::string& name) const {
    const std::string found = find(name);
    return found.empty() ? prefix_ + name : found;
  }
  /// `module` such that module + ".weight" is stored, among `choices`; else the first choice.
  std::string module(const std::vector<std::string>& choices) const {
    for (const auto& c : choices) {
      const std::string found = find(c + ".weight");
      if (!found.empty()) return found.substr(0, found.size() - 7);
    }
    return prefix_ + choices.front();
  }

 private:
  const WeightFiles& weights_;
  std::string prefix_;
};

/// What stands in front of `tail` in the first stored name that ends with it.
bool prefix_before(const WeightFiles& weights, const std::string& tail, std::string* prefix) {
  for (const auto& name : weights.names())
    if (name.ends_with(tail)) {
      *prefix = name.substr(0, name.size() - tail.size());
      return true;
    }
  return false;
}

int count_blocks(const Finder& find, const std::string& before, const std::string& after) {
  int n = 0;
  while (find.has(before + std::to_string(n) + after))
    ++n;
  return n;
}

void refuse_unknown_parts(const WeightFiles& weights) {
  static const std::pair<const char*, const char*> kParts[] = {
      {"ls1.gamma", "layer scale"},
      {".gamma_1", "layer scale"},
      {"q_norm.weight", "normalised queries and keys"},
      {"norm_pre.weight", "a norm before the blocks"},
      {"reg_token", "register tokens"},
      {"pre_logits", "a hidden layer in the head"},
      {"decoder", "a pre-training decoder; a classifier is needed"},
      {"mask_token", "a pre-training mask token; a classifier is needed"},
      {"rel_pos_bias", "relative position biases"},
      {"relative_position_bias_table", "relative position biases"}};
  for (const auto& name : weights.names())
    for (const auto& [part, meaning] : kParts)
      if (name.find(part) != std::string::npos)
        throw bad_input(weights.place(name), std::string("stands for ") + meaning +
                                                 ", which this architecture does not have");
}

VitNames hf_names(const WeightFiles& weights, const std::string& prefix, bool want_bias) {
  const Finder find(weights, prefix);
  VitNames n;
  n.naming = VitNaming::hf_videomae;
  n.prefix = prefix;
  n.patch = find.module({"embeddings.patch_embeddings.projection"});
  n.layers = count_blocks(find, "encoder.layer.", ".attention.attention.query.weight");
  for (int i = 0; i < n.layers; ++i) {
    const std::string layer = "encoder.layer." + std::to_string(i) + ".";
    const std::string attention = layer + "attention.attention.";
    VitBlockNames b;
    b.norm1 = find.module({layer + "layernorm_before"});
    b.norm2 = find.module({layer + "layernorm_after"});
    for (const char* part : {"query", "key", "value"})
      b.qkv_weight.push_back(find.want(attention + part + ".weight"));
    // The published files hold q_bias and v_bias; files written since the layers carry their own
    // bias hold query.bias and value.bias, and perhaps key.bias. Zeros are never assumed for q, v.
    if (find.has(attention + "q_bias") || find.has(attention + "v_bias")) {
      b.qkv_bias = {find.want(attention + "q_bias"), "", find.want(attention + "v_bias")};
    } else if (find.has(attention + "query.bias") || find.has(attention + "value.bias")) {
      b.qkv_bias = {find.want(attention + "query.bias"), find.find(attention + "key.bias"),
                    find.want(attention + "value.bias")};
    } else if (want_bias) {
      b.qkv_bias = {find.want(attention + "q_bias"), "", find.want(attention + "v_bias")};
    }
    b.proj = find.module({layer + "attention.output.dense"});
    b.fc1 = find.module({layer + "intermediate.dense"});
    b.fc2 = find.module({layer + "output.dense"});
    n.blocks.push_back(std::move(b));
  }
  n.fc_norm = find.has("fc_norm.weight");
  n.final_norm = n.fc_norm ? find.module({"fc_norm"}) : find.module({"layernorm"});
  if (n.fc_norm && find.has("layernorm.weight")) {
    n.ignored.push_back(find.find("layernorm.weight"));
    if (find.has("layernorm.bias")) n.ignored.push_back(find.find("layernorm.bias"));
  }
  n.length_embed = find.find("length_embed");
  n.position = find.find("pos_embed");  // learned positions, as the original code has them
  n.head = find.module({"classifier"});
  if (find.has("embeddings.position_embeddings"))
    n.ignored.push_back(find.find("embeddings.position_embeddings"));
  return n;
}

VitNames original_names(const WeightFiles& weights, const std::string& prefix, bool want_bias) {
  const Finder find(weights, prefix);
  VitNames n;
  n.naming = VitNaming::original;
  n.prefix = prefix;
  n.patch = find.module({"patch_embed.proj"});
  n.class_token = find.find("cls_token");
  n.distill_token = find.find("dist_token");
  n.position = find.find("pos_embed");
  n.length_embed = find.find("length_embed");
  const bool split = find.has("blocks.0.attn.q.weight");
  n.layers = count_blocks(find, "blocks.", split ? ".attn.q.weight" : ".attn.qkv.weight");
  for (int i = 0; i < n.layers; ++i) {
    const std::string block = "blocks." + std::to_string(i) + ".", attention = block + "attn.";
    VitBlockNames b;
    b.norm1 = find.module({block + "norm1"});
    b.norm2 = find.module({block + "norm2"});
    if (split) {
      for (const char* part : {"q", "k", "v"})
        b.qkv_weight.push_back(find.want(attention + part + ".weight"));
      if (find.has(attention + "q.bias") || want_bias)
        for (const char* part : {"q", "k", "v"})
          b.qkv_bias.push_back(find.want(attention + part + ".bias"));
    } else {
      b.qkv_weight = {find.want(attention + "qkv.weight")};
      if (find.has(attention + "q_bias") || find.has(attention + "v_bias")) {
        b.qkv_bias = {find.want(attention + "q_bias"), find.find(attention + "k_bias"),
                      find.want(attention + "v_bias")};
      } else if (find.has(attention + "qkv.bias") || want_bias) {
        b.qkv_bias = {find.want(attention + "qkv.bias")};
      }
    }
    b.proj = find.module({attention + "proj"});
    b.fc1 = find.module({block + "mlp.fc1"});
    b.fc2 = find.module({block + "mlp.fc2"});
    n.blocks.push_back(std::move(b));
  }
  n.fc_norm = find.has("fc_norm.weight");
  n.final_norm = n.fc_norm ? find.module({"fc_norm"}) : find.module({"norm"});
  if (n.fc_norm)  // MAE's fine-tuned files may keep the unused norm of pre-training
    for (const char* part : {"norm.weight", "norm.bias"})
      if (find.has(part)) n.ignored.push_back(find.find(part));
  n.head = find.module({"head"});
  if (find.has("head_dist.weight")) n.distill_head = find.module({"head_dist"});
  return n;
}

VitNames swag_names(const WeightFiles& weights, const std::string& prefix, bool want_bias) {
  const Finder find(weights, prefix);
  VitNames n;
  n.naming = VitNaming::swag;
  n.prefix = prefix;
  n.patch = find.module({"conv_proj"});
  n.class_token = find.find("class_token");
  n.position = find.want("encoder.pos_embedding");
  const std::string layers = find.has("encoder.layers.encoder_layer_0.ln_1.weight")
                                 ? "encoder.layers.encoder_layer_"
                                 : "encoder.layers.layer_";
  n.layers = count_blocks(find, layers, ".ln_1.weight");
  for (int i = 0; i < n.layers; ++i) {
    const std::string block = layers + std::to_string(i) + ".";
    VitBlockNames b;
    b.norm1 = find.module({block + "ln_1"});
    b.norm2 = find.module({block + "ln_2"});
    b.qkv_weight = {find.want(block + "self_attention.in_proj_weight")};
    if (want_bias || find.has(block + "self_attention.in_proj_bias"))
      b.qkv_bias = {find.want(block + "self_attention.in_proj_bias")};
    b.proj = find.module({block + "self_attention.out_proj"});
    b.fc1 = find.module({block + "mlp.linear_1", block + "mlp.0"});
    b.fc2 = find.module({block + "mlp.linear_2", block + "mlp.3"});
    n.blocks.push_back(std::move(b));
  }
  n.final_norm = find.module({"encoder.ln"});
  n.head = find.module({"head.layers.head", "heads.head", "heads.0", "head"});
  return n;
}

}  // namespace

const char* naming_text(VitNaming naming) {
  switch (naming) {
    case VitNaming::hf_videomae:
      return "Hugging Face VideoMAE";
    case VitNaming::original:
      return "VideoMAE / timm";
    case VitNaming::swag:
      return "SWAG";
  }
  return "";
}

VitNames detect_vit_names(const WeightFiles& weights, bool want_bias) {
  refuse_unknown_parts(weights);
  std::string prefix;
  VitNames found;
  if (prefix_before(weights, "encoder.layer.0.attention.attention.query.weight", &prefix))
    found = hf_names(weights, prefix, want_bias);
  else if (prefix_before(weights, "blocks.0.attn.qkv.weight", &prefix) ||
           prefix_before(weights, "blocks.0.attn.q.weight", &prefix))
    found = original_names(weights, prefix, want_bias);
  else if (prefix_before(weights, "self_attention.in_proj_weight", &prefix) &&
           prefix_before(weights, "conv_proj.weight", &prefix))
    found = swag_names(weights, prefix, want_bias);
  if (found.layers > 0) return found;
  const auto names = weights.names();
  throw bad_input(weights.folder().string(),
                  "the tensor names fit no vision transformer that is known" +
                      (names.empty() ? " (there are none)" : " ('" + names.front() + "', …)"),
                  "known are Hugging Face VideoMAE, original VideoMAE, timm and SWAG names");
}

}  // namespace looktwice::checkpoint
