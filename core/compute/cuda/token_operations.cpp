// Decisions about tokens on the device.

#include <limits>
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

Partners CudaBackend::best_partners(const Tensor&, const PartnerSearch&) {
  throw std::logic_error("best_partners: not there yet");
}

}  // namespace looktwice::compute::cuda
