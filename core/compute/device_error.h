#pragma once
// What callers need to tell a device that gave up from a run that failed.

#include "base/error.h"

namespace looktwice::compute {

/// A device ran out of memory or was lost. The session is intact: make another backend (the CPU's
/// always works) and run again. After `lost`, the backend that threw is of no more use.
class DeviceError : public Error {
 public:
  enum class Kind { out_of_memory, lost };
  DeviceError(Kind kind, std::string where, std::string what, std::string hint)
      : Error(Fault::run, std::move(where), std::move(what), std::move(hint)), kind_(kind) {}
  Kind kind() const noexcept { return kind_; }

 private:
  Kind kind_;
};

}  // namespace looktwice::compute
