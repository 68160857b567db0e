// looktwice classify: a vision transformer with token reduction over the clips of a source.

#include "engine/classify.h"

#include <algorithm>
#include <cstdio>
#include <memory>

#include "base/error.h"
#include "base/safetensors.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/dumps.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "trace/trace_file.h"

namespace looktwice::cli {
namespace {

struct Options {
  SettingsOptions settings;
  std::string input, json, dump, trace;
  int top = 5;
  bool dense = false;
};

/// Rows of different lengths as one array, padded to the longest.
template <typename T>
struct Padded {
  std::vector<std::vector<T>> rows;
  std::vector<T> flat(size_t width, T pad) const {
    std::vector<T> out;
    for (const auto& row : rows) {
      out.insert(out.end(), row.begin(), row.end());
      out.insert(out.end(), width - row.size(), pad);
    }
    return out;
  }
  size_t width() const {
    size_t w = 0;
    for (const auto& row : rows)
      w = std::max(w, row.size());
    return w;
  }
};

/// What --dump writes; arrays [B,…] over clips.
class ClassifyDump {
 public:
  void add(const engine::ClipOutcome& o, bool rlt) {
    if (rlt) rlt_.add(o.trace);
    logits_.insert(logits_.end(), o.result.logits.begin(), o.result.logits.end());
    classes_ = static_cast<int64_t>(o.result.logits.size());
    tokens_.insert(tokens_.end(), o.result.tokens.begin(), o.result.tokens.end());
    counts_ = static_cast<int64_t>(o.result.tokens.size());
    dense_.insert(dense_.end(), o.dense_logits.begin(), o.dense_logits.end());
    sizes_.rows.push_back(o.result.size);
    groups_.push_back(o.result.groups);
    ++clips_;
  }
  void write(const std::string& path) const {
    TensorDump dump;
    rlt_.put(dump);
    dump.add("logits", {clips_, classes_}, logits_);
    dump.add("tokens", {clips_, counts_}, tokens_);
    if (!dense_.empty()) dump.add("dense/logits", {clips_, classes_}, dense_);
    put_groups(dump);
    dump.write(path);
  }

 private:
  void put_groups(TensorDump& dump) const {
    size_t layers = 0, width = 0;
    for (const auto& clip : groups_) {
      layers = std::max(layers, clip.size());
      for (const auto& layer : clip)
        width = std::max(width, layer.size());
    }
    if (layers == 0) return;
    std::vector<int32_t> flat;
    for (const auto& clip : groups_) {
      for (size_t l = 0; l < layers; ++l) {
        const size_t n = l < clip.size() ? clip[l].size() : 0;
        if (n > 0) flat.insert(flat.end(), clip[l].begin(), clip[l].end());
        flat.insert(flat.end(), width - n, -1);
      }
    }
    dump.add("tome/group", {clips_, int64_t(layers), int64_t(width)}, flat);
    const size_t left = sizes_.width();
    dump.add("tome/size", {clips_, int64_t(left)}, sizes_.flat(left, 0.0f));
  }

  RltDump rlt_;
  int64_t clips_ = 0, classes_ = 0, counts_ = 0;
  std::vector<float> logits_, dense_;
  std::vector<int32_t> tokens_;
  Padded<float> sizes_;
  std::vector<std::vector<std::vector<int32_t>>> groups_;
};

Json predictions_json(const std::vector<double>& p, const std::vector<std::string>& labels,
                      int top) {
  std::vector<int> order(p.size());
  for (size_t i = 0; i < p.size(); ++i)
    order[i] = static_cast<int>(i);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return p[a] > p[b]; });
  Json list = Json::array();
  for (int i = 0; i < top && i < static_cast<int>(order.size()); ++i) {
    const auto k = static_cast<size_t>(order[i]);
    list.push_back({{"class", order[i]},
                    {"label", k < labels.size() ? Json(labels[k]) : Json(nullptr)},
                    {"probability", finite(p[k])}});
  }
  return list;
}

void add_to(std::vector<double>& sum, const std::vector<float>& logits) {
  const auto p = engine::softmax(logits);
  if (sum.size() < p.size()) sum.resize(p.size());
  for (size_t i = 0; i < p.size(); ++i)
    sum[i] += p[i];
}

/// All views of one clip.
struct ClipRow {
  std::vector<double> sum, dense_sum;  ///< softmax, over views
  int views = 0;
  Json json;
};

class Collector {
 public:
  explicit Collector(const Options& options) : o_(options) {}

  void start(const trace::TokenTrace& header, const models::Classifier& model) {
    labels_ = model.labels();
    backend_ = header.notes.value("backend", "");
    if (!o_.trace.empty()) writer_ = std::make_unique<trace::TokenTraceWriter>(o_.trace, header);
  }

  void add(engine::ClipOutcome&& out, bool rlt) {
    if (!o_.dump.empty()) dump_.add(out, rlt);
    if (writer_) writer_->append(out.trace);
    if (rows_.empty() || out.clip != last_clip_) rows_.emplace_back();
    last_clip_ = out.clip;
    ClipRow& row = rows_.back();
    add_to(row.sum, out.result.logits);
    if (!out.dense_logits.empty()) add_to(row.dense_sum, out.dense_logits);
    if (row.views++ == 0) {
      Json merged = Json::array(), ms = Json::array();
      for (const auto& layer : out.trace.layers) {
        merged.push_back(layer.source.size());
        ms.push_back(finite(layer.milliseconds));
      }
      row.json = {{"frames", out.trace.frame_indices},
                  {"tokens", out.trace.tokens()},
                  {"kept", out.trace.kept()},
                  {"tokens_by_layer", out.result.tokens},
                  {"merged_by_layer", merged},
                  {"milliseconds_by_layer", ms},
                  {"gflops", finite(out.trace.flops / 1e9)}};
    }
    row.json["milliseconds"] = row.json.value("milliseconds", 0.0) + out.trace.milliseconds;
  }

