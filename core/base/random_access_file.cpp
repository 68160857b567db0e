#include "base/random_access_file.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

namespace looktwice {

RandomAccessFile::RandomAccessFile(const std::filesystem::path& path) : path_(path) {
  fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd_ < 0)
    throw bad_input(path.string(), std::string("cannot be opened: ") + std::strerror(errno),
                    "check the path and its permissions");
  struct stat st {};
  if (::fstat(fd_, &st) != 0 || !S_ISREG(st.st_mode)) {
    const bool folder = S_ISDIR(st.st_mode);
    ::close(fd_);
    throw bad_input(path.string(), folder ? "is a directory, not a file" : "is not a regular file");
  }
  size_ = static_cast<size_t>(st.st_size);
}

RandomAccessFile::~RandomAccessFile() {
  if (fd_ >= 0) ::close(fd_);
}

void RandomAccessFile::read(size_t offset, void* to, size_t bytes) const {
  char* at = static_cast<char*>(to);
  while (bytes > 0) {
    const ssize_t n = ::pread(fd_, at, bytes, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      throw run_failed(path_.string(), std::string("cannot be read: ") + std::strerror(errno));
    if (n == 0)
      throw bad_input(path_.string(),
                      "ends at byte " + std::to_string(offset) + " while " + std::to_string(bytes) +
                          " more were expected",
                      "the file is truncated or was changed while it was read");
    at += n;
    offset += static_cast<size_t>(n);
    bytes -= static_cast<size_t>(n);
  }
}

}  // namespace looktwice
