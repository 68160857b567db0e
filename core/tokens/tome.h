#pragma once
// Token Merging: which tokens of a layer are alike (Bolya et al., ICLR 2023, section 3), what
// becomes of them, and which tokens of the input stand behind each token of a later layer.
//
// Decisions are taken in float32 from the metric that the model produced, whatever the model's
// dtype. Ties: a token prefers the partner of the lowest index; the most alike pairs are merged
// first, equal scores in ascending order of the source's index. Every instruction set sums each
// score in the same order with fused multiply-adds, so all of them take the same decisions.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "tokens/simd.h"

namespace looktwice::tokens {

/// bipartite: the paper's; r of A's tokens merge into their best partner in B.
/// kth: groups of k tokens in order; all but the last of each group merge into their best partner
/// among those last ones; r only says whether to merge at all.
/// random: r random tokens merge into their best partner among all others.
enum class MatchMethod { bipartite, kth, random };
/// How bipartite matching parts the tokens: alternate A = even tokens, B = odd ones; sequential:
/// A = first half; random: A = random half (both halves in ascending order).
enum class Partition { alternate, sequential, random };
/// cosine: rows are divided by their length first. l2: the negative squared distance.
enum class Distance { cosine, dot, l2 };

struct MatchOptions {
  MatchMethod method = MatchMethod::bipartite;
  int k = 2;  ///< kth only, at least 2
  Partition partition = Partition::alternate;
  Distance distance = Distance::cosine;
  bool class_token = false;    ///< token 0 never merges and attracts nobody
  bool distill_token = false;  ///< nor does the token after it (token 1; token 0 without a class)
  uint64_t seed = 0;           ///< of random methods and partitions
  /// kth only: drop the last N mod k tokens, as the published code does, instead of keeping them.
  bool drop_tail = false;
  int protected_tokens() const { return int(class_token) + int(distill_token); }
};

/// Runs fn(0) … fn(tasks-1), possibly at once; empty means one after the other.
using ParallelFor = std::function<void(int tasks, const std::function<void(int)>& fn)>;

/// Who may merge into whom; token indices. Every token is in a, in b or in neither (protected).
struct Candidates {
  std::vector<int32_t> a, b;  ///< sources and destinations
  std::vector<int32_t> drop;  ///< tokens that leave without a group (kth with drop_tail)
};
/// Throws Error(input) if options contradict each other.
Candidates candidates(int tokens, int r, const MatchOptions& options);

/// How many pairs decide() chooses for such candidates. Known before anything is compared.
int pair_count(int tokens, int r, const Candidates& who, const MatchOptions& options);

/// score[i], partner[i]: the best b (an index into the list b) of a[i]; -inf and 0 where b is
/// empty.
struct BestPartners {
  std::vector<float> score;
  std::vector<int32_t> partner;
};
/// metric [tokens, width] f32, rows `stride` floats apart (0: width). A row that is zero or not
/// finite has no direction: for cosine it is alike to nothing (score 0), for dot and l2 entries
/// that are not finite count as 0. The score matrix is never in memory.
BestPartners best_partners(const float* metric, int tokens, int width, size_t stride,
                           std::span<const int32_t> a, std::span<const int32_t> b,
                           Distance distance, Isa isa = best_isa(),
                           const ParallelFor& parallel = {});

/// What one layer's matching decided.
struct Matching {
  int tokens_in = 0, tokens_out = 0;
  /// Pairs in the order in which they were chosen; token indices among tokens_in.
  std::vector<int32_t> source, destination;
  std::vector<float> score;
  /// [tokens_in] row among tokens_out that a token became; -1 if it was dropped.
  std::vector<int32_t> row;
  /// [tokens_out] the token that gives each row its place (never a source).
  std::vector<int32_t> keeper;
  bool identity() const { return source.empty() && tokens_in == tokens_out; }
  /// Members of row j in the order in which they are summed: members[offset[j] … offset[j+1]),
  /// keeper first, then its sources in pair order. offset has tokens_out + 1 entries.
  void members(std::vector<int32_t>& offset, std::vector<int32_t>& member) const;
};

/// Nothing merges.
Matching identity_matching(int tokens);

/// Chooses pairs and orders what leaves, given each candidate's best partner:
/// - bipartite: the r best pairs, r at most (tokens - protected) / 2; leaves [rest of A, B], the
///   rest of A in ascending order with a class token and in order of similarity without one, as the
///   published code does; protected tokens stay in front.
/// - kth: all pairs; leaves [protected, B, tail]. random: all pairs; leaves [protected, B].
/// r <= 0 gives the identity.
Matching decide(int tokens, int r, const Candidates& who, const BestPartners& best,
                const MatchOptions& options);

/// candidates + best_partners + decide.
Matching match_tokens(const float* metric, int tokens, int width, size_t stride, int r,
                      const MatchOptions& options, Isa isa = best_isa(),
                      const ParallelFor& parallel = {});

/// Several clips side by side in one sequence: rows cu_seqlens[b] … cu_seqlens[b+1] are clip b and
/// match only among themselves. r may exceed what a short clip can merge; it is capped per clip.
std::vector<Matching> match_packed(const float* metric, int width, size_t stride,
                                   std::span<const int32_t> cu_seqlens, int r,
                                   const MatchOptions& options, Isa isa = best_isa(),
                                   const ParallelFor& parallel = {});

// What becomes of the rows. x [tokens_in, width], y [tokens_out, width], row-major and contiguous;
// y must not overlap x. Sums are taken in float32, keeper first, then sources in pair order.

enum class MergeMode { sum, mean, amax };
void merge_rows(const Matching& matching, const float* x, size_t width, MergeMode mode, float* y,
                const ParallelFor& parallel = {});

/// The size-weighted mean: y = sum(x * size) / sum(size) over each group, size_out = sum(size).
/// size_in [tokens_in], or null for ones. Rows of one member are copied bit for bit (the published
/// code computes x*s/s, which may differ in the last bit).
void merge_weighted(const Matching& matching, const float* x, const float* size_in, size_t width,
                    float* y, float* size_out, const ParallelFor& parallel = {});

/// Gives every token the row of its group: x [tokens_in, width] (0 where dropped). Right for a
/// distillation token too, where the published code is not.
void unmerge_rows(const Matching& matching, const float* y, size_t width, float* x);

/// Which tokens of the input stand behind each row, layer after layer. Starts with one group per
/// token.
class TokenGroups {
 public:
  explicit TokenGroups(int tokens);
  /// Applies a layer; matching.tokens_in must be rows().
  void apply(const Matching& matching);
  /// [tokens] row of each input token's group now, -1 if it was dropped.
  const std::vector<int32_t>& group() const { return group_; }
  /// [rows] the input token that names each group: the one that was never a source. Traces name
  /// groups so (trace/token_trace.h).
  const std::vector<int32_t>& roots() const { return roots_; }
  int rows() const { return static_cast<int>(roots_.size()); }
  /// Number of input tokens in each row.
  std::vector<int32_t> counts() const;

 private:
  std::vector<int32_t> group_, roots_;
};

}  // namespace looktwice::tokens
