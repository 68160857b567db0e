#pragma once
// AdaCache: the change of one block's residual since the last compute chooses how many steps pass
// until the next (Kahatapitiya et al., "Adaptive Caching for Faster Video Generation with
// Diffusion Transformers", 2024, section 3; schedule and codebooks as the released code has them),
// with motion regularisation (MoReg, section 3.3). Steps count from 1.
//
//   computed: n = last + r, and 1, 2, N-1, N
//   c = |A_old - A_new| / |A_old| / r;  r = rate of the first threshold above c (or c·(m + |g|))
//
// Several metric blocks: running mean of c within the step; the last decision counts. A chosen rate
// holds from the next step on. The thresholds published were tuned in bfloat16; distances are
// measured in float32 here.

#include <optional>
#include <string>
#include <vector>

#include "diffusion/caching/policy.h"

namespace looktwice::diffusion {

struct CodebookEntry {
  double threshold = 0;  ///< infinity in the last entry
  int rate = 1;          ///< steps until the next compute
  bool operator==(const CodebookEntry&) const = default;
};

/// m = ((mean over strides of the frame-difference ratio) / scale)^power / divisor within the
/// window, 1 outside; g = gradient · (m - m_before) / r.
struct MoReg {
  int first_step = 0, last_step = 0;  ///< 0: 4..26 at N = 30, 10..90 at N = 100
  std::vector<int> strides{1};        ///< latent frames
  double scale = 0.385, power = 8, divisor = 1, gradient = 10;
  bool operator==(const MoReg&) const = default;
};

enum class AdaResidual { temporal, spatial, cross_mlp };

struct AdaCache {
  std::string name;  ///< fast, slow, 100 or a file, as given
  std::vector<CodebookEntry> codebook;
  std::vector<int> metric_blocks;  ///< block pairs from 0; empty: the model's cache_block
  AdaResidual residual = AdaResidual::temporal;
  Norm norm = Norm::l1;
  std::optional<MoReg> moreg;
  bool operator==(const AdaCache&) const = default;
};

/// Published codebooks: "fast", "slow" (tuned at 30 steps), "100" (fast at 100 steps). Null if
/// `name` is none of them.
const std::vector<CodebookEntry>* published_codebook(const std::string& name);

/// Throws Error(input) naming `where` for a codebook that is empty, unsorted or lacks its last
/// entry, a rate below 1, a stride, power or window that makes no sense.
void check(const AdaCache& settings, const std::string& where);

PolicyPtr make_policy(const AdaCache& settings);

/// The JSON of an AdaCache file (see docs/file-formats.md).
AdaCache adacache_from_json(const Json& json, const std::string& where);
Json to_json(const AdaCache& settings);

}  // namespace looktwice::diffusion
