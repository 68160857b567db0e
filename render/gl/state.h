#pragma once
// The context is shared with a toolkit and its other painters: what we touch, we put back.

#include <memory>

#include "gl/owner.h"

namespace looktwice::gl {

/// Saves all state that render/ changes, sets it to what render/ expects (no blending, no tests,
/// full colour mask, no pixel buffers), and restores it when destroyed.
class StateGuard {
 public:
  StateGuard();
  ~StateGuard();
  StateGuard(const StateGuard&) = delete;
  StateGuard& operator=(const StateGuard&) = delete;

  static constexpr int kUnits = 13;  ///< texture units that render/ may use

 private:
  struct Saved;
  std::unique_ptr<Saved> saved_;
};

}  // namespace looktwice::gl
