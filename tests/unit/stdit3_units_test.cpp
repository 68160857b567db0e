// The single operations of the published STDiT3, one by one, with the weights of its blocks: what a
// whole forward pass may hide (a norm's epsilon, an activation's tails).

#include <cmath>
#include <filesystem>
#include <map>

#include <gtest/gtest.h>

#include "base/json.h"
#include "base/safetensors.h"
#include "models/stdit3/stdit3.h"

namespace looktwice::models {
namespace {
namespace fs = std::filesystem;
using compute::Segments;
using compute::Tensor;

const fs::path kGolden = fs::path(LT_TEST_DATA) / "golden" / "diffusion";
const std::string kFile = "forward/units.safetensors";

class Stdit3Units : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    bool available = false;
    for (const auto& info : compute::list_backends())
      available = available || (info.name == GetParam() && info.available);
    if (!available) GTEST_SKIP() << GetParam() << " is not built in";
    compute::BackendOptions options;
    options.name = GetParam();
    backend_ = compute::make_backend(options);
    model_ = load_stdit3(kGolden / "stdit3_nano", backend_);
    const Json manifest = read_json(kGolden / "manifest.json");
    for (const Json& t : manifest.at("tensors"))
      if (t.at("file") == kFile) tolerance_[t.at("name")] = t.value("tol_abs", 0.0);
  }

  /// An input as rows of `cols`.
  Tensor input(const std::string& name, int64_t cols) {
    const auto values = in_.read<float>("in." + name);
    return backend_->upload(Tensor::of(values, {static_cast<int64_t>(values.size()) / cols, cols}));
  }
  Tensor empty(int64_t rows, int64_t cols) { return backend_->empty({rows, cols}, DType::f32); }
  void expect(const Tensor& got, const std::string& name) {
    const auto a = backend_->download_f32(got), b = in_.read<float>("out." + name);
    ASSERT_EQ(a.size(), b.size()) << name;
    double worst = 0;
    for (size_t i = 0; i < a.size(); ++i) {
      const double d = std::fabs(static_cast<double>(a[i]) - b[i]);
      worst = std::isnan(d) ? INFINITY : std::max(worst, d);
    }
    EXPECT_LE(worst, tolerance_.at("out." + name)) << name;
  }
  const Stdit3Block& block(int pair, bool temporal) const {
    return model_->blocks[static_cast<size_t>(block_row(pair, temporal))];
  }
  /// Cosines and sines of frames 0 .. frames-1.
  std::pair<Tensor, Tensor> turns(int frames) {
    std::vector<float> cosines, sines;
    for (int t = 0; t < frames; ++t)
      for (const float angle : model_->rope) {
        cosines.push_back(std::cos(static_cast<float>(t) * angle));
        sines.push_back(std::sin(static_cast<float>(t) * angle));
      }
    const compute::Shape shape{frames, static_cast<int64_t>(model_->rope.size())};
    return {backend_->upload(Tensor::of(cosines, shape)),
            backend_->upload(Tensor::of(sines, shape))};
  }
  Tensor frames_of(int repeats, int frames) {
    std::vector<int32_t> out;
    for (int i = 0; i < repeats * frames; ++i)
      out.push_back(i % frames);
    return backend_->indices(out);
  }
  compute::AttentionOptions attention() const {
    compute::AttentionOptions out;
    out.heads = model_->config.heads;
    out.scale = 1.0F / std::sqrt(static_cast<float>(model_->config.head_dim()));
    return out;
  }
  /// Self-attention of a block over three sequences of seven rows.
  Tensor self_attention(const Stdit3Block& w, bool turn) {
    const int64_t h = model_->config.hidden;
    const Tensor x = input("attn_in", h), qkv = empty(x.rows(), 3 * h), z = empty(x.rows(), h);
    backend_->linear(qkv, x, *w.qkv);
    const Tensor q = qkv.columns(0, h), k = qkv.columns(h, h), v = qkv.columns(2 * h, h);
    const auto [cosines, sines] = turn ? turns(7) : std::pair<Tensor, Tensor>{};
    for (const auto& [part, weight] : {std::pair{q, w.q_norm}, {k, w.k_norm}})
      backend_->rms_rotary(part, part, weight, model_->config.heads, 1e-6F, cosines, sines,
                           frames_of(3, 7));
    auto options = attention();
    options.q_segments = options.k_segments = Segments::uniform(3, 7);
    backend_->attention(z, q, k, v, options);
    const Tensor y = empty(x.rows(), h);
    backend_->linear(y, z, *w.proj);
    return y;
  }

