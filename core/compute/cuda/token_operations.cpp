// Decisions about tokens on the device.

#include <algorithm>
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

namespace {

void check_lists(const char* op, const PartnerSearch& s, int64_t rows) {
  const auto fits = [&](const std::vector<int32_t>& list, const std::vector<int32_t>& offset) {
    bool ok = !offset.empty() && offset.front() == 0 && size_t(offset.back()) == list.size();
    for (size_t i = 0; i + 1 < offset.size(); ++i)
      ok = ok && offset[i] <= offset[i + 1];
    for (int32_t row : list)
      ok = ok && row >= 0 && row < rows;
    return ok;
  };
  require(fits(s.a, s.a_offset) && fits(s.b, s.b_offset) && s.a_offset.size() == s.b_offset.size(),
          op, "lists and offsets belong to the rows");
}

/// Lists one after the other in one piece of device memory.
struct Lists {
  std::vector<int32_t> all;
  size_t add(const std::vector<int32_t>& list) {
    const size_t at = all.size();
    all.insert(all.end(), list.begin(), list.end());
    return at;
  }
};

/// The lists of a search; their places in `lists` become pointers when these are uploaded.
struct SearchPlaces {
  size_t a, b, a_offset, b_offset, tile_clip, tile_first;
  int32_t tiles;
};

SearchPlaces add_search(Lists& lists, const PartnerSearch& s) {
  const PartnerTiles tiles = partner_tiles(s.a_offset, kPartnerTileRows);
  SearchPlaces at{};
  at.a = lists.add(s.a);
  at.b = lists.add(s.b);
  at.a_offset = lists.add(s.a_offset);
  at.b_offset = lists.add(s.b_offset);
  at.tile_clip = lists.add(tiles.clip);
  at.tile_first = lists.add(tiles.first);
  at.tiles = int32_t(tiles.clip.size());
  return at;
}

PartnerArgs partner_args(const SearchPlaces& at, const int32_t* lists) {
  PartnerArgs p;
  p.a = lists + at.a;
  p.b = lists + at.b;
  p.a_offset = lists + at.a_offset;
  p.b_offset = lists + at.b_offset;
  p.tile_clip = lists + at.tile_clip;
  p.tile_first = lists + at.tile_first;
  p.tiles = at.tiles;
  return p;
}

}  // namespace

/// Matching on lists that are on the device; the results' places stand in `lists`.
void CudaBackend::find_partners(const PartnerArgs& lists, const Tensor& metric,
                                const Tensor& prepared, MetricDistance distance) {
  PrepareArgs prepare;
  prepare.metric = metric.data<float>();
  prepare.prepared = prepared.data<float>();
  prepare.stride = metric.row_stride();
  prepare.rows = int32_t(metric.rows());
  prepare.width = int32_t(metric.cols());
  prepare.cosine = distance == MetricDistance::cosine ? 1 : 0;
  run(Kernel::prepare_metric, &prepare);
  PartnerArgs p = lists;
  p.metric = prepare.prepared;
  p.width = prepare.width;
  p.squared = distance == MetricDistance::l2 ? 1 : 0;
  run(Kernel::best_partners, &p);
}

Partners CudaBackend::best_partners(const Tensor& metric, const PartnerSearch& s) {
  const char* op = "best_partners";
  require(metric.dtype() == DType::f32, op, "the metric is f32");
  on_device(op, {&metric});
  check_lists(op, s, metric.rows());
  Partners best;
  if (s.a.empty()) return best;
  Lists all;
  const SearchPlaces at = add_search(all, s);
  const Tensor lists = ints(all.all);
  const auto n = int64_t(s.a.size());
  const Tensor out = empty({2, n}, DType::i32);  // scores' bits, then partners
  PartnerArgs p = partner_args(at, lists.data<int32_t>());
  p.score = reinterpret_cast<float*>(out.data<int32_t>());
  p.partner = out.data<int32_t>() + n;
  find_partners(p, metric, empty({metric.rows(), metric.cols()}, DType::f32), s.distance);
  const Tensor host = download(out);
  best.score.resize(size_t(n));
  std::memcpy(best.score.data(), host.data<int32_t>(), size_t(n) * sizeof(float));
  best.partner.assign(host.data<int32_t>() + n, host.data<int32_t>() + 2 * n);
  return best;
}

struct CudaBackend::MergeOnDevice : PlannedMerge {
  int64_t rows = 0;  // of x
  MetricDistance distance = MetricDistance::cosine;
  Tensor lists;
  PartnerArgs partners;
  MergeArgs merge;
};

