#pragma once
// Where frames come from: a file, a camera, the screen, a filter graph, a built-in scene, a tensor.

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "frames/frame.h"

namespace looktwice::frames {

/// An exact ratio, 0/1 where unknown.
struct Rational {
  int64_t num = 0, den = 1;
  double value() const {
    return den != 0 ? static_cast<double>(num) / static_cast<double>(den) : 0;
  }
  bool operator==(const Rational&) const = default;
};

/// The ratio that is meant by a frame rate in decimals: 29.97 is 30000/1001, 12.5 is 25/2.
Rational rate_of(double fps);

struct SourceInfo {
  std::string name;         ///< for people: file name, scene name, device
  std::string description;  ///< codec, pixel format, matrix, range, interlacing: one line
  int width = 0, height = 0;
  double fps = 0;                      ///< average frames a second; 0 if unknown
  Rational rate;                       ///< fps as a ratio, such as 30000/1001
  Rational time_base;                  ///< every Frame::time is a whole number of these seconds
  bool variable_rate = false;          ///< frames are not evenly spaced: keep their times
  double pixel_aspect = 1;             ///< width of a pixel over its height, when displayed
  std::optional<int64_t> frame_count;  ///< none for live sources or where it is not yet known
  double duration = 0;                 ///< seconds; 0 if unknown
  bool live = false;                   ///< camera or screen: no seeking, frames may be dropped
  bool seekable = true;
  bool verbatim = false;  ///< tensor frames: taken as they are, no resize, no sampling
  int clips = 1;          ///< clips of a tensor file, each with its own frames
};

/// Frames in presentation order. Not thread-safe: one thread owns a source.
class FrameSource {
 public:
  virtual ~FrameSource() = default;
  virtual const SourceInfo& info() const = 0;
  /// The next frame, or null at the end (of a truncated file too, which is logged once). Throws
  /// Error(run) when the device is lost, Cancelled when `stop` is triggered.
  virtual FramePtr next(std::stop_token stop = {}) = 0;
  /// Makes `index` the next frame (frame-exact). Past the end, next() returns null. Throws
  /// Error(input) for live sources.
  virtual void seek(int64_t index, std::stop_token stop = {}) = 0;
  /// Chooses one of SourceInfo::clips and makes its first frame the next. Throws Error(input) if
  /// there is no such clip.
  virtual void select_clip(int clip);
  /// Frames that a live source had to drop so far.
  virtual int64_t dropped() const { return 0; }
};

using SourcePtr = std::unique_ptr<FrameSource>;

/// Opens what needs no FFmpeg: "synth:NAME?…" and "….safetensors". `clip` chooses the clip of a
/// [B,T,H,W,3] tensor. Null when `input` is something else. Throws Error(input).
SourcePtr open_plain_source(const std::string& input, int clip = 0);

}  // namespace looktwice::frames
