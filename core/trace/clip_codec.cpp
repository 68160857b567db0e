#include "trace/clip_codec.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "trace/trace_file.h"

namespace looktwice::trace {

namespace {

// JSON fields, each checked for its type and range before it is used.

const Json& field(const Json& json, const char* key, const std::string& where) {
  if (!json.is_object() || !json.contains(key))
    throw bad_input(where, std::string("\"") + key + "\" is missing");
  return json[key];
}

int64_t integer(const Json& value, const char* name, int64_t low, int64_t high,
                const std::string& where) {
  const bool whole = value.is_number_integer() &&
                     !(value.is_number_unsigned() && value.get<uint64_t>() > uint64_t(INT64_MAX));
  if (!whole || value.get<int64_t>() < low || value.get<int64_t>() > high)
    throw bad_input(where, std::string("\"") + name + "\" is no whole number from " +
                               std::to_string(low) + " to " + std::to_string(high));
  return value.get<int64_t>();
}

double number(const Json& value, const char* name, const std::string& where) {
  if (!value.is_number() || !std::isfinite(value.get<double>()))
    throw bad_input(where, std::string("\"") + name + "\" is no number");
  return value.get<double>();
}

std::string text(const Json& value, const char* name, const std::string& where) {
  if (!value.is_string()) throw bad_input(where, std::string("\"") + name + "\" is no text");
  return value.get<std::string>();
}

const Json& list(const Json& json, const char* key, size_t most, const std::string& where) {
  const Json& value = field(json, key, where);
  if (!value.is_array() || value.size() > most)
    throw bad_input(where, std::string("\"") + key + "\" is no list of at most " +
                               std::to_string(most) + " entries");
  return value;
}

/// The double whose shortest text is that of the float: 0.1f becomes 0.1.
double short_double(float value) {
  char digits[40];
  const auto end = std::to_chars(digits, digits + sizeof digits, value);
  double result = value;
  std::from_chars(digits, end.ptr, result);
  return result;
}

/// Arrays behind the JSON of a record, in the order of its "arrays" list.
class ArrayWriter {
 public:
  template <typename T>
  void add(const char* name, const char* dtype, const std::vector<T>& values) {
    if (values.empty()) return;
    list_.push_back({{"name", name}, {"dtype", dtype}, {"count", values.size()}});
    bytes_.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  }
  const Json& list() const { return list_; }
  const std::string& bytes() const { return bytes_; }

 private:
  Json list_ = Json::array();
  std::string bytes_;
};

class ArrayReader {
 public:
  ArrayReader(const Json& json, const char* bytes, size_t size, const std::string& where)
      : where_(where) {
    size_t at = 0;
    for (const Json& entry : trace::list(json, "arrays", 64, where)) {
      const std::string name = text(field(entry, "name", where), "name", where);
      const std::string dtype = text(field(entry, "dtype", where), "dtype", where);
      const size_t width = dtype == "U8" ? 1 : dtype == "I32" || dtype == "F32" ? 4 : 0;
      if (width == 0) throw bad_input(where, "array \"" + name + "\" has an unknown dtype");
      const auto count = static_cast<size_t>(
          integer(field(entry, "count", where), "count", 1, int64_t{1} << 40, where));
      if (count > (size - at) / width)
        throw bad_input(where, "array \"" + name + "\" ends behind its record");
      for (const Array& other : arrays_)
        if (other.name == name) throw bad_input(where, "array \"" + name + "\" stands there twice");
      arrays_.push_back({name, dtype, bytes + at, count});
      at += count * width;
    }
    if (at != size) throw bad_input(where, "has bytes that belong to no array");
  }

  /// An array of exactly `count` entries; absent is fine if `count` is 0 or `optional`.
  template <typename T>
  std::vector<T> take(const char* name, const char* dtype, size_t count, bool optional = false) {
    for (Array& array : arrays_) {
      if (array.name != name) continue;
      if (array.dtype != dtype || array.count != count)
        throw bad_input(where_, std::string("array \"") + name + "\" should be " + dtype +
                                    " with " + std::to_string(count) + " entries");
      std::vector<T> values(count);
      std::memcpy(values.data(), array.at, count * sizeof(T));
      return values;
    }
    if (count == 0 || optional) return {};
    throw bad_input(where_, std::string("array \"") + name + "\" is missing");
  }

