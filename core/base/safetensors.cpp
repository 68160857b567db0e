#include "base/safetensors.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <set>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"

namespace looktwice {
namespace {

static_assert(std::endian::native == std::endian::little, "tensor files are read in place");

constexpr size_t kMaxHeader = size_t{100} << 20;  // the format's own limit

constexpr std::pair<const char*, DType> kNames[] = {
    {"U8", DType::u8},   {"I8", DType::i8},       {"I16", DType::i16},   {"I32", DType::i32},
    {"I64", DType::i64}, {"F16", DType::f16},     {"BF16", DType::bf16}, {"F32", DType::f32},
    {"F64", DType::f64}, {"BOOL", DType::boolean}};

template <typename T>
constexpr DType dtype_of();
template <>
constexpr DType dtype_of<uint8_t>() {
  return DType::u8;
}
template <>
constexpr DType dtype_of<int32_t>() {
  return DType::i32;
}
template <>
constexpr DType dtype_of<int64_t>() {
  return DType::i64;
}
template <>
constexpr DType dtype_of<float>() {
  return DType::f32;
}
template <>
constexpr DType dtype_of<double>() {
  return DType::f64;
}

/// Keeps the JSON parser from hiding a repeated name and from recursing without bound.
Json parse_header(const std::string& text, const std::string& where) {
  std::vector<std::set<std::string>> keys;
  std::string repeated;
  bool deep = false;
  const Json::parser_callback_t watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > 8) deep = true;
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end && !keys.empty()) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.empty() &&
        !keys.back().insert(parsed.get<std::string>()).second && repeated.empty())
      repeated = parsed.get<std::string>();
    return !deep;
  };
  Json header;
  try {
    header = Json::parse(text, watch);
  } catch (const nlohmann::json::exception&) {
    throw bad_input(where, "the safetensors header is not valid JSON");
  }
  if (deep) throw bad_input(where, "the safetensors header is nested too deeply");
  if (!repeated.empty()) throw bad_input(where, "tensor \"" + repeated + "\" is named twice");
  if (!header.is_object()) throw bad_input(where, "the safetensors header is not a JSON object");
  return header;
}

TensorEntry parse_entry(const std::string& where, const std::string& name, const Json& value,
                        size_t data_start, size_t file_size) {
  const std::string at = where + ": tensor \"" + name + "\"";
  if (!value.is_object() || !value.contains("dtype") || !value.contains("shape") ||
      !value.contains("data_offsets"))
    throw bad_input(at, "lacks dtype, shape or data_offsets");
  TensorEntry e;
  const Json& dtype = value["dtype"];
  const auto* known = std::find_if(std::begin(kNames), std::end(kNames), [&](const auto& n) {
    return dtype.is_string() && dtype.get<std::string>() == n.first;
  });
  if (known == std::end(kNames))
    throw bad_input(at, "dtype " + dtype.dump() + " is not known",
                    "U8, I8, I16, I32, I64, F16, BF16, F32, F64 and BOOL are");
  e.dtype = known->second;
  const Json &shape = value["shape"], &offsets = value["data_offsets"];
  if (!shape.is_array() || shape.size() > 16) throw bad_input(at, "has no usable shape");
  size_t bytes = dtype_bytes(e.dtype);
  for (const Json& d : shape) {
    if (!d.is_number_unsigned() || d.get<uint64_t>() > (uint64_t{1} << 48))
      throw bad_input(at, "has an impossible dimension " + d.dump());
    const auto n = d.get<uint64_t>();
    e.shape.push_back(static_cast<int64_t>(n));
    if (n != 0 && bytes > std::numeric_limits<int64_t>::max() / n)
      throw bad_input(at, "has a shape too large for any file");
    bytes *= n;
  }
  if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
      !offsets[1].is_number_unsigned())
    throw bad_input(at, "has no usable data_offsets");
  const auto begin = offsets[0].get<uint64_t>(), end = offsets[1].get<uint64_t>();
  if (begin > end || end > file_size - data_start)
    throw bad_input(at,
                    "claims bytes " + std::to_string(begin) + " to " + std::to_string(end) +
                        " of the data, but the file holds " +
                        std::to_string(file_size - data_start),
                    "the file is truncated or damaged");
  if (end - begin != bytes)
    throw bad_input(at, "needs " + std::to_string(bytes) + " bytes for its shape but has " +
                            std::to_string(end - begin));
  e.begin = data_start + begin;
  e.end = data_start + end;
  return e;
}

}  // namespace

const char* dtype_name(DType dtype) {
  for (const auto& [name, value] : kNames)
    if (value == dtype) return name;
  return "?";
}

size_t dtype_bytes(DType dtype) {
  switch (dtype) {
    case DType::u8:
    case DType::i8:
    case DType::boolean:
      return 1;
    case DType::i16:
    case DType::f16:
    case DType::bf16:
      return 2;
    case DType::i32:
    case DType::f32:
      return 4;
    case DType::i64:
    case DType::f64:
      return 8;
  }
  return 0;
}

int64_t TensorEntry::elements() const {
  int64_t n = 1;
  for (int64_t d : shape)
    n *= d;
  return n;
}

