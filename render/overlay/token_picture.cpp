#include "overlay/token_picture.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace looktwice::overlay {
namespace {

bool has_decisions(const trace::ClipTrace& clip) {
  return clip.has_rlt && clip.t > 0 && clip.keep.size() == clip.tokens() && clip.tokens() > 0;
}

}  // namespace

int64_t end_of(const trace::ClipTrace& clip) {
  const auto& f = clip.frame_indices;
  const int64_t step = f.size() > 1 ? std::max<int64_t>(1, f.back() - f[f.size() - 2]) : 1;
  return f.back() + step;
}

const trace::ClipTrace* clip_at(const trace::TokenTrace& trace, int64_t frame_index) {
  const trace::ClipTrace* best = nullptr;
  for (const auto& clip : trace.clips) {
    if (clip.frame_indices.empty() || frame_index < clip.frame_indices.front()) continue;
    if (frame_index >= end_of(clip)) continue;
    // Where clips overlap, the one that started last.
    if (!best || clip.frame_indices.front() > best->frame_indices.front()) best = &clip;
  }
  return best;
}

std::optional<Moment> moment_at(const trace::ClipTrace& clip, int64_t frame_index) {
  const auto& f = clip.frame_indices;
  const auto after = std::upper_bound(f.begin(), f.end(), frame_index);
  if (after == f.begin() || clip.tubelet <= 0 || clip.t <= 0) return std::nullopt;
  // A clip sampled past the end of its source repeats the last frame: show the first of the equals.
  const auto at = std::lower_bound(f.begin(), after, *(after - 1));
  const int sample = std::min(static_cast<int>(at - f.begin()), clip.t * clip.tubelet - 1);
  return Moment{sample, sample / clip.tubelet, sample % clip.tubelet};
}

std::optional<TokenState> token_at(const trace::ClipTrace& clip, const Moment& moment, double x,
                                   double y) {
  if ((clip.has_rlt && !has_decisions(clip)) || moment.tubelet < 0 || moment.tubelet >= clip.t)
    return std::nullopt;
  if (!(clip.crop_width > 0) || !(clip.crop_height > 0)) return std::nullopt;
  const double column = std::floor((x - clip.crop_x) / clip.crop_width * clip.w);
  const double row = std::floor((y - clip.crop_y) / clip.crop_height * clip.h);
  if (!(column >= 0 && column < clip.w && row >= 0 && row < clip.h)) return std::nullopt;
  TokenState token;
  token.t = moment.tubelet;
  token.row = static_cast<int>(row);
  token.column = static_cast<int>(column);
  const size_t place = size_t(token.row) * clip.w + token.column;
  const size_t plane = size_t(clip.h) * clip.w;
  const size_t at = token.t * plane + place;
  token.head = token.t;
  if (clip.difference.size() == clip.tokens()) token.difference = clip.difference[at];
  if (!clip.has_rlt) return token;
  token.kept = clip.keep[at] != 0;
  while (token.head > 0 && !clip.keep[token.head * plane + place])
    --token.head;
  if (clip.run_length.size() == clip.tokens()) {
    token.run_length = clip.run_length[token.head * plane + place];
  }
  return token;
}

std::vector<int> run_heads(const trace::ClipTrace& clip, int tubelet) {
  const size_t plane = size_t(std::max(clip.h, 0)) * std::max(clip.w, 0);
  std::vector<int> heads(plane, 0);
  if (!has_decisions(clip)) return heads;
  for (int t = 1; t <= std::min(tubelet, clip.t - 1); ++t) {
    for (size_t i = 0; i < plane; ++i) {
      if (clip.keep[t * plane + i]) heads[i] = t;
    }
  }
  return heads;
}

std::vector<int64_t> head_frames(const trace::ClipTrace& clip, int64_t frame_index) {
  const auto moment = moment_at(clip, frame_index);
  if (!moment || !has_decisions(clip)) return {};
  std::set<int64_t> frames;
  for (const int head : run_heads(clip, moment->tubelet)) {
    const size_t sample = size_t(head) * clip.tubelet + moment->offset;
    if (head != moment->tubelet && sample < clip.frame_indices.size()) {
      frames.insert(clip.frame_indices[sample]);
    }
  }
  return {frames.begin(), frames.end()};
}

double kept_ratio(const trace::ClipTrace& clip) {
  if (!has_decisions(clip)) return 1;
  const auto kept = std::count_if(clip.keep.begin(), clip.keep.end(), [](uint8_t k) { return k; });
  return static_cast<double>(kept) / static_cast<double>(clip.tokens());
}

}  // namespace looktwice::overlay
