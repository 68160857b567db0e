#include "generate_panel.h"

#include <QMetaObject>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "base/error.h"
#include "base/text.h"
#include "probe.h"
#include "theme.h"
#include "widgets.h"

namespace looktwice::gui {
namespace {

using namespace diffusion;

const char* const kPolicies[] = {"none", "interval", "plan",     "adacache",
                                 "pab",  "tgate",    "deltadit", "teacache"};
const char* const kNames[] = {"Uncached",        "Every K-th step", "List of steps", "AdaCache",
                              "PAB (broadcast)", "T-GATE",          "Δ-DiT",         "TeaCache"};
/// What a method starts with when it is chosen.
const char* const kStarts[] = {
    "none",    "interval:3",    "plan:1,2,5,10,20,29,30", "adacache:fast",
    "pab:246", "tgate:gate=10", "deltadit:every=2",       "teacache:0.2"};

void label(const char* text, const char* help) {
  small_text("%s", text);
  if (ImGui::IsItemHovered() && help != nullptr) tooltip(help);
}

/// A labelled whole number in a column of its own.
bool whole(const char* id, const char* name, int* value, int low, int high, const char* help,
           float width) {
  ImGui::BeginGroup();
  label(name, help);
  double v = *value;
  const bool changed = value_field(id, &v, low, high, "%.0f", width);
  if (changed) *value = int(std::lround(v));
  ImGui::EndGroup();
  return changed;
}

bool number(const char* id, const char* name, double* value, double low, double high,
            const char* format, const char* help, float width) {
  ImGui::BeginGroup();
  label(name, help);
  const bool changed = value_field(id, value, low, high, format, width);
  ImGui::EndGroup();
  return changed;
}

float third() {
  return std::floor((ImGui::GetContentRegionAvail().x - float(px(16))) / 3);
}
/// Beside the last item, level with it: SameLine would sink the names of the columns after the
/// first to the baseline of its field.
void next_column() {
  const ImVec2 top(ImGui::GetItemRectMax().x + float(px(8)), ImGui::GetItemRectMin().y);
  ImGui::SetCursorScreenPos(top);
}

}  // namespace

GeneratePanel::GeneratePanel(Workspace& workspace, GenerateSession& session, QWidget* parent)
    : ImGuiWidget(parent), workspace_(workspace), session_(session) {
  setMinimumSize(280, 220);
  connect(&session, &GenerateSession::changed, this, [this] { refresh(2); });
  connect(&workspace, &Workspace::source_changed, this, [this] { refresh(); });
  connect(&session.library(), &ModelLibrary::list_changed, this, [this] { refresh(); });
}

void GeneratePanel::change(const engine::GenerateSettings& settings, const char* what) {
  QMetaObject::invokeMethod(
      &session_, [this, settings, what] { session_.change(settings, what); }, Qt::QueuedConnection);
}

void GeneratePanel::ui() {
  begin_panel("generate", false);
  // Whatever is unfolded, Run stays in sight.
  const std::string wrong =
      !session_.policy_error().empty() ? session_.policy_error() : session_.error();
  const float width = ImGui::GetContentRegionAvail().x;
  float footer = float(px(38));
  if (!wrong.empty())
    footer += ImGui::CalcTextSize(wrong.c_str(), nullptr, false, width).y + float(px(6));
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, ImVec2(0, 0));
  ImGui::BeginChild("settings", ImVec2(0, -footer));
  model();
  prompt();
  sampling();
  clip();
  policy();
  runs();
  ImGui::EndChild();
  ImGui::PopStyleVar();
  if (!wrong.empty()) {
    ImGui::PushTextWrapPos(0);
    ImGui::PushStyleColor(ImGuiCol_Text, imgui_color(current_theme().error));
    ImGui::TextUnformatted(wrong.c_str());
    ImGui::PopStyleColor();
    ImGui::PopTextWrapPos();
    probe_item("generate.error");
  }
  if (session_.running()) {
    ImGui::ProgressBar(float(session_.progress()), ImVec2(width - float(px(80)), float(px(30))));
    ImGui::SameLine(0, float(px(8)));
    if (ImGui::Button("Cancel", ImVec2(float(px(72)), float(px(30))))) session_.cancel();
    probe_item("generate.cancel");
  } else {
    ImGui::PushStyleColor(ImGuiCol_Button, color_accent());
    ImGui::PushStyleColor(ImGuiCol_ButtonHovered, color_accent(0.85));
    ImGui::PushStyleColor(ImGuiCol_ButtonActive, color_accent(0.7));
    ImGui::PushStyleColor(ImGuiCol_Text, imgui_color(current_theme().on_accent));
    if (ImGui::Button("Run", ImVec2(width, float(px(30)))))
      QMetaObject::invokeMethod(
          &session_, [this] { session_.start(true); }, Qt::QueuedConnection);
    ImGui::PopStyleColor(4);
    probe_item("generate.run");
  }
  ImGui::End();
}

