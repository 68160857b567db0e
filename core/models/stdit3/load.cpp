#include <cmath>

#include "base/error.h"
#include "checkpoint/vit_config.h"
#include "models/stdit3/stdit3.h"

namespace looktwice::models {
namespace {

using compute::LinearPtr;
using compute::Shape;
using compute::Tensor;

class Loader {
 public:
  Loader(checkpoint::WeightFiles& files, compute::Backend& backend,
         const std::function<void(double)>& progress, std::stop_token stop)
      : files_(files), backend_(backend), progress_(progress), stop_(std::move(stop)) {}

  LinearPtr linear(const std::string& name, int64_t out, int64_t in) {
    return linear(name, out, in, {out, in});
  }
  LinearPtr linear(const std::string& name, int64_t out, int64_t in, const Shape& stored) {
    const Tensor weight = files_.load(name + ".weight", stored).reshape({out, in});
    const Tensor bias = files_.load(name + ".bias", {out});
    count_ += weight.elements() + bias.elements();
    LinearPtr prepared = backend_.prepare(weight, bias);
    tick();
    return prepared;
  }
  /// f32 in backend memory.
  Tensor vector(const std::string& name, const Shape& stored, const Shape& as) {
    return backend_.upload(host(name, stored).reshape(as), DType::f32);
  }
  Tensor host(const std::string& name, const Shape& stored) {
    const Tensor t = files_.load(name, stored).to_f32();
    count_ += t.elements();
    tick();
    return t;
  }
  int64_t count() const { return count_; }

 private:
  void tick() {
    if (stop_.stop_requested()) throw Cancelled();
    if (progress_ && files_.total_bytes() > 0)
      progress_(static_cast<double>(files_.loaded_bytes()) /
                static_cast<double>(files_.total_bytes()));
  }
  checkpoint::WeightFiles& files_;
  compute::Backend& backend_;
  const std::function<void(double)>& progress_;
  std::stop_token stop_;
  int64_t count_ = 0;
};

Stdit3Block load_block(Loader& from, const std::string& p, const Stdit3Config& c) {
  const int64_t h = c.hidden, m = c.mlp, d = c.head_dim();
  Stdit3Block out;
  out.table = from.vector(p + ".scale_shift_table", {6, h}, {1, 6 * h});
  out.qkv = from.linear(p + ".attn.qkv", 3 * h, h);
  out.proj = from.linear(p + ".attn.proj", h, h);
  if (c.qk_norm) {
    out.q_norm = from.vector(p + ".attn.q_norm.weight", {d}, {d});
    out.k_norm = from.vector(p + ".attn.k_norm.weight", {d}, {d});
  }
  out.cross_q = from.linear(p + ".cross_attn.q_linear", h, h);
  out.cross_kv = from.linear(p + ".cross_attn.kv_linear", 2 * h, h);
  out.cross_proj = from.linear(p + ".cross_attn.proj", h, h);
  out.fc1 = from.linear(p + ".mlp.fc1", m, h);
  out.fc2 = from.linear(p + ".mlp.fc2", h, m);
  return out;
}

}  // namespace

Stdit3Ptr load_stdit3(const std::filesystem::path& folder, const compute::BackendPtr& backend,
                      const std::function<void(double)>& progress, std::stop_token stop) {
  auto model = std::make_shared<Stdit3>();
  const Json json = checkpoint::read_config(folder);
  const std::string type = json.value("model_type", "");
  const std::string where = (folder / "config.json").string();
  if (type != "STDiT3")
    throw bad_input(where, "model_type is \"" + type + "\", not STDiT3",
                    "generate needs a video diffusion transformer");
  model->config = read_stdit3_config(json, where);
  const Stdit3Config& c = model->config;
  model->backend = backend;
  model->name = std::filesystem::absolute(folder).lexically_normal().filename().string();
  if (model->name.empty())
    model->name = std::filesystem::absolute(folder).parent_path().filename().string();

  checkpoint::WeightFiles files(folder);
  Loader from(files, *backend, progress, stop);
  const int64_t h = c.hidden;
  const int64_t pixels = int64_t{1} * c.patch[0] * c.patch[1] * c.patch[2];
  model->patch = from.linear("x_embedder.proj", h, c.in_channels * pixels,
                             {h, c.in_channels, c.patch[0], c.patch[1], c.patch[2]});
  const int64_t f = model->frequencies;
  model->t_fc1 = from.linear("t_embedder.mlp.0", h, f);
  model->t_fc2 = from.linear("t_embedder.mlp.2", h, h);
  model->fps_fc1 = from.linear("fps_embedder.mlp.0", h, f);
  model->fps_fc2 = from.linear("fps_embedder.mlp.2", h, h);
  model->t_block = from.linear("t_block.1", 6 * h, h);
  model->y_fc1 = from.linear("y_embedder.y_proj.fc1", h, c.caption_channels);
  model->y_fc2 = from.linear("y_embedder.y_proj.fc2", h, h);
  model->null_caption = from.host("y_embedder.y_embedding", {c.caption_tokens, c.caption_channels});
  const int64_t half = c.head_dim() / 2;
  if (files.contains("rope.freqs")) {
    model->rope = from.host("rope.freqs", {half}).to_vector();
  } else {
    for (int64_t j = 0; j < half; ++j)
      model->rope.push_back(
          static_cast<float>(std::pow(10000.0, -2.0 * static_cast<double>(j) / c.head_dim())));
  }
  if (files.contains("pos_embed.inv_freq")) files.ignore("pos_embed.inv_freq");
  for (int i = 0; i < c.depth; ++i) {
    model->blocks.push_back(load_block(from, "spatial_blocks." + std::to_string(i), c));
    model->blocks.push_back(load_block(from, "temporal_blocks." + std::to_string(i), c));
  }
  model->final_table = from.vector("final_layer.scale_shift_table", {2, h}, {1, 2 * h});
  model->final_linear = from.linear("final_layer.linear", pixels * c.out_channels, h);
  files.require_all_used("STDiT3");
  model->parameters = from.count();
  return model;
}

}  // namespace looktwice::models
