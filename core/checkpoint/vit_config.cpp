#include "checkpoint/vit_config.h"

#include <cmath>
#include <optional>

#include "base/error.h"

namespace looktwice::checkpoint {
namespace {

constexpr int kMaxSide = 1 << 16;  // pixels, frames, widths: beyond this a file is damaged
constexpr int kMaxLayers = 1024;
constexpr int kMaxClasses = 1 << 20;

/// Reads keys of one JSON object, naming file and key in every complaint.
class Keys {
 public:
  Keys(const Json& json, std::string where) : json_(json), where_(std::move(where)) {
    if (!json_.is_object()) throw bad_input(where_, "is no JSON object");
  }
  const Json* get(const std::string& key) const {
    const auto it = json_.find(key);
    return it == json_.end() || it->is_null() ? nullptr : &*it;
  }
  std::string at(const std::string& key) const { return where_ + ": " + key; }
  std::optional<int> whole(const std::string& key, int most) const {
    const Json* v = get(key);
    if (!v) return {};
    return checked(*v, key, most);
  }
  /// An integer, or a pair of them: [height, width].
  std::optional<std::pair<int, int>> sides(const std::string& key, int most) const {
    const Json* v = get(key);
    if (!v) return {};
    if (!v->is_array()) {
      const int side = checked(*v, key, most);
      return std::pair(side, side);
    }
    if (v->size() != 2) throw bad_input(at(key), "is neither a number nor a pair");
    return std::pair(checked((*v)[0], key, most), checked((*v)[1], key, most));
  }
  std::optional<double> number(const std::string& key) const {
    const Json* v = get(key);
    if (!v) return {};
    if (!v->is_number()) throw bad_input(at(key), "is not a number");
    return v->get<double>();
  }
  std::optional<bool> flag(const std::string& key) const {
    const Json* v = get(key);
    if (!v) return {};
    if (!v->is_boolean()) throw bad_input(at(key), "is neither true nor false");
    return v->get<bool>();
  }
  std::optional<std::string> text(const std::string& key) const {
    const Json* v = get(key);
    if (!v) return {};
    if (!v->is_string()) throw bad_input(at(key), "is not text");
    return v->get<std::string>();
  }
  /// Three numbers, or one for all three channels.
  bool triple(const std::string& key, float* to) const {
    const Json* v = get(key);
    if (!v) return false;
    for (size_t c = 0; c < 3; ++c) {
      const Json* one = v->is_array() && v->size() == 3 ? &(*v)[c] : v;
      if (!one->is_number()) throw bad_input(at(key), "is not three numbers");
      to[c] = one->get<float>();
      if (!std::isfinite(to[c])) throw bad_input(at(key), "is not finite");
    }
    return true;
  }