void GeneratePanel::model() {
  ModelLibrary& library = session_.library();
  const auto& slot = library.slot(ModelLibrary::Use::generate);
  section("Model");
  const std::string shown = !slot.loading.empty() ? "loading…"
                            : slot.folder.empty() ? "choose a generating model"
                                                  : slot.folder.substr(slot.folder.rfind('/') + 1);
  ImGui::SetNextItemWidth(-1);
  if (ImGui::BeginCombo("##model", shown.c_str())) {
    bool any = false;
    for (const ModelLibrary::Entry& entry : library.entries()) {
      if (library.use_of(entry.info.folder) != ModelLibrary::Use::generate) continue;
      any = true;
      const std::string name = entry.info.folder.substr(entry.info.folder.rfind('/') + 1);
      if (ImGui::Selectable((name + "##" + entry.info.folder).c_str(),
                            entry.info.folder == slot.folder))
        library.load(entry.info.folder, workspace_.document().settings.run);
      probe_item("generate.model." + name);
      if (ImGui::IsItemHovered()) tooltip(entry.info.folder);
    }
    if (!any) dim_text("No generating model is known: open a folder under Models");
    ImGui::EndCombo();
  }
  probe_item("generate.model");
  if (!slot.loading.empty()) ImGui::ProgressBar(float(slot.progress), ImVec2(-1, float(px(4))), "");
  if (!slot.error.empty()) {
    ImGui::PushTextWrapPos(0);
    ImGui::PushStyleColor(ImGuiCol_Text, imgui_color(current_theme().error));
    ImGui::TextUnformatted(slot.error.c_str());
    ImGui::PopStyleColor();
    ImGui::PopTextWrapPos();
  }
}

void GeneratePanel::prompt() {
  section("Prompt");
  const auto generator = session_.library().generator();
  if (!prompt_edited_)
    std::snprintf(prompt_.data(), prompt_.size(), "%s", session_.settings().prompt.c_str());
  ImGui::SetNextItemWidth(-1);
  const bool entered = ImGui::InputText("##prompt", prompt_.data(), prompt_.size(),
                                        ImGuiInputTextFlags_EnterReturnsTrue);
  const bool left = ImGui::IsItemDeactivatedAfterEdit();
  prompt_edited_ = ImGui::IsItemActive();
  probe_item("generate.prompt");
  if (entered || left) {
    engine::GenerateSettings next = session_.settings();
    next.prompt = prompt_.data();
    change(next, "Prompt");
  }
  if (!generator) return;
  if (!generator->vocabulary()) {
    small_text("This model has no words of its own: it needs embeddings.");
    return;
  }
  // Which word it stumbles over. The words themselves are listed below.
  const std::string text = prompt_.data();
  suggestions(text, *generator->vocabulary());
  if (!text.empty()) {
    try {
      (void)generator->vocabulary()->encode(text);
    } catch (const Error& e) {
      const std::string what = e.what();
      ImGui::PushTextWrapPos(0);
      ImGui::PushStyleColor(ImGuiCol_Text, imgui_color(current_theme().error));
      ImGui::TextUnformatted(what.substr(0, what.find("; it knows")).c_str());
      ImGui::PopStyleColor();
      ImGui::PopTextWrapPos();
      probe_item("generate.prompt.error");
    }
  }
  // Words to choose from: one list a slot, or one of all words.
  const auto add_word = [&](const std::string& word, const std::vector<std::string>& instead) {
    std::vector<std::string> words;
    for (const std::string& w : split(text, ' '))
      if (!w.empty() && std::find(instead.begin(), instead.end(), w) == instead.end())
        words.push_back(w);
    words.push_back(word);
    engine::GenerateSettings next = session_.settings();
    next.prompt = join(words, " ");
    change(next, "Prompt");
  };
  const auto list = [&](const std::string& name, const std::vector<std::string>& words,
                        bool one_of) {
    if (ImGui::Button((name + "##word").c_str())) ImGui::OpenPopup(("words " + name).c_str());
    probe_item("generate.words." + name);
    if (ImGui::BeginPopup(("words " + name).c_str())) {
      for (const std::string& word : words)
        if (ImGui::Selectable(word.c_str()))
          add_word(word, one_of ? words : std::vector<std::string>{});
      ImGui::EndPopup();
    }
  };
  const auto& places = generator->vocabulary()->caption_slots();
  float room = ImGui::GetContentRegionAvail().x, used = 0;
  for (const auto& slot : places) {
    const float wide = ImGui::CalcTextSize(slot.name.c_str()).x + float(px(24));
    if (used > 0 && used + wide <= room) ImGui::SameLine(0, float(px(4)));
    used = used > 0 && used + wide <= room ? used + wide : wide;
    list(slot.name, slot.words, true);
  }
  if (places.empty()) list("words", generator->vocabulary()->words(), false);
}

