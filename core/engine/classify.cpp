#include "engine/classify.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "checkpoint/vit_config.h"
#include "checkpoint/vit_names.h"
#include "checkpoint/weight_files.h"
#include "engine/clips_ahead.h"
#include "engine/device.h"
#include "engine/inspect.h"
#include "engine/open.h"
#include "tokens/drop.h"
#include "tokens/rlt.h"
#include "tokens/tome_schedule.h"

namespace looktwice::engine {
namespace {

models::Choice choice_of(const std::string& word) {
  if (word == "on") return models::Choice::on;
  return word == "off" ? models::Choice::off : models::Choice::automatic;
}

void drop_at_random(trace::ClipTrace& trace, const TokenSettings& settings, uint64_t seed) {
  const double keep = parse_number(settings.drop.substr(7), "--drop");
  const size_t n = trace.tokens();
  trace.keep = settings.drop_count == "reference"
                   ? tokens::random_keep_reference(n, keep, seed)
                   : tokens::random_keep(n, tokens::random_keep_count(n, keep), seed);
  trace.has_rlt = true;
  trace.drop = "random";
  trace.run_length = tokens::run_lengths(trace.keep, grid_of(trace));
}

}  // namespace

frames::ClipOptions clip_options_for(const checkpoint::VitConfig& config,
                                     const checkpoint::Preprocess& preprocess,
                                     frames::ClipOptions base) {
  base.patch = config.patch;
  base.frames = config.video ? config.frames : 1;
  base.tubelet = config.video ? config.tubelet : 1;
  base.size = preprocess.size;
  return base;
}

Settings model_defaults(const std::string& model_folder) {
  const checkpoint::WeightFiles weights(model_folder);
  const Json config = checkpoint::read_config(model_folder);
  const auto names =
      checkpoint::detect_vit_names(weights, checkpoint::wants_qkv_bias(model_folder, config));
  const auto vit = checkpoint::read_vit_config(model_folder, config, weights, names);
  const auto preprocess = checkpoint::read_preprocess(model_folder, config, vit);
  Settings base;
  base.model = model_folder;
  base.clip = clip_options_for(vit, preprocess);
  return base;
}

models::Reduction reduction_of(const TokenSettings& t, int layers, uint64_t seed) {
  models::Reduction r;
  r.length_encoding = choice_of(t.length_encoding);
  r.length_order =
      t.length_order == "reference" ? tokens::LengthOrder::reference : tokens::LengthOrder::aligned;
  r.merge = tokens::parse_schedule(t.tome).layers(layers);
  if (std::all_of(r.merge.begin(), r.merge.end(), [](int n) { return n == 0; })) r.merge.clear();
  if (t.tome_match == "random") {
    r.match.method = tokens::MatchMethod::random;
  } else if (t.tome_match.rfind("kth:", 0) == 0) {
    r.match.method = tokens::MatchMethod::kth;
    r.match.k = static_cast<int>(parse_integer(t.tome_match.substr(4), "--tome-match"));
  }
  r.match.partition = t.tome_partition == "sequential" ? tokens::Partition::sequential
                      : t.tome_partition == "random"   ? tokens::Partition::random
                                                       : tokens::Partition::alternate;
  r.match.distance = t.tome_distance == "dot"  ? tokens::Distance::dot
                     : t.tome_distance == "l2" ? tokens::Distance::l2
                                               : tokens::Distance::cosine;
  r.match.seed = seed;
  r.run_length_sizes = t.tome_sizes == "run-lengths";
  r.proportional_attention = choice_of(t.prop_attn);
  r.pool = t.pool == "size-weighted" ? models::Pool::size_weighted
           : t.pool == "unweighted"  ? models::Pool::unweighted
                                     : models::Pool::automatic;
  r.feature = t.tome_feature == "q"   ? models::Feature::q
              : t.tome_feature == "v" ? models::Feature::v
              : t.tome_feature == "x" ? models::Feature::x
                                      : models::Feature::k;
  r.concat_heads = t.tome_heads == "concat";
  r.merge_after_mlp = t.tome_position == "mlp";
  r.norm_eps = t.ln_eps;
  return r;
}

std::vector<double> softmax(const std::vector<float>& logits) {
  std::vector<double> p(logits.begin(), logits.end());
  if (p.empty()) return p;
  const double top = *std::max_element(p.begin(), p.end());
  for (double& v : p)
    v = std::exp(v - top);
  const double sum = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& v : p)
    v /= sum;
  return p;
}

ClassifierRunner::ClassifierRunner(const std::string& model_folder, const RunSettings& run,
                                   const std::function<void(double)>& progress,
                                   std::stop_token stop)
    : folder_(model_folder), run_(run) {
  with_fallback([&] { load(progress, stop); },
                [&](const std::string& notice) { fall_back(notice); });
}

void ClassifierRunner::load(const std::function<void(double)>& progress, std::stop_token stop) {
  model_.reset();
  backend_ = make_backend(run_);
  model_ = models::load(folder_, backend_, progress, std::move(stop));
}

void ClassifierRunner::fall_back(const std::string& notice) {
  notice_ = notice;
  log(LogLevel::warning, notice);
  run_ = on_cpu(run_);
}