 private:
  int checked(const Json& v, const std::string& key, int most) const {
    if (!v.is_number_integer()) throw bad_input(at(key), "is not a whole number");
    // Unsigned values above the signed range would wrap.
    const bool huge = v.is_number_unsigned() && v.get<uint64_t>() > uint64_t(most);
    const int64_t n = huge ? int64_t(most) + 1 : v.get<int64_t>();
    if (n < 1 || n > most)
      throw bad_input(at(key), "is " + v.dump() + ", outside 1 to " + std::to_string(most));
    return int(n);
  }
  const Json& json_;
  std::string where_;
};

int64_t axis(const WeightFiles& weights, const std::string& name, size_t i) {
  const TensorEntry& e = weights.entry(name);
  if (i >= e.shape.size())
    throw bad_input(weights.place(name),
                    "has shape " + compute::shape_text(e.shape) + ", too few axes");
  if (e.shape[i] < 1 || e.shape[i] > kMaxClasses)
    throw bad_input(weights.place(name),
                    "has shape " + compute::shape_text(e.shape) + ", which no such model has");
  return e.shape[i];
}

/// Everything that the shapes of the weights tell; config.json then overrides what it mentions,
/// and a contradiction shows as a misshaped tensor when the weights are loaded.
VitConfig from_weights(const WeightFiles& weights, const VitNames& names) {
  VitConfig c;
  const std::string patch = names.patch + ".weight";
  c.hidden = int(axis(weights, patch, 0));
  const size_t axes = weights.entry(patch).shape.size();
  c.video = names.naming == VitNaming::hf_videomae || axes == 5;
  if (c.video) c.tubelet = int(axis(weights, patch, 2));
  c.patch = int(axis(weights, patch, axes - 1));
  c.layers = names.layers;
  c.mlp = int(axis(weights, names.blocks.at(0).fc1 + ".weight", 0));
  c.classes = int(axis(weights, names.head + ".weight", 0));
  c.class_token = !names.class_token.empty();
  c.distill_token = !names.distill_token.empty();
  c.qkv_bias = !names.blocks.at(0).qkv_bias.empty();
  // Published models use heads of 64 but for H (1280 = 16 x 80) and giant (1408 = 16 x 88).
  c.heads = c.hidden % 64 == 0 && c.hidden != 1280 && c.hidden != 1408 ? c.hidden / 64 : 16;
  if (!c.video) {
    c.frames = c.tubelet = 1;
    const TensorEntry& pos = weights.entry(names.position.empty() ? "pos_embed" : names.position);
    if (pos.shape.size() != 3)
      throw bad_input(weights.place(names.position), "is not [1, positions, width]");
    const int64_t n = std::max(pos.shape[0], pos.shape[1]) - c.extra_tokens();
    const int side = int(std::lround(std::sqrt(double(std::max<int64_t>(n, 1)))));
    c.image_height = c.image_width = side * c.patch;
  }
  return c;
}

bool is_timm_name(const std::string& s) {
  return s.starts_with("vit_") || s.starts_with("deit") || s.starts_with("vit");
}

}  // namespace

Json read_config(const std::filesystem::path& folder) {
  const auto file = folder / "config.json";
  if (!std::filesystem::is_directory(folder))
    throw bad_input(folder.string(), "is no model folder",
                    "a model folder holds config.json and *.safetensors");
  if (!std::filesystem::exists(file))
    throw bad_input(folder.string(), "has no config.json",
                    "a model folder holds config.json and *.safetensors");
  Json config = read_json(file);
  if (!config.is_object()) throw bad_input(file.string(), "is no JSON object");
  return config;
}

std::string model_type_of(const Json& config) {
  if (!config.is_object()) return "";
  if (config.contains("model_type") && config["model_type"].is_string())
    return config["model_type"].get<std::string>();
  if (config.contains("architecture") && config["architecture"].is_string() &&
      is_timm_name(config["architecture"].get<std::string>()))
    return "timm_vit";
  if (config.contains("_class_name") && config["_class_name"].is_string())
    return config["_class_name"].get<std::string>();
  return "";
}

bool wants_qkv_bias(const std::filesystem::path& folder, const Json& config) {
  const Keys keys(config, (folder / "config.json").string());
  if (const auto v = keys.flag("qv_bias")) return *v;
  return keys.flag("qkv_bias").value_or(true);
}

VitConfig read_vit_config(const std::filesystem::path& folder, const Json& config,
                          const WeightFiles& weights, const VitNames& names) {
  const Keys keys(config, (folder / "config.json").string());
  VitConfig c = from_weights(weights, names);
  c.model_type = model_type_of(config);
  const auto set = [&](int& to, const char* key, int most) {
    if (const auto v = keys.whole(key, most)) to = *v;
  };
  set(c.hidden, "hidden_size", kMaxSide);
  set(c.layers, "num_hidden_layers", kMaxLayers);
  set(c.heads, "num_attention_heads", kMaxSide);
  set(c.mlp, "intermediate_size", kMaxSide * 4);
  set(c.classes, c.model_type == "timm_vit" ? "num_classes" : "num_labels", kMaxClasses);
  set(c.classes, "num_labels", kMaxClasses);
  if (const auto labels = keys.get("id2label"); labels && !keys.get("num_labels"))
    if (labels->is_object() && !labels->empty()) c.classes = int(labels->size());
  if (const auto channels = keys.whole("num_channels", kMaxSide); channels && *channels != 3)
    throw bad_input(keys.at("num_channels"), "is " + std::to_string(*channels), "must be 3");
  if (const auto size = keys.sides("image_size", kMaxSide))
    std::tie(c.image_height, c.image_width) = *size;
  if (const auto patch = keys.sides("patch_size", kMaxSide)) {
    if (patch->first != patch->second)
      throw bad_input(keys.at("patch_size"), "is not square", "patches must be square");
    c.patch = patch->first;
  }
  if (c.video) {
    set(c.frames, "num_frames", kMaxSide);
    set(c.tubelet, "tubelet_size", kMaxSide);
    if (c.frames % c.tubelet != 0)
      throw bad_input(keys.at("num_frames"), "is no multiple of tubelet_size");
  }
  if (const auto v = keys.flag("class_token"); v && *v != c.class_token)
    throw bad_input(keys.at("class_token"), *v ? "is true, but the weights have no class token"
                                               : "is false, but the weights have a class token");
  if (c.hidden % c.heads != 0)
    throw bad_input(
        keys.at("num_attention_heads"),
        std::to_string(c.heads) + " heads do not divide a width of " + std::to_string(c.hidden));
  if (c.layers != names.layers)
    throw bad_input(keys.at("num_hidden_layers"), "is " + std::to_string(c.layers) +
                                                      ", but the weights have " +
                                                      std::to_string(names.layers) + " blocks");
  if (c.image_height < c.patch || c.image_width < c.patch)
    throw bad_input(keys.at("image_size"), "is smaller than one patch");
  if (int64_t(c.image_height / c.patch) * (c.image_width / c.patch) * (c.frames / c.tubelet) >
      (int64_t{1} << 24))
    throw bad_input(keys.at("image_size"), "gives more than 16 million tokens");

  if (const auto eps = keys.number("layer_norm_eps")) {
    if (!(*eps >= 0 && *eps < 1)) throw bad_input(keys.at("layer_norm_eps"), "is out of range");
    c.norm_eps = *eps;
  } else if (names.naming == VitNaming::hf_videomae) {
    c.norm_eps = 1e-12;  // the configuration class's default
  }
  // Hugging Face builds fc_norm with the framework's default, whatever the config says.
  c.final_norm_eps = names.naming == VitNaming::hf_videomae && names.fc_norm ? 1e-5 : c.norm_eps;
  if (const auto act = keys.text("hidden_act")) {
    if (*act == "gelu_new" || *act == "gelu_pytorch_tanh") {
      c.tanh_gelu = true;
    } else if (*act != "gelu") {
      throw bad_input(keys.at("hidden_act"), "'" + *act + "' is not supported",
                      "gelu, gelu_new or gelu_pytorch_tanh");
    }
  }
  if (c.video && !c.class_token) {
    c.pooling = names.fc_norm ? Pooling::mean : Pooling::first_token;
    if (const auto mean = keys.flag("use_mean_pooling")) {
      if (*mean && !names.fc_norm && names.naming == VitNaming::hf_videomae)
        throw bad_input(keys.at("use_mean_pooling"), "is true, but the weights have no fc_norm");
      c.pooling = *mean ? Pooling::mean : Pooling::first_token;
    }
  } else {
    const auto pool = keys.text("global_pool");
    c.pooling = (pool ? *pool == "token" : !names.fc_norm) && c.class_token ? Pooling::class_token
                                                                            : Pooling::mean;
    if (pool && *pool != "token" && *pool != "avg" && *pool != "mae")
      throw bad_input(keys.at("global_pool"), "'" + *pool + "' is not supported", "token or avg");
    c.mae = c.pooling == Pooling::mean && c.class_token;
  }
  return c;
}

Preprocess read_preprocess(const std::filesystem::path& folder, const Json& config,
                           const VitConfig& vit) {
  Preprocess p;
  p.size = std::min(vit.image_height, vit.image_width);
  p.source = "ImageNet mean and deviation (the folder names none)";
  const auto read = [&](const Json& json, const std::string& where, const char* mean,
                        const char* std) {
    const Keys keys(json, where);
    const bool has_mean = keys.triple(mean, p.mean), has_std = keys.triple(std, p.std);
    if (has_mean || has_std) p.source = where;
    for (float v : p.std)
      if (v <= 0) throw bad_input(keys.at(std), "is not positive");
    return keys;
  };
  const auto file = folder / "preprocessor_config.json";
  if (std::filesystem::exists(file)) {
    const Json json = read_json(file);
    const Keys keys = read(json, file.string(), "image_mean", "image_std");
    if (keys.flag("do_normalize") == false)
      throw bad_input(keys.at("do_normalize"), "false is not supported");
    if (const Json* size = keys.get("size")) {
      if (size->is_object()) {
        const Keys inner(*size, keys.at("size"));
        if (const auto v = inner.whole("shortest_edge", kMaxSide)) p.size = *v;
        if (const auto v = inner.whole("height", kMaxSide)) p.size = *v;
      } else if (const auto v = keys.whole("size", kMaxSide)) {
        p.size = *v;
      }
    }
    return p;
  }
  if (config.contains("pretrained_cfg") && config["pretrained_cfg"].is_object()) {
    const Keys keys = read(config["pretrained_cfg"],
                           (folder / "config.json").string() + ": pretrained_cfg", "mean", "std");
    if (const auto v = keys.text("interpolation")) p.interpolation = *v;
    return p;
  }
  if (config.contains("image_mean") || config.contains("image_std"))
    read(config, (folder / "config.json").string(), "image_mean", "image_std");
  return p;
}

}  // namespace looktwice::checkpoint