  void finish(const std::string& input, const engine::Settings& settings,
              const engine::Settings& base) {
    if (writer_) writer_->commit();
    if (!o_.dump.empty()) dump_.write(o_.dump);
    Json clips = Json::array();
    int agree = 0, compared = 0;
    for (ClipRow& row : rows_) {
      for (double& v : row.sum)
        v /= row.views;
      for (double& v : row.dense_sum)
        v /= row.views;
      row.json["views"] = row.views;
      row.json["top"] = predictions_json(row.sum, labels_, o_.top);
      if (!row.dense_sum.empty()) {
        row.json["dense_top"] = predictions_json(row.dense_sum, labels_, o_.top);
        const bool same = row.json["top"][0]["class"] == row.json["dense_top"][0]["class"];
        row.json["agrees"] = same;
        ++compared;
        agree += same;
      }
      clips.push_back(row.json);
    }
    if (!o_.json.empty()) {
      Json doc = document("classify", 1);
      doc["source"] = {{"input", input}};
      doc["settings"] = engine::to_json(settings);
      doc["command"] = "looktwice classify " + shell_quote(input) + " --model " +
                       shell_quote(settings.model) + " " + engine::command_options(settings, base);
      doc["backend"] = backend_;
      if (compared > 0) doc["agreement"] = {{"same", agree}, {"of", compared}};
      doc["clips"] = clips;
      write_json(o_.json, doc);
    }
    if (o_.json != "-") print(clips, agree, compared);
  }

 private:
  void print(const Json& clips, int agree, int compared) const {
    int n = 0;
    for (const Json& clip : clips) {
      const auto& tokens = clip["tokens_by_layer"];
      std::printf("clip %d: %d tokens enter, %d leave, %.0f ms, %.1f GFLOP\n", n++,
                  tokens.front().get<int>(), tokens.back().get<int>(),
                  clip["milliseconds"].get<double>(), clip["gflops"].get<double>());
      for (const Json& p : clip["top"])
        std::printf("  %5.1f%%  %s\n", 100 * p["probability"].get<double>(),
                    p["label"].is_string() ? p["label"].get<std::string>().c_str()
                                           : ("class " + p["class"].dump()).c_str());
      if (clip.contains("agrees"))
        std::printf("  the dense model %s\n", clip["agrees"].get<bool>() ? "agrees" : "disagrees");
    }
    if (compared > 1) std::printf("agreement with the dense model: %d of %d\n", agree, compared);
  }

  const Options& o_;
  std::vector<std::string> labels_;
  std::string backend_;
  std::unique_ptr<trace::TokenTraceWriter> writer_;
  ClassifyDump dump_;
  std::vector<ClipRow> rows_;
  int last_clip_ = -1;
};

int classify(const Options& o, const CLI::App& app) {
  if (o.top < 1) throw bad_input("--top", "must be at least 1");
  std::string model = o.settings.settings.model;
  if (model.empty() && !o.settings.settings_file.empty())
    model =
        engine::settings_from_json(read_json(o.settings.settings_file), o.settings.settings_file)
            .model;
  if (model.empty())
    throw bad_input("--model", "is missing", "give a model folder: config.json and *.safetensors");
  const engine::Settings base = engine::model_defaults(model);
  const engine::Settings settings = o.settings.resolve(app, base);

  Collector collector(o);
  const Interrupt interrupt;
  {
    ProgressLine progress("classifying");
    engine::ClassifyEvents events;
    events.on_start = [&](const trace::TokenTrace& h, const models::Classifier& m) {
      collector.start(h, m);
    };
    events.on_clip = [&](engine::ClipOutcome&& out) {
      collector.add(std::move(out), settings.tokens.rlt.has_value());
    };
    events.progress = [&](double f) { progress(f); };
    engine::classify(o.input, settings, o.dense, events, interrupt.token());
  }
  collector.finish(o.input, settings, base);
  return 0;
}

}  // namespace

void add_classify(CLI::App& app, Run& run) {
  auto* cmd = app.add_subcommand("classify", "run a vision transformer with fewer tokens");
  auto o = std::make_shared<Options>();
  cmd->add_option("INPUT", o->input, "video file, camera:, screen:, lavfi:, synth: or .safetensors")
      ->required();
  add_clip_options(*cmd, o->settings);
  add_token_options(*cmd, o->settings, true);
  add_run_options(*cmd, o->settings);
  cmd->add_option("--top", o->top, "classes to name (5)");
  cmd->add_flag("--dense", o->dense, "also run with all tokens, and say whether both agree");
  cmd->add_option("--json", o->json, "write a JSON document (- for standard output)");
  cmd->add_option("--dump", o->dump, "write arrays as .safetensors");
  cmd->add_option("--trace", o->trace, "write a trace that opens later without model or source");
  cmd->callback([o, cmd, &run] { run = [o, cmd] { return classify(*o, *cmd); }; });
}

}  // namespace looktwice::cli
