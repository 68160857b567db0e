#pragma once
// A vision transformer over the clips of a source, with the token reduction that the settings ask
// for, and optionally without it beside.

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/device.h"
#include "engine/settings.h"
#include "frames/clip.h"
#include "models/classifier.h"
#include "trace/token_trace.h"

namespace looktwice::engine {

/// Clip options that the model was made for (frames, tubelet, patch, size) over `base`; an image
/// model takes single frames, one after the other.
frames::ClipOptions clip_options_for(const checkpoint::VitConfig& config,
                                     const checkpoint::Preprocess& preprocess,
                                     frames::ClipOptions base = {});
/// Settings whose clip options are what the model in this folder was made for (frames, tubelet,
/// patch, size): the base over which options are read. An image model takes single frames. Reads
/// config.json and tensor names, no weights. Throws Error(input).
Settings model_defaults(const std::string& model_folder);

/// What the token settings mean for a model of so many layers. Throws Error(input).
models::Reduction reduction_of(const TokenSettings& tokens, int layers, uint64_t seed);

/// One clip (or view of one) and everything that came of it.
struct ClipOutcome {
  int clip = 0, view = 0;           ///< which clip of the source, which view of the clip
  trace::ClipTrace trace;           ///< decisions, merges, predictions, times
  models::ClipResult result;        ///< logits, groups, sizes
  std::vector<float> dense_logits;  ///< without reduction; empty unless asked for
};

/// The same clip with all its tokens.
struct DenseOutcome {
  std::vector<float> logits;
  std::vector<trace::Prediction> predictions;  ///< best first
  std::vector<trace::LayerTrace> layers;       ///< times and FLOPs
  double milliseconds = 0, flops = 0;
};

/// A loaded model and its backend, kept from run to run. A device that is lost or out of memory is
/// given up: the model is loaded on the CPU, the run repeated there, and notice() says so. Threads:
/// one at a time.
class ClassifierRunner {
 public:
  /// Loads the model. Throws Error(input), Cancelled.
  ClassifierRunner(const std::string& model_folder, const RunSettings& run,
                   const std::function<void(double)>& progress = {}, std::stop_token stop = {});

  const models::Classifier& model() const { return *model_; }
  const compute::Backend& backend() const { return *backend_; }
  /// Why the CPU computes in place of the device that was asked for, one line; else empty.
  const std::string& notice() const { return notice_; }
  /// One clip: RLT or random drop, then the forward pass. `dense` also runs it without reduction.
  ClipOutcome run(const frames::Clip& clip, const Settings& settings, bool dense = false,
                  std::stop_token stop = {});
  /// Without reduction: nothing pruned, nothing merged, no length encoding.
  DenseOutcome run_dense(const frames::Clip& clip, const Settings& settings,
                         std::stop_token stop = {});

 private:
  void load(const std::function<void(double)>& progress, std::stop_token stop);
  void fall_back(const std::string& notice);
  ClipOutcome run_here(const frames::Clip& clip, const Settings& settings, bool dense,
                       std::stop_token stop);
  DenseOutcome dense_here(const models::ClipInput& whole, const Settings& settings,
                          std::stop_token stop);
  void predict(const models::ClipResult& result, std::vector<trace::Prediction>& to) const;
  std::string folder_, notice_;
  RunSettings run_;
  compute::BackendPtr backend_;
  std::unique_ptr<models::Classifier> model_;
};

/// Softmax in double.
std::vector<double> softmax(const std::vector<float>& logits);

struct ClassifyEvents {
  std::function<void(const trace::TokenTrace& header, const models::Classifier& model)> on_start;
  std::function<void(ClipOutcome&&)> on_clip;
  std::function<void(double)> loading, progress;  ///< 0 to 1
};

/// Every clip of `input` through the model of the settings, in order; memory holds one clip.
/// Throws Error, Cancelled.
void classify(const std::string& input, const Settings& settings, bool dense,
              const ClassifyEvents& events, std::stop_token stop = {});

}  // namespace looktwice::engine
