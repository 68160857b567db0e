#include "cli/options.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "cli/generate_options.h"
#include "engine/classify.h"
#include "engine/generate.h"

namespace looktwice::cli {
namespace {

bool given(const CLI::App& app, const std::string& option) {
  const CLI::Option* o = app.get_option_no_throw(option);
  return o != nullptr && o->count() > 0;
}

const char* clip_help(const std::string& name) {
  static const std::map<std::string, const char*> help = {
      {"frames", "frames a clip samples (16)"},
      {"stride", "source frames from one sample to the next (4)"},
      {"start", "source frame of the first sample (0)"},
      {"clips", "1, N evenly spaced, or all (back to back)"},
      {"sampling", "dense, or uniform (middles of equal segments)"},
      {"views", "TxS: temporal and spatial crops, averaged after softmax (1x1)"},
      {"size", "short side in pixels (224), or native"},
      {"crop", "center or none"},
      {"tubelet", "frames a token covers (2)"},
      {"patch", "pixels a token covers, each way (16)"},
      {"resize", "pillow (antialiased) or opencv"}};
  const auto it = help.find(name);
  return it == help.end() ? "" : it->second;
}

}  // namespace

void add_clip_options(CLI::App& app, SettingsOptions& to) {
  for (const std::string& name : frames::clip_option_names())
    app.add_option("--" + name, to.clip[name], clip_help(name))->group("Clip options");
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
  app.add_option("--backend", run.backend, "reference, onednn, cuda, cuda:N (the N-th GPU) or auto")
      ->group(group);
  app.add_option("--dtype", run.dtype, "f32, f16 or bf16")->group(group);
  app.add_option("--threads", run.threads, "0: all cores")->group(group);
  app.add_option("--device-memory", run.device_memory,
                 "most GPU memory to take, MiB; 0: what is free")
      ->group(group);
  app.add_option("--tf32", run.tf32, "true: a GPU may round float32 products to TF32")
      ->group(group);
  app.add_option("--seed", run.seed, "of everything random")->group(group);
  app.add_option("--settings", to.settings_file, "JSON file of settings; options given here win")
      ->group(group);
}

engine::Settings SettingsOptions::resolve(const CLI::App& app, const engine::Settings& base) const {
  engine::Settings result = base;
  if (!settings_file.empty())
    result = engine::settings_from_json(read_json(settings_file), settings_file, base);
  if (!preset.empty()) engine::apply_preset(result, preset);
  for (const auto& [name, text] : clip)
    if (given(app, "--" + name)) frames::set_clip_option(result.clip, name, text, "--" + name);
  if (given(app, "--rlt")) result.tokens.rlt = static_cast<float>(parse_number(rlt, "--rlt"));
  if (given(app, "--ln-eps")) result.tokens.ln_eps = parse_number(ln_eps, "--ln-eps");
  for (const auto& o : engine::token_word_options())
    if (given(app, std::string("--") + o.option))
      result.tokens.*o.member = settings.tokens.*o.member;
  if (given(app, "--model")) result.model = settings.model;
  if (given(app, "--backend")) result.run.backend = settings.run.backend;
  if (given(app, "--dtype")) result.run.dtype = settings.run.dtype;
  if (given(app, "--threads")) result.run.threads = settings.run.threads;
  if (given(app, "--device-memory")) result.run.device_memory = settings.run.device_memory;
  if (given(app, "--tf32")) result.run.tf32 = settings.run.tf32;
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

/// Whether the words of a pane are options of `generate`.
static bool generates(const std::vector<std::string>& words) {
  static const std::vector<std::string> only = {"--cache",    "--moreg", "--prompt",   "--noise",
                                                "--steps",    "--from",  "--strength", "--video",
                                                "--guidance", "--fps"};
  if (!words.empty() && words[0] == "generate") return true;
  if (!words.empty() && (words[0] == "inspect" || words[0] == "classify")) return false;
  return std::any_of(words.begin(), words.end(), [](const std::string& word) {
    const std::string name = word.substr(0, word.find('='));
    return std::find(only.begin(), only.end(), name) != only.end();
  });
}

static PaneText parse_generating_pane(std::vector<std::string> words,
                                      const engine::Settings& base) {
  if (words[0] == "generate") words.erase(words.begin());
  CLI::App app("pane");
  app.set_help_flag();
  PaneText pane;
  pane.generates = true;
  GenerateOptions raw;
  app.add_option("--title", pane.title);
  app.add_option("--content", pane.content);
  add_generate_options(app, raw);
  try {
    std::reverse(words.begin(), words.end());
    app.parse(words);
  } catch (const CLI::ParseError& e) {
    throw bad_input("--pane", std::string(e.what()), "write it as the options of generate");
  }
  engine::Settings start;
  start.run = base.run;
  start.clip = base.clip;
  start.clip.clips = 1;
  pane.settings = raw.resolve(app, start, true);
  // "--strength" alone: the export's own input is what it starts from.
  if (app.count("--strength") > 0 && pane.settings.generate.from.empty())
    pane.settings.generate.from = base.generate.from;
  if (app.count("--strength") > 0 && pane.settings.generate.from.empty())
    throw bad_input("--pane", "there is no clip to start from", "give an INPUT or --from INPUT");
  engine::policy_of(pane.settings.generate);  // said before anything is run
  return pane;
}

PaneText parse_pane(const std::string& text, const engine::Settings& base) {
  std::vector<std::string> words = shell_split(text, "--pane");
  if (generates(words)) return parse_generating_pane(std::move(words), base);
  if (!words.empty() && (words[0] == "inspect" || words[0] == "classify"))
    words.erase(words.begin());
  CLI::App app("pane");
  app.set_help_flag();
  PaneText pane;
  SettingsOptions raw;
  app.add_option("INPUT", pane.input);
  app.add_option("--trace", pane.trace);
  app.add_option("--title", pane.title);
  app.add_option("--content", pane.content);
  add_clip_options(app, raw);
  add_token_options(app, raw, true);
  add_run_options(app, raw);
  try {
    std::reverse(words.begin(), words.end());
    app.parse(words);
  } catch (const CLI::ParseError& e) {
    throw bad_input("--pane", std::string(e.what()),
                    "write it as the options of inspect or classify");
  }
  engine::Settings from = base;
  if (!raw.settings.model.empty() && raw.settings.model != base.model) {
    // Another model cuts the video into clips of its own.
    from.clip = engine::model_defaults(raw.settings.model).clip;
    from.clip.clips = base.clip.clips;
    if (base.model.empty() && !given(app, "--rlt")) from.tokens.rlt.reset();
  }
  pane.settings = raw.resolve(app, from);
  return pane;
}

std::string command_of(const CLI::App& app, std::vector<std::string> words) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->count() == 0) continue;
    for (const std::string& value : option->results()) {
      if (!option->get_positional()) words.push_back("--" + option->get_lnames().front());
      if (option->get_items_expected_max() > 0) words.push_back(shell_quote(value));
    }
  }
  return join(words, " ");
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
