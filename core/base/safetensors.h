#pragma once
// safetensors: an 8-byte little-endian header length, a JSON header, raw little-endian tensors.
// Used for frames, dumps, traces' arrays, noise and (through checkpoint/) model weights.

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/random_access_file.h"

namespace looktwice {

enum class DType { u8, i8, i16, i32, i64, f16, bf16, f32, f64, boolean };

/// "F32", "BF16", … as the format spells them.
const char* dtype_name(DType dtype);
size_t dtype_bytes(DType dtype);

struct TensorEntry {
  DType dtype = DType::f32;
  std::vector<int64_t> shape;  ///< empty for a scalar
  size_t begin = 0, end = 0;   ///< bytes from the start of the file
  int64_t elements() const;
};

/// Reads a file. The header is checked whole before anything is trusted: length within the file,
/// JSON, no duplicate or overlapping tensors, known dtypes, shapes that match their byte ranges and
/// do not overflow. Throws Error(input) naming file, tensor and byte. Threads: const after opening.
class SafetensorsReader {
 public:
  explicit SafetensorsReader(const std::filesystem::path& path);

  const std::map<std::string, TensorEntry>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  const std::filesystem::path& path() const { return file_->path(); }
  bool contains(const std::string& name) const { return tensors_.count(name) != 0; }
  /// Throws Error(input) if there is no such tensor.
  const TensorEntry& entry(const std::string& name) const;
  /// Copies the raw bytes of a tensor (entry(name).end - begin of them).
  void read_raw(const std::string& name, void* to) const;
  /// Copies elements [first, first+count) of a tensor without conversion.
  void read_raw(const std::string& name, int64_t first, int64_t count, void* to) const;
  /// A whole tensor, its dtype required to be exactly that of T (uint8_t, int32_t, int64_t, float).
  template <typename T>
  std::vector<T> read(const std::string& name) const;

 private:
  std::unique_ptr<RandomAccessFile> file_;
  std::map<std::string, TensorEntry> tensors_;
  std::map<std::string, std::string> metadata_;
};

/// A tensor to write: borrowed bytes, row-major.
struct TensorView {
  DType dtype;
  std::vector<int64_t> shape;
  const void* data;
};

/// Writes all tensors in name order, atomically; throws Error(run) when the disk is full.
void write_safetensors(const std::filesystem::path& path,
                       const std::map<std::string, TensorView>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

/// Collects owned arrays under names and writes them: what `--dump` is made with.
class TensorDump {
 public:
  void add(const std::string& name, std::vector<int64_t> shape, const std::vector<float>& values);
  void add(const std::string& name, std::vector<int64_t> shape, const std::vector<int32_t>& values);
  void add(const std::string& name, std::vector<int64_t> shape, const std::vector<uint8_t>& values);
  bool empty() const { return arrays_.empty(); }
  void write(const std::filesystem::path& path,
             const std::map<std::string, std::string>& metadata = {}) const;

 private:
  void put(const std::string& name, DType dtype, std::vector<int64_t> shape, const void* data,
           size_t count);
  struct Array {
    DType dtype;
    std::vector<int64_t> shape;
    std::vector<unsigned char> bytes;
  };
  std::map<std::string, Array> arrays_;
};

}  // namespace looktwice
