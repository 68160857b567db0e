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
  /// Frames of the source from the first to the last sample of a dense clip, both counted.
  int64_t span() const { return int64_t{frames - 1} * stride + 1; }
};

/// The clip options by their command-line names, without dashes: frames, stride, start, clips,
/// sampling, views, size, crop, tubelet, patch, resize.
const std::vector<std::string>& clip_option_names();
/// Sets one option from the text of the command line ("clips" "all", "views" "5x3", "size"
/// "native"). Throws Error(input) naming `where`, or the option if `where` is empty.
void set_clip_option(ClipOptions& options, const std::string& name, const std::string& value,
                     const std::string& where = {});
/// The text that set_clip_option reads back.
std::string clip_option_text(const ClipOptions& options, const std::string& name);

/// An object with the names above: numbers where the command line takes numbers, else strings.
Json to_json(const ClipOptions& options);
/// Missing keys keep their defaults; unknown keys and wrong types throw Error(input).
ClipOptions clip_options_from_json(const Json& json, const std::string& where);

/// The part of a full frame that the model sees, in pixels of the full frame.
struct CropRect {
  double x = 0, y = 0, width = 0, height = 0;
};

/// One clip as the model takes it.
struct Clip {
  int T = 0, H = 0, W = 0;            ///< frames, pixels
  std::vector<uint8_t> rgb;           ///< [T,H,W,3]
  std::vector<int64_t> indices;       ///< T source frame numbers
  std::vector<double> times;          ///< T seconds
  int clip = 0;                       ///< which clip of the source, or of a tensor file
  int view_time = 0, view_space = 0;  ///< which view of --views
  CropRect crop;                      ///< where the clip lies on the source frame
  int source_width = 0, source_height = 0;
};

/// Source frame numbers of every clip: [clip][T], or of every temporal view where views_time > 1.
/// `frame_count` is the number of frames of the source.
/// - dense: start + k·stride. N clips start at start + ⌊i·(frame_count − span − start)/(N−1)⌋, so
/// the
///   last ends at or before the end; one clip starts at `start`. All: every frames·stride frames.
/// - uniform: the frames from `start` on are cut into T equal segments of length s and frame
///   ⌊s/2 + k·s⌋ is taken of each, as for Something-Something V2. N clips: N equal parts, each
///   sampled so. V > 1 temporal views: ⌊v·s/V + k·s⌋, interleaved as VideoMAE's test does.
/// `dropped_tail` receives, for `all`, how many frames at the end belong to no clip, else 0. Throws
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
/// The short side becomes `size` and the long one ⌊size·long/short⌋; the square crop of that size,
/// floored to the patch, starts at ⌊(long − side)/2⌋: what the Hugging Face processor does. Without
/// a size (native) or with Crop::none the whole picture is kept, its sides floored to the patch,
/// the rest cut off evenly (center) or at the right and bottom (none). S > 1 spatial views lie at
/// ⌊view·(long − side)/(S−1)⌋ along the long side. `verbatim` keeps the frame as it is. `view`
/// chooses the spatial crop (0 .. views_space-1). Throws Error(input) if the result would be
/// smaller than one patch.
ClipGeometry clip_geometry(const ClipOptions& options, int source_width, int source_height,
                           bool verbatim = false, int view = 0);

/// Resizes and crops one frame to `to` [height,width,3]. Bytes pass unchanged where no resize is
/// needed. Threads: may be called from several at once.
void preprocess(const Frame& frame, const ClipGeometry& geometry, Resize resize, uint8_t* to);

/// What read_clips did.
struct ReadReport {
  int64_t clips = 0;                     ///< clips handed on, views of one clip counted once
  std::optional<int64_t> source_frames;  ///< frames of the source, where known by the end
  int64_t dropped_tail = 0;              ///< for `all`: frames at the end that belong to no clip
};

/// Reads clips one after the other through `on_clip`, decoding each needed frame once. Clips come
/// in order, the spatial views of one after the other. Memory holds the clips that overlap at one
/// frame, which is one for `all`. Every clip of a tensor file (SourceInfo::clips) is read, whole
/// and verbatim. A source that turns out shorter than it said is planned anew if no clip was handed
/// on, else ends early. A live source ends on `stop` or where it is lost (errors before the first
/// clip). `progress` receives 0..1 where the length is known. Throws Error(input) for a source
/// shorter than a clip, Cancelled on `stop`.
ReadReport read_clips(FrameSource& source, const ClipOptions& options,
                      const std::function<void(Clip&&)>& on_clip,
                      const std::function<void(double)>& progress = {}, std::stop_token stop = {});

}  // namespace looktwice::frames
