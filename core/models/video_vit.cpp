// Positions and grid of the video transformer.

#include "base/error.h"
#include "models/vit.h"
#include "tokens/sincos.h"

namespace looktwice::models {

using compute::Tensor;

tokens::Grid VideoVit::grid(int T, int H, int W) const {
  return tokens::grid_of({nullptr, T, H, W}, config_.tubelet, config_.patch);
}

Tensor VideoVit::positions(const tokens::Grid& g, std::string& note) const {
  const auto n = int64_t(g.size());
  const std::string size =
      std::to_string(g.t) + "x" + std::to_string(g.h) + "x" + std::to_string(g.w);
  const int64_t extra = config_.extra_tokens();
  if (ends_.position) {
    if (ends_.position.rows() != n + extra)
      throw bad_input("classify",
                      "the checkpoint stores " + std::to_string(ends_.position.rows() - extra) +
                          " positions, a clip of " + size + " tokens needs " + std::to_string(n),
                      "give clips of the size that the model was trained with");
    note = "stored in the checkpoint";
    return ends_.position;
  }
  const auto table = tokens::sincos_table(int(n + extra), config_.hidden);
  note = "sine-cosine, computed for " + size;
  return Tensor::of(table, {n + extra, config_.hidden});
}

}  // namespace looktwice::models
