// All token options of the command line, in the model's panel.

#include <array>
#include <cstdio>
#include <cstdlib>

#include "base/error.h"
#include "base/text.h"
#include "probe.h"
#include "theme.h"
#include "tokens_panel.h"
#include "widgets.h"

namespace looktwice::gui {
namespace {

/// "tome-match" as people read it.
std::string label_of(const std::string& option) {
  static const std::pair<const char*, const char*> kNames[] = {
      {"length-encoding", "Run-length encoding"},
      {"length-order", "Order of run lengths"},
      {"drop-count", "Random drop keeps"},
      {"tome-match", "Matching"},
      {"tome-sizes", "Sizes start at"},
      {"prop-attn", "Proportional attention"},
      {"pool", "Pooling"},
      {"tome-feature", "Similarity of"},
      {"tome-distance", "Distance"},
      {"tome-heads", "Heads"},
      {"tome-partition", "Partition"},
      {"tome-position", "Merge after"}};
  for (const auto& [name, label] : kNames)
    if (option == name) return label;
  return option;
}

void label(const std::string& text, const std::string& help) {
  ImGui::AlignTextToFramePadding();
  dim_text("%s", text.c_str());
  if (ImGui::IsItemHovered() && !help.empty()) tooltip(help);
  ImGui::SameLine(float(px(150)));
  ImGui::SetNextItemWidth(-1);
}

void choice(const std::string& id, const std::string& name, const std::string& help,
            const std::vector<std::string>& words, std::string& value) {
  label(name, help);
  if (ImGui::BeginCombo(("##" + id).c_str(), value.c_str())) {
    for (const std::string& word : words) {
      std::string shown = word, full = word;
      if (word.back() == ':') {
        full = value.rfind(word, 0) == 0 ? value : word + "2";
        shown = full;
      }
      if (ImGui::Selectable(shown.c_str(), value == full)) value = full;
    }
    ImGui::EndCombo();
  }
  probe_item("option." + id);
}

/// "cuda:1" is cuda's too.
bool on_cuda(const engine::RunSettings& run) {
  return run.backend.rfind("cuda", 0) == 0;
}

/// Which backend: those that are not there say why, and under the choice stands why the chosen one,
/// or the GPU that "auto" looks for first, is not.
void backend_choice(const std::vector<compute::BackendInfo>& known, engine::RunSettings& run) {
  const auto reason = [&](const std::string& name) -> std::string {
    for (const compute::BackendInfo& b : known)
      if (b.name == name && !b.available) return b.note;
    return "";
  };
  label("Backend", "auto takes the fastest there is");
  if (ImGui::BeginCombo("##backend", run.backend.c_str())) {
    for (const char* name : {"auto", "reference", "onednn", "cuda"}) {
      const std::string missing = reason(name);
      const bool chosen = run.backend.rfind(name, 0) == 0;  // cuda:1 is cuda's too
      ImGui::BeginDisabled(!missing.empty());
      if (ImGui::Selectable(name, chosen) && !chosen) run.backend = name;
      ImGui::EndDisabled();
      if (!missing.empty() && ImGui::IsItemHovered(ImGuiHoveredFlags_AllowWhenDisabled))
        tooltip(missing);
    }
    ImGui::EndCombo();
  }
  probe_item("option.backend");
  const bool gpu = run.backend == "auto" || on_cuda(run);
  const std::string missing = reason(gpu ? "cuda" : run.backend);
  if (missing.empty()) return;
  ImGui::PushTextWrapPos(0);
  dim_text("%s: %s", gpu ? "No GPU" : "Not here", missing.c_str());
  ImGui::PopTextWrapPos();
}

}  // namespace

void TokensPanel::advanced(Document& next) {
  ImGui::Dummy(ImVec2(0, float(px(2))));
  ImGui::SetNextItemOpen(advanced_open_);
  advanced_open_ = ImGui::CollapsingHeader("Advanced");
  probe_item("tokens.advanced");
  if (!advanced_open_) return;
  engine::TokenSettings& t = next.settings.tokens;
  label("Preset", "Exactly what a paper's code does.");
  if (ImGui::BeginCombo("##preset", "choose…")) {
    for (const std::string& name : engine::preset_names()) {
      if (!ImGui::Selectable(name.c_str())) continue;
      engine::Settings settings = next.settings;
      engine::apply_preset(settings, name);
      t = settings.tokens;
    }
    ImGui::EndCombo();
  }
  probe_item("option.preset");
  for (const engine::WordOption& option : engine::token_word_options()) {
    const std::string name = option.option;
    if (name == "tome" || name == "drop") continue;  // have controls of their own
    choice(name, label_of(name), option.help, option.words, t.*option.member);
  }
  if (t.tome_match.rfind("kth:", 0) == 0) {
    label("k of kth", "Every k-th token stays, the others merge into it.");
    double k = 2;
    try {
      k = double(parse_integer(t.tome_match.substr(4), "k"));
    } catch (const Error&) {
    }
    if (value_field("option.kth", &k, 2, 64, "%.0f", ImGui::GetContentRegionAvail().x))
      t.tome_match = "kth:" + std::to_string(int(k));
  }
  label("LayerNorm epsilon", "0 keeps what the checkpoint was trained with.");
  double eps = t.ln_eps.value_or(0);
  if (value_field("option.ln-eps", &eps, 0, 0.1, "%.3g", ImGui::GetContentRegionAvail().x)) {
    t.ln_eps.reset();
    if (eps > 0) t.ln_eps = eps;
  }
  section("Runs on");
  engine::RunSettings& run = next.settings.run;
  backend_choice(workspace_.models().backends(), run);
  choice("dtype", "Numbers", "bfloat16 halves the memory that weights and activations move",
         {"f32", "bf16", "f16"}, run.dtype);
  label("Threads", "0: all cores");
  double threads = run.threads;
  if (value_field("option.threads", &threads, 0, 256, "%.0f", ImGui::GetContentRegionAvail().x))
    run.threads = int(threads);
  if (on_cuda(run)) {
    label("GPU", "Which one, counted from 0");
    double number = run.backend.size() > 5 ? std::atoi(run.backend.c_str() + 5) : 0;
    if (value_field("option.gpu", &number, 0, 63, "%.0f", ImGui::GetContentRegionAvail().x))
      run.backend = number > 0 ? "cuda:" + std::to_string(int(number)) : "cuda";
  }
  if (run.backend == "auto" || on_cuda(run)) {
    label("GPU memory", "Most memory to take of a GPU, in MiB; 0: what is free");
    double memory = run.device_memory;
    if (value_field("option.device-memory", &memory, 0, 1 << 24, "%.0f",
                    ImGui::GetContentRegionAvail().x))
      run.device_memory = int(memory);
  }
  label("Seed", "Of everything random");
  double seed = double(run.seed);
  if (value_field("option.seed", &seed, 0, 1e9, "%.0f", ImGui::GetContentRegionAvail().x))
    run.seed = uint64_t(seed);
}

}  // namespace looktwice::gui
