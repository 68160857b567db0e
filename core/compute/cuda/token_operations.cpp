// Decisions about tokens on the device.

#include <cstring>
#include <stdexcept>

#include "compute/cuda/cuda_backend.h"
#include "compute/host_backend.h"

namespace looktwice::compute::cuda {

Tensor CudaBackend::upload_frames(const uint8_t* rgb, const RltFrames& f) {
  require(rgb && f.clips >= 1 && f.T >= 1 && f.H >= 1 && f.W >= 1, "upload_frames",
          "there are frames");
  const int64_t row = int64_t(f.W) * 3;
  return raw_upload(rgb, {int64_t(f.clips) * f.T * f.H, row}, DType::u8, row);
}

Tensor CudaBackend::rlt_differences(const Tensor& frames, const RltFrames& f) {
  const char* op = "rlt_differences";
  require(f.tubelet >= 1 && f.patch >= 1 && f.T >= 1 && f.T % f.tubelet == 0 && f.H >= f.patch &&
              f.W >= f.patch,
          op, "whole tubelets of at least a patch");
  require(frames.dtype() == DType::u8 && frames.contiguous() &&
              frames.elements() == int64_t(f.clips) * f.T * f.H * f.W * 3,
          op, "frames are u8 [clips, T, H, W, 3]");
  on_device(op, {&frames});
  const int64_t tokens = int64_t(f.T / f.tubelet) * (f.H / f.patch) * (f.W / f.patch);
  const Tensor out = empty({f.clips, tokens}, DType::f32);
  RltArgs a;
  a.rgb = static_cast<const uint8_t*>(frames.raw());
  a.difference = out.data<float>();
  a.clips = f.clips;
  a.T = f.T;
  a.H = f.H;
  a.W = f.W;
  a.tubelet = f.tubelet;
  a.patch = f.patch;
  for (int c = 0; c < 3; ++c)
    a.scale[c] = f.scale[c];
  run(Kernel::rlt_differences, &a);
  return out;
}

RltKept CudaBackend::rlt_keep(const Tensor& differences, int first, float tau) {
  require(differences.dtype() == DType::f32 && differences.contiguous() && first >= 0 &&
              first <= differences.cols(),
          "rlt_keep", "differences are f32 [clips, tokens]");
  on_device("rlt_keep", {&differences});
  const int64_t clips = differences.rows(), tokens = differences.cols();
  RltKept result;
  result.tokens.resize(size_t(clips));
  if (differences.elements() == 0) return result;
  const Tensor keep = empty({clips, tokens}, DType::u8);
  const Tensor lists = empty({clips, tokens + 1}, DType::i32);
  KeepArgs a;
  a.difference = differences.data<float>();
  a.keep = keep.data<uint8_t>();
  a.count = lists.data<int32_t>();
  a.kept = a.count + clips;
  a.clips = int32_t(clips);
  a.tokens = int32_t(tokens);
  a.first = first;
  a.tau = tau;
  run(Kernel::rlt_keep, &a);
  const Tensor host_keep = download(keep), host_lists = download(lists);
  const uint8_t* mask = host_keep.data<uint8_t>();
  result.keep.assign(mask, mask + clips * tokens);
  const int32_t* count = host_lists.data<int32_t>();
  for (int64_t c = 0; c < clips; ++c) {
    const int32_t* kept = count + clips + c * tokens;
    result.tokens[size_t(c)].assign(kept, kept + count[c]);
  }
  return result;
}

PartnerTiles partner_tiles(std::span<const int32_t> a_offset, int rows) {
  PartnerTiles tiles;
  for (size_t c = 0; c + 1 < a_offset.size(); ++c)
    for (int32_t at = a_offset[c]; at < a_offset[c + 1]; at += rows) {
      tiles.clip.push_back(int32_t(c));
      tiles.first.push_back(at);
    }
  return tiles;
}

Partners CudaBackend::best_partners(const Tensor& metric, const PartnerSearch& s) {
  const char* op = "best_partners";
  require(metric.dtype() == DType::f32, op, "the metric is f32");
  on_device(op, {&metric});
  const auto fits = [&](const std::vector<int32_t>& list, const std::vector<int32_t>& offset) {
    bool ok = !offset.empty() && offset.front() == 0 && size_t(offset.back()) == list.size();
    for (size_t i = 0; i + 1 < offset.size(); ++i)
      ok = ok && offset[i] <= offset[i + 1];
    for (int32_t row : list)
      ok = ok && row >= 0 && row < metric.rows();
    return ok;
  };
  require(fits(s.a, s.a_offset) && fits(s.b, s.b_offset) && s.a_offset.size() == s.b_offset.size(),
          op, "lists and offsets belong to the metric");
  Partners best;
  if (s.a.empty()) return best;
  const Tensor prepared = empty({metric.rows(), metric.cols()}, DType::f32);
  PrepareArgs prepare;
  prepare.metric = metric.data<float>();
  prepare.prepared = prepared.data<float>();
  prepare.stride = metric.row_stride();
  prepare.rows = int32_t(metric.rows());
  prepare.width = int32_t(metric.cols());
  prepare.cosine = s.distance == MetricDistance::cosine ? 1 : 0;
  run(Kernel::prepare_metric, &prepare);

  const PartnerTiles tiles = partner_tiles(s.a_offset, kPartnerTileRows);
  std::vector<int32_t> all;
  for (const auto* list : {&s.a, &s.b, &s.a_offset, &s.b_offset, &tiles.clip, &tiles.first})
    all.insert(all.end(), list->begin(), list->end());
  const Tensor lists = ints(all);
  const auto n = int64_t(s.a.size());
  const Tensor out = empty({2, n}, DType::i32);  // scores' bits, then partners
  PartnerArgs p;
  p.metric = prepare.prepared;
  p.a = lists.data<int32_t>();
  p.b = p.a + s.a.size();
  p.a_offset = p.b + s.b.size();
  p.b_offset = p.a_offset + s.a_offset.size();
  p.tile_clip = p.b_offset + s.b_offset.size();
  p.tile_first = p.tile_clip + tiles.clip.size();
  p.score = reinterpret_cast<float*>(out.data<int32_t>());
  p.partner = out.data<int32_t>() + n;
  p.width = prepare.width;
  p.tiles = int32_t(tiles.clip.size());
  p.squared = s.distance == MetricDistance::l2 ? 1 : 0;
  run(Kernel::best_partners, &p);
  const Tensor host = download(out);
  best.score.resize(size_t(n));
  std::memcpy(best.score.data(), host.data<int32_t>(), size_t(n) * sizeof(float));
  best.partner.assign(host.data<int32_t>() + n, host.data<int32_t>() + 2 * n);
  return best;
}

}  // namespace looktwice::compute::cuda
