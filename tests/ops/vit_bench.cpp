// A classifier that answers one line of standard input at a time with one line of JSON on standard
// output, so that a script can let two programs take turns on one machine.
//   vit_bench MODEL_DIR f32|bf16 THREADS
// Lines:
//   forward MERGE KEEP [KEEP…]  one pass over a batch of clips, packed; of each a fraction of the
//                               tokens (every n-th place of the grid), MERGE merged in each layer
//   attention TOKENS            the attention of all layers alone, over one clip of so many tokens
//   peak                        multiply-adds on registers, all threads at once
//   cancel ROUNDS               how long a dense pass goes on after it was told to stop, at random
//                               moments
//   load                        loads the model once more
//   memory                      anonymous memory of the process, and what of it is accounted for

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <random>
#include <sstream>
#include <thread>

#include "base/error.h"
#include "compute/threads.h"
#include "fma_peak.h"
#include "models/classifier.h"

namespace {

using namespace looktwice;
using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point began) {
  return std::chrono::duration<double, std::milli>(Clock::now() - began).count();
}

class Bench {
 public:
  Bench(std::string folder, DType dtype, int threads)
      : folder_(std::move(folder)),
        dtype_(dtype),
        backend_(compute::make_backend({"onednn", dtype, threads})) {
    load();
    const auto& c = model_->config();
    T_ = c.video ? c.frames : 1;
    frames_.resize(size_t(T_) * size_t(c.image_height) * size_t(c.image_width) * 3);
    std::mt19937 random(1);
    for (auto& v : frames_)
      v = uint8_t(random());
  }

  Json hello() const {
    Json j;
    j["backend"] = backend_->description();
    j["load_ms"] = load_ms_;
    j["layers"] = model_->config().layers;
    j["hidden"] = model_->config().hidden;
    return j;
  }

  Json answer(const std::string& line) {
    std::istringstream words(line);
    std::string what;
    words >> what;
    Json j;
    if (what == "forward") {
      int merge = 0;
      std::vector<double> keep;
      words >> merge;
      for (double k = 1; words >> k;)
        keep.push_back(k);
      j = forward(merge, keep);
    } else if (what == "attention") {
      int64_t tokens = 1;
      words >> tokens;
      j["ms"] = attention(tokens);
    } else if (what == "peak") {
      j["gflops"] = ops::fma_peak_gflops(compute::threads());
    } else if (what == "cancel") {
      int rounds = 1;
      words >> rounds;
      j = cancel(rounds);
    } else if (what == "load") {
      load();
      j["ms"] = load_ms_;
    } else if (what == "memory") {
      j["anonymous_mb"] = anonymous_mb();
      j["pool_peak_mb"] = double(backend_->memory_peak()) / 1e6;
    } else {
      throw bad_input("vit_bench", "does not know '" + line + "'");
    }
    return j;
  }

 private:
  void load() {
    const auto began = Clock::now();
    model_.reset();
    model_ = models::load(folder_, backend_);
    load_ms_ = ms_since(began);
  }

  Json forward(int merge, const std::vector<double>& keep) {
    const auto& c = model_->config();
    const auto grid = model_->grid(T_, c.image_height, c.image_width);
    std::vector<std::vector<uint8_t>> masks(keep.size(), std::vector<uint8_t>(grid.size(), 0));
    std::vector<models::ClipInput> clips;
    for (size_t b = 0; b < keep.size(); ++b) {
      const auto count = size_t(keep[b] * double(grid.size()) + 0.5);
      for (size_t i = 0; i < count; ++i)
        masks[b][i * grid.size() / count] = 1;
      clips.push_back({{frames_.data(), T_, c.image_height, c.image_width}, masks[b]});
    }
    models::Reduction reduction;
    reduction.merge.assign(merge > 0 ? size_t(c.layers) : 0, merge);
    const auto result = model_->classify(clips, reduction);
    int tokens = 0;
    double flops = 0;
    for (const auto& clip : result.clips) {
      tokens += clip.tokens.front();
      flops += clip.flops;
    }
    Json j;
    j["ms"] = result.milliseconds;
    j["merge_ms"] = result.merge_milliseconds;
    j["tokens"] = tokens;
    j["gflop"] = flops * 1e-9;
    j["logit"] = double(result.clips[0].logits[0]);
    return j;
  }

  double attention(int64_t tokens) {
    const auto& c = model_->config();
    const compute::Tensor qkv =
        backend_->upload(compute::Tensor::zeros({tokens, int64_t(3) * c.hidden}), dtype_);
    const compute::Tensor out = backend_->empty({tokens, c.hidden});
    compute::AttentionOptions o;
    o.heads = c.heads;
    o.scale = 1.0f / std::sqrt(float(c.head_dim()));
    o.q_segments = o.k_segments = compute::Segments::uniform(1, int32_t(tokens));
    const auto began = Clock::now();
    for (int l = 0; l < c.layers; ++l)
      backend_->attention(out, qkv.columns(0, c.hidden), qkv.columns(c.hidden, c.hidden),
                          qkv.columns(2 * int64_t(c.hidden), c.hidden), o);
    return ms_since(began);
  }

  Json cancel(int rounds) {
    const auto& c = model_->config();
    const models::ClipInput clip{{frames_.data(), T_, c.image_height, c.image_width}, {}};
    const double whole = model_->classify({&clip, 1}, {}).milliseconds;
    std::mt19937 random(1);
    std::vector<double> late;
    for (int i = 0; i < rounds; ++i) {
      std::stop_source stop;
      Clock::time_point asked;
      const double wait = whole * 0.9 * double(random()) / double(std::mt19937::max());
      std::jthread canceller([&] {
        std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(wait));
        asked = Clock::now();
        stop.request_stop();
      });
      try {
        model_->classify({&clip, 1}, {}, stop.get_token());
      } catch (const Cancelled&) {
        canceller.join();
        late.push_back(ms_since(asked));
      }
    }
    std::sort(late.begin(), late.end());
    Json j;
    j["whole_ms"] = whole;
    j["stopped"] = late.size();
    if (!late.empty()) {
      j["median_ms"] = late[late.size() / 2];
      j["longest_ms"] = late.back();
    }
    return j;
  }

  static double anonymous_mb() {
    std::ifstream file("/proc/self/smaps_rollup");
    for (std::string word; file >> word;)
      if (word == "Anonymous:") {
        double kb = 0;
        file >> kb;
        return kb * 1024 / 1e6;
      }
    return 0;
  }

  std::string folder_;
  DType dtype_;
  compute::BackendPtr backend_;
  std::unique_ptr<models::Classifier> model_;
  double load_ms_ = 0;
  int T_ = 1;
  std::vector<uint8_t> frames_;
};

}  // namespace

int main(int argc, char** argv) {
  looktwice::compute::settle_thread_policy(argv);
  if (argc != 4) {
    std::fprintf(stderr, "vit_bench MODEL_DIR f32|bf16 THREADS\n");
    return 2;
  }
  try {
    Bench bench(argv[1], std::string(argv[2]) == "bf16" ? DType::bf16 : DType::f32,
                std::atoi(argv[3]));
    std::printf("%s\n", bench.hello().dump().c_str());
    std::fflush(stdout);
    for (std::string line; std::getline(std::cin, line);) {
      std::printf("%s\n", bench.answer(line).dump().c_str());
      std::fflush(stdout);
    }
    return 0;
  } catch (const looktwice::Error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return e.exit_code();
  }
}
