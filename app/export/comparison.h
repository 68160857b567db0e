#pragma once
// The comparison video: frames and decisions through the compositor into an encoder.

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "compose/compositor.h"
#include "compose/scene.h"
#include "engine/settings.h"
#include "frames/rgb_video.h"
#include "video/encoder.h"

namespace looktwice::exporting {

/// Where the picture of one pane of the scene comes from.
struct PaneSource {
  std::string input;          ///< empty: the request's
  engine::Settings settings;  ///< clips and τ
  std::string trace_file;     ///< not empty: decisions of an earlier run instead
  frames::RgbVideoPtr video =
      nullptr;  ///< not null: these frames instead of an input, without decisions
  /// [frames of `video`] said behind the pane's title; may be empty.
  std::vector<std::string> captions = {};
};

struct Request {
  std::string input;
  compose::Scene scene;
  std::vector<PaneSource> panes;  ///< one for each of scene.panes
  std::string output;
  video::EncoderOptions encoder;  ///< fps 0/1 keeps the input's own rate or times
  compose::Size size;             ///< empty: every frame 1:1
  int64_t first = 0;              ///< frames of the input, both included
  std::optional<int64_t> last;
  timeline::ContentPtr timeline;  ///< beneath the panes; null: none
};

struct Report {
  int64_t frames = 0;
  compose::Size size;
  std::string encoder;  ///< one line for people
};

struct Events {
  std::function<void(double)> progress;          ///< 0..1; not called where the length is unknown
  std::function<void(int64_t frames)> on_frame;  ///< frames written so far
};

/// Draws in the OpenGL context that is current on this thread. The first pane's input sets the
/// pace; the others show their newest frame at its time. `stop` throws Cancelled and leaves nothing
/// behind, but ends the video of a live input properly. Throws Error.
Report run(const Request& request, const Events& events = {}, std::stop_token stop = {});

}  // namespace looktwice::exporting