void ClassifierRunner::predict(const models::ClipResult& result,
                               std::vector<trace::Prediction>& to) const {
  const std::vector<double> p = softmax(result.logits);
  std::vector<int32_t> order(p.size());
  std::iota(order.begin(), order.end(), 0);
  const size_t top = std::min<size_t>(5, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<ptrdiff_t>(top), order.end(),
                    [&](int32_t a, int32_t b) { return p[a] != p[b] ? p[a] > p[b] : a < b; });
  const auto& labels = model_->labels();
  to.clear();
  for (size_t i = 0; i < top; ++i) {
    const auto k = static_cast<size_t>(order[i]);
    to.push_back({order[i], k < labels.size() ? labels[k] : "", p[k]});
  }
}

ClipOutcome ClassifierRunner::run(const frames::Clip& clip, const Settings& settings, bool dense,
                                  std::stop_token stop) {
  return with_fallback([&] { return run_here(clip, settings, dense, stop); },
                       [&](const std::string& notice) {
                         fall_back(notice);
                         load({}, stop);
                       });
}

ClipOutcome ClassifierRunner::run_here(const frames::Clip& clip, const Settings& settings,
                                       bool dense, std::stop_token stop) {
  const TokenSettings& t = settings.tokens;
  const bool video = model_->config().video;
  if (t.rlt && !video)
    throw bad_input("--rlt", "this model takes single images, where nothing repeats in time",
                    "leave --rlt out, or choose a video model");
  ClipOutcome out;
  out.clip = clip.clip;
  out.view = clip.view_time * settings.clip.views_space + clip.view_space;
  frames::ClipOptions options = settings.clip;
  options.patch = model_->config().patch;
  options.tubelet = video ? model_->config().tubelet : 1;
  compute::Tensor on_device;  // the frames, where the decision was taken
  if (t.rlt) {
    on_device = decide_on(*backend_, clip, options, *t.rlt, out.trace);
  } else {
    out.trace = undecided(clip, model_->grid(clip.T, clip.H, clip.W));
    if (t.drop != "none")
      drop_at_random(out.trace, t, settings.run.seed + static_cast<uint64_t>(clip.clip));
  }
  models::Reduction reduction = reduction_of(t, model_->config().layers, settings.run.seed);
  reduction.want_groups = !reduction.merge.empty();
  const models::ClipInput input{
      {clip.rgb.data(), clip.T, clip.H, clip.W}, out.trace.keep, on_device};
  auto result = model_->classify({&input, 1}, reduction, stop);
  out.result = std::move(result.clips.at(0));
  out.trace.extra_tokens = model_->config().extra_tokens();
  out.trace.initial_size = out.result.initial_size;
  out.trace.layers = out.result.layers;
  out.trace.milliseconds = result.milliseconds;
  out.trace.flops = out.result.flops;
  predict(out.result, out.trace.predictions);
  if (dense) {
    DenseOutcome whole = dense_here({input.frames, {}, on_device}, settings, stop);
    out.dense_logits = std::move(whole.logits);
    out.trace.dense_predictions = std::move(whole.predictions);
  }
  return out;
}

DenseOutcome ClassifierRunner::run_dense(const frames::Clip& clip, const Settings& settings,
                                         std::stop_token stop) {
  const models::ClipInput whole{{clip.rgb.data(), clip.T, clip.H, clip.W}, {}, {}};
  return with_fallback([&] { return dense_here(whole, settings, stop); },
                       [&](const std::string& notice) {
                         fall_back(notice);
                         load({}, stop);
                       });
}

DenseOutcome ClassifierRunner::dense_here(const models::ClipInput& whole, const Settings& settings,
                                          std::stop_token stop) {
  models::Reduction none;
  none.norm_eps = settings.tokens.ln_eps;
  none.length_encoding = models::Choice::off;
  auto result = model_->classify({&whole, 1}, none, std::move(stop));
  models::ClipResult& first = result.clips.at(0);
  DenseOutcome out;
  predict(first, out.predictions);
  out.logits = std::move(first.logits);
  out.layers = std::move(first.layers);
  out.milliseconds = result.milliseconds;
  out.flops = first.flops;
  return out;
}

void classify(const std::string& input, const Settings& settings, bool dense,
              const ClassifyEvents& events, std::stop_token stop) {
  settings.check();
  if (settings.model.empty())
    throw bad_input("--model", "is missing", "give a model folder: config.json and *.safetensors");
  const auto source = open_source(input);
  ClassifierRunner runner(settings.model, settings.run, events.loading, stop);
  trace::TokenTrace header = trace_header(source->info(), input, settings);
  header.model = settings.model;
  header.notes["backend"] = runner.backend().description();
  if (events.on_start) events.on_start(header, runner.model());
  // A device works while the next clip is decoded; on the CPU both would share the cores.
  const bool device = runner.backend().name() == "cuda";
  const auto read = device ? &read_clips_ahead : &frames::read_clips;
  read(
      *source, settings.clip,
      [&](frames::Clip&& clip) {
        ClipOutcome outcome = runner.run(clip, settings, dense, stop);
        if (events.on_clip) events.on_clip(std::move(outcome));
      },
      events.progress, stop);
}

}  // namespace looktwice::engine
