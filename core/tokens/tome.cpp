#include "tokens/tome.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <string>

#include "base/error.h"
#include "tokens/drop.h"

namespace looktwice::tokens {

namespace {

/// A random subset of `count` of the entries of `from`, ascending; what is left goes to `rest`.
std::vector<int32_t> draw(const std::vector<int32_t>& from, size_t count, uint64_t seed,
                          std::vector<int32_t>& rest) {
  const std::vector<uint8_t> chosen = random_keep(from.size(), count, seed);
  std::vector<int32_t> subset;
  for (size_t i = 0; i < from.size(); ++i)
    (chosen[i] ? subset : rest).push_back(from[i]);
  return subset;
}

/// Sorts ascending as (score descending, index ascending): the order of pairs.
uint64_t sort_key(float score, size_t index) {
  const auto bits = std::bit_cast<uint32_t>(score + 0.0f);  // -0 and 0 are equal
  const uint32_t rising = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
  return uint64_t{~rising} << 32 | index;
}

}  // namespace

Candidates candidates(int tokens, int r, const MatchOptions& options) {
  if (tokens < 0) throw bad_input("matching", "a negative number of tokens");
  if (options.method == MatchMethod::kth && options.k < 2)
    throw bad_input("--tome-match", "kth needs groups of at least 2 tokens", "give kth:2 or more");
  const int fixed = std::min(options.protected_tokens(), tokens);
  std::vector<int32_t> free(static_cast<size_t>(tokens - fixed));
  std::iota(free.begin(), free.end(), fixed);
  Candidates who;
  if (r <= 0) return who;
  switch (options.method) {
    case MatchMethod::kth: {
      const auto k = static_cast<size_t>(options.k);
      const size_t groups = free.size() / k;
      for (size_t i = 0; i < groups * k; ++i)
        (i % k == k - 1 ? who.b : who.a).push_back(free[i]);
      if (options.drop_tail && groups > 0)
        who.drop.assign(free.begin() + static_cast<ptrdiff_t>(groups * k), free.end());
      break;
    }
    case MatchMethod::random:
      if (free.size() < 2) break;
      who.a = draw(free, std::min(size_t(r), free.size() - 1), options.seed, who.b);
      break;
    case MatchMethod::bipartite:
      switch (options.partition) {
        case Partition::alternate:  // by the token's own number, class token included
          for (const int32_t token : free)
            (token % 2 == 0 ? who.a : who.b).push_back(token);
          break;
        case Partition::sequential:
          for (const int32_t token : free)
            (token < (tokens + 1) / 2 ? who.a : who.b).push_back(token);
          break;
        case Partition::random:
          who.a = draw(free, (free.size() + 1) / 2, options.seed, who.b);
          break;
      }
      break;
  }
  return who;
}

void Matching::members(std::vector<int32_t>& offset, std::vector<int32_t>& member) const {
  const auto rows = static_cast<size_t>(tokens_out);
  offset.assign(rows + 1, 0);
  for (size_t j = 0; j < rows; ++j)
    offset[j + 1] = 1;
  for (const int32_t to : destination)
    ++offset[size_t(row[size_t(to)]) + 1];
  std::partial_sum(offset.begin(), offset.end(), offset.begin());
  member.resize(rows + source.size());
  std::vector<int32_t> next(offset.begin(), offset.end() - 1);
  for (size_t j = 0; j < rows; ++j)
    member[size_t(next[j]++)] = keeper[j];
  for (size_t k = 0; k < source.size(); ++k)
    member[size_t(next[size_t(row[size_t(destination[k])])]++)] = source[k];
}

Matching identity_matching(int tokens) {
  Matching same;
  same.tokens_in = same.tokens_out = tokens;
  same.row.resize(static_cast<size_t>(tokens));
  std::iota(same.row.begin(), same.row.end(), 0);
  same.keeper = same.row;
  return same;
}

int pair_count(int tokens, int r, const Candidates& who, const MatchOptions& options) {
  if (r <= 0 || who.a.empty() || who.b.empty()) return 0;
  const auto sources = static_cast<int>(who.a.size());
  if (options.method != MatchMethod::bipartite) return sources;
  return std::min({r, std::max(0, (tokens - options.protected_tokens()) / 2), sources});
}

Matching decide(int tokens, int r, const Candidates& who, const BestPartners& best,
                const MatchOptions& options) {
  if (best.score.size() != who.a.size() || best.partner.size() != who.a.size())
    throw bad_input("matching", "has not one partner for every candidate");
  if (r <= 0 || who.a.empty() || who.b.empty()) return identity_matching(tokens);

  // Which candidates merge, and in which order the rest of them leaves.
  std::vector<size_t> order(who.a.size());
  const auto pairs = static_cast<size_t>(pair_count(tokens, r, who, options));
  if (options.method == MatchMethod::bipartite) {
    if (pairs == 0) return identity_matching(tokens);
    std::vector<uint64_t> keys(who.a.size());
    for (size_t i = 0; i < keys.size(); ++i)
      keys[i] = sort_key(best.score[i], i);
    std::sort(keys.begin(), keys.end());
    for (size_t i = 0; i < keys.size(); ++i)
      order[i] = keys[i] & 0xffffffffu;
    if (options.class_token) std::sort(order.begin() + static_cast<ptrdiff_t>(pairs), order.end());
  } else {
    std::iota(order.begin(), order.end(), size_t{0});
  }

  Matching m;
  m.tokens_in = tokens;
  m.row.assign(static_cast<size_t>(tokens), -1);
  m.source.reserve(pairs);
  m.destination.reserve(pairs);
  m.score.reserve(pairs);
  for (size_t i = 0; i < pairs; ++i) {
    const auto partner = static_cast<size_t>(best.partner[order[i]]);
    if (partner >= who.b.size()) throw bad_input("matching", "names a partner that is not there");
    m.source.push_back(who.a[order[i]]);
    m.destination.push_back(who.b[partner]);
    m.score.push_back(best.score[order[i]]);
  }

  // Who leaves, and in which order: protected tokens, the rest of A, B, then what takes no part.
  std::vector<uint8_t> takes_part(static_cast<size_t>(tokens), 0);
  for (const auto* list : {&who.a, &who.b, &who.drop})
    for (const int32_t token : *list) {
      if (token < 0 || token >= tokens || takes_part[size_t(token)])
        throw bad_input("matching", "its candidates are no partition of the tokens");
      takes_part[size_t(token)] = 1;
    }
  m.keeper.reserve(static_cast<size_t>(tokens) - pairs);
  const int fixed = std::min(options.protected_tokens(), tokens);
  for (int32_t token = 0; token < fixed; ++token)
    if (!takes_part[size_t(token)]) m.keeper.push_back(token);
  for (size_t i = pairs; i < order.size(); ++i)
    m.keeper.push_back(who.a[order[i]]);
  m.keeper.insert(m.keeper.end(), who.b.begin(), who.b.end());
  for (int32_t token = fixed; token < tokens; ++token)
    if (!takes_part[size_t(token)]) m.keeper.push_back(token);
  m.tokens_out = static_cast<int>(m.keeper.size());
  for (size_t j = 0; j < m.keeper.size(); ++j)
    m.row[size_t(m.keeper[j])] = static_cast<int32_t>(j);
  for (size_t k = 0; k < pairs; ++k)
    m.row[size_t(m.source[k])] = m.row[size_t(m.destination[k])];
  return m;
}

Matching match_tokens(const float* metric, int tokens, int width, size_t stride, int r,
                      const MatchOptions& options, Isa isa, const ParallelFor& parallel) {
  const Candidates who = candidates(tokens, r, options);
  if (who.a.empty() || who.b.empty()) return identity_matching(tokens);
  return decide(
      tokens, r, who,
      best_partners(metric, tokens, width, stride, who.a, who.b, options.distance, isa, parallel),
      options);
}

std::vector<Matching> match_packed(const float* metric, int width, size_t stride,
                                   std::span<const int32_t> cu_seqlens, int r,
                                   const MatchOptions& options, Isa isa,
                                   const ParallelFor& parallel) {
  if (stride == 0) stride = static_cast<size_t>(width);
  const size_t clips = cu_seqlens.empty() ? 0 : cu_seqlens.size() - 1;
  for (size_t b = 0; b < clips; ++b)
    if (cu_seqlens[b] < 0 || cu_seqlens[b + 1] < cu_seqlens[b])
      throw bad_input("packed sequence", "its clip borders do not ascend");
  std::vector<Matching> all(clips);
  const auto clip = [&](size_t b, const ParallelFor& inside) {
    MatchOptions own = options;
    own.seed += b;  // clips draw different numbers, whatever batch they are in
    all[b] = match_tokens(metric + static_cast<size_t>(cu_seqlens[b]) * stride,
                          cu_seqlens[b + 1] - cu_seqlens[b], width, stride, r, own, isa, inside);
  };
  if (parallel && clips >= 4)
    parallel(static_cast<int>(clips), [&](int b) { clip(static_cast<size_t>(b), {}); });
  else
    for (size_t b = 0; b < clips; ++b)
      clip(b, parallel);
  return all;
}

TokenGroups::TokenGroups(int tokens)
    : group_(static_cast<size_t>(std::max(tokens, 0))), roots_(group_.size()) {
  std::iota(group_.begin(), group_.end(), 0);
  std::iota(roots_.begin(), roots_.end(), 0);
}

void TokenGroups::apply(const Matching& matching) {
  if (matching.tokens_in != rows())
    throw bad_input("token groups", "a matching of " + std::to_string(matching.tokens_in) +
                                        " tokens follows on " + std::to_string(rows()));
  for (int32_t& group : group_)
    if (group >= 0) group = matching.row[static_cast<size_t>(group)];
  std::vector<int32_t> roots(static_cast<size_t>(matching.tokens_out));
  for (size_t j = 0; j < roots.size(); ++j)
    roots[j] = roots_[static_cast<size_t>(matching.keeper[j])];
  roots_ = std::move(roots);
}

std::vector<int32_t> TokenGroups::counts() const {
  std::vector<int32_t> counts(roots_.size(), 0);
  for (const int32_t group : group_)
    if (group >= 0) ++counts[static_cast<size_t>(group)];
  return counts;
}

}  // namespace looktwice::tokens
