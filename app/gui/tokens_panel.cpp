#include "tokens_panel.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "base/error.h"
#include "base/text.h"
#include "fonts.h"
#include "models/vit_blocks.h"
#include "probe.h"
#include "schedule.h"
#include "theme.h"
#include "widgets.h"

namespace looktwice::gui {
namespace {

ImU32 good() {
  return imgui_color(current_theme().good);
}
ImU32 bad() {
  return imgui_color(current_theme().error);
}

std::string amount(double value, const char* unit, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f %s", decimals, value, unit);
  return text;
}

/// Text at the right end of the line.
void right_text(const std::string& text, ImU32 color) {
  const float width = ImGui::CalcTextSize(text.c_str()).x;
  ImGui::SameLine();
  // From the window's edge, inside groups too.
  ImGui::SetCursorPosX(
      std::max(ImGui::GetCursorPosX(), ImGui::GetWindowContentRegionMax().x - width));
  ImGui::PushStyleColor(ImGuiCol_Text, color);
  ImGui::TextUnformatted(text.c_str());
  ImGui::PopStyleColor();
}

/// One line of the table of savings: what is left of the dense model's, as a bar.
void saving(const char* id, const char* label, double now, double dense, const std::string& text,
            const char* help) {
  const float width = ImGui::GetContentRegionAvail().x;
  const ImVec2 at = ImGui::GetCursorScreenPos();
  ImGui::BeginGroup();
  dim_text("%s", label);
  ImGui::SameLine(float(px(74)), 0);
  ImGui::TextUnformatted(text.c_str());
  if (dense > 0) {
    char saved[32];
    const double percent = (1 - now / dense) * 100;
    std::snprintf(saved, sizeof saved, "%s%.0f %%",
                  percent >= 0.5   ? "−"
                  : percent < -0.5 ? "+"
                                   : "",
                  std::abs(percent));
    right_text(saved, percent >= 0.5 ? good() : percent < -0.5 ? bad() : color_dim());
  }
  ImGui::EndGroup();
  if (help != nullptr && ImGui::IsItemHovered()) tooltip(help);
  probe_item(id);
  const float y = ImGui::GetItemRectMax().y + float(px(2));
  ImDrawList* draw = ImGui::GetWindowDrawList();
  draw->AddRectFilled(ImVec2(at.x, y), ImVec2(at.x + width, y + float(px(3))), color_field(),
                      float(px(1.5)));
  if (dense > 0 && now > 0) {
    const float part = float(std::clamp(now / dense, 0.0, 1.0)) * width;
    draw->AddRectFilled(ImVec2(at.x, y), ImVec2(at.x + part, y + float(px(3))), color_kept(0.9),
                        float(px(1.5)));
  }
  ImGui::Dummy(ImVec2(width, float(px(4))));
}

}  // namespace

TokensPanel::TokensPanel(Workspace& workspace, QWidget* parent)
    : ImGuiWidget(parent), workspace_(workspace) {
  setMinimumSize(260, 200);
  const auto redraw = [this] { refresh(2); };
  connect(&workspace.runner(), &TokenRunner::changed, this, redraw);
  connect(&workspace.models(), &ModelLibrary::load_changed, this, redraw);
  connect(&workspace.models(), &ModelLibrary::list_changed, this, redraw);
  connect(&workspace, &Workspace::document_changed, this, redraw);
  connect(&workspace, &Workspace::source_changed, this, redraw);
}

TokensPanel::View TokensPanel::view() const {
  View view;
  const auto model = workspace_.runner().model();
  if (!model) return view;
  view.config = &model->model().config();
  view.layers = view.config->layers;
  view.kept = view.config->extra_tokens();
  view.run = workspace_.runner().run();
  view.dense = workspace_.runner().dense();
  view.schedule = schedule_values(workspace_.document().settings.tokens.tome, view.layers);
  if (view.run) {
    view.patches = int(view.run->trace->tokens());
  } else if (const auto clip = workspace_.clip()) {
    view.patches = int(clip->tokens());
  }
  return view;
}

void TokensPanel::ui() {
  begin_panel("tokens");
  const View now = view();
  Document next = workspace_.document();
  if (now.config == nullptr) {
    no_model();
  } else {
    head(now);
    entering(now, next);
    merging(now, next);
    savings(now);
    predictions(now);
    worker(now);
    advanced(next);
  }
  ImGui::End();
  // Whoever starts to merge wants to see what is merged.
  const auto merging = [&](const Document& document) {
    const auto schedule = schedule_values(document.settings.tokens.tome, now.layers);
    return std::ranges::any_of(schedule, [](int r) { return r > 0; });
  };
  if (now.config != nullptr && merging(next) && !merging(workspace_.document()) &&
      !next.scene.style.sizes.visible)
    next.scene.style.merges.visible = true;
  if (next != workspace_.document()) workspace_.change(std::move(next), "Token reduction");
}

void TokensPanel::no_model() {
  const ModelLibrary::Slot& slot = workspace_.models().slot(ModelLibrary::Use::classify);
  ImGui::PushTextWrapPos(0);
  ImGui::PushFont(bold_font());
  ImGui::TextUnformatted(slot.loading.empty() ? "No model is loaded" : "Loading a model…");
  ImGui::PopFont();
  if (slot.loading.empty()) {
    dim_text(
        "Choose one under Models, beside the source. It runs on the video with the tokens that RLT "
        "kept, and you see which of them it merges, what that saves and whether it still answers "
        "the same.");
  } else {
    dim_text("%.0f %%", slot.progress * 100);
  }
  if (!slot.error.empty()) {
    ImGui::PushStyleColor(ImGuiCol_Text, bad());
    ImGui::TextUnformatted(slot.error.c_str());
    ImGui::PopStyleColor();
  }
  ImGui::PopTextWrapPos();
}

void TokensPanel::head(const View& view) {
  const TokenRunner& runner = workspace_.runner();
  const ModelLibrary::Slot& slot = workspace_.models().slot(ModelLibrary::Use::classify);
  ImGui::PushFont(bold_font());
  const std::string name = slot.folder.substr(slot.folder.find_last_of('/') + 1);
  ImGui::TextUnformatted(name.c_str());
  ImGui::PopFont();
  if (!slot.loading.empty()) {
    right_text("loading " + std::to_string(int(slot.progress * 100)) + " %", color_accent());
  } else if (!runner.error().empty()) {
    right_text("failed", bad());
  } else if (!view.run) {
    right_text(runner.stats().running ? "running" : "waiting", color_dim());
  } else if (runner.stale()) {
    right_text("stale", imgui_color(current_theme().warning));
  } else {
    right_text("up to date", good());
  }
  probe_item("tokens.state");
  ImGui::PushTextWrapPos(0);
  dim_text("%s, %d layers of %d, %s", view.config->video ? "video ViT" : "image ViT", view.layers,
           view.config->hidden, runner.model()->backend().description().c_str());
  for (const std::string& error : {runner.error(), slot.error}) {
    if (error.empty()) continue;
    ImGui::PushStyleColor(ImGuiCol_Text, bad());
    ImGui::TextUnformatted(error.c_str());
    ImGui::PopStyleColor();
    probe_item("tokens.error");
  }
  ImGui::PopTextWrapPos();
}

void TokensPanel::entering(const View& view, Document& next) {
  section("Into the model");
  engine::TokenSettings& t = next.settings.tokens;
  if (!view.config->video) {
    ImGui::PushTextWrapPos(0);
    dim_text("An image model sees every frame alone: nothing repeats that could be pruned.");
    ImGui::PopTextWrapPos();
    return;
  }
  static constexpr const char* kNames[] = {"RLT", "All tokens", "At random"};
  static constexpr const char* kTips[] = {
      "The tokens that RLT keeps at the threshold τ.", "Every token, so that merging acts alone.",
      "The baseline: a random part of the tokens, as many as you say."};
  int chosen = t.rlt ? 0 : t.drop != "none" ? 2 : 1;
  if (segments("tokens.input", &chosen, kNames, 3, kTips)) {
    t.rlt.reset();
    t.drop = "none";
    if (chosen == 0) t.rlt = workspace_.tau();
    if (chosen == 2) t.drop = "random:0.5";
  }
  if (t.drop.rfind("random:", 0) == 0) {
    double keep = 50;
    try {
      keep = parse_number(t.drop.substr(7), "drop") * 100;
    } catch (const Error&) {
    }
    if (value_slider("tokens.keep", "Kept at random", &keep, 1, 100, "%.0f", "%"))
      t.drop = "random:" + number_text(std::round(keep) / 100);
  }
  if (view.run) {
    dim_text("%zu of %zu tokens enter", view.run->trace->kept(), view.run->trace->tokens());
    probe_item("tokens.entering");
  }
}

void TokensPanel::merging(const View& view, Document& next) {
  section("Merged in each layer");
  engine::TokenSettings& t = next.settings.tokens;
  if (!schedule_edited_) {
    std::snprintf(schedule_.data(), schedule_.size(), "%s", t.tome.c_str());
  }
  ImGui::AlignTextToFramePadding();
  dim_text("Schedule");
  ImGui::SameLine(float(px(86)));
  ImGui::SetNextItemWidth(-1);
  const bool entered =
      ImGui::InputText("##schedule", schedule_.data(), schedule_.size(),
                       ImGuiInputTextFlags_EnterReturnsTrue | ImGuiInputTextFlags_AutoSelectAll);
  const bool left = ImGui::IsItemDeactivatedAfterEdit(), edited = ImGui::IsItemEdited();
  probe_item("tokens.schedule");
  schedule_edited_ = ImGui::IsItemActive();
  if (ImGui::IsItemHovered())
    tooltip(
        "R merges R tokens in every layer, R,INFLECT more early (−1) or late (1), [r0,r1,…] as "
        "listed. As the command line's --tome.");
  if (entered || left) {
    const std::string text(trim(schedule_.data()));
    schedule_error_.clear();
    if (!schedule_values(text, view.layers, &schedule_error_).empty()) t.tome = text;
    schedule_edited_ = false;
  } else if (edited) {
    schedule_error_.clear();
  }
  if (!schedule_error_.empty()) {
    ImGui::PushTextWrapPos(0);
    ImGui::PushStyleColor(ImGuiCol_Text, bad());
    ImGui::TextUnformatted(schedule_error_.c_str());
    ImGui::PopStyleColor();
    ImGui::PopTextWrapPos();
    probe_item("tokens.schedule.error");
  }
  chart(view, next);
  // One number for all layers.
  const int most = std::max(1, view.patches / std::max(1, view.layers * 2) * 2);
  double r = view.schedule.empty() ? 0 : *std::ranges::max_element(view.schedule);
  if (value_slider("tokens.r", "r in every layer", &r, 0, most, "%.0f", "",
                   "Tokens merged in every layer. Drag the bars above for one layer alone."))
    t.tome = std::to_string(int(std::lround(r)));
}

void TokensPanel::savings(const View& view) {
  section("Left of the dense model's");
  if (!view.run) {
    dim_text("No clip has been run yet.");
    return;
  }
  const trace::ClipTrace& clip = *view.run->trace;
  const double patches = double(clip.tokens());
  const int entered = int(clip.entered());
  const int left = clip.layers.empty() ? entered : clip.layers.back().tokens_out;
  const int all = int(patches) + view.kept;
  saving("saving.tokens", "Tokens", left, all,
         std::to_string(all) + " → " + std::to_string(entered) + " → " + std::to_string(left),
         "All tokens, those that enter, those that leave the last layer.");
  const double flops = models::dense_flops(*view.config, patches);
  saving("saving.flops", "FLOPs", clip.flops, flops,
         amount(clip.flops / 1e9, "of", 1) + " " + amount(flops / 1e9, "G", 1),
         "Arithmetic of one clip, multiply-adds counted as two.");
  if (view.dense) {
    saving("saving.time", "Time", clip.milliseconds, view.dense->milliseconds,
           amount(clip.milliseconds, "of", 0) + " " + amount(view.dense->milliseconds, "ms", 0),
           "The forward pass of this clip, and the dense one of the same clip.");
  } else {
    saving("saving.time", "Time", 0, 0, amount(clip.milliseconds, "ms", 0),
           "Run the dense model, below, to compare.");
  }
  const bool merging = std::ranges::any_of(
      clip.layers, [](const trace::LayerTrace& layer) { return !layer.source.empty(); });
  const DType dtype = workspace_.runner().model()->backend().dtype();
  const double bytes = models::activation_bytes(*view.config, entered, dtype, merging);
  const double whole = models::activation_bytes(*view.config, all, dtype, false);
  saving("saving.memory", "Memory", bytes, whole,
         amount(bytes / 1e6, "of", 1) + " " + amount(whole / 1e6, "MB", 1),
         "Activations at their largest. Merging shortens later layers, not the first, so only what "
         "does not enter saves memory.");
}

void TokensPanel::predictions(const View& view) {
  section("What the model says");
  TokenRunner& runner = workspace_.runner();
  if (!view.run) {
    dim_text("No clip has been run yet.");
  } else {
    const auto& reduced = view.run->trace->predictions;
    const float width = ImGui::GetContentRegionAvail().x, gap = float(px(14));
    const float column = (width - gap) / 2, row = ImGui::GetFontSize() + float(px(9));
    const ImVec2 at = ImGui::GetCursorScreenPos();
    ImDrawList* draw = ImGui::GetWindowDrawList();
    ImFont* small = small_font();
    const float size = small->FontSize * ImGui::GetIO().FontGlobalScale;
    const auto list = [&](float x, const std::string& title,
                          const std::vector<trace::Prediction>& top) {
      draw->AddText(small, size, ImVec2(x, at.y), color_dim(), title.c_str());
      float y = at.y + size + float(px(5));
      for (const trace::Prediction& p : top) {
        const std::string label = p.label.empty() ? "class " + std::to_string(p.index) : p.label;
        char percent[16];
        std::snprintf(percent, sizeof percent, "%.0f %%", p.score * 100);
        const float number = ImGui::CalcTextSize("100 %").x;
        draw->AddText(ImVec2(x, y), color_text(),
                      fitted(label, column - number - float(px(4))).c_str());
        draw->AddText(ImVec2(x + column - ImGui::CalcTextSize(percent).x, y), color_dim(), percent);
        const float bar = y + ImGui::GetFontSize() + float(px(2));
        draw->AddRectFilled(ImVec2(x, bar), ImVec2(x + column, bar + float(px(2))), color_field());
        draw->AddRectFilled(
            ImVec2(x, bar),
            ImVec2(x + column * float(std::clamp(p.score, 0.0, 1.0)), bar + float(px(2))),
            color_accent());
        y += row;
      }
    };
    list(at.x, std::to_string(view.run->trace->entered()) + " tokens", reduced);
    list(at.x + column + gap, "all tokens",
         view.dense ? view.dense->predictions : std::vector<trace::Prediction>{});
    if (!view.dense)
      draw->AddText(small, size, ImVec2(at.x + column + gap, at.y + size + float(px(6))),
                    color_faint(), "not run");
    const size_t rows = std::max<size_t>(1, reduced.size());
    ImGui::Dummy(ImVec2(width, size + float(px(6)) + row * float(rows)));
    probe_item("tokens.predictions");
    if (view.dense && !reduced.empty() && !view.dense->predictions.empty()) {
      const bool same = reduced.front().index == view.dense->predictions.front().index;
      ImGui::PushStyleColor(ImGuiCol_Text, same ? good() : bad());
      ImGui::TextUnformatted(same ? "Agrees with the dense model" : "Differs from the dense model");
      ImGui::PopStyleColor();
      probe_item("tokens.agreement");
    }
  }
  const auto [same, both] = runner.agreement();
  if (both > 1) {
    dim_text("%d of %d clips agree", same, both);
  }
  if (ImGui::Button(runner.dense_wanted() ? "Running dense…" : "Run dense")) {
    QMetaObject::invokeMethod(
        &runner, [&runner] { runner.run_dense(); }, Qt::QueuedConnection);
  }
  probe_item("tokens.dense");
  if (ImGui::IsItemHovered()) tooltip("Run this clip with all its tokens, to compare.");
  ImGui::SameLine();
  ImGui::AlignTextToFramePadding();
  dim_text("every");
  ImGui::SameLine();
  double every = runner.dense_every();
  if (value_field("tokens.every", &every, 0, 1000, "%.0f", float(px(44)))) {
    const int k = int(std::lround(every));
    QMetaObject::invokeMethod(
        &runner, [&runner, k] { runner.set_dense_every(k); }, Qt::QueuedConnection);
  }
  ImGui::SameLine();
  ImGui::AlignTextToFramePadding();
  dim_text("%s", runner.dense_every() == 0 ? "clips (0: never)" : "clips");
}

void TokensPanel::worker(const View&) {
  section("Worker");
  TokenRunner& runner = workspace_.runner();
  const RunnerStats& stats = runner.stats();
  if (stats.milliseconds > 0) {
    ImGui::Text("%.2f clips a second", stats.clips_per_second());
    probe_item("tokens.throughput");
    right_text(amount(stats.latency, "ms to the answer", 0), color_dim());
  }
  dim_text("%s%s, %zu overtaken", stats.running ? "running" : "idle",
           stats.waiting > 0 ? ", 1 waiting" : "", stats.replaced);
  right_text(std::to_string(stats.done) + " of " + std::to_string(stats.total) + " clips",
             color_dim());
  bool all = runner.all_clips();
  if (toggle("tokens.all", "Run all clips", &all, "Also the clips that playing has not reached.")) {
    QMetaObject::invokeMethod(
        &runner, [&runner, all] { runner.set_all_clips(all); }, Qt::QueuedConnection);
  }
}

}  // namespace looktwice::gui
