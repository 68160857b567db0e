#pragma once
// Bytes of a file, read with pread so that a file that shrinks while it is read is an Error and
// not a signal.

#include <cstddef>
#include <filesystem>

namespace looktwice {

/// Read-only random access. Threads: read() may be called from several threads at once.
class RandomAccessFile {
 public:
  /// Throws Error(input) if it cannot be opened or is no regular file.
  explicit RandomAccessFile(const std::filesystem::path& path);
  ~RandomAccessFile();
  RandomAccessFile(const RandomAccessFile&) = delete;
  RandomAccessFile& operator=(const RandomAccessFile&) = delete;

  size_t size() const { return size_; }
  const std::filesystem::path& path() const { return path_; }
  /// Fills `to` with `bytes` bytes from `offset`; throws Error(input) naming the byte where it
  /// ends.
  void read(size_t offset, void* to, size_t bytes) const;

 private:
  std::filesystem::path path_;
  int fd_ = -1;
  size_t size_ = 0;
};

}  // namespace looktwice
