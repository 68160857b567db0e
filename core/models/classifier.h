#pragma once
// A model that sorts clips or images into classes.

#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "checkpoint/vit_config.h"
#include "compute/backend.h"
#include "models/reduction.h"

namespace looktwice::models {

/// Threads: one at a time (the one that runs inference).
class Classifier {
 public:
  virtual ~Classifier() = default;
  virtual const checkpoint::VitConfig& config() const = 0;
  virtual const checkpoint::Preprocess& preprocess() const = 0;
  /// [classes], or empty where the folder names none.
  virtual const std::vector<std::string>& labels() const = 0;
  /// True if the checkpoint has a table for run-length encoding.
  virtual bool has_length_table() const = 0;
  /// The grid of tokens of a clip of this size. Throws Error(input) if the model cannot take it.
  virtual tokens::Grid grid(int T, int H, int W) const = 0;
  /// The forward pass over a batch of clips packed into one sequence; clips do not see each other.
  /// Clips may differ in size and in the tokens they keep. Throws Error(input) for input that the
  /// model cannot take, Error(run) when the result is not finite, Cancelled.
  virtual Result classify(std::span<const ClipInput> clips, const Reduction& reduction,
                          std::stop_token stop = {}) = 0;
};

/// Receives 0 … 1.
using Progress = std::function<void(double)>;

/// Loads a model folder (config.json, *.safetensors, preprocessor_config.json, label files) for a
/// backend. Throws Error(input) naming what is wrong with the folder, Cancelled.
std::unique_ptr<Classifier> load(const std::filesystem::path& folder, compute::BackendPtr backend,
                                 const Progress& progress = {}, std::stop_token stop = {});

}  // namespace looktwice::models
