#include "generate_session.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/log.h"

namespace looktwice::gui {
namespace {

using State = GeneratedEntry::State;
constexpr size_t kPreviewBytes = size_t{48} << 20;  ///< of one run
constexpr size_t kEntries = 12;
constexpr size_t kRows = 5;

/// Everything that policies may measure, so that any edit of one can be replayed.
std::vector<models::Tap> sketch_taps(int depth) {
  std::vector<models::Tap> out;
  for (int pair = 0; pair < std::min(depth, 16); ++pair)
    for (const auto residual : {models::Residual::attention, models::Residual::cross_mlp})
      for (const bool temporal : {false, true})
        out.push_back({pair, temporal, residual});
  return out;
}

}  // namespace

/// One step, as the worker hands it over.
struct GenerateSession::Report {
  trace::CacheStep step;
  int steps = 0, depth = 0;
  std::string policy;
  Json policy_settings;
  frames::RgbVideoPtr preview;
  std::vector<float> change;
};

GenerateSession::GenerateSession(Workspace& workspace, ModelLibrary& library, QObject* parent)
    : QObject(parent), workspace_(workspace), library_(library) {
  connect(&workspace, &Workspace::document_changed, this, &GenerateSession::edited);
  connect(&library, &ModelLibrary::generator_changed, this, &GenerateSession::edited);
  connect(&library, &ModelLibrary::load_changed, this, &GenerateSession::changed);
  step_timer_.setSingleShot(true);
  step_timer_.setInterval(100);
  connect(&step_timer_, &QTimer::timeout, this, [this] {
    rebuild();
    emit changed();
  });
  edited();
}

GenerateSession::~GenerateSession() {
  // Jobs tell this object what they did: none may be left. They stop within 100 ms.
  library_.worker().cancel("generate");
  while (library_.worker().busy("generate"))
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
}

void GenerateSession::change(engine::GenerateSettings settings, const std::string& what) {
  Document next = workspace_.document();
  next.settings.generate = std::move(settings);
  workspace_.change(std::move(next), what);
}

void GenerateSession::set_policy(const diffusion::PolicySettings& policy, const std::string& what) {
  engine::GenerateSettings next = settings();
  next.cache = policy.text;
  next.moreg.reset();
  change(std::move(next), what);
}

void GenerateSession::edited() {
  policy_.reset();
  policy_error_.clear();
  try {
    policy_ = engine::policy_of(settings());
  } catch (const Error& e) {
    policy_error_ = e.what();
  }
  predict();
  rebuild();
  emit changed();
}

engine::Settings GenerateSession::run_settings() const {
  engine::Settings s = workspace_.document().settings;
  s.model = library_.slot(ModelLibrary::Use::generate).folder;
  s.tokens = {};
  s.clip.clips = 1;
  const auto generator = library_.generator();
  if (clip_start_ && generator && s.generate.from == workspace_.input()) {
    // The same stretch of video as the clip under the playhead, in as many frames as are made.
    s.clip.start = *clip_start_;
    const int made = std::max(1, generator->model().config.sample[0]);
    s.clip.stride *= std::max(1, s.clip.frames / made);
  }
  return s;
}

void GenerateSession::take_clip() {
  const engine::GenerateSettings& wanted = settings();
  clip_start_.reset();
  clip_.reset();
  if (wanted.from.empty() || wanted.from != workspace_.input()) return;
  if (workspace_.status().info.live) {
    if (const MeasuredClipPtr now = workspace_.measured()) clip_ = now->pixels;
    if (clip_ && !clip_->indices.empty()) clip_start_ = clip_->indices.front();
    return;
  }
  const auto at = workspace_.store().clip_at(workspace_.position());
  if (at && !workspace_.store().frames_of(*at).empty())
    clip_start_ = workspace_.store().frames_of(*at).front();
}

EntryPtr GenerateSession::reference_for(const engine::Settings& settings) const {
  for (auto it = entries_.rbegin(); it != entries_.rend(); ++it)
    if ((*it)->state == State::done && (*it)->settings.generate.cache == "none" &&
        engine::comparable((*it)->settings, settings))
      return *it;
  return nullptr;
}

void GenerateSession::predict() {
  prediction_ = nullptr;
  prediction_note_.clear();
  if (!policy_) return;
  const EntryPtr reference = reference_for(run_settings());
  if (!reference || !reference->trace || !reference->trace->distances) {
    prediction_note_ = "run once without caching to predict schedules";
    return;
  }
  const trace::CacheTrace& base = *reference->trace;
  diffusion::RunShape shape;
  shape.steps = base.steps;
  shape.depth = base.depth;
  shape.frames = reference->run && reference->run->video ? reference->run->video->frames() : 2;
  shape.metric_block = base.distances->taps.empty() ? 0 : base.distances->taps[0].pair;
  shape.guided = base.guidance != 1;
  for (const trace::CacheStep& s : base.run)
    shape.timesteps.push_back(s.t);
  try {
    prediction_ = std::make_shared<const trace::CacheTrace>(
        diffusion::predict(*policy_, shape, *base.distances));
  } catch (const Error& e) {
    prediction_note_ = e.what();
  }
}

void GenerateSession::add(int id, const engine::Settings& settings) {
  auto entry = std::make_shared<GeneratedEntry>();
  entry->id = id;
  entry->settings = settings;
  entry->predicted = settings.generate.cache == "none" ? nullptr : prediction_;
  entries_.push_back(entry);
  while (entries_.size() > kEntries) {
    const auto old = std::find_if(entries_.begin(), entries_.end(), [&](const EntryPtr& e) {
      return e->state != State::running && e != a() && e != b();
    });
    if (old == entries_.end()) break;
    entries_.erase(old);
  }
}

void GenerateSession::start(bool here) {
  error_.clear();
  const auto generator = library_.generator();
  if (here || settings().from != workspace_.input()) take_clip();
  if (!generator) {
    error_ = "no generating model is loaded: choose one under Models";
  } else if (!policy_) {
    error_ = policy_error_;
  }
  if (!error_.empty()) {
    emit changed();
    return;
  }
  const engine::Settings wanted = run_settings();
  std::vector<std::pair<int, engine::Settings>> runs;
  if (wanted.generate.cache != "none" && !reference_for(wanted))
    runs.emplace_back(next_id_++, engine::uncached(wanted));
  runs.emplace_back(next_id_++, wanted);
  const bool cold = warm_.lock() != generator;
  warm_ = generator;
  progress_ = 0;
  library_.worker().post(
      this, "generate",
      [this, generator, runs, cold, clip = clip_](std::stop_token stop) {
        const auto tell = [this](auto function) {
          QMetaObject::invokeMethod(this, std::move(function), Qt::QueuedConnection);
        };
        for (const auto& run : runs) {
          const int id = run.first;
          const engine::Settings& settings = run.second;
          tell([this, id, settings = settings] {
            add(id, settings);
            rebuild();
            emit entries_changed();
            emit changed();
          });
          try {
            const Json policy = diffusion::to_json(engine::policy_of(settings.generate));
            engine::RunOptions options;
            options.token_change = true;
            options.sketch_taps = sketch_taps(generator->model().config.depth);
            options.clip = clip;
            if (cold && id == runs.front().first) engine::warm_up(*generator, settings, stop);
            const diffusion::Request request = generator->request(settings, stop, clip.get());
            const auto shape = request.noise.shape();
            const size_t bytes = static_cast<size_t>(shape[2] * shape[3] * shape[4]) * 3;
            size_t kept = 0;
            options.on_step = [&](const diffusion::StepView& view) {
              auto report = std::make_shared<Report>();
              report->step = view.record;
              report->steps = view.steps;
              report->depth = generator->model().config.depth;
              report->policy = settings.generate.cache;
              report->policy_settings = policy;
              report->change = view.token_change;
              if (generator->model().config.pixel_space() && kept + bytes <= kPreviewBytes) {
                kept += bytes;
                report->preview = engine::video_of(compute::Tensor::of(view.clean, shape),
                                                   request.fps, request.clip_times);
              }
              tell([this, id, report] { on_step(id, report); });
            };
            tell([this, id, done = engine::run_video(*generator, settings, options, stop)] {
              on_done(id, done);
            });
          } catch (const Cancelled&) {
            tell([this, id] { on_failed(id, "cancelled", true); });
            throw;
          } catch (const std::exception& e) {
            tell([this, id, what = std::string(e.what())] { on_failed(id, what, false); });
            return 0;
          }
        }
        return 0;
      },
      [this](int) { emit changed(); });
  emit changed();
}

void GenerateSession::cancel() {
  library_.worker().cancel("generate");
  emit changed();
}

std::shared_ptr<GeneratedEntry> GenerateSession::edit(int id) {
  for (EntryPtr& entry : entries_) {
    if (entry->id != id) continue;
    auto copy = std::make_shared<GeneratedEntry>(*entry);
    entry = copy;
    return copy;
  }
  return nullptr;
}

void GenerateSession::on_step(int id, const std::shared_ptr<Report>& report) {
  const auto entry = edit(id);
  if (!entry) return;
  auto trace = entry->trace ? std::make_shared<trace::CacheTrace>(*entry->trace)
                            : std::make_shared<trace::CacheTrace>();
  trace->policy = report->policy;
  trace->policy_settings = report->policy_settings;
  trace->steps = report->steps;
  trace->depth = report->depth;
  trace->run.push_back(report->step);
  if (report->preview) entry->previews[report->step.step] = report->preview;
  if (!report->change.empty()) entry->changes[report->step.step] = report->change;
  progress_ = report->steps > 0 ? double(report->step.step) / report->steps : 0;
  entry->trace = std::move(trace);
  // Drawing takes time from the run that is drawn: ten times a second is enough.
  if (!step_timer_.isActive()) step_timer_.start();
}

void GenerateSession::on_done(int id, const engine::GeneratedRunPtr& run) {
  const auto entry = edit(id);
  if (!entry) return;
  entry->state = State::done;
  entry->run = run;
  entry->trace = run->trace;
  const EntryPtr reference = reference_for(run->settings);
  if (reference && reference->id != id && reference->run->video && run->video)
    entry->quality = engine::compare(*reference->run->video, *run->video);
  if (entry->predicted && run->settings.generate.cache != "none") {
    entry->agreement = diffusion::agreement(*entry->predicted, *run->trace);
    record_.same += entry->agreement->same;
    record_.steps += entry->agreement->steps;
  }
  chosen_b_ = id;
  if (chosen_a_ != 0 && !find(chosen_a_)) chosen_a_ = 0;
  predict();
  // The run that had to come first has just brought the sketches for those that wait.
  rebuild();
  emit entries_changed();
  emit changed();
}

void GenerateSession::on_failed(int id, const std::string& error, bool cancelled) {
  const auto entry = edit(id);
  if (!entry) return;
  entry->state = cancelled ? State::cancelled : State::failed;
  entry->error = error;
  if (!cancelled) {
    error_ = error;
    log(LogLevel::error, error);
  }
  rebuild();
  emit entries_changed();
  emit changed();
}

EntryPtr GenerateSession::find(int id) const {
  for (const EntryPtr& e : entries_)
    if (e->id == id) return e;
  return nullptr;
}

EntryPtr GenerateSession::b() const {
  if (EntryPtr chosen = find(chosen_b_); chosen && chosen->run) return chosen;
  for (auto it = entries_.rbegin(); it != entries_.rend(); ++it)
    if ((*it)->run) return *it;
  return nullptr;
}

EntryPtr GenerateSession::a() const {
  if (EntryPtr chosen = find(chosen_a_); chosen && chosen->run) return chosen;
  const EntryPtr shown = b();
  return shown ? reference_for(shown->settings) : nullptr;
}

void GenerateSession::choose_a(int id) {
  chosen_a_ = id;
  emit entries_changed();
  emit changed();
}

void GenerateSession::choose_b(int id) {
  chosen_b_ = id;
  rebuild();
  emit entries_changed();
  emit changed();
}

void GenerateSession::remove(int id) {
  std::erase_if(entries_,
                [&](const EntryPtr& e) { return e->id == id && e->state != State::running; });
  predict();
  rebuild();
  emit entries_changed();
  emit changed();
}

std::vector<timeline::Threshold> GenerateSession::thresholds() const {
  std::vector<timeline::Threshold> out;
  if (!policy_) return out;
  if (const auto* ada = std::get_if<diffusion::AdaCache>(&policy_->method)) {
    for (const diffusion::CodebookEntry& e : ada->codebook)
      if (std::isfinite(e.threshold)) out.push_back({e.threshold, e.rate});
  } else if (const auto* tea = std::get_if<diffusion::TeaCache>(&policy_->method)) {
    out.push_back({tea->threshold, 0});
  }
  return out;
}

void GenerateSession::set_threshold(int index, double value) {
  if (!policy_ || !(value > 0)) return;
  diffusion::PolicySettings next = *policy_;
  if (auto* ada = std::get_if<diffusion::AdaCache>(&next.method)) {
    if (index < 0 || index + 1 >= static_cast<int>(ada->codebook.size())) return;
    ada->codebook[size_t(index)].threshold = value;
  } else if (auto* tea = std::get_if<diffusion::TeaCache>(&next.method)) {
    tea->threshold = value;
  } else {
    return;
  }
  next.text = diffusion::policy_text(next);
  set_policy(next, "Threshold of the codebook");
}

void GenerateSession::choose(int step) {
  chosen_ = step == chosen_ ? 0 : step;
  rebuild();
  emit entries_changed();
  emit changed();
}

void GenerateSession::set_show_change(bool on) {
  show_change_ = on;
  emit entries_changed();
  emit changed();
}

void GenerateSession::set_detail(int id, timeline::Detail detail) {
  details_[id] = detail;
  rebuild();
  emit changed();
}

int GenerateSession::id_of_row(int row) const {
  return row >= 0 && row < static_cast<int>(row_ids_.size()) ? row_ids_[size_t(row)] : 0;
}

void GenerateSession::rebuild() {
  auto content = std::make_shared<timeline::Content>();
  row_ids_.clear();
  content->curve = -1;
  content->chosen = chosen_;
  // The uncached run, the run that is looked at, and the newest others.
  std::vector<EntryPtr> shown;
  const EntryPtr reference = reference_for(run_settings()), looked_at = b();
  for (auto it = entries_.rbegin(); it != entries_.rend(); ++it) {
    const bool wanted = *it == reference || *it == looked_at || (*it)->state == State::running;
    const bool room = shown.size() < kRows && (*it)->trace != nullptr;
    if (wanted || room) shown.push_back(*it);
  }
  std::reverse(shown.begin(), shown.end());
  std::stable_partition(shown.begin(), shown.end(),
                        [&](const EntryPtr& e) { return e == reference; });
  EntryPtr latest;  // the newest run under a policy: the prediction is drawn over it
  for (const EntryPtr& e : shown)
    if (e->settings.generate.cache != "none" && (e->trace || e->state == State::running))
      latest = e;
  const bool same = latest && latest->settings == run_settings();
  for (const EntryPtr& e : shown) {
    timeline::Row row;
    row.run = e->trace;
    row.label = timeline::policy_label(e->settings.generate.cache);
    if (e->state == State::failed) row.note = "failed";
    if (e->state == State::cancelled) row.note = "cancelled";
    if (const auto it = details_.find(e->id); it != details_.end()) row.detail = it->second;
    if (e == latest) {
      row.predicted = same ? e->predicted : prediction_;
      content->curve = static_cast<int>(content->rows.size());
    }
    row_ids_.push_back(e->id);
    content->rows.push_back(std::move(row));
  }
  if (content->curve < 0 && prediction_ && settings().cache != "none") {
    timeline::Row row;
    row.predicted = prediction_;
    row.label = timeline::policy_label(settings().cache);
    content->curve = static_cast<int>(content->rows.size());
    row_ids_.push_back(0);
    content->rows.push_back(std::move(row));
  }
  content->thresholds = thresholds();
  if (content->thresholds->empty()) content->thresholds.reset();
  if (reference && reference->trace && reference->trace->distances &&
      !reference->trace->distances->taps.empty())
    content->motion = reference->trace->distances->taps.front().motion;
  content_ = std::move(content);
}

}  // namespace looktwice::gui
