#pragma once
// Clips: which frames a model sees of a source, and how they become [T,H,W,3] bytes.

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/json.h"
#include "frames/frame.h"
#include "frames/source.h"

namespace looktwice::frames {

enum class Sampling { dense, uniform };
enum class Crop { center, none };
/// pillow: triangle filter widened when shrinking (antialiased), as Pillow and the Hugging Face
/// processor; opencv: plain bilinear, as cv2.INTER_LINEAR.
enum class Resize { pillow, opencv };

/// The clip options of the command line. Defaults are VideoMAE's.
struct ClipOptions {
  int frames = 16;
  int stride = 4;
  int64_t start = 0;
  int clips = 1;  ///< evenly spaced; 0 means all, back to back
  Sampling sampling = Sampling::dense;
  int views_time = 1, views_space = 1;  ///< --views TxS
  int size = 224;                       ///< short side in pixels; 0 means native
  Crop crop = Crop::center;
  int tubelet = 2, patch = 16;
  Resize resize = Resize::pillow;

  bool operator==(const ClipOptions&) const = default;
  /// Throws Error(input) naming the option: frames a multiple of tubelet, all positive, ….
  void check() const;
};

Json to_json(const ClipOptions& options);
/// Missing keys keep their defaults; unknown keys and wrong types throw Error(input).
ClipOptions clip_options_from_json(const Json& json, const std::string& where);

/// The part of a full frame that the model sees, in pixels of the full frame.
struct CropRect {
  double x = 0, y = 0, width = 0, height = 0;
};

/// One clip as the model takes it.
struct Clip {
  int T = 0, H = 0, W = 0;       ///< frames, pixels
  std::vector<uint8_t> rgb;      ///< [T,H,W,3]
  std::vector<int64_t> indices;  ///< T source frame numbers
  std::vector<double> times;     ///< T seconds
  CropRect crop;                 ///< where the clip lies on the source frame
  int source_width = 0, source_height = 0;
};

/// Source frame numbers of every clip: [clip][T]. `frame_count` is the number of frames of the
/// source. `dropped_tail` receives how many frames at the end belong to no clip. Throws
/// Error(input) when the source is shorter than one clip, saying how many frames it would need.
std::vector<std::vector<int64_t>> plan_clips(const ClipOptions& options, int64_t frame_count,
                                             int64_t* dropped_tail = nullptr);

/// Size of the clip for a source of this size, and the crop rectangle on the source.
struct ClipGeometry {
  int resized_width = 0, resized_height = 0;  ///< after the short side is resized
  int width = 0, height = 0;                  ///< after the crop, multiples of patch
  int left = 0, top = 0;                      ///< of the crop in the resized picture
  CropRect on_source;
};
/// Throws Error(input) if the result would be smaller than one patch. `view` chooses the spatial
/// crop of --views (0 .. views_space-1).
ClipGeometry clip_geometry(const ClipOptions& options, int source_width, int source_height,
                           bool verbatim = false, int view = 0);

/// Resizes and crops one frame to `to` [height,width,3].
void preprocess(const Frame& frame, const ClipGeometry& geometry, Resize resize, uint8_t* to);

/// Reads clips one after the other through `on_clip`, decoding each needed frame once. Memory holds
/// one clip at a time. `progress` receives 0..1 where the length is known.
void read_clips(FrameSource& source, const ClipOptions& options,
                const std::function<void(Clip&&)>& on_clip,
                const std::function<void(double)>& progress = {}, std::stop_token stop = {});

}  // namespace looktwice::frames
