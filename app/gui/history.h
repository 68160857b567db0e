#pragma once
// Undo and redo of a value: the whole value is kept, small as settings are.

#include <chrono>
#include <string>
#include <vector>

namespace looktwice::gui {

template <class Value>
class History {
 public:
  explicit History(Value value = {}) : now_(std::move(value)) {}

  const Value& now() const { return now_; }
  /// Makes `value` the present. Changes of the same `what` that follow one another within a second
  /// (a dragged slider) are one step back. Returns false if nothing changed.
  bool change(Value value, const std::string& what) {
    if (value == now_) return false;
    const auto time = std::chrono::steady_clock::now();
    const bool same = !back_.empty() && what == what_ && time - when_ < std::chrono::seconds(1);
    if (!same) {
      back_.push_back({now_, what});
      if (back_.size() > kSteps) back_.erase(back_.begin());
    }
    forward_.clear();
    now_ = std::move(value);
    what_ = what;
    when_ = time;
    return true;
  }
  /// Forgets the steps (a session was loaded).
  void reset(Value value) {
    now_ = std::move(value);
    back_.clear();
    forward_.clear();
    what_.clear();
  }
  /// The next change is a step of its own, whatever it is.
  void seal() { what_.clear(); }

  bool can_undo() const { return !back_.empty(); }
  bool can_redo() const { return !forward_.empty(); }
  /// What the next undo (redo) takes back (does again), for the menu.
  std::string undo_name() const { return back_.empty() ? "" : back_.back().what; }
  std::string redo_name() const { return forward_.empty() ? "" : forward_.back().what; }
  bool undo() { return move(back_, forward_); }
  bool redo() { return move(forward_, back_); }

 private:
  struct Step {
    Value value;
    std::string what;
  };
  static constexpr size_t kSteps = 200;

  bool move(std::vector<Step>& from, std::vector<Step>& to) {
    if (from.empty()) return false;
    Step step = std::move(from.back());
    from.pop_back();
    to.push_back({std::move(now_), step.what});
    now_ = std::move(step.value);
    what_.clear();
    return true;
  }

  Value now_;
  std::vector<Step> back_, forward_;
  std::string what_;
  std::chrono::steady_clock::time_point when_{};
};

}  // namespace looktwice::gui
