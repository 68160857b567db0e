#include "base/atomic_file.h"

#include <atomic>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"

namespace looktwice {
namespace fs = std::filesystem;

PendingFile::PendingFile(const fs::path& target) : target_(target) {
  std::error_code ec;
  if (target.empty()) throw bad_input("output", "the file name is empty");
  if (fs::is_directory(target, ec))
    throw bad_input(target.string(), "is a directory", "give a file name for the output");
  const fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
  if (!fs::is_directory(folder, ec))
    throw bad_input(target.string(), "the folder does not exist", "create " + folder.string());
  if (::access(folder.c_str(), W_OK) != 0)
    throw bad_input(target.string(), "the folder cannot be written to",
                    "choose another folder or change its permissions");
  if (fs::exists(target, ec) && !fs::is_regular_file(target, ec)) {
    path_ = target;  // a device or pipe: written in place
    in_place_ = true;
    return;
  }
  static std::atomic<unsigned> counter{0};
  path_ = folder / ("." + target.stem().string() + "." + std::to_string(::getpid()) + "-" +
                    std::to_string(counter++) + ".part" + target.extension().string());
}

PendingFile::~PendingFile() {
  if (done_ || in_place_) return;
  std::error_code ec;
  fs::remove(path_, ec);
}

void PendingFile::commit() {
  if (in_place_) return;
  const int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 || ::fsync(fd) != 0) {
    const std::string why = std::strerror(errno);
    if (fd >= 0) ::close(fd);
    throw run_failed(target_.string(), "cannot be written: " + why);
  }
  ::close(fd);
  std::error_code ec;
  fs::rename(path_, target_, ec);
  if (ec) throw run_failed(target_.string(), "cannot be written: " + ec.message());
  done_ = true;
}

AtomicFile::AtomicFile(const fs::path& target) : pending_(target) {
  const int flags = pending_.in_place() ? O_WRONLY : O_WRONLY | O_CREAT | O_EXCL;
  fd_ = ::open(pending_.path().c_str(), flags | O_CLOEXEC, 0666);
  if (fd_ < 0)
    throw bad_input(target.string(), std::string("cannot be created: ") + std::strerror(errno));
}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0) ::close(fd_);
}

void AtomicFile::write(const void* data, size_t bytes) {
  write_at(size_, data, bytes);
  size_ += bytes;
}

void AtomicFile::write_at(size_t offset, const void* data, size_t bytes) {
  const char* from = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t n = pending_.in_place() ? ::write(fd_, from, bytes)
                                          : ::pwrite(fd_, from, bytes, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0)
      throw run_failed(pending_.target().string(),
                       std::string("cannot be written: ") + std::strerror(n < 0 ? errno : ENOSPC),
                       "free some disk space or choose another place");
    from += n;
    offset += static_cast<size_t>(n);
    bytes -= static_cast<size_t>(n);
  }
}

void AtomicFile::commit() {
  ::close(fd_);
  fd_ = -1;
  pending_.commit();
}

}  // namespace looktwice