void GeneratePanel::suggestions(const std::string& text, const Vocabulary& vocabulary) {
  // Words that go on from the one being typed; whole words and fillers need none.
  const size_t begin = text.find_last_of(' ') + 1;
  const std::string typed = text.substr(begin);
  if (typed.empty()) return;
  std::vector<std::string> found;
  for (const std::string& word : vocabulary.words()) {
    if (word == typed) return;
    if (word.size() > typed.size() && word.compare(0, typed.size(), typed) == 0)
      found.push_back(word);
  }
  float room = ImGui::GetContentRegionAvail().x;
  for (size_t i = 0; i < found.size(); ++i) {
    const float wide = ImGui::CalcTextSize(found[i].c_str()).x + float(px(24));
    if (i > 0) {
      if (wide > room) break;
      ImGui::SameLine(0, float(px(4)));
    }
    room -= wide + float(px(4));
    if (ImGui::Button((found[i] + "##suggested").c_str())) {
      engine::GenerateSettings next = session_.settings();
      next.prompt = text.substr(0, begin) + found[i];
      std::snprintf(prompt_.data(), prompt_.size(), "%s", next.prompt.c_str());
      change(next, "Prompt");
    }
    probe_item("generate.suggested." + found[i]);
  }
}

void GeneratePanel::sampling() {
  section("Sampling");
  engine::GenerateSettings next = session_.settings();
  const auto generator = session_.library().generator();
  const float width = third();
  int steps = next.steps.value_or(generator ? generator->model().config.steps : 30);
  if (whole("generate.steps", "Steps", &steps, 1, 1000, "Denoising steps", width)) {
    next.steps = steps;
    change(next, "Steps");
  }
  next_column();
  double guidance = next.guidance.value_or(generator ? generator->model().config.guidance : 7);
  if (number("generate.guidance", "Guidance", &guidance, -100, 100, "%.3g",
             "Classifier-free guidance; 1: the prompt alone, half the work", width)) {
    next.guidance = guidance;
    change(next, "Guidance");
  }
  next_column();
  double seed = double(workspace_.document().settings.run.seed);
  if (number("generate.seed", "Seed", &seed, 0, 9e15, "%.0f", "Of the noise", width)) {
    QMetaObject::invokeMethod(
        &workspace_,
        [this, seed] {
          Document document = workspace_.document();
          document.settings.run.seed = uint64_t(seed);
          workspace_.change(std::move(document), "Seed");
        },
        Qt::QueuedConnection);
  }
}

void GeneratePanel::clip() {
  engine::GenerateSettings next = session_.settings();
  bool from = !next.from.empty();
  if (toggle("generate.from", "Start from the open clip", &from,
             "Video to video (SDEdit): the clip under Source is noised and denoised again")) {
    next.from = from ? workspace_.input() : "";
    change(next, "Start from the clip");
  }
  if (next.from.empty()) return;
  if (next.from != workspace_.input())
    small_text("from %s", next.from.c_str());
  else
    small_text("Run takes the clip under the playhead");
  double strength = next.strength;
  if (value_slider("generate.strength", "Strength", &strength, 0.05, 1, "%.2f", "",
                   "Share of the steps that are run: small values stay near the clip")) {
    next.strength = strength;
    change(next, "Strength");
  }
}

