#include "checkpoint/weight_files.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

namespace looktwice::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr size_t kNamedAtMost = 3;

std::vector<fs::path> files_ending(const fs::path& folder, const std::string& end) {
  std::vector<fs::path> found;
  std::error_code error;
  for (const auto& e : fs::directory_iterator(folder, error)) {
    const std::string name = e.path().filename().string();
    if (name.size() > end.size() && name.ends_with(end) && name.front() != '.')
      found.push_back(e.path());
  }
  if (error) throw bad_input(folder.string(), "the folder cannot be read: " + error.message());
  std::sort(found.begin(), found.end());
  return found;
}

/// tensor -> shard file name, from "weight_map".
std::map<std::string, std::string> read_index(const fs::path& file) {
  const Json index = read_json(file);
  if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object())
    throw bad_input(file.string(), "has no 'weight_map' object",
                    "it should map every tensor name to a file name");
  std::map<std::string, std::string> map;
  for (const auto& [name, shard] : index["weight_map"].items()) {
    if (!shard.is_string())
      throw bad_input(file.string(), "weight_map: the file of '" + name + "' is not text");
    const std::string path = shard.get<std::string>();
    // A shard lies beside its index; anything else could name files elsewhere on the machine.
    if (path.empty() || path.find('/') != std::string::npos || path == "." || path == "..")
      throw bad_input(file.string(), "weight_map: '" + path + "' is not a plain file name");
    map[name] = path;
  }
  if (map.empty()) throw bad_input(file.string(), "weight_map is empty");
  return map;
}

template <typename Word, Word kExponent>
int64_t scan(const Word* p, int64_t n) {
  constexpr int64_t kBlock = 4096;
  for (int64_t at = 0; at < n; at += kBlock) {
    const int64_t end = std::min(n, at + kBlock);
    Word bad = 0;
    for (int64_t i = at; i < end; ++i)
      bad = Word(bad | ((p[i] & kExponent) == kExponent ? 1 : 0));
    if (!bad) continue;
    for (int64_t i = at; i < end; ++i)
      if ((p[i] & kExponent) == kExponent) return i;
  }
  return -1;
}

}  // namespace

int64_t first_not_finite(const compute::Tensor& t) {
  const int64_t n = t.elements();
  switch (t.dtype()) {
    case DType::f32:
      return scan<uint32_t, 0x7f800000u>(static_cast<const uint32_t*>(t.raw()), n);
    case DType::bf16:
      return scan<uint16_t, 0x7f80u>(t.data<uint16_t>(), n);
    case DType::f16:
      return scan<uint16_t, 0x7c00u>(t.data<uint16_t>(), n);
    default:
      return -1;
  }
}

WeightFiles::WeightFiles(const fs::path& folder) : folder_(folder) {
  if (!fs::is_directory(folder))
    throw bad_input(folder.string(), "is no model folder",
                    "a model folder holds config.json and *.safetensors");
  const auto indexes = files_ending(folder, ".safetensors.index.json");
  if (indexes.size() > 1)
    throw bad_input(folder.string(), "holds more than one *.safetensors.index.json");
  std::map<std::string, std::string> index;
  std::vector<fs::path> paths;
  if (!indexes.empty()) {
    index = read_index(indexes[0]);
    std::set<std::string> shards;
    for (const auto& [name, shard] : index)
      shards.insert(shard);
    for (const auto& shard : shards) {
      if (!fs::exists(folder / shard))
        throw bad_input(indexes[0].string(), "names the shard '" + shard + "', which is missing");
      paths.push_back(folder / shard);
    }
  } else if (fs::exists(folder / "model.safetensors")) {
    paths.push_back(folder / "model.safetensors");
  } else {
    paths = files_ending(folder, ".safetensors");
    if (paths.empty())
      throw bad_input(folder.string(), "holds no *.safetensors file",
                      "pickled checkpoints are not read; tools/convert makes a model folder");
    if (paths.size() > 1)
      throw bad_input(folder.string(),
                      "holds " + std::to_string(paths.size()) + " safetensors files and no index",
                      "name one model.safetensors or add model.safetensors.index.json");
  }
  for (const auto& path : paths) {
    files_.push_back(std::make_unique<SafetensorsReader>(path));
    for (const auto& [name, entry] : files_.back()->tensors()) {
      const auto [it, fresh] = where_.emplace(name, files_.size() - 1);
      if (!fresh)
        throw bad_input(path.string(), "tensor '" + name + "' is also in " +
                                           files_[it->second]->path().filename().string());
      total_bytes_ += entry.end - entry.begin;
    }
  }
  if (index.empty()) return;
  for (const auto& [name, shard] : index) {
    const auto it = where_.find(name);
    if (it == where_.end() || files_[it->second]->path().filename().string() != shard)
      throw bad_input(indexes[0].string(), "tensor '" + name + "' is not in '" + shard + "'");
  }
  for (const auto& [name, file] : where_)
    if (!index.count(name))
      throw bad_input(indexes[0].string(), "does not list tensor '" + name + "' of " +
                                               files_[file]->path().filename().string());
}