SafetensorsReader::SafetensorsReader(const std::filesystem::path& path)
    : file_(std::make_unique<RandomAccessFile>(path)) {
  const std::string where = path.string();
  const size_t size = file_->size();
  if (size < 8) throw bad_input(where, "is too short for a safetensors file");
  uint64_t length = 0;
  file_->read(0, &length, 8);
  if (length > size - 8 || length > kMaxHeader)
    throw bad_input(where,
                    "claims a header of " + std::to_string(length) + " bytes, but only " +
                        std::to_string(size - 8) + " follow",
                    "the file is truncated or not safetensors");
  std::string text(length, '\0');
  file_->read(8, text.data(), length);
  const Json header = parse_header(text, where);
  const size_t data_start = 8 + length;
  for (const auto& [name, value] : header.items()) {
    if (name == "__metadata__") {
      if (!value.is_object()) throw bad_input(where, "__metadata__ is not a JSON object");
      for (const auto& [k, v] : value.items())
        if (v.is_string()) metadata_[k] = v.get<std::string>();
      continue;
    }
    tensors_.emplace(name, parse_entry(where, name, value, data_start, size));
  }
  std::vector<std::pair<const std::string*, const TensorEntry*>> order;
  for (const auto& [name, e] : tensors_)
    if (e.end > e.begin) order.emplace_back(&name, &e);
  std::sort(order.begin(), order.end(),
            [](const auto& a, const auto& b) { return a.second->begin < b.second->begin; });
  for (size_t i = 1; i < order.size(); ++i)
    if (order[i].second->begin < order[i - 1].second->end)
      throw bad_input(where, "tensors \"" + *order[i - 1].first + "\" and \"" + *order[i].first +
                                 "\" overlap at byte " + std::to_string(order[i].second->begin));
}

const TensorEntry& SafetensorsReader::entry(const std::string& name) const {
  const auto it = tensors_.find(name);
  if (it == tensors_.end()) throw bad_input(path().string(), "has no tensor \"" + name + "\"");
  return it->second;
}

void SafetensorsReader::read_raw(const std::string& name, void* to) const {
  const TensorEntry& e = entry(name);
  file_->read(e.begin, to, e.end - e.begin);
}

void SafetensorsReader::read_raw(const std::string& name, int64_t first, int64_t count,
                                 void* to) const {
  const TensorEntry& e = entry(name);
  const size_t unit = dtype_bytes(e.dtype);
  if (first < 0 || count < 0 || first > e.elements() - count)
    throw bad_input(path().string(),
                    "tensor \"" + name + "\" is shorter than what was asked of it");
  file_->read(e.begin + static_cast<size_t>(first) * unit, to, static_cast<size_t>(count) * unit);
}

template <typename T>
std::vector<T> SafetensorsReader::read(const std::string& name) const {
  const TensorEntry& e = entry(name);
  if (e.dtype != dtype_of<T>())
    throw bad_input(
        path().string() + ": tensor \"" + name + "\"",
        std::string("is ") + dtype_name(e.dtype) + ", expected " + dtype_name(dtype_of<T>()));
  std::vector<T> values(static_cast<size_t>(e.elements()));
  read_raw(name, values.data());
  return values;
}
template std::vector<uint8_t> SafetensorsReader::read<uint8_t>(const std::string&) const;
template std::vector<int32_t> SafetensorsReader::read<int32_t>(const std::string&) const;
template std::vector<int64_t> SafetensorsReader::read<int64_t>(const std::string&) const;
template std::vector<float> SafetensorsReader::read<float>(const std::string&) const;
template std::vector<double> SafetensorsReader::read<double>(const std::string&) const;

void write_safetensors(const std::filesystem::path& path,
                       const std::map<std::string, TensorView>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  size_t offset = 0;
  std::vector<size_t> sizes;
  for (const auto& [name, t] : tensors) {
    size_t bytes = dtype_bytes(t.dtype);
    for (int64_t d : t.shape)
      bytes *= static_cast<size_t>(d);
    header[name] = {{"dtype", dtype_name(t.dtype)},
                    {"shape", t.shape},
                    {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
    sizes.push_back(bytes);
  }
  std::string text = header.dump(-1, ' ', false, Json::error_handler_t::replace);
  text.append((8 - text.size() % 8) % 8, ' ');
  AtomicFile out(path);
  const uint64_t length = text.size();
  out.write(&length, 8);
  out.write(text);
  size_t i = 0;
  for (const auto& [name, t] : tensors)
    out.write(t.data, sizes[i++]);
  out.commit();
}

void TensorDump::put(const std::string& name, DType dtype, std::vector<int64_t> shape,
                     const void* data, size_t count) {
  int64_t n = 1;
  for (int64_t d : shape)
    n *= d;
  if (static_cast<size_t>(n) != count)
    throw std::logic_error("dump: " + name + " has a shape that does not match its values");
  const auto* bytes = static_cast<const unsigned char*>(data);
  arrays_[name] = {dtype, std::move(shape), {bytes, bytes + count * dtype_bytes(dtype)}};
}

void TensorDump::add(const std::string& name, std::vector<int64_t> shape,
                     const std::vector<float>& v) {
  put(name, DType::f32, std::move(shape), v.data(), v.size());
}
void TensorDump::add(const std::string& name, std::vector<int64_t> shape,
                     const std::vector<int32_t>& v) {
  put(name, DType::i32, std::move(shape), v.data(), v.size());
}
void TensorDump::add(const std::string& name, std::vector<int64_t> shape,
                     const std::vector<uint8_t>& v) {
  put(name, DType::u8, std::move(shape), v.data(), v.size());
}

void TensorDump::write(const std::filesystem::path& path,
                       const std::map<std::string, std::string>& metadata) const {
  std::map<std::string, TensorView> views;
  for (const auto& [name, a] : arrays_)
    views[name] = {a.dtype, a.shape, a.bytes.data()};
  write_safetensors(path, views, metadata);
}

}  // namespace looktwice
