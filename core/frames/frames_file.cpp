#include "frames/frames_file.h"

#include <limits>

#include "base/error.h"
#include "base/safetensors.h"
#include "base/text.h"

namespace looktwice::frames {
namespace {

constexpr const char* kWanted =
    "give U8 frames_u8 [T,H,W,3] or [B,T,H,W,3], or images_u8 [B,H,W,3]";

std::string shape_text(const std::vector<int64_t>& shape) {
  std::vector<std::string> sides;
  for (int64_t side : shape)
    sides.push_back(std::to_string(side));
  return "[" + join(sides, ",") + "]";
}

/// The tensor that holds the frames, and what it holds.
struct Found {
  std::string tensor;
  FramesFileInfo info;
};

Found find_frames(const SafetensorsReader& file) {
  Found found;
  if (file.contains("frames_u8")) {
    found.tensor = "frames_u8";
  } else if (file.contains("images_u8")) {
    found.tensor = "images_u8";
  } else {
    throw bad_input(file.path().string(), "holds no frames_u8 or images_u8", kWanted);
  }
  const std::string where = file.path().string() + ": " + found.tensor;
  const TensorEntry& entry = file.entry(found.tensor);
  const std::vector<int64_t>& shape = entry.shape;
  if (entry.dtype != DType::u8)
    throw bad_input(where, std::string("is ") + dtype_name(entry.dtype) + ", not U8", kWanted);
  const bool batch = shape.size() == 5, images = found.tensor == "images_u8";
  if ((images && shape.size() != 4) || (shape.size() != 4 && !batch) || shape.back() != 3)
    throw bad_input(where, "has the shape " + shape_text(shape), kWanted);
  for (int64_t side : shape) {
    if (side < 1) throw bad_input(where, "is empty: shape " + shape_text(shape));
    if (side > std::numeric_limits<int>::max() / 4)
      throw bad_input(where, "is too large: shape " + shape_text(shape));
  }
  // A picture whose bytes do not fit an int would overflow what works on it later.
  const size_t n = shape.size();
  if (shape[n - 3] * shape[n - 2] > std::numeric_limits<int>::max() / 3)
    throw bad_input(where, "has pictures that are too large: shape " + shape_text(shape));
  found.info.clips = batch || images ? int(shape[0]) : 1;
  found.info.T = images ? 1 : int(shape[n - 4]);
  found.info.H = int(shape[n - 3]);
  found.info.W = int(shape[n - 2]);
  if (const auto fps = file.metadata().find("fps"); fps != file.metadata().end()) {
    const double value = parse_number(fps->second, file.path().string() + ": fps");
    if (value >= 0.01 && value <= 1000) {
      found.info.fps = value;
      found.info.fps_known = true;
    }
  }
  return found;
}

class FramesFile final : public FrameSource {
 public:
  FramesFile(const std::filesystem::path& path, int clip)
      : file_(path), found_(find_frames(file_)) {
    const FramesFileInfo& of = found_.info;
    info_.name = path.filename().string();
    info_.description = found_.tensor + " " + shape_text(file_.entry(found_.tensor).shape) +
                        ", RGB as stored" + (of.fps_known ? "" : ", 30 frames a second assumed");
    info_.width = of.W;
    info_.height = of.H;
    info_.rate = rate_of(of.fps);
    info_.time_base = {info_.rate.den, info_.rate.num};
    info_.fps = info_.rate.value();
    info_.frame_count = of.T;
    info_.duration = of.T / info_.fps;
    info_.verbatim = true;
    info_.clips = of.clips;
    select_clip(clip);
  }

  const SourceInfo& info() const override { return info_; }

  FramePtr next(std::stop_token stop) override {
    if (stop.stop_requested()) throw Cancelled();
    if (position_ >= found_.info.T) return nullptr;
    const int64_t bytes = int64_t{3} * info_.width * info_.height;
    auto storage = std::make_shared<std::vector<uint8_t>>(size_t(bytes));
    const int64_t first = (clip_ * int64_t{found_.info.T} + position_) * bytes;
    file_.read_raw(found_.tensor, first, bytes, storage->data());
    auto frame = std::make_shared<Frame>();
    frame->width = info_.width;
    frame->height = info_.height;
    frame->range = Range::full;
    frame->index = position_;
    frame->time = double(position_ * info_.rate.den) / double(info_.rate.num);
    frame->planes[0] = {storage->data(), ptrdiff_t{3} * info_.width, info_.width, info_.height};
    frame->storage = std::move(storage);
    ++position_;
    return frame;
  }

  void seek(int64_t index, std::stop_token) override {
    position_ = index < 0 ? 0 : std::min<int64_t>(index, found_.info.T);
  }

  void select_clip(int clip) override {
    if (clip < 0 || clip >= found_.info.clips)
      throw bad_input(
          file_.path().string(),
          "has " + std::to_string(found_.info.clips) + " clips, not clip " + std::to_string(clip),
          "clips count from 0");
    clip_ = clip;
    position_ = 0;
  }

 private:
  SafetensorsReader file_;
  Found found_;
  SourceInfo info_;
  int64_t clip_ = 0, position_ = 0;
};

}  // namespace

FramesFileInfo frames_file_info(const std::filesystem::path& path) {
  return find_frames(SafetensorsReader(path)).info;
}

bool is_frames_file(const std::string& input) {
  return input.ends_with(".safetensors");
}

SourcePtr open_frames_file(const std::filesystem::path& path, int clip) {
  return std::make_unique<FramesFile>(path, clip);
}

}  // namespace looktwice::frames
