#include "engine/model_folders.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "checkpoint/labels.h"
#include "checkpoint/vit_config.h"
#include "checkpoint/vit_names.h"
#include "checkpoint/weight_files.h"
#include "models/stdit3/config.h"

namespace looktwice::engine {
namespace {

namespace fs = std::filesystem;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

bool has_weights(const fs::path& folder) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (entry.path().extension() == ".safetensors") return true;
  return false;
}

/// Something that means to be a model: weights or a config that is not some other program's.
bool is_model(const fs::path& folder) {
  std::error_code error;
  return fs::is_directory(folder, error) &&
         (fs::exists(folder / "config.json", error) || has_weights(folder));
}

void describe_vit(ModelInfo& info, const Json& config, const checkpoint::WeightFiles& weights) {
  const auto names =
      checkpoint::detect_vit_names(weights, checkpoint::wants_qkv_bias(info.folder, config));
  const auto vit = checkpoint::read_vit_config(info.folder, config, weights, names);
  (void)checkpoint::read_preprocess(info.folder, config, vit);
  info.kind = vit.video ? ModelKind::videomae : ModelKind::image_vit;
  info.summary = std::to_string(vit.layers) + " layers of " + std::to_string(vit.hidden) + ", ";
  if (vit.video) info.summary += std::to_string(vit.frames) + " frames of ";
  info.summary += std::to_string(vit.image_height);
  if (vit.image_width != vit.image_height) info.summary += "×" + std::to_string(vit.image_width);
  info.summary += " px, " + std::to_string(vit.classes) + " classes";
  if (checkpoint::load_labels(info.folder, config, vit.classes).empty())
    info.summary += " without names";
}

void describe_stdit3(ModelInfo& info, const Json& config) {
  info.kind = ModelKind::stdit3;
  const auto c =
      models::read_stdit3_config(config, (fs::path(info.folder) / "config.json").string());
  info.summary = std::to_string(c.depth) + " pairs of blocks of " + std::to_string(c.hidden);
  if (c.sample[0] > 0)
    info.summary += ", " + std::to_string(c.sample[0]) + " frames of " +
                    std::to_string(c.sample[2]) + "×" + std::to_string(c.sample[1]);
  info.summary += c.pixel_space() ? ", makes pixels" : ", makes latents";
}

ModelKind kind_of(const std::string& type) {
  if (type == "videomae") return ModelKind::videomae;
  if (type == "timm_vit") return ModelKind::image_vit;
  return type == "STDiT3" ? ModelKind::stdit3 : ModelKind::unknown;
}

}  // namespace

const char* kind_text(ModelKind kind) {
  switch (kind) {
    case ModelKind::videomae:
      return "VideoMAE";
    case ModelKind::image_vit:
      return "image ViT";
    case ModelKind::stdit3:
      return "STDiT3";
    case ModelKind::unknown:
      break;
  }
  return "unknown";
}

ModelInfo describe_model(const std::string& folder) {
  ModelInfo info;
  std::error_code error;
  fs::path path = fs::weakly_canonical(folder, error);
  if (error) path = folder;
  if (path.filename().empty()) path = path.parent_path();
  info.folder = path.string();
  info.name = path.filename().string();
  try {
    const Json config = checkpoint::read_config(path);
    const std::string type = checkpoint::model_type_of(config);
    info.kind = kind_of(type);
    if (info.kind == ModelKind::unknown)
      throw bad_input((path / "config.json").string() + ": model_type",
                      type.empty() ? "is missing" : "\"" + type + "\" is no model that is known",
                      "known: videomae, timm_vit, STDiT3");
    const checkpoint::WeightFiles weights(path);
    info.bytes = weights.total_bytes();
    for (const std::string& name : weights.names()) {
      uint64_t elements = 1;
      for (const int64_t n : weights.entry(name).shape)
        elements *= static_cast<uint64_t>(n);
      info.parameters += elements;
    }
    if (info.kind == ModelKind::stdit3) {
      describe_stdit3(info, config);
    } else {
      describe_vit(info, config, weights);
    }
  } catch (const std::exception& e) {
    info.problem = e.what();
  }
  return info;
}

std::string user_model_folder() {
  std::string data = environment("XDG_DATA_HOME");
  if (data.empty()) {
    const std::string home = environment("HOME");
    if (home.empty()) return "";
    data = home + "/.local/share";
  }
  return data + "/looktwice/models";
}

std::vector<std::string> model_places() {
  std::vector<fs::path> wanted;
  for (const std::string& place : split(environment("LOOKTWICE_MODELS"), ':'))
    if (!place.empty()) wanted.emplace_back(place);
  if (const std::string own = user_model_folder(); !own.empty()) wanted.emplace_back(own);
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error) {
    // A build tree lies inside the source tree: build/PRESET/app/cli/looktwice.
    fs::path at = program.parent_path();
    for (int up = 0; up < 6 && at.has_relative_path(); ++up, at = at.parent_path())
      wanted.push_back(at / "assets/models");
    wanted.push_back(program.parent_path().parent_path() / "share/looktwice/models");
  }
  std::vector<std::string> places;
  for (const fs::path& place : wanted) {
    if (!fs::is_directory(place, error)) continue;
    const std::string path = fs::canonical(place, error).string();
    if (!error && std::find(places.begin(), places.end(), path) == places.end())
      places.push_back(path);
  }
  return places;
}

std::vector<std::string> find_model_folders(const std::vector<std::string>& places) {
  std::vector<std::string> found;
  std::set<std::string> seen;
  const auto add = [&](const fs::path& folder) {
    std::error_code error;
    fs::path path = fs::canonical(folder, error);
    if (error) path = folder;
    if (seen.insert(path.string()).second) found.push_back(path.string());
  };
  for (const std::string& place : places) {
    std::error_code error;
    if (fs::exists(fs::path(place) / "config.json", error)) {
      add(place);
      continue;
    }
    std::vector<fs::path> inside;
    for (const auto& entry : fs::directory_iterator(place, error))
      if (is_model(entry.path())) inside.push_back(entry.path());
    std::sort(inside.begin(), inside.end());
    // Weights without a config, and no models beside them: a broken model.
    if (inside.empty() && has_weights(place)) inside.emplace_back(place);
    for (const fs::path& folder : inside)
      add(folder);
  }
  return found;
}

}  // namespace looktwice::engine