  compute::BackendPtr backend_;
  Stdit3Ptr model_;
  std::map<std::string, double> tolerance_;
  SafetensorsReader in_{kGolden / kFile};
};

TEST_P(Stdit3Units, NormsAndActivations) {
  const Tensor ln = input("ln_in", 64), rms = input("rms_in", 16);
  Tensor y = empty(ln.rows(), 64);
  backend_->layer_norm(y, ln, {}, {}, static_cast<float>(model_->config.norm_eps));
  expect(y, "ln_out");
  y = empty(rms.rows(), 16);
  backend_->rms_norm(y, rms, block(0, true).q_norm, 1, 1e-6F);
  expect(y, "rms_out");
  const Tensor gelu = input("gelu_in", 97), silu = input("silu_in", 81);
  y = empty(1, 97);
  backend_->activate(y, gelu, compute::Activation::gelu_tanh);
  expect(y, "gelu_out");
  y = empty(1, 81);
  backend_->activate(y, silu, compute::Activation::silu);
  expect(y, "silu_out");
}

TEST_P(Stdit3Units, RotaryEmbedding) {
  // [batch 2, heads 3, frames 9, 16]: every (sample, head) is a sequence of one head.
  const Tensor x = input("rope_in", 16), y = empty(x.rows(), 16);
  const auto [cosines, sines] = turns(9);
  backend_->rotary(y, x, cosines, sines, frames_of(6, 9), 1);
  expect(y, "rope_out");
}

TEST_P(Stdit3Units, Attention) {
  expect(self_attention(block(1, false), false), "sattn_out");
  expect(self_attention(block(1, true), true), "tattn_out");
}

TEST_P(Stdit3Units, CrossAttentionOverCaptionsOfTheirLengths) {
  const int64_t h = model_->config.hidden;
  const Stdit3Block& w = block(1, false);
  const Tensor x = input("cross_x", h), caption = input("cross_y", h);
  const Tensor q = empty(x.rows(), h), kv = empty(caption.rows(), 2 * h), y = empty(x.rows(), h);
  backend_->linear(q, x, *w.cross_q);
  backend_->linear(kv, caption, *w.cross_kv);
  auto options = attention();
  options.q_segments = Segments::uniform(2, 5);
  const int32_t lengths[] = {3, 4};
  options.k_segments = Segments::packed(lengths);
  backend_->attention(q, q, kv.columns(0, h), kv.columns(h, h), options);
  backend_->linear(y, q, *w.cross_proj);
  expect(y, "cross_out");
}

TEST_P(Stdit3Units, Mlp) {
  const Stdit3Block& w = block(1, false);
  const Tensor x = input("attn_in", model_->config.hidden);
  const Tensor hidden = empty(x.rows(), model_->config.mlp), y = empty(x.rows(), 64);
  compute::LinearOptions gelu;
  gelu.activation = compute::Activation::gelu_tanh;
  backend_->linear(hidden, x, *w.fc1, gelu);
  backend_->linear(y, hidden, *w.fc2);
  expect(y, "mlp_out");
}

INSTANTIATE_TEST_SUITE_P(Backends, Stdit3Units, ::testing::Values("reference", "onednn", "cuda"));

}  // namespace
}  // namespace looktwice::models
