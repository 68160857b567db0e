// Weights of a vision transformer from a model folder to a backend.

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/log.h"
#include "checkpoint/labels.h"
#include "models/vit.h"

namespace looktwice::models {
namespace {

using checkpoint::Pieces;
using compute::Backend;
using compute::Shape;
using compute::Tensor;

class Loader {
 public:
  Loader(checkpoint::WeightFiles& files, Backend& backend, const Progress& progress,
         std::stop_token stop)
      : files_(files), backend_(backend), progress_(progress), stop_(std::move(stop)) {}

  Tensor load(const std::string& name, const Shape& shape) {
    if (stop_.stop_requested()) throw Cancelled();
    Tensor t = files_.load(name, shape);
    if (progress_)
      progress_(double(files_.loaded_bytes()) / double(std::max<size_t>(1, files_.total_bytes())));
    return t;
  }
  /// Equal pieces under each other: [pieces·rows, …]; an empty name is zeros.
  Tensor stack(const Pieces& pieces, Shape shape) {
    if (pieces.size() == 1) return load(pieces[0], shape);
    const int64_t rows = shape[0] / int64_t(pieces.size());
    const int64_t each = rows * (shape.size() > 1 ? shape[1] : 1);
    Tensor all = Tensor::zeros(shape, DType::f32);
    Shape part = shape;
    part[0] = rows;
    for (size_t i = 0; i < pieces.size(); ++i) {
      if (pieces[i].empty()) continue;
      const Tensor piece = load(pieces[i], part).to_f32();
      std::memcpy(all.data<float>() + int64_t(i) * each, piece.raw(), piece.bytes());
    }
    return all;
  }
  NormWeights norm(const std::string& module, int64_t width) {
    return {backend_.upload(load(module + ".weight", {width}), DType::f32),
            backend_.upload(load(module + ".bias", {width}), DType::f32)};
  }
  compute::LinearPtr linear(const std::string& module, int64_t out, int64_t in) {
    const Tensor weight = load(module + ".weight", {out, in});
    return backend_.prepare(weight, load(module + ".bias", {out}));
  }

 private:
  checkpoint::WeightFiles& files_;
  Backend& backend_;
  const Progress& progress_;
  std::stop_token stop_;
};

}  // namespace

void load_vit(checkpoint::WeightFiles& files, const checkpoint::VitNames& names,
              const checkpoint::VitConfig& c, Backend& backend, VitEnds& ends,
              std::vector<BlockWeights>& blocks, const Progress& progress, std::stop_token stop) {
  Loader from(files, backend, progress, std::move(stop));
  const int64_t d = c.hidden;
  for (const auto& name : names.ignored)
    files.ignore(name);
  const Shape patch =
      c.video ? Shape{d, 3, c.tubelet, c.patch, c.patch} : Shape{d, 3, c.patch, c.patch};
  const Tensor patch_weight = from.load(names.patch + ".weight", patch);
  ends.patch = backend.prepare(patch_weight.reshape({d, c.patch_elements()}),
                               from.load(names.patch + ".bias", {d}));
  if (c.extra_tokens() > 0) {
    Tensor extra({c.extra_tokens(), d}, DType::f32);
    int64_t row = 0;
    for (const auto& name : {names.class_token, names.distill_token})
      if (!name.empty()) {
        const Tensor token = from.load(name, {1, 1, d}).to_f32();
        std::memcpy(extra.data<float>() + d * row++, token.raw(), token.bytes());
      }
    ends.extra = backend.upload(extra);
  }
  if (!names.position.empty()) {
    const auto& shape = files.entry(names.position).shape;
    // SWAG stores [positions, 1, width], the others [1, positions, width].
    if (shape.size() != 3 || shape[2] != d || (shape[0] != 1 && shape[1] != 1))
      throw bad_input(files.place(names.position), "has shape " + compute::shape_text(shape) +
                                                       ", but [1, positions, " + std::to_string(d) +
                                                       "] is asked for");
    ends.position = from.load(names.position, shape).to_f32().reshape({shape[0] * shape[1], d});
  }
  if (!names.length_embed.empty())
    ends.length_table = backend.upload(from.load(names.length_embed, {1, c.frames / c.tubelet, d})
                                           .reshape({c.frames / c.tubelet, d}),
                                       DType::f32);
  for (const auto& n : names.blocks) {
    BlockWeights b;
    b.norm1 = from.norm(n.norm1, d);
    const Tensor qkv = from.stack(n.qkv_weight, {3 * d, d});
    b.qkv = backend.prepare(qkv, n.qkv_bias.empty() ? Tensor() : from.stack(n.qkv_bias, {3 * d}));
    b.proj = from.linear(n.proj, d, d);
    b.norm2 = from.norm(n.norm2, d);
    b.fc1 = from.linear(n.fc1, c.mlp, d);
    b.fc2 = from.linear(n.fc2, d, c.mlp);
    blocks.push_back(std::move(b));
  }
  ends.norm = from.norm(names.final_norm, d);
  ends.head = from.linear(names.head, c.classes, d);
  if (!names.distill_head.empty())
    ends.distill_head = from.linear(names.distill_head, c.classes, d);
  files.require_all_used(std::string("a ") + checkpoint::naming_text(names.naming) +
                         " vision transformer");
}

std::unique_ptr<Classifier> load(const std::filesystem::path& folder, compute::BackendPtr backend,
                                 const Progress& progress, std::stop_token stop) {
  const Json config = checkpoint::read_config(folder);
  const std::string type = checkpoint::model_type_of(config);
  if (type != "videomae" && type != "timm_vit")
    throw bad_input((folder / "config.json").string() + ": model_type",
                    type.empty() ? "is missing" : "'" + type + "' is no classifier that is known",
                    "videomae or timm_vit");
  checkpoint::WeightFiles files(folder);
  const auto names =
      checkpoint::detect_vit_names(files, checkpoint::wants_qkv_bias(folder, config));
  const auto vit = checkpoint::read_vit_config(folder, config, files, names);
  auto preprocess = checkpoint::read_preprocess(folder, config, vit);
  auto labels = checkpoint::load_labels(folder, config, vit.classes);
  if (vit.hidden == 384 && vit.heads == 16)
    log_once(LogLevel::warning, folder.string() + "#heads",
             folder.string() +
                 ": 16 heads at width 384; VideoMAE-S was trained with 6, and the "
                 "published conversion says 16 by mistake");
  VitEnds ends;
  std::vector<BlockWeights> blocks;
  load_vit(files, names, vit, *backend, ends, blocks, progress, std::move(stop));
  if (vit.video)
    return std::make_unique<VideoVit>(vit, preprocess, std::move(labels), std::move(backend),
                                      std::move(ends), std::move(blocks));
  return std::make_unique<ImageVit>(vit, preprocess, std::move(labels), std::move(backend),
                                    std::move(ends), std::move(blocks));
}

}  // namespace looktwice::models
