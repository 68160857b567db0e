#pragma once
// A video diffusion transformer under the settings: what `looktwice generate` and the app's
// generating panes run.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "diffusion/generate.h"
#include "diffusion/vocabulary.h"
#include "engine/device.h"
#include "engine/settings.h"
#include "frames/clip.h"

namespace looktwice::engine {

/// A loaded video DiT, kept from run to run. A device that is lost or out of memory is given up:
/// the model is loaded on the CPU and the run begins again there (steps are told again, from the
/// first); notice() and the trace's notes say so. Threads: one at a time.
class Generator {
 public:
  /// Throws Error(input), Cancelled.
  Generator(const std::string& model_folder, const RunSettings& run,
            const std::function<void(double)>& progress = {}, std::stop_token stop = {});

  const models::Stdit3& model() const { return *model_; }
  const models::Stdit3Ptr& model_ptr() const { return model_; }
  const compute::Backend& backend() const { return *model_->backend; }
  /// Why the CPU computes in place of the device that was asked for, one line; else empty.
  const std::string& notice() const { return notice_; }
  const std::optional<diffusion::Vocabulary>& vocabulary() const { return vocabulary_; }

  /// Everything that the settings say about a run: reads the noise file, encodes the prompt, reads
  /// the clip of --from. `clip`: its pixels where they are at hand already (a live source, which
  /// cannot be read again); as many frames as the latents have are taken from it, evenly. Throws
  /// Error(input).
  diffusion::Request request(const Settings& settings, std::stop_token stop = {},
                             const frames::Clip* clip = nullptr) const;
  /// request + diffusion::generate; the trace carries the settings.
  diffusion::Result run(const Settings& settings, const std::vector<int>& dump_steps = {},
                        const diffusion::OnStep& on_step = {}, std::stop_token stop = {}) const;
  diffusion::Result run(const diffusion::Request& request, const Settings& settings,
                        const diffusion::OnStep& on_step = {}, std::stop_token stop = {}) const;

 private:
  void load(const std::function<void(double)>& progress, std::stop_token stop) const;
  void fall_back(const std::string& notice) const;
  std::string folder_;
  // Changed by a device that gives up in a run.
  mutable std::string notice_;
  mutable RunSettings run_;
  mutable models::Stdit3Ptr model_;
  std::optional<diffusion::Vocabulary> vocabulary_;
};

/// The policy of the settings. Throws Error(input).
diffusion::PolicySettings policy_of(const GenerateSettings& settings);

/// Pixel-space latents [B,3,T,H,W] in -1..1 as RGB bytes [T,H,W,3] of sample `sample`, rounded and
/// clamped.
std::vector<uint8_t> to_rgb(const compute::Tensor& latents, int64_t sample = 0);

}  // namespace looktwice::engine