bool GeneratePanel::adacache(AdaCache& p) {
  bool changed = false;
  static const char* const kBooks[] = {"fast", "slow", "100"};
  static const char* const kTips[] = {"Published at 30 steps", "Published at 30 steps",
                                      "The fast one at 100 steps"};
  int book = -1;
  for (int i = 0; i < 3; ++i)
    if (*published_codebook(kBooks[i]) == p.codebook) book = i;
  label("Codebook",
        "Change below a threshold: steps until the next compute. Own values are read "
        "below, and can be dragged on the timeline.");
  if (segments("generate.book", &book, kBooks, 3, kTips) && book >= 0) {
    p.codebook = *published_codebook(kBooks[book]);
    p.name = kBooks[book];
    changed = true;
  }
  const float width = std::floor((ImGui::GetContentRegionAvail().x - float(px(8))) / 2);
  for (size_t i = 0; i < p.codebook.size(); ++i) {
    CodebookEntry& e = p.codebook[i];
    ImGui::PushID(int(i));
    const std::string id = "generate.book." + std::to_string(i);
    if (std::isfinite(e.threshold)) {
      const double low = i > 0 ? p.codebook[i - 1].threshold * 1.0001 : 1e-6;
      const double high = i + 2 < p.codebook.size() ? p.codebook[i + 1].threshold / 1.0001 : 1e6;
      changed |= value_field((id + ".below").c_str(), &e.threshold, low, high, "below %.4g", width);
    } else {
      ImGui::AlignTextToFramePadding();
      dim_text("above all");
      ImGui::SameLine(0, 0);
      ImGui::Dummy(
          ImVec2(width - ImGui::GetItemRectSize().x - ImGui::CalcTextSize("above all").x, 0));
    }
    next_column();
    if (!std::isfinite(e.threshold))
      ImGui::SetCursorPosX(ImGui::GetStyle().WindowPadding.x + width + float(px(8)));
    double rate = e.rate;
    if (value_field((id + ".rate").c_str(), &rate, 1, 1000, "%.0f steps", width)) {
      e.rate = int(std::lround(rate));
      changed = true;
    }
    ImGui::PopID();
  }
  label("Residual", "Whose change is measured");
  static const char* const kResiduals[] = {"Temporal", "Spatial", "Cross + MLP"};
  int residual = int(p.residual);
  if (segments("generate.residual", &residual, kResiduals, 3)) {
    p.residual = AdaResidual(residual);
    changed = true;
  }
  label("Norm", "How change is measured");
  static const char* const kNorms[] = {"L1", "L2", "Cosine"};
  int norm = int(p.norm);
  if (segments("generate.norm", &norm, kNorms, 3)) {
    p.norm = Norm(norm);
    changed = true;
  }
  const auto generator = session_.library().generator();
  const int depth = generator ? generator->model().config.depth : 28;
  int block = p.metric_blocks.empty() ? (generator ? generator->model().config.metric_block() : 13)
                                      : p.metric_blocks.front();
  if (whole("generate.block", "Metric block", &block, 0, depth - 1,
            "Block pair whose residual is measured, from 0", third())) {
    p.metric_blocks = {block};
    changed = true;
  }
  bool moreg = p.moreg.has_value();
  if (toggle("generate.moreg", "Motion regularisation (MoReg)", &moreg,
             "Weighs the distance with how much the video moves")) {
    p.moreg = moreg ? std::optional(MoReg{}) : std::nullopt;
    const int steps =
        session_.settings().steps.value_or(generator ? generator->model().config.steps : 30);
    if (moreg && steps != 30 && steps != 100) {
      // No window is published: in proportion to the one at 30 steps.
      p.moreg->first_step = std::max(1, steps * 4 / 30);
      p.moreg->last_step = std::max(p.moreg->first_step, steps * 26 / 30);
    }
    changed = true;
  }
  if (p.moreg) {
    MoReg& m = *p.moreg;
    const float w = third();
    changed |= whole("generate.moreg.first", "From step", &m.first_step, 0, 1000,
                     "First step of its window; 0 and 0: the published one", w);
    next_column();
    changed |= whole("generate.moreg.last", "To step", &m.last_step, 0, 1000, "Last step", w);
    next_column();
    changed |= number("generate.moreg.scale", "Scale", &m.scale, 1e-6, 100, "%.4g",
                      "Motion is divided by it", w);
    changed |=
        number("generate.moreg.power", "Power", &m.power, 0, 32, "%.3g", "and raised to it", w);
    next_column();
    changed |= number("generate.moreg.divisor", "Divisor", &m.divisor, 1e-6, 1000, "%.3g",
                      "and divided again", w);
    next_column();
    changed |= number("generate.moreg.gradient", "Gradient", &m.gradient, 0, 1000, "%.3g",
                      "Weight of the motion's change", w);
  }
  return changed;
}

