#include "statistics.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/text.h"

namespace looktwice::gui {
namespace {

template <class... Args>
std::string format(const char* pattern, Args... args) {
  char text[200];
  std::snprintf(text, sizeof text, pattern, args...);
  return text;
}

std::string signed_text(double value, const char* pattern, const char* unit) {
  const char* sign = value > 0 ? "+" : (value < 0 ? "−" : "±");
  return sign + format(pattern, std::abs(value)) + unit;
}

std::string psnr_text(double psnr) {
  return std::isinf(psnr) ? "identical" : format("%.2f dB", psnr);
}

std::string clips_text(const frames::ClipOptions& clip) {
  return format("%d frames, stride %d, ", clip.frames, clip.stride) +
         (clip.size > 0 ? format("%d px", clip.size) : "native size") +
         (clip.crop == frames::Crop::none ? ", whole frame" : ", centre crop");
}

}  // namespace

std::vector<ClipRow> clip_rows(const ClipStore& store, float tau, double fps) {
  std::vector<ClipRow> rows(size_t(store.count()));
  const std::vector<MeasuredClipPtr> held = store.in_memory();
  for (int i = 0; i < store.count(); ++i) {
    ClipRow& row = rows[size_t(i)];
    row.clip = i;
    row.first_frame = store.frames_of(i).front();
    row.last_frame = store.frames_of(i).back();
    row.start = fps > 0 ? double(row.first_frame) / fps : 0;
    row.measured = store.measured(i);
    if (!row.measured) continue;
    const ClipSummary& summary = store.summary(i);
    row.tokens = summary.tokens();
    if (const MeasuredClipPtr& clip = held[size_t(i)]) {
      row.exact = true;
      row.kept = clip->histogram.kept(tau);
      row.tau_for_half = clip->histogram.tau_for_ratio(0.5);
    } else {
      row.kept = size_t(std::lround(double(summary.kept(tau)) * double(row.tokens)));
    }
    row.kept_ratio = row.tokens > 0 ? double(row.kept) / double(row.tokens) : 1.0;
    for (int t = 0; t < summary.tubelets(); ++t)
      row.low = std::min(row.low, double(summary.kept(t, tau)));
  }
  return rows;
}

Totals totals_of(const std::vector<ClipRow>& rows) {
  Totals totals;
  totals.clips = int(rows.size());
  for (const ClipRow& row : rows) {
    if (!row.measured) continue;
    ++totals.measured;
    totals.tokens += row.tokens;
    totals.kept += row.kept;
    totals.exact = totals.exact && row.exact;
  }
  return totals;
}

std::vector<TubeletPoint> kept_over_time(const ClipStore& store, float tau) {
  std::vector<TubeletPoint> points;
  for (int i = 0; i < store.count(); ++i) {
    if (!store.measured(i)) continue;
    const ClipSummary& summary = store.summary(i);
    const std::vector<int64_t>& frames = store.frames_of(i);
    const size_t step = std::max<size_t>(1, frames.size() / size_t(summary.tubelets()));
    for (int t = 0; t < summary.tubelets(); ++t) {
      const size_t at = size_t(t) * step, next = at + step;
      if (at >= frames.size()) break;
      points.push_back({frames[at], next < frames.size() ? frames[next] : store.end_of(i), i, t,
                        double(summary.kept(t, tau))});
    }
  }
  return points;
}

std::vector<TauPoint> kept_by_tau(const ClipStore& store, double low, double high, int n) {
  std::vector<TauPoint> points;
  if (store.measured_count() == 0 || n < 2) return points;
  points.resize(size_t(n));
  for (int k = 0; k < n; ++k) {
    TauPoint& point = points[size_t(k)];
    point.tau = float(low * std::pow(high / low, double(k) / (n - 1)));
    point.low = 1;
    point.high = 0;
    double sum = 0;
    for (int i = 0; i < store.count(); ++i) {
      if (!store.measured(i)) continue;
      const auto kept = double(store.summary(i).kept(point.tau));
      sum += kept;
      point.low = std::min(point.low, kept);
      point.high = std::max(point.high, kept);
    }
    point.mean = sum / store.measured_count();
  }
  return points;
}

std::vector<CompareLine> compare(const RunSummary& a, const RunSummary& b) {
  std::vector<CompareLine> lines;
  lines.push_back(
      {"Source", a.name, b.name, a.source == b.source ? "same" : "other video", "What was open."});
  lines.push_back({"Threshold τ", format("%.4g", double(a.tau())), format("%.4g", double(b.tau())),
                   signed_text(double(b.tau()) - double(a.tau()), "%.4g", ""),
                   "Normalised units, as the paper and the command line count."});
  const std::string clip_a = clips_text(a.document.settings.clip),
                    clip_b = clips_text(b.document.settings.clip);
  lines.push_back({"Clips", clip_a, clip_b,
                   a.document.settings.clip == b.document.settings.clip ? "same" : "cut otherwise",
                   "How the video is cut into what the model sees."});
  const Totals ta = a.totals(), tb = b.totals();
  const auto measured = [](const Totals& t) { return format("%d of %d", t.measured, t.clips); };
  lines.push_back(
      {"Clips measured", measured(ta), measured(tb), "", "Numbers below are of those."});
  if (ta.measured == 0 || tb.measured == 0) return lines;
  const auto about = [](const Totals& t) { return std::string(t.exact ? "" : "≈ "); };
  lines.push_back({"Tokens kept", about(ta) + format("%zu of %zu", ta.kept, ta.tokens),
                   about(tb) + format("%zu of %zu", tb.kept, tb.tokens),
                   ta.kept > 0 ? format("×%.3f", double(tb.kept) / double(ta.kept)) : "",
                   "Over all measured clips; B divided by A."});
  lines.push_back({"Kept ratio", about(ta) + format("%.2f %%", ta.kept_ratio() * 100),
                   about(tb) + format("%.2f %%", tb.kept_ratio() * 100),
                   signed_text((tb.kept_ratio() - ta.kept_ratio()) * 100, "%.2f", " points"),
                   "Share of tokens that the model still gets; B less A in percentage points."});
  const auto worst = [](const RunSummary& run) {
    double most = 0;
    for (const ClipRow& row : run.rows)
      if (row.measured) most = std::max(most, row.kept_ratio);
    return most;
  };
  lines.push_back({"Busiest clip", format("%.2f %%", worst(a) * 100),
                   format("%.2f %%", worst(b) * 100),
                   signed_text((worst(b) - worst(a)) * 100, "%.2f", " points"),
                   "Kept ratio of the clip that keeps most."});
  if (a.quality && b.quality) {
    const auto& qa = *a.quality;
    const auto& qb = *b.quality;
    const bool finite = std::isfinite(qa.psnr) && std::isfinite(qb.psnr);
    lines.push_back({"PSNR", psnr_text(qa.psnr), psnr_text(qb.psnr),
                     finite ? signed_text(qb.psnr - qa.psnr, "%.2f", " dB") : "",
                     "Of what RLT hands on against the video, over the sampled frames of the clip "
                     "that was on screen (A: " +
                         qa.area + "; B: " + qb.area + ")."});
    lines.push_back({"SSIM", format("%.4f", qa.ssim), format("%.4f", qb.ssim),
                     signed_text(qb.ssim - qa.ssim, "%.4f", ""),
                     "Structural similarity of luma; 1 is identical. Same frames as PSNR."});
  }
  return lines;
}

std::string to_csv(const std::vector<ClipRow>& rows) {
  std::string csv =
      "clip,first_frame,last_frame,start_s,tokens,kept_tokens,kept_ratio,"
      "lowest_tubelet_kept_ratio,tau_for_half,exact\n";
  for (const ClipRow& row : rows) {
    csv += std::to_string(row.clip) + "," + std::to_string(row.first_frame) + "," +
           std::to_string(row.last_frame) + "," + number_text(row.start) + ",";
    if (row.measured) {
      csv += std::to_string(row.tokens) + "," + std::to_string(row.kept) + "," +
             number_text(row.kept_ratio) + "," + number_text(row.low) + "," +
             (row.tau_for_half ? number_text(*row.tau_for_half) : "") + "," +
             (row.exact ? "1" : "0");
    } else {
      csv += ",,,,,";
    }
    csv += "\n";
  }
  return csv;
}

Json to_json(const RunSummary& run) {
  Json json = looktwice::document("clip-statistics", 1);
  json["source"] = run.source;
  json["settings"] = engine::to_json(run.document.settings);
  json["tau"] = run.tau();
  const Totals totals = run.totals();
  json["clips"] = totals.clips;
  json["measured"] = totals.measured;
  json["tokens"] = totals.tokens;
  json["kept_tokens"] = totals.kept;
  json["kept_ratio"] = totals.kept_ratio();
  json["exact"] = totals.exact;
  if (run.quality) {
    json["quality"] = {{"area", run.quality->area},
                       {"frames", run.quality->frames},
                       {"psnr_db", finite(run.quality->psnr)},
                       {"ssim", run.quality->ssim}};
  }
  Json rows = Json::array();
  for (const ClipRow& row : run.rows) {
    Json line = {{"clip", row.clip},
                 {"first_frame", row.first_frame},
                 {"last_frame", row.last_frame},
                 {"start_s", row.start},
                 {"measured", row.measured}};
    if (row.measured) {
      line["tokens"] = row.tokens;
      line["kept_tokens"] = row.kept;
      line["kept_ratio"] = row.kept_ratio;
      line["lowest_tubelet_kept_ratio"] = row.low;
      line["tau_for_half"] = row.tau_for_half ? Json(*row.tau_for_half) : Json();
      line["exact"] = row.exact;
    }
    rows.push_back(line);
  }
  json["rows"] = rows;
  return json;
}

}  // namespace looktwice::gui
