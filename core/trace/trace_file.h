#pragma once
// TokenTraces on disk. The format is described in docs/token-trace.md. Writing streams clip by
// clip in bounded memory; a file appears under its name only when it is complete. Reading trusts
// nothing: every length, shape, index and checksum is verified before it is used.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "base/atomic_file.h"
#include "base/random_access_file.h"
#include "trace/token_trace.h"

namespace looktwice::trace {

inline constexpr int kTraceVersion = 1;
/// Limits that no real clip meets: a side of the grid, tokens of a clip.
inline constexpr int kMaxSide = 65536;
inline constexpr size_t kMaxTokens = size_t{1} << 24;

/// Streams a trace. One thread at a time.
class TokenTraceWriter {
 public:
  /// Writes `head` without its clips. Throws Error(input) if the target cannot be written.
  TokenTraceWriter(const std::filesystem::path& target, const TokenTrace& head);
  /// Appends one clip; memory does not grow. Throws Error(input) if the clip contradicts itself
  /// (array sizes, indices), Error(run) when the disk is full.
  void append(const ClipTrace& clip);
  size_t clips() const { return offsets_.size(); }
  /// Writes the index and renames the file into place. Without it nothing appears.
  void commit();

 private:
  void record(const char type[4], const std::string& payload);
  AtomicFile file_;
  std::vector<uint64_t> offsets_;
};

/// Random access to the clips of a trace; memory holds the index only. Threads: const methods may
/// be called from several threads.
class TokenTraceReader {
 public:
  /// Throws Error(input) naming file and byte if it is no trace, truncated, damaged or too new.
  explicit TokenTraceReader(const std::filesystem::path& path);
  /// Everything but the clips.
  const TokenTrace& head() const { return head_; }
  size_t clips() const { return offsets_.size(); }
  /// Reads and checks one clip. Throws Error(input).
  ClipTrace clip(size_t index) const;
  const std::filesystem::path& path() const { return file_->path(); }

 private:
  std::string payload(uint64_t offset, const char type[4], uint64_t* next = nullptr) const;
  std::unique_ptr<RandomAccessFile> file_;
  TokenTrace head_;
  std::vector<uint64_t> offsets_;
};

/// Whole traces, for short ones and tests.
void save_trace(const std::filesystem::path& target, const TokenTrace& trace);
TokenTrace load_trace(const std::filesystem::path& path);
/// True if the file begins as a trace does (for "open": which reader to use). Never throws.
bool is_token_trace(const std::filesystem::path& path);

/// Throws Error(input) naming `where` if the clip contradicts itself.
void check_clip(const ClipTrace& clip, const std::string& where);

}  // namespace looktwice::trace
