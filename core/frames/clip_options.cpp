// Clip options: their ranges, their text and their JSON.
#include <algorithm>
#include <array>
#include <limits>

#include "base/error.h"
#include "base/text.h"
#include "frames/clip.h"

namespace looktwice::frames {
namespace {

constexpr int kMaxSide = 1 << 15, kMaxCount = 1 << 20;

std::string label(const std::string& name, const std::string& where) {
  return where.empty() ? "--" + name : where;
}

int whole_number(const std::string& text, int64_t low, int64_t high, const std::string& where) {
  const int64_t value = parse_integer(text, where);
  if (value < low || value > high)
    throw bad_input(where, std::to_string(value) + " is out of range",
                    "give " + std::to_string(low) + " to " + std::to_string(high));
  return int(value);
}

template <typename Enum, size_t N>
Enum choice(const std::string& text, const std::array<std::pair<const char*, Enum>, N>& known,
            const std::string& where) {
  std::vector<std::string> names;
  for (const auto& [name, value] : known) {
    if (text == name) return value;
    names.emplace_back(name);
  }
  throw bad_input(where, "'" + text + "' is unknown", "give " + join(names, " or "));
}

template <typename Enum, size_t N>
std::string choice_name(Enum value, const std::array<std::pair<const char*, Enum>, N>& known) {
  for (const auto& [name, entry] : known)
    if (entry == value) return name;
  return {};
}

constexpr std::array<std::pair<const char*, Sampling>, 2> kSampling{
    {{"dense", Sampling::dense}, {"uniform", Sampling::uniform}}};
constexpr std::array<std::pair<const char*, Crop>, 2> kCrop{
    {{"center", Crop::center}, {"none", Crop::none}}};
constexpr std::array<std::pair<const char*, Resize>, 2> kResize{
    {{"pillow", Resize::pillow}, {"opencv", Resize::opencv}}};

bool is_number(const std::string& name, const ClipOptions& options) {
  if (name == "clips") return options.clips != 0;
  if (name == "size") return options.size != 0;
  return name == "frames" || name == "stride" || name == "start" || name == "tubelet" ||
         name == "patch";
}

}  // namespace

const std::vector<std::string>& clip_option_names() {
  static const std::vector<std::string> names{"frames",   "stride", "start", "clips",
                                              "sampling", "views",  "size",  "crop",
                                              "tubelet",  "patch",  "resize"};
  return names;
}

void set_clip_option(ClipOptions& options, const std::string& name, const std::string& value,
                     const std::string& place) {
  const std::string where = label(name, place);
  if (name == "frames") {
    options.frames = whole_number(value, 1, kMaxCount, where);
  } else if (name == "stride") {
    options.stride = whole_number(value, 1, kMaxCount, where);
  } else if (name == "start") {
    const int64_t start = parse_integer(value, where);
    if (start < 0) throw bad_input(where, "is negative", "frames count from 0");
    options.start = start;
  } else if (name == "clips") {
    options.clips = value == "all" ? 0 : whole_number(value, 1, kMaxCount, where);
  } else if (name == "sampling") {
    options.sampling = choice(value, kSampling, where);
  } else if (name == "views") {
    const std::vector<std::string> parts = split(value, 'x');
    if (parts.size() != 2)
      throw bad_input(where, "'" + value + "' is not TxS", "give for example 5x3");
    options.views_time = whole_number(parts[0], 1, 1000, where);
    options.views_space = whole_number(parts[1], 1, 1000, where);
  } else if (name == "size") {
    options.size = value == "native" ? 0 : whole_number(value, 1, kMaxSide, where);
  } else if (name == "crop") {
    options.crop = choice(value, kCrop, where);
  } else if (name == "tubelet") {
    options.tubelet = whole_number(value, 1, 4096, where);
  } else if (name == "patch") {
    options.patch = whole_number(value, 1, kMaxSide, where);
  } else if (name == "resize") {
    options.resize = choice(value, kResize, where);
  } else {
    const auto near = nearest(name, clip_option_names());
    throw bad_input(place.empty() ? name : place, "is no clip option",
                    near ? "did you mean " + *near + "?" : "");
  }
}

std::string clip_option_text(const ClipOptions& options, const std::string& name) {
  if (name == "frames") return std::to_string(options.frames);
  if (name == "stride") return std::to_string(options.stride);
  if (name == "start") return std::to_string(options.start);
  if (name == "clips") return options.clips == 0 ? "all" : std::to_string(options.clips);
  if (name == "sampling") return choice_name(options.sampling, kSampling);
  if (name == "views")
    return std::to_string(options.views_time) + "x" + std::to_string(options.views_space);
  if (name == "size") return options.size == 0 ? "native" : std::to_string(options.size);
  if (name == "crop") return choice_name(options.crop, kCrop);
  if (name == "tubelet") return std::to_string(options.tubelet);
  if (name == "patch") return std::to_string(options.patch);
  if (name == "resize") return choice_name(options.resize, kResize);
  throw bad_input(name, "is no clip option");
}

void ClipOptions::check() const {
  const auto in_range = [](const char* name, int64_t value, int64_t low, int64_t high) {
    if (value < low || value > high)
      throw bad_input(std::string("--") + name, std::to_string(value) + " is out of range",
                      "give " + std::to_string(low) + " to " + std::to_string(high));
  };
  in_range("frames", frames, 1, kMaxCount);
  in_range("stride", stride, 1, kMaxCount);
  in_range("start", start, 0, std::numeric_limits<int64_t>::max() / 4);
  in_range("clips", clips, 0, kMaxCount);
  in_range("views", views_time, 1, 1000);
  in_range("views", views_space, 1, 1000);
  in_range("size", size, 0, kMaxSide);
  in_range("tubelet", tubelet, 1, 4096);
  in_range("patch", patch, 1, kMaxSide);
  if (frames % tubelet != 0)
    throw bad_input("--frames",
                    std::to_string(frames) + " frames are no multiple of the tubelet of " +
                        std::to_string(tubelet),
                    "give for example " + std::to_string(std::max(1, frames / tubelet) * tubelet));
  if (size != 0 && size < patch)
    throw bad_input("--size",
                    std::to_string(size) + " is smaller than the patch of " + std::to_string(patch),
                    "give at least the patch");
  if (views_time > 1 && clips != 1)
    throw bad_input("--views", "several temporal views and --clips cannot both be asked for",
                    "give one of them");
  if (views_space > 1 && (crop != Crop::center || size == 0))
    throw bad_input("--views", "spatial views are crops, and there is no crop to move",
                    "use --crop center with a --size in pixels");
}

Json to_json(const ClipOptions& options) {
  Json json = Json::object();
  for (const std::string& name : clip_option_names()) {
    const std::string text = clip_option_text(options, name);
    if (is_number(name, options)) {
      json[name] = parse_integer(text, name);
    } else {
      json[name] = text;
    }
  }
  return json;
}

ClipOptions clip_options_from_json(const Json& json, const std::string& where) {
  if (!json.is_object()) throw bad_input(where, "is no JSON object", "give {\"frames\": 16, …}");
  ClipOptions options;
  for (const auto& [name, value] : json.items()) {
    const std::string place = where.empty() ? name : where + ": " + name;
    const bool textual =
        name == "sampling" || name == "views" || name == "crop" || name == "resize";
    if (value.is_string() && (textual || name == "clips" || name == "size")) {
      // "clips": "12" would be a number in the wrong clothes.
      const auto text = value.get<std::string>();
      if (!textual && text != "all" && text != "native")
        throw bad_input(place, "'" + text + "' is a text, not a number");
      set_clip_option(options, name, text, place);
    } else if (value.is_number_integer() && !textual) {
      set_clip_option(options, name, value.dump(), place);
    } else {
      const auto& known = clip_option_names();
      if (std::find(known.begin(), known.end(), name) == known.end())
        set_clip_option(options, name, "", place);
      throw bad_input(place, std::string("has the wrong type, ") + value.type_name(),
                      textual ? "give a text" : "give a whole number");
    }
  }
  options.check();
  return options;
}

}  // namespace looktwice::frames