std::shared_ptr<PlannedMerge> CudaBackend::plan_merge(const MergeShape& shape) {
  const char* op = "plan_merge";
  const PartnerSearch& s = shape.search;
  const size_t clips = shape.pairs.size();
  require(shape.in_offset.size() == clips + 1 && s.a_offset.size() == clips + 1, op,
          "one entry a clip");
  check_lists(op, s, shape.in_offset.back());
  auto plan = std::make_shared<MergeOnDevice>();
  plan->rows = shape.in_offset.back();
  plan->sources = int64_t(s.a.size());
  plan->distance = s.distance;
  plan->out_offset = {0};
  PartnerTiles tasks;
  for (size_t c = 0; c < clips; ++c) {
    const int32_t a = s.a_offset[c + 1] - s.a_offset[c], b = s.b_offset[c + 1] - s.b_offset[c];
    const int32_t in = shape.in_offset[c + 1] - shape.in_offset[c];
    require(in == a + b + shape.fixed && shape.pairs[c] >= 0 && shape.pairs[c] <= a &&
                (b > 0 || shape.pairs[c] == 0),
            op, "every token that is not protected is a source or a destination");
    plan->out_offset.push_back(plan->out_offset.back() + in - shape.pairs[c]);
    for (int32_t at = 0; at < std::max({a, b, shape.fixed}); at += kMergeTask) {
      tasks.clip.push_back(int32_t(c));
      tasks.first.push_back(at);
    }
  }
  Lists all;
  const SearchPlaces at = add_search(all, s);
  const size_t in_first = all.add(shape.in_offset), out_first = all.add(plan->out_offset),
               pairs = all.add(shape.pairs), task_clip = all.add(tasks.clip),
               task_first = all.add(tasks.first);
  plan->lists = ints(all.all);
  const int32_t* lists = plan->lists.data<int32_t>();
  plan->partners = partner_args(at, lists);
  MergeArgs& m = plan->merge;
  m.a = plan->partners.a;
  m.b = plan->partners.b;
  m.a_offset = plan->partners.a_offset;
  m.b_offset = plan->partners.b_offset;
  m.in_first = lists + in_first;
  m.out_first = lists + out_first;
  m.pairs = lists + pairs;
  m.task_clip = lists + task_clip;
  m.task_first = lists + task_first;
  m.tasks = int32_t(tasks.clip.size());
  m.fixed = shape.fixed;
  m.ordered = shape.ordered ? 1 : 0;
  return plan;
}

void CudaBackend::merge(const PlannedMerge& planned, const MergeTensors& t) {
  const char* op = "merge";
  const auto& plan = dynamic_cast<const MergeOnDevice&>(planned);
  const int64_t out = plan.out_offset.back(), n = plan.sources;
  const auto list = [](const Tensor& tensor, DType dtype, int64_t entries) {
    return tensor.dtype() == dtype && tensor.contiguous() && tensor.elements() == entries;
  };
  require(t.x.rows() == plan.rows && t.metric.rows() == plan.rows && t.y.rows() == out &&
              t.y.cols() == t.x.cols() && t.y.raw() != t.x.raw() && t.metric.dtype() == DType::f32,
          op, "rows as planned; y is not x");
  require((!t.size || list(t.size, DType::f32, plan.rows)) && list(t.size_out, DType::f32, out) &&
              list(t.log_size, DType::f32, out) && list(t.score, DType::f32, n) &&
              list(t.partner, DType::i32, n),
          op, "sizes and results are lists as planned");
  on_device(op, {&t.x, &t.metric, &t.size, &t.y, &t.size_out, &t.log_size, &t.score, &t.partner});
  if (out == 0) return;
  if (n > 0) {
    PartnerArgs p = plan.partners;
    p.score = t.score.data<float>();
    p.partner = t.partner.data<int32_t>();
    find_partners(p, t.metric, empty({plan.rows, t.metric.cols()}, DType::f32), plan.distance);
  }
  const Tensor scratch = empty({4 * n + 2 * out}, DType::i32);
  MergeArgs m = plan.merge;
  m.y = matrix(t.y);
  m.x = matrix(t.x);
  m.score = t.score.data<float>();
  m.partner = t.partner.data<int32_t>();
  m.rank = scratch.data<int32_t>();
  m.order = m.rank + n;
  m.next = m.order + n;
  m.from = m.next + n;
  m.keeper = m.from + n;
  m.head = m.keeper + out;
  m.size_in = t.size ? t.size.data<float>() : nullptr;
  m.size_out = t.size_out.data<float>();
  m.log_size = t.log_size.data<float>();
  run(Kernel::merge_rank, &m);
  run(Kernel::merge_link, &m);
  run(Kernel::merge_rows, &m);
}

}  // namespace looktwice::compute::cuda
