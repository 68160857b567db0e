#pragma once
// The model folders of this machine: where they are looked for, what each holds, and what is wrong
// with one that cannot be used. Reads config.json and the headers of the weights, never the
// weights.

#include <cstdint>
#include <string>
#include <vector>

namespace looktwice::engine {

enum class ModelKind {
  videomae,   ///< classifies clips
  image_vit,  ///< classifies single frames
  stdit3,     ///< makes videos
  unknown
};

struct ModelInfo {
  std::string folder;  ///< absolute path
  std::string name;    ///< its last part
  ModelKind kind = ModelKind::unknown;
  std::string
      summary;  ///< one line for people: "12 layers of 384, 16 frames of 224 px, 400 classes"
  uint64_t bytes = 0;  ///< of the weights
  uint64_t parameters = 0;
  /// Why it cannot be loaded, as far as config.json and headers tell; empty if they are in order.
  std::string problem;
  bool operator==(const ModelInfo&) const = default;
};

/// "VideoMAE", "image ViT", "STDiT3" or "unknown".
const char* kind_text(ModelKind kind);

/// Looks at one folder. Never throws: what is wrong stands in `problem`.
ModelInfo describe_model(const std::string& folder);

/// Folders that may hold model folders, those that exist, the most particular first:
/// $LOOKTWICE_MODELS (several between colons), the user's own (user_model_folder()), assets/models
/// of the source tree or beside the program, share/looktwice/models of an installation.
std::vector<std::string> model_places();
/// $XDG_DATA_HOME/looktwice/models or ~/.local/share/looktwice/models; need not exist.
std::string user_model_folder();
/// The model folders in `places`, by name within each: a place is a model folder itself, or holds
/// some. A folder that was found before is left out.
std::vector<std::string> find_model_folders(const std::vector<std::string>& places);

}  // namespace looktwice::engine