 private:
  struct Array {
    std::string name, dtype;
    const char* at;
    size_t count;
  };
  const std::string& where_;
  std::vector<Array> arrays_;
};

Json predictions_json(const std::vector<Prediction>& predictions) {
  Json json = Json::array();
  for (const Prediction& p : predictions)
    json.push_back({{"index", p.index}, {"label", p.label}, {"score", finite(p.score)}});
  return json;
}

std::vector<Prediction> predictions_of(const Json& json, const char* key,
                                       const std::string& where) {
  std::vector<Prediction> predictions;
  for (const Json& entry : list(json, key, 100000, where)) {
    Prediction p;
    p.index = static_cast<int32_t>(integer(field(entry, "index", where), "index", 0,
                                           std::numeric_limits<int32_t>::max(), where));
    p.label = text(field(entry, "label", where), "label", where);
    const Json& score = field(entry, "score", where);
    p.score =
        score.is_null() ? std::numeric_limits<double>::quiet_NaN() : number(score, "score", where);
    predictions.push_back(std::move(p));
  }
  return predictions;
}

constexpr int64_t kMost = std::numeric_limits<int32_t>::max();

}  // namespace

std::string encode_clip(const ClipTrace& clip) {
  ArrayWriter arrays;
  if (clip.has_rlt) {
    std::vector<uint8_t> bits((clip.keep.size() + 7) / 8, 0);
    for (size_t i = 0; i < clip.keep.size(); ++i)
      if (clip.keep[i]) bits[i / 8] = static_cast<uint8_t>(bits[i / 8] | (1u << (i % 8)));
    arrays.add("keep_bits", "U8", bits);
  }
  arrays.add("difference", "F32", clip.difference);
  arrays.add("initial_size", "F32", clip.initial_size);
  Json layers = Json::array();
  std::vector<int32_t> source, destination, dropped;
  std::vector<float> score;
  for (const LayerTrace& layer : clip.layers) {
    layers.push_back({{"tokens_in", layer.tokens_in},
                      {"tokens_out", layer.tokens_out},
                      {"merged", layer.source.size()},
                      {"scored", !layer.score.empty()},
                      {"dropped", layer.dropped.size()},
                      {"milliseconds", finite(layer.milliseconds)},
                      {"flops", finite(layer.flops)}});
    source.insert(source.end(), layer.source.begin(), layer.source.end());
    destination.insert(destination.end(), layer.destination.begin(), layer.destination.end());
    score.insert(score.end(), layer.score.begin(), layer.score.end());
    dropped.insert(dropped.end(), layer.dropped.begin(), layer.dropped.end());
  }
  arrays.add("source", "I32", source);
  arrays.add("destination", "I32", destination);
  arrays.add("score", "F32", score);
  arrays.add("dropped", "I32", dropped);

  Json json = {{"grid", {clip.t, clip.h, clip.w}},
               {"tubelet", clip.tubelet},
               {"patch", clip.patch},
               {"frame_indices", clip.frame_indices},
               {"frame_times", clip.frame_times},
               {"crop", {clip.crop_x, clip.crop_y, clip.crop_width, clip.crop_height}},
               {"rlt", nullptr},
               {"model", nullptr}};
  if (clip.has_rlt) json["rlt"] = {{"tau", short_double(clip.tau)}, {"drop", clip.drop}};
  if (!clip.layers.empty() || !clip.predictions.empty() || !clip.dense_predictions.empty() ||
      clip.extra_tokens != 0 || clip.milliseconds != 0 || clip.flops != 0)
    json["model"] = {{"extra_tokens", clip.extra_tokens},
                     {"milliseconds", finite(clip.milliseconds)},
                     {"flops", finite(clip.flops)},
                     {"layers", std::move(layers)},
                     {"predictions", predictions_json(clip.predictions)},
                     {"dense_predictions", predictions_json(clip.dense_predictions)}};
  json["arrays"] = arrays.list();

  std::string header = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  header.append((8 - header.size() % 8) % 8, ' ');
  const auto length = static_cast<uint64_t>(header.size());
  std::string payload(reinterpret_cast<const char*>(&length), sizeof length);
  return payload + header + arrays.bytes();
}

ClipTrace decode_clip(const std::string& payload, const std::string& where) {
  uint64_t length = 0;
  if (payload.size() < sizeof length) throw bad_input(where, "its record is too short");
  std::memcpy(&length, payload.data(), sizeof length);
  if (length > payload.size() - sizeof length)
    throw bad_input(where, "its header ends behind its record");
  const Json json = parse_json(payload.substr(sizeof length, length), where);
  const size_t start = sizeof length + length;
  ArrayReader arrays(json, payload.data() + start, payload.size() - start, where);

  ClipTrace clip;
  const Json& grid = list(json, "grid", 3, where);
  if (grid.size() != 3) throw bad_input(where, "\"grid\" is not [t,h,w]");
  clip.t = static_cast<int>(integer(grid[0], "grid", 1, kMaxSide, where));
  clip.h = static_cast<int>(integer(grid[1], "grid", 1, kMaxSide, where));
  clip.w = static_cast<int>(integer(grid[2], "grid", 1, kMaxSide, where));
  if (clip.tokens() > kMaxTokens) throw bad_input(where, "claims more tokens than any clip has");
  clip.tubelet =
      static_cast<int>(integer(field(json, "tubelet", where), "tubelet", 1, kMaxSide, where));
  clip.patch = static_cast<int>(integer(field(json, "patch", where), "patch", 1, kMaxSide, where));
  for (const Json& v : list(json, "frame_indices", kMaxTokens, where))
    clip.frame_indices.push_back(integer(v, "frame_indices", INT64_MIN, INT64_MAX, where));
  for (const Json& v : list(json, "frame_times", kMaxTokens, where))
    clip.frame_times.push_back(number(v, "frame_times", where));
  const Json& crop = list(json, "crop", 4, where);
  if (crop.size() != 4) throw bad_input(where, "\"crop\" is not [x,y,width,height]");
  clip.crop_x = number(crop[0], "crop", where);
  clip.crop_y = number(crop[1], "crop", where);
  clip.crop_width = number(crop[2], "crop", where);
  clip.crop_height = number(crop[3], "crop", where);

  if (const Json& rlt = field(json, "rlt", where); !rlt.is_null()) {
    clip.has_rlt = true;
    const double tau = number(field(rlt, "tau", where), "tau", where);
    if (std::abs(tau) > std::numeric_limits<float>::max())
      throw bad_input(where, "\"tau\" is no threshold");
    clip.tau = static_cast<float>(tau);
    clip.drop = text(field(rlt, "drop", where), "drop", where);
    const auto bits = arrays.take<uint8_t>("keep_bits", "U8", (clip.tokens() + 7) / 8);
    clip.keep.resize(clip.tokens());
    for (size_t i = 0; i < clip.keep.size(); ++i)
      clip.keep[i] = (bits[i / 8] >> (i % 8)) & 1;
    clip.run_length = run_lengths_of(clip.keep, clip.t, clip.h, clip.w);
  }
  clip.difference = arrays.take<float>("difference", "F32", clip.tokens(), true);

  if (const Json& model = field(json, "model", where); !model.is_null()) {
    clip.extra_tokens = static_cast<int32_t>(
        integer(field(model, "extra_tokens", where), "extra_tokens", 0, kMaxSide, where));
    const auto amount = [&](const Json& from, const char* key) {
      const Json& value = field(from, key, where);
      return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : number(value, key, where);
    };
    clip.milliseconds = amount(model, "milliseconds");
    clip.flops = amount(model, "flops");
    size_t merged = 0, scored = 0, dropped = 0;
    std::vector<size_t> merged_in, scored_in, dropped_in;
    for (const Json& entry : list(model, "layers", 4096, where)) {
      LayerTrace layer;
      layer.tokens_in = static_cast<int32_t>(
          integer(field(entry, "tokens_in", where), "tokens_in", 0, kMost, where));
      layer.tokens_out = static_cast<int32_t>(
          integer(field(entry, "tokens_out", where), "tokens_out", 0, kMost, where));
      layer.milliseconds = amount(entry, "milliseconds");
      layer.flops = amount(entry, "flops");
      const auto most = static_cast<int64_t>(clip.entered());
      merged_in.push_back(
          static_cast<size_t>(integer(field(entry, "merged", where), "merged", 0, most, where)));
      dropped_in.push_back(
          static_cast<size_t>(integer(field(entry, "dropped", where), "dropped", 0, most, where)));
      const Json& has = field(entry, "scored", where);
      if (!has.is_boolean()) throw bad_input(where, "\"scored\" is neither true nor false");
      scored_in.push_back(has.get<bool>() ? merged_in.back() : 0);
      merged += merged_in.back();
      scored += scored_in.back();
      dropped += dropped_in.back();
      clip.layers.push_back(std::move(layer));
    }
    const auto source = arrays.take<int32_t>("source", "I32", merged);
    const auto destination = arrays.take<int32_t>("destination", "I32", merged);
    const auto score = arrays.take<float>("score", "F32", scored);
    const auto gone = arrays.take<int32_t>("dropped", "I32", dropped);
    size_t m = 0, s = 0, g = 0;
    const auto cut = [](const auto& from, size_t& at, size_t count) {
      std::decay_t<decltype(from)> part(from.begin() + static_cast<ptrdiff_t>(at),
                                        from.begin() + static_cast<ptrdiff_t>(at + count));
      at += count;
      return part;
    };
    for (size_t l = 0; l < clip.layers.size(); ++l) {
      size_t same = m;
      clip.layers[l].source = cut(source, same, merged_in[l]);
      clip.layers[l].destination = cut(destination, m, merged_in[l]);
      clip.layers[l].score = cut(score, s, scored_in[l]);
      clip.layers[l].dropped = cut(gone, g, dropped_in[l]);
    }
    clip.predictions = predictions_of(model, "predictions", where);
    clip.dense_predictions = predictions_of(model, "dense_predictions", where);
  }
  clip.initial_size = arrays.take<float>("initial_size", "F32", clip.entered(), true);
  check_clip(clip, where);
  return clip;
}

Json encode_head(const TokenTrace& trace) {
  Json json = document("token-trace", kTraceVersion);
  json["source"] = trace.source;
  json["source_width"] = trace.source_width;
  json["source_height"] = trace.source_height;
  json["source_fps"] = finite(trace.source_fps);
  json["model"] = trace.model;
  json["settings"] = trace.settings;
  json["notes"] = trace.notes;
  return json;
}

TokenTrace decode_head(const std::string& header, const std::string& where) {
  const Json json = parse_json(header, where);
  if (text(field(json, "schema", where), "schema", where) != "looktwice/token-trace")
    throw bad_input(where, "is no token trace");
  integer(field(json, "version", where), "version", 1, kTraceVersion, where);
  TokenTrace trace;
  trace.source = text(field(json, "source", where), "source", where);
  trace.source_width = static_cast<int>(
      integer(field(json, "source_width", where), "source_width", 0, kMost, where));
  trace.source_height = static_cast<int>(
      integer(field(json, "source_height", where), "source_height", 0, kMost, where));
  const Json& fps = field(json, "source_fps", where);
  trace.source_fps = fps.is_null() ? 0 : number(fps, "source_fps", where);
  trace.model = text(field(json, "model", where), "model", where);
  trace.settings = field(json, "settings", where);
  trace.notes = field(json, "notes", where);
  return trace;
}

}  // namespace looktwice::trace
