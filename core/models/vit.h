#pragma once
// What video and image vision transformers share: weights, embedding, blocks, pooling, head.

#include <map>
#include <utility>

#include "models/classifier.h"
#include "models/vit_blocks.h"

namespace looktwice::models {

/// Everything but the blocks, in backend memory.
struct VitEnds {
  compute::LinearPtr patch;      ///< [hidden, 3·tubelet·patch²]
  compute::Tensor extra;         ///< f32 [extra tokens, hidden] or none
  compute::Tensor position;      ///< host f32 [positions, hidden] as stored, or none
  compute::Tensor length_table;  ///< f32 [tubelets, hidden] or none
  NormWeights norm;              ///< after the blocks
  compute::LinearPtr head, distill_head;
};

/// Loads all weights of a vision transformer for `backend`, one tensor at a time; throws
/// Error(input) naming the tensor that is missing, extra, misshaped or damaged.
void load_vit(checkpoint::WeightFiles& files, const checkpoint::VitNames& names,
              const checkpoint::VitConfig& config, compute::Backend& backend, VitEnds& ends,
              std::vector<BlockWeights>& blocks, const Progress& progress, std::stop_token stop);

class Vit : public Classifier {
 public:
  Vit(checkpoint::VitConfig config, checkpoint::Preprocess preprocess,
      std::vector<std::string> labels, compute::BackendPtr backend, VitEnds ends,
      std::vector<BlockWeights> blocks);
  const checkpoint::VitConfig& config() const override { return config_; }
  const checkpoint::Preprocess& preprocess() const override { return preprocess_; }
  const std::vector<std::string>& labels() const override { return labels_; }
  bool has_length_table() const override { return bool(ends_.length_table); }
  Result classify(std::span<const ClipInput> clips, const Reduction& reduction,
                  std::stop_token stop) override;

 protected:
  /// The position table of a grid: host f32 [extra tokens + grid, hidden], where its values came
  /// from goes to `note`.
  virtual compute::Tensor positions(const tokens::Grid& grid, std::string& note) const = 0;

  const checkpoint::VitConfig config_;
  const checkpoint::Preprocess preprocess_;
  const std::vector<std::string> labels_;
  compute::BackendPtr backend_;
  VitEnds ends_;

 private:
  struct Batch;
  void check(std::span<const ClipInput> clips, const Reduction& reduction) const;
  Batch plan(std::span<const ClipInput> clips, const Reduction& reduction, Result& result);
  PackedTokens embed(std::span<const ClipInput> clips, Batch& batch, const Reduction& reduction,
                     Result& result);
  void pool_and_head(PackedTokens& tokens, const Reduction& reduction, Result& result);
  const compute::Tensor& position_table(const tokens::Grid& grid, Result& result);

  BlockStack stack_;
  /// The tables of recent grids, in backend memory.
  struct Table {
    tokens::Grid grid;
    compute::Tensor values;
    std::string note;
  };
  std::vector<Table> tables_;
};

/// Tubelets of frames, flat sine-cosine positions (VideoMAE, RLT).
class VideoVit : public Vit {
 public:
  using Vit::Vit;
  tokens::Grid grid(int T, int H, int W) const override;

 protected:
  compute::Tensor positions(const tokens::Grid& grid, std::string& note) const override;
};

/// One image at a time, learned positions (timm, DeiT, MAE, SWAG).
class ImageVit : public Vit {
 public:
  using Vit::Vit;
  tokens::Grid grid(int T, int H, int W) const override;

 protected:
  compute::Tensor positions(const tokens::Grid& grid, std::string& note) const override;
};

/// Resizes a table of `from_h` x `from_w` positions [from_h·from_w, width] to `to_h` x `to_w`:
/// cubic convolution (a = -0.5), widened where it shrinks, half-pixel centres, weights normalised
/// at the border. What timm does to learned positions.
std::vector<float> resize_positions(const float* table, int from_h, int from_w, int to_h, int to_w,
                                    int width);

}  // namespace looktwice::models
