#include "cli/dumps.h"

#include "base/error.h"

namespace looktwice::cli {

void RltDump::add(const trace::ClipTrace& clip) {
  if (clips_ == 0) {
    t_ = clip.t;
    h_ = clip.h;
    w_ = clip.w;
  } else if (clip.t != t_ || clip.h != h_ || clip.w != w_) {
    throw bad_input("--dump", "clips of different token grids do not fit one array",
                    "choose one clip or one size");
  }
  ++clips_;
  difference_.insert(difference_.end(), clip.difference.begin(), clip.difference.end());
  keep_.insert(keep_.end(), clip.keep.begin(), clip.keep.end());
  run_length_.insert(run_length_.end(), clip.run_length.begin(), clip.run_length.end());
}

void RltDump::put(TensorDump& dump) const {
  if (clips_ == 0) return;
  const std::vector<int64_t> shape = {clips_, t_, h_, w_};
  dump.add("rlt/difference", shape, difference_);
  dump.add("rlt/keep", shape, keep_);
  dump.add("rlt/run_length", shape, run_length_);
}

}  // namespace looktwice::cli
