#include "cli/options.h"

#include <cstdio>

#include <unistd.h>

#include "base/error.h"
#include "base/text.h"

namespace looktwice::cli {
namespace {

bool given(const CLI::App& app, const std::string& option) {
  const CLI::Option* o = app.get_option_no_throw(option);
  return o != nullptr && o->count() > 0;
}

/// Lays the values that stand on the command line over a JSON form of the settings.
void overlay_texts(const CLI::App& app, const SettingsOptions& raw, Json& json) {
  const auto whole = [](const std::string& text, const std::string& option) {
    return Json(parse_integer(text, option));
  };
  Json& clip = json["clip"];
  if (given(app, "--frames")) clip["frames"] = raw.settings.clip.frames;
  if (given(app, "--stride")) clip["stride"] = raw.settings.clip.stride;
  if (given(app, "--start")) clip["start"] = raw.settings.clip.start;
  if (given(app, "--tubelet")) clip["tubelet"] = raw.settings.clip.tubelet;
  if (given(app, "--patch")) clip["patch"] = raw.settings.clip.patch;
  if (given(app, "--clips"))
    clip["clips"] = raw.clips == "all" ? Json("all") : whole(raw.clips, "--clips");
  if (given(app, "--size"))
    clip["size"] = raw.size == "native" ? Json("native") : whole(raw.size, "--size");
  if (given(app, "--crop")) clip["crop"] = raw.crop;
  if (given(app, "--sampling")) clip["sampling"] = raw.sampling;
  if (given(app, "--resize")) clip["resize"] = raw.resize;
  if (given(app, "--views")) clip["views"] = raw.views;
}

}  // namespace

void add_clip_options(CLI::App& app, SettingsOptions& to) {
  auto& clip = to.settings.clip;
  const std::string group = "Clip options";
  app.add_option("--frames", clip.frames, "frames a clip samples")->group(group);
  app.add_option("--stride", clip.stride, "source frames from one sample to the next")
      ->group(group);
  app.add_option("--start", clip.start, "source frame of the first sample")->group(group);
  app.add_option("--clips", to.clips, "1, N evenly spaced, or all (back to back)")->group(group);
  app.add_option("--sampling", to.sampling, "dense, or uniform (middles of equal segments)")
      ->group(group);
  app.add_option("--views", to.views, "TxS: temporal and spatial crops, averaged after softmax")
      ->group(group);
  app.add_option("--size", to.size, "short side in pixels, or native")->group(group);
  app.add_option("--crop", to.crop, "center or none")->group(group);
  app.add_option("--tubelet", clip.tubelet, "frames a token covers")->group(group);
  app.add_option("--patch", clip.patch, "pixels a token covers, each way")->group(group);
  app.add_option("--resize", to.resize, "pillow (antialiased) or opencv")->group(group);
}

void add_token_options(CLI::App& app, SettingsOptions& to, bool with_model) {
  const std::string group = "Token options";
  app.add_option("--rlt", to.rlt,
                 "τ: drop patches that differ by no more than this from the"
                 " tubelet before, in ImageNet-normalised units (0.1 is the"
                 " paper's)")
      ->group(group);
  if (with_model) {
    for (const auto& o : engine::token_word_options())
      app.add_option(std::string("--") + o.option, to.settings.tokens.*o.member, o.help)
          ->group(group);
    app.add_option("--ln-eps", to.ln_eps, "epsilon of every LayerNorm")->group(group);
    app.add_option("--preset", to.preset,
                   "exactly what a paper's code does: " + join(engine::preset_names(), ", "))
        ->group(group);
    app.add_option("--model", to.settings.model, "model folder: config.json and *.safetensors")
        ->group(group);
  }
}

void add_run_options(CLI::App& app, SettingsOptions& to) {
  auto& run = to.settings.run;
  const std::string group = "Run options";
  app.add_option("--backend", run.backend, "reference, onednn, cuda or auto")->group(group);
  app.add_option("--dtype", run.dtype, "f32, f16 or bf16")->group(group);
  app.add_option("--threads", run.threads, "0: all cores")->group(group);
  app.add_option("--seed", run.seed, "of everything random")->group(group);
  app.add_option("--settings", to.settings_file, "JSON file of settings; options given here win")
      ->group(group);
}

engine::Settings SettingsOptions::resolve(const CLI::App& app) const {
  engine::Settings result;
  if (!settings_file.empty())
    result = engine::settings_from_json(read_json(settings_file), settings_file);
  if (!preset.empty()) engine::apply_preset(result, preset);
  Json json = engine::to_json(result);
  overlay_texts(app, *this, json);
  if (given(app, "--rlt")) json["tokens"]["rlt"] = parse_number(rlt, "--rlt");
  if (given(app, "--ln-eps")) json["tokens"]["ln_eps"] = parse_number(ln_eps, "--ln-eps");
  result = engine::settings_from_json(json, "options", result);
  for (const auto& o : engine::token_word_options())
    if (given(app, std::string("--") + o.option))
      result.tokens.*o.member = settings.tokens.*o.member;
  if (given(app, "--model")) result.model = settings.model;
  if (given(app, "--backend")) result.run.backend = settings.run.backend;
  if (given(app, "--dtype")) result.run.dtype = settings.run.dtype;
  if (given(app, "--threads")) result.run.threads = settings.run.threads;
  if (given(app, "--seed")) result.run.seed = settings.run.seed;
  result.check();
  return result;
}

std::vector<std::string> shell_split(const std::string& text, const std::string& where) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote == '\'' ? c != '\'' : (quote == '"' && c != '"' && c != '\\')) {
      word += c;
    } else if (c == quote && quote != 0) {
      quote = 0;
    } else if (c == '\\' && i + 1 < text.size()) {
      word += text[++i];
      in_word = true;
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
      in_word = true;
    } else if (c == ' ' || c == '\t' || c == '\n') {
      if (in_word) words.push_back(word);
      word.clear();
      in_word = false;
    } else {
      word += c;
      in_word = true;
    }
  }
  if (quote != 0) throw bad_input(where, "has a quote that is not closed");
  if (in_word) words.push_back(word);
  return words;
}

