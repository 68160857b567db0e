#pragma once
// The tensors of a model folder: one safetensors file or several with an index.

#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/safetensors.h"
#include "compute/tensor.h"

namespace looktwice::checkpoint {

/// Opens, in this order: the shards that `*.safetensors.index.json` names; `model.safetensors`; the
/// only *.safetensors file of the folder. Headers are read and checked at once, tensors one by one
/// when they are asked for, so that memory holds one at a time. Not thread-safe.
class WeightFiles {
 public:
  /// Throws Error(input): no such folder, no or several candidate files, a shard that is missing,
  /// an index that names a tensor its shard does not have or leaves one out, a name in two shards,
  /// or anything that SafetensorsReader refuses.
  explicit WeightFiles(const std::filesystem::path& folder);

  const std::filesystem::path& folder() const { return folder_; }
  /// All names, sorted.
  std::vector<std::string> names() const;
  bool contains(const std::string& name) const { return where_.count(name) != 0; }
  const TensorEntry& entry(const std::string& name) const;
  /// "model.safetensors: tensor 'NAME'": how messages name a tensor.
  std::string place(const std::string& name) const;

  /// The tensor in its stored dtype (F32, F16 or BF16; F64 becomes F32) and its own shape, and
  /// marks it as used. Throws Error(input) if it is missing, if its shape is not `expected` (the
  /// message gives both), if its dtype is another, or if a value is NaN or infinite (the message
  /// gives the first one's place).
  compute::Tensor load(const std::string& name, const compute::Shape& expected);
  /// The same without a check of the shape.
  compute::Tensor load(const std::string& name);
  /// Marks a tensor as used without reading it.
  void ignore(const std::string& name) { used_.insert(name); }
  /// Throws Error(input) naming the first tensors that nothing has used.
  void require_all_used(const std::string& architecture) const;
  /// Bytes of tensors loaded so far, of all: for progress.
  size_t loaded_bytes() const { return loaded_bytes_; }
  size_t total_bytes() const { return total_bytes_; }

 private:
  std::filesystem::path folder_;
  std::vector<std::unique_ptr<SafetensorsReader>> files_;
  std::map<std::string, size_t> where_;  // name -> file
  std::set<std::string> used_;
  size_t loaded_bytes_ = 0, total_bytes_ = 0;
};

/// Index of the first NaN or infinity of a floating tensor, or -1.
int64_t first_not_finite(const compute::Tensor& tensor);

}  // namespace looktwice::checkpoint
