// One forward pass per line of standard input, its time on standard output: so a script can let two
// programs take turns on one machine. A line is
//   KEEP MERGE   fraction of tokens kept (every n-th place of the grid), r merged in each layer
// and the answer "MILLISECONDS TOKENS FIRST_LOGIT".
//   vit_bench MODEL_DIR f32|bf16 THREADS

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <random>

#include "base/error.h"
#include "compute/threads.h"
#include "models/classifier.h"

namespace {

using namespace looktwice;

int run(char** argv) {
  const DType dtype = std::string(argv[2]) == "bf16" ? DType::bf16 : DType::f32;
  const auto backend = compute::make_backend({"onednn", dtype, std::atoi(argv[3])});
  const auto model = models::load(argv[1], backend);
  const auto& c = model->config();
  const int T = c.video ? c.frames : 1;
  std::vector<uint8_t> frames(size_t(T) * size_t(c.image_height) * size_t(c.image_width) * 3);
  std::mt19937 random(1);
  for (auto& v : frames)
    v = uint8_t(random());
  models::ClipInput clip{{frames.data(), T, c.image_height, c.image_width}, {}};
  const auto grid = model->grid(T, c.image_height, c.image_width);
  std::printf("ready %s\n", backend->description().c_str());
  std::fflush(stdout);
  double keep = 1;
  for (int merge = 0; std::cin >> keep >> merge;) {
    const auto count = size_t(keep * double(grid.size()) + 0.5);
    std::vector<uint8_t> mask(grid.size(), 0);
    for (size_t i = 0; i < count; ++i)
      mask[i * grid.size() / count] = 1;
    clip.keep = mask;
    models::Reduction reduction;
    reduction.merge.assign(merge > 0 ? size_t(c.layers) : 0, merge);
    const auto result = model->classify({&clip, 1}, reduction);
    std::printf("%.3f %d %.5f\n", result.milliseconds, result.clips[0].tokens.front(),
                double(result.clips[0].logits[0]));
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  looktwice::compute::settle_thread_policy(argv);
  if (argc != 4) {
    std::fprintf(stderr, "vit_bench MODEL_DIR f32|bf16 THREADS\n");
    return 2;
  }
  try {
    return run(argv);
  } catch (const looktwice::Error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return e.exit_code();
  }
}
