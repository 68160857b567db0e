#pragma once
// Files that appear whole or not at all.

#include <cstddef>
#include <filesystem>
#include <string>

namespace looktwice {

/// A temporary name beside `target` for writers that open files themselves (FFmpeg): the file is
/// made under path() and renamed by commit(); without commit() the destructor removes it, so an
/// interrupted run leaves the old target untouched. The name keeps the target's extension. A target
/// that is a device or a pipe is written in place.
class PendingFile {
 public:
  /// Throws Error(input) if the target is a directory or its folder is missing or not writable.
  explicit PendingFile(const std::filesystem::path& target);
  ~PendingFile();
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  const std::filesystem::path& target() const { return target_; }
  bool in_place() const { return in_place_; }
  /// Flushes to disk and renames over the target. Throws Error(run).
  void commit();

 private:
  std::filesystem::path target_, path_;
  bool done_ = false, in_place_ = false;
};

/// A PendingFile with a plain byte stream.
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& target);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Throws Error(run) when the disk is full or the device fails.
  void write(const void* data, size_t bytes);
  void write(const std::string& text) { write(text.data(), text.size()); }
  /// Overwrites bytes already written (for headers known last; not for devices and pipes).
  void write_at(size_t offset, const void* data, size_t bytes);
  size_t size() const { return size_; }
  void commit();

 private:
  PendingFile pending_;
  int fd_ = -1;
  size_t size_ = 0;
};

}  // namespace looktwice
