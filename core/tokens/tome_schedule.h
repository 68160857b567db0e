#pragma once
// How many tokens ToMe merges in each layer (Bolya et al., "Token Merging: Your ViT But Faster",
// ICLR 2023, section 4.1 and the published code's parse_r).

#include <string>
#include <string_view>
#include <vector>

namespace looktwice::tokens {

/// SCHEDULE as the command line takes it, before the number of layers is known:
/// "R", "R,INFLECT" or "[r0,r1,…]".
struct MergeSchedule {
  enum class Kind { constant, ramp, list } kind = Kind::constant;
  double r = 0;        ///< per layer; a whole number for constant
  double inflect = 0;  ///< -1 (decreasing) … 0 (constant) … 1 (increasing); ramp only
  std::vector<int> list;
  bool operator==(const MergeSchedule&) const = default;

  /// r for each of `layers` layers. constant: R everywhere. ramp: with lo = trunc(R (1 - inflect))
  /// and hi = 2R - lo, layer i merges trunc(lo + (hi - lo) / (layers - 1) * i); a model of one
  /// layer merges trunc(R). list: padded with zeros. Throws Error(input) naming --tome if the list
  /// is longer than the model is deep.
  std::vector<int> layers(int layers) const;
  /// The shortest text that parse() reads back as the same schedule.
  std::string text() const;
};

/// Throws Error(input) naming --tome, saying what is wrong: negative or absurd r, inflection
/// outside -1 … 1, anything that is no number.
MergeSchedule parse_schedule(std::string_view text);

}  // namespace looktwice::tokens