bool GeneratePanel::parameters(PolicySettings& settings) {
  bool changed = false;
  const float w = third();
  if (auto* p = std::get_if<Interval>(&settings.method)) {
    changed |= whole("generate.every", "Every", &p->every, 1, 1000,
                     "Steps from one compute to the next; 1, 2 and the last two always are", w);
  } else if (auto* plan = std::get_if<Plan>(&settings.method)) {
    if (!plan_edited_) {
      std::vector<std::string> steps;
      for (const int step : plan->steps)
        steps.push_back(std::to_string(step));
      std::snprintf(plan_.data(), plan_.size(), "%s", join(steps, ",").c_str());
    }
    label("Computed steps", "From 1, ascending: replays published or recorded schedules");
    ImGui::SetNextItemWidth(-1);
    ImGui::InputText("##plan", plan_.data(), plan_.size());
    const bool left = ImGui::IsItemDeactivatedAfterEdit();
    plan_edited_ = ImGui::IsItemActive();
    probe_item("generate.plan");
    if (left) {
      engine::GenerateSettings next = session_.settings();
      next.cache = std::string("plan:") + plan_.data();
      next.moreg.reset();
      change(next, "Policy");
    }
  } else if (auto* ada = std::get_if<AdaCache>(&settings.method)) {
    changed |= adacache(*ada);
  } else if (auto* pab = std::get_if<Pab>(&settings.method)) {
    static const char* const kPresets[] = {"246", "357", "579"};
    int preset = -1;
    for (int i = 0; i < 3; ++i)
      if (parse_pab(kPresets[i]) == *pab) preset = i;
    if (segments("generate.pab", &preset, kPresets, 3) && preset >= 0) {
      *pab = parse_pab(kPresets[preset]);
      changed = true;
    }
    changed |= whole("generate.pab.spatial", "Spatial", &pab->spatial_every, 1, 100,
                     "Steps between computes of spatial attention", w);
    next_column();
    changed |= whole("generate.pab.temporal", "Temporal", &pab->temporal_every, 1, 100,
                     "of temporal attention", w);
    next_column();
    changed |=
        whole("generate.pab.cross", "Cross", &pab->cross_every, 1, 100, "of cross-attention", w);
    changed |= number("generate.pab.low", "From t", &pab->window_low, 0, 1000, "%.4g",
                      "Reuse only above this timestep", w);
    next_column();
    changed |= number("generate.pab.high", "To t", &pab->window_high, 0, 1000, "%.4g",
                      "and below this one", w);
    next_column();
    changed |= whole("generate.pab.blocks", "MLP blocks", &pab->mlp_blocks, 0, 100,
                     "First block pairs whose MLPs pause", w);
    bool reference = pab->reference_keys;
    if (toggle("generate.pab.reference", "Keys as the published code looks them up", &reference,
               "It misses them in float32; off: bound to the nearest steps")) {
      pab->reference_keys = reference;
      changed = true;
    }
  } else if (auto* gate = std::get_if<Tgate>(&settings.method)) {
    const float half = std::floor((w * 3 + float(px(8))) / 2);
    changed |= whole("generate.tgate.gate", "Gate", &gate->gate, 1, 1000,
                     "First step (from 0) with frozen cross-attention and no guidance", half);
    next_column();
    changed |= whole("generate.tgate.warmup", "Warm-up", &gate->warm_up, 0, 1000,
                     "Steps that compute everything", half);
    changed |= whole("generate.tgate.sp", "Self-attention before", &gate->self_interval, 1, 1000,
                     "Steps between its computes before the gate", half);
    next_column();
    changed |= whole("generate.tgate.fi", "and after", &gate->final_interval, 1, 1000,
                     "and after it", half);
  } else if (auto* delta = std::get_if<DeltaDit>(&settings.method)) {
    changed |= whole("generate.delta.every", "Every", &delta->every, 1, 1000,
                     "Steps from one full compute to the next", w);
    next_column();
    changed |= whole("generate.delta.blocks", "Blocks", &delta->blocks, 0, 1000,
                     "Block pairs that are cached; 0: half the depth", w);
    next_column();
    changed |= whole("generate.delta.boundary", "Boundary", &delta->boundary, 0, 1000,
                     "Last step at which the rear blocks are; 0: half the steps", w);
  } else if (auto* tea = std::get_if<TeaCache>(&settings.method)) {
    changed |= number("generate.tea.threshold", "Threshold δ", &tea->threshold, 1e-6, 100, "%.4g",
                      "The stack is computed once the summed change reaches it", w);
    bool verbatim = tea->verbatim_last;
    if (toggle("generate.tea.verbatim", "Last step as the published code finds it", &verbatim,
               "By its timestep, which is no whole number in most schedules; off: by its number")) {
      tea->verbatim_last = verbatim;
      changed = true;
    }
  }
  return changed;
}