engine::Settings parse_pane(const std::string& text, const engine::Settings& base,
                            std::string& input, std::string& trace) {
  std::vector<std::string> words = shell_split(text, "--pane");
  if (!words.empty() && (words[0] == "inspect" || words[0] == "classify"))
    words.erase(words.begin());
  CLI::App app("pane");
  app.set_help_flag();
  SettingsOptions raw;
  app.add_option("INPUT", input);
  app.add_option("--trace", trace);
  add_clip_options(app, raw);
  add_token_options(app, raw, true);
  add_run_options(app, raw);
  try {
    std::reverse(words.begin(), words.end());
    app.parse(words);
  } catch (const CLI::ParseError& e) {
    throw bad_input("--pane", std::string(e.what()), "write it as the options of inspect");
  }
  engine::Settings settings = raw.resolve(app);
  // What the pane leaves unsaid comes from the export's own options.
  const Json defaults = engine::to_json(engine::Settings{}), own = engine::to_json(settings);
  Json merged = engine::to_json(base);
  for (const auto& [section, values] : own.items()) {
    if (!values.is_object()) {
      if (values != defaults[section]) merged[section] = values;
      continue;
    }
    for (const auto& [key, value] : values.items())
      if (value != defaults[section][key]) merged[section][key] = value;
  }
  return engine::settings_from_json(merged, "--pane");
}

ProgressLine::ProgressLine(std::string label)
    : label_(std::move(label)), terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressLine::~ProgressLine() {
  if (shown_) std::fputs("\r\033[K", stderr);
}

void ProgressLine::operator()(double fraction) {
  const int percent = static_cast<int>(fraction * 100);
  if (percent == last_) return;
  last_ = percent;
  say(label_ + " " + std::to_string(percent) + "%");
}

void ProgressLine::say(const std::string& text) {
  if (!terminal_) return;
  shown_ = true;
  std::fprintf(stderr, "\r\033[K%s", text.c_str());
  std::fflush(stderr);
}

}  // namespace looktwice::cli