std::vector<std::string> WeightFiles::names() const {
  std::vector<std::string> all;
  for (const auto& [name, file] : where_)
    all.push_back(name);
  return all;
}

const TensorEntry& WeightFiles::entry(const std::string& name) const {
  const auto it = where_.find(name);
  if (it == where_.end()) {
    std::string hint = "is this the right config.json for these weights?";
    if (const auto near = nearest(name, names())) hint = "there is '" + *near + "'";
    throw bad_input(folder_.string(), "tensor '" + name + "' is missing", hint);
  }
  return files_[it->second]->entry(name);
}

std::string WeightFiles::place(const std::string& name) const {
  const auto it = where_.find(name);
  const std::string file =
      it == where_.end() ? folder_.string() : files_[it->second]->path().string();
  return file + ": tensor '" + name + "'";
}

compute::Tensor WeightFiles::load(const std::string& name, const compute::Shape& expected) {
  const TensorEntry& e = entry(name);
  if (e.shape != expected)
    throw bad_input(place(name), "has shape " + compute::shape_text(e.shape) +
                                     ", but config.json asks for " + compute::shape_text(expected));
  return load(name);
}

compute::Tensor WeightFiles::load(const std::string& name) {
  const TensorEntry& e = entry(name);
  const SafetensorsReader& file = *files_[where_.at(name)];
  if (e.dtype != DType::f32 && e.dtype != DType::f16 && e.dtype != DType::bf16 &&
      e.dtype != DType::f64)
    throw bad_input(place(name), std::string("holds ") + dtype_name(e.dtype),
                    "weights are F32, F16 or BF16");
  compute::Tensor tensor(e.shape, e.dtype == DType::f64 ? DType::f32 : e.dtype);
  if (e.dtype == DType::f64) {
    std::vector<double> values(size_t(e.elements()));
    file.read_raw(name, values.data());
    std::transform(values.begin(), values.end(), tensor.data<float>(),
                   [](double v) { return float(v); });
  } else {
    file.read_raw(name, tensor.raw());
  }
  if (const int64_t at = first_not_finite(tensor); at >= 0) {
    const float value = tensor.reshape({tensor.elements()}).to_f32().data<float>()[at];
    throw bad_input(
        place(name),
        std::string(std::isnan(value) ? "NaN" : "infinity") + " at element " + std::to_string(at),
        "the weights are damaged or were saved from a run that diverged");
  }
  used_.insert(name);
  loaded_bytes_ += e.end - e.begin;
  return tensor;
}

void WeightFiles::require_all_used(const std::string& architecture) const {
  std::vector<std::string> extra;
  for (const auto& [name, file] : where_)
    if (!used_.count(name)) extra.push_back("'" + name + "'");
  if (extra.empty()) return;
  const size_t count = extra.size();
  if (count > kNamedAtMost) extra.resize(kNamedAtMost);
  throw bad_input(
      folder_.string(),
      (count == 1 ? "extra tensor " : "extra tensors ") + join(extra, ", ") +
          (count > kNamedAtMost ? " and " + std::to_string(count - kNamedAtMost) + " more" : ""),
      architecture + " has no such weights, so they would be ignored");
}

}  // namespace looktwice::checkpoint