void GeneratePanel::policy() {
  section("Caching policy");
  const std::string text = session_.settings().cache;
  const std::string name = text.substr(0, text.find_first_of(":+"));
  int chosen = 0;
  for (int i = 0; i < 8; ++i)
    if (name == kPolicies[i]) chosen = i;
  ImGui::SetNextItemWidth(-1);
  if (ImGui::BeginCombo("##policy", kNames[chosen])) {
    for (int i = 0; i < 8; ++i) {
      const bool clicked = ImGui::Selectable(kNames[i], i == chosen);
      probe_item(std::string("generate.policy.") + kPolicies[i]);
      if (!clicked || i == chosen) continue;
      engine::GenerateSettings next = session_.settings();
      next.cache = kStarts[i];
      next.moreg.reset();
      change(next, "Policy");
    }
    ImGui::EndCombo();
  }
  probe_item("generate.policy");
  if (session_.policy()) {
    PolicySettings next = *session_.policy();
    if (parameters(next)) {
      if (auto* ada = std::get_if<AdaCache>(&next.method)) {
        const auto* book = published_codebook(ada->name);
        if (book == nullptr || *book != ada->codebook) ada->name = "own";
      }
      next.text = policy_text(next);
      QMetaObject::invokeMethod(
          &session_, [this, next] { session_.set_policy(next, "Policy"); }, Qt::QueuedConnection);
    }
  }
  if (const auto p = session_.prediction())
    small_text("predicted: %zu of %d steps computed", p->computed_steps().size(), p->steps);
  else if (!session_.prediction_note().empty())
    small_text("%s", session_.prediction_note().c_str());
}

void GeneratePanel::runs() {
  if (session_.entries().empty()) return;
  section("Runs");
  const EntryPtr a = session_.a(), b = session_.b();
  for (auto it = session_.entries().rbegin(); it != session_.entries().rend(); ++it) {
    const GeneratedEntry& e = **it;
    ImGui::PushID(e.id);
    const auto mark = [&](const char* name, const EntryPtr& lit, auto choose, const char* tip) {
      const bool on = lit && lit->id == e.id;
      ImGui::PushStyleColor(ImGuiCol_Button, on ? color_accent() : color_field());
      ImGui::PushStyleColor(ImGuiCol_Text,
                            on ? imgui_color(current_theme().on_accent) : color_dim());
      if (ImGui::Button(name, ImVec2(ImGui::GetFrameHeight(), 0)) && e.run)
        QMetaObject::invokeMethod(&session_, choose, Qt::QueuedConnection);
      ImGui::PopStyleColor(2);
      if (ImGui::IsItemHovered()) tooltip(tip);
      ImGui::SameLine(0, float(px(4)));
    };
    mark(
        "A", a, [this, id = e.id] { session_.choose_a(id); }, "Compare with this one");
    mark(
        "B", b, [this, id = e.id] { session_.choose_b(id); }, "Look at this one");
    ImGui::BeginGroup();
    std::string name = timeline::policy_label(e.settings.generate.cache), note;
    using State = GeneratedEntry::State;
    if (e.state == State::running) {
      note = e.trace ? "step " + std::to_string(e.trace->run.size()) + " of " +
                           std::to_string(e.trace->steps)
                     : "starting";
    } else if (e.state == State::done) {
      note = std::to_string(e.trace->computed_steps().size()) + " of " +
             std::to_string(e.trace->steps) + " steps, " + timeline::time_text(e.run->denoise_ms);
      if (e.quality) note += ", " + engine::quality_text(*e.quality);
    } else {
      note = e.state == State::cancelled ? "cancelled" : e.error;
    }
    ImGui::TextUnformatted(name.c_str());
    small_text("%s", note.c_str());
    ImGui::EndGroup();
    probe_item("generate.run." + std::to_string(e.id));
    ImGui::PopID();
  }
}

}  // namespace looktwice::gui
