#include "token_runner.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <thread>

#include "base/error.h"
#include "base/log.h"
#include "overlay/merge_picture.h"
#include "workspace.h"

namespace looktwice::gui {
namespace {

constexpr size_t kRunsKept = 512, kPixelsKept = 2, kTimesKept = 12;
constexpr const char* kTag = "tokens";

}  // namespace

TokenRunner::TokenRunner(Workspace& workspace) : workspace_(workspace) {
  connect(&workspace.models(), &ModelLibrary::classifier_changed, this,
          &TokenRunner::model_changed);
  connect(&workspace.models(), &ModelLibrary::load_changed, this, [this] {
    // A folder that could not be loaded is not what runs: the settings name the one that does.
    const ModelLibrary::Slot& slot = workspace_.models().slot(ModelLibrary::Use::classify);
    if (slot.failed.empty() || workspace_.document().settings.model != slot.failed) return;
    Document next = workspace_.document();
    next.settings.model = slot.folder;
    workspace_.change(std::move(next), "Model");
  });
  connect(&workspace, &Workspace::document_changed, this, &TokenRunner::document_changed);
  connect(&workspace, &Workspace::source_changed, this, &TokenRunner::source_changed);
  connect(&workspace, &Workspace::analysis_changed, this, &TokenRunner::source_changed);
  connect(&workspace, &Workspace::frame_changed, this, &TokenRunner::frame_changed);
  connect(&workspace, &Workspace::place_changed, this, [this] {
    const auto moment = workspace_.moment();
    if (!workspace_.pinned()) {
      pinned_tubelet_.reset();
    } else if (!pinned_tubelet_ && moment) {
      pinned_tubelet_ = moment->tubelet;
    }
  });
  update_key();
}

TokenRunner::~TokenRunner() {
  // A running job reads from the player, which goes next.
  Async& worker = workspace_.models().worker();
  worker.cancel(kTag);
  while (worker.busy(kTag))
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

engine::Settings TokenRunner::effective(engine::Settings settings) const {
  settings.model = model_ ? folder_ : "";
  if (model_ && !model_->model().config().video) settings.tokens.rlt.reset();
  return settings;
}

void TokenRunner::model_changed() {
  ModelLibrary& library = workspace_.models();
  const bool was_image = model_ && !model_->model().config().video;
  library.worker().cancel(kTag);
  pending_.reset();
  model_ = library.classifier();
  folder_ = library.slot(ModelLibrary::Use::classify).folder;
  runs_.clear();
  denses_.clear();
  shown_ = nullptr;
  error_.clear();
  failed_key_.reset();
  ++source_;
  Document next = workspace_.document();
  next.settings.model = folder_;
  if (model_) {
    const auto& config = model_->model().config();
    next.settings.clip =
        engine::clip_options_for(config, model_->model().preprocess(), next.settings.clip);
    if (!config.video) {
      next.settings.clip.stride = 1;
    } else if (was_image) {
      next.settings.clip.stride = 4;
    }
    // Another model may have fewer layers than the schedule in force.
    try {
      (void)engine::reduction_of(next.settings.tokens, config.layers, 0);
    } catch (const Error&) {
      next.settings.tokens.tome = "0";
    }
    next.scene.style.merges.layer = std::min(next.scene.style.merges.layer, config.layers);
  } else if (!next.settings.tokens.rlt) {
    next.settings.tokens.rlt = workspace_.tau();
  }
  workspace_.change(std::move(next), "Model");
  update_key();
  emit changed();
  TokenRunner::next();
}

void TokenRunner::document_changed() {
  ModelLibrary& library = workspace_.models();
  const engine::Settings& wanted = workspace_.document().settings;
  const ModelLibrary::Slot& slot = library.slot(ModelLibrary::Use::classify);
  // Undo, sessions: another model is asked for, or another way to run it.
  if (wanted.model.empty()) {
    if (model_ && slot.loading.empty()) library.unload(ModelLibrary::Use::classify);
  } else if (wanted.model != slot.failed && slot.loading.empty()) {
    if (wanted.model == folder_ || library.use_of(wanted.model) == ModelLibrary::Use::classify) {
      library.load(wanted.model, wanted.run);
    }
  }
  update_key();
  show();
  next();
  emit changed();
}

void TokenRunner::update_key() {
  const engine::Settings& wanted = workspace_.document().settings;
  engine::Settings s = effective(wanted);
  s.generate = {};
  if (s == settings_ && key_ != 0) return;
  if (s.clip != settings_.clip) {
    runs_.clear();
    denses_.clear();
    pixels_.clear();
    shown_ = nullptr;
  }
  if (s.tokens.ln_eps != settings_.tokens.ln_eps) denses_.clear();
  settings_ = std::move(s);
  key_ = engine::hash(settings_);
  asked_.start();
}

void TokenRunner::source_changed() {
  update_key();  // clips may have been cut anew before the document is said to have changed
  const video::PlayerStatus& status = workspace_.status();
  const std::string text = status.input + " " + std::to_string(status.generation) + " " +
                           std::to_string(workspace_.store().count());
  if (text != source_text_) {
    source_text_ = text;
    ++source_;
    workspace_.models().worker().cancel(kTag);
    pending_.reset();
    runs_.clear();
    denses_.clear();
    pixels_.clear();
    shown_ = nullptr;
    times_.clear();
    error_.clear();
    failed_key_.reset();
    dense_request_.reset();
    reader_ = std::make_shared<ClipReader>(
        status.input,
        [player = &workspace_.player()](int64_t index) { return player->cached(index); });
    asked_.start();
    emit changed();
  }
  show();
  next();
}

void TokenRunner::frame_changed() {
  const TokenRunPtr before = shown_;
  show();
  if (shown_ != before) emit changed();
  next();
}

void TokenRunner::show() {
  stats_.total = workspace_.store().count();
  stats_.done = int(std::ranges::count_if(
      runs_, [&](const auto& entry) { return entry.second->settings == key_; }));
  if (workspace_.status().info.live) {
    shown_ = runs_.contains(0) ? runs_.at(0) : nullptr;
    return;
  }
  const auto clip = workspace_.store().clip_at(workspace_.position());
  const auto found = clip ? runs_.find(*clip) : runs_.end();
  shown_ = found != runs_.end() ? found->second : nullptr;
}

bool TokenRunner::stale() const {
  return shown_ && shown_->settings != key_;
}

DenseRunPtr TokenRunner::dense() const {
  const auto clip = workspace_.status().info.live
                        ? std::optional<int>(0)
                        : workspace_.store().clip_at(workspace_.position());
  const auto found = clip ? denses_.find(*clip) : denses_.end();
  return found != denses_.end() ? found->second : nullptr;
}

std::shared_ptr<const frames::Clip> TokenRunner::pixels() const {
  if (!shown_) return nullptr;
  for (const auto& [clip, pixels] : pixels_)
    if (pixels->indices == shown_->trace->frame_indices) return pixels;
  const MeasuredClipPtr measured = workspace_.measured();
  if (measured && measured->pixels && measured->options == settings_.clip &&
      measured->trace.frame_indices == shown_->trace->frame_indices)
    return measured->pixels;
  return nullptr;
}

void TokenRunner::run_dense() {
  const auto clip = workspace_.store().clip_at(workspace_.position());
  dense_request_ = workspace_.status().info.live ? std::optional<int>(0) : clip;
  pending_.reset();
  next();
  emit changed();
}

void TokenRunner::set_dense_every(int k) {
  dense_every_ = std::max(0, k);
  next();
  emit changed();
}

void TokenRunner::set_all_clips(bool on) {
  all_clips_ = on;
  next();
  emit changed();
}

std::pair<int, int> TokenRunner::agreement() const {
  int same = 0, both = 0;
  for (const auto& [clip, dense] : denses_) {
    const auto run = runs_.find(clip);
    if (run == runs_.end() || run->second->settings != key_) continue;
    const auto& reduced = run->second->trace->predictions;
    if (reduced.empty() || dense->predictions.empty()) continue;
    ++both;
    same += reduced.front().index == dense->predictions.front().index;
  }
  return {same, both};
}

void TokenRunner::next() {
  stats_.running = workspace_.models().worker().busy(kTag);
  if (!model_ || !workspace_.has_source() || !reader_ || failed_key_ == key_) return;
  if (workspace_.status().info.live) {
    next_live();
    return;
  }
  const ClipStore& store = workspace_.store();
  const int count = store.count();
  if (count == 0) return;
  const auto here = store.clip_at(workspace_.position());
  const auto known = [&](int clip) {
    const auto run = runs_.find(clip);
    return run != runs_.end() && run->second->settings == key_;
  };
  const auto dense_due = [&](int clip) {
    if (denses_.contains(clip)) return false;
    return dense_request_ == clip || (dense_every_ > 0 && clip % dense_every_ == 0);
  };
  if (dense_request_ && denses_.contains(*dense_request_)) dense_request_.reset();
  const auto want = [&](int clip) {
    const bool reduced = !known(clip), dense = dense_due(clip);
    if (!reduced && !dense) return false;
    post(clip, reduced, dense, nullptr);
    return true;
  };
  if (here && want(*here)) return;
  if (dense_request_ && want(*dense_request_)) return;
  const int first = here.value_or(0);
  const int reach = all_clips_ ? count : workspace_.status().playing ? 3 : 1;
  for (int i = 1; i < reach && i < count; ++i)
    if (want((first + i) % count)) return;
}

void TokenRunner::next_live() {
  const MeasuredClipPtr measured = workspace_.measured();
  if (!measured || !measured->pixels || measured->options != settings_.clip ||
      workspace_.models().worker().busy(kTag))
    return;
  const bool fresh = !runs_.contains(0) || runs_.at(0)->settings != key_ ||
                     runs_.at(0)->trace->frame_indices != measured->trace.frame_indices;
  if (fresh) post(0, true, dense_request_.has_value(), measured);
}

void TokenRunner::post(int clip, bool reduced, bool dense, MeasuredClipPtr live) {
  if (pending_ && pending_->first == clip && pending_->second == key_) return;
  Async& worker = workspace_.models().worker();
  if (pending_ && worker.busy(kTag)) ++stats_.replaced;
  pending_ = {clip, key_};
  stats_.waiting = worker.busy(kTag) ? 1 : 0;
  stats_.running = true;
  MeasuredClipPtr measured = std::move(live);
  std::vector<int64_t> indices;
  if (!measured) {
    indices = workspace_.store().frames_of(clip);
    const MeasuredClipPtr now = workspace_.measured();
    // Another model may have asked for other sizes meanwhile: then it is read anew.
    if (now && now->number == clip && now->options == settings_.clip && now->pixels &&
        now->trace.frame_indices == indices)
      measured = now;
  }
  worker.post(
      this, kTag,
      [model = model_, reader = reader_, measured = std::move(measured),
       indices = std::move(indices), clip, settings = settings_, key = key_, reduced, dense,
       verbatim = workspace_.status().info.verbatim](std::stop_token stop) -> Answer {
        Answer out;
        QElapsedTimer clock;
        clock.start();
        try {
          const MeasuredClipPtr read =
              measured ? measured : reader->measure(clip, indices, settings.clip, verbatim, stop);
          out.pixels = read->pixels;
          if (reduced) {
            auto outcome = model->run(*read->pixels, settings, false, stop);
            out.run = std::make_shared<TokenRun>(TokenRun{
                clip, key, std::make_shared<const trace::ClipTrace>(std::move(outcome.trace))});
            out.milliseconds = double(clock.nsecsElapsed()) / 1e6;
          }
          if (dense)
            out.dense = std::make_shared<engine::DenseOutcome>(
                model->run_dense(*read->pixels, settings, stop));
        } catch (const Cancelled&) {
          out.cancelled = true;
        } catch (const std::exception& error) {
          out.error = error.what();
        }
        return out;
      },
      [this, source = source_, clip, key = key_](Answer got) {
        if (!got.error.empty() && source == source_ && key == key_) failed_key_ = key;
        answer(source, clip, std::move(got));
      });
  emit changed();
}

void TokenRunner::answer(uint64_t source, int clip, Answer got) {
  stats_.waiting = 0;
  if (source == source_) {
    if (got.run) {
      if (got.run->settings == key_) pending_.reset();
      times_.push_back(got.milliseconds);
      if (times_.size() > kTimesKept) times_.pop_front();
      stats_.milliseconds =
          std::accumulate(times_.begin(), times_.end(), 0.0) / double(times_.size());
      if (asked_.isValid() && got.run->settings == key_ &&
          (!shown_ || shown_->clip == clip || shown_->settings != key_)) {
        stats_.latency = double(asked_.nsecsElapsed()) / 1e6;
        asked_.invalidate();
      }
      runs_[clip] = got.run;
      if (runs_.size() > kRunsKept) {
        // The one farthest from the playhead.
        const bool ahead = runs_.rbegin()->first - clip > clip - runs_.begin()->first;
        runs_.erase(ahead ? std::prev(runs_.end()) : runs_.begin());
      }
      error_.clear();
    } else {
      pending_.reset();
    }
    if (got.dense) {
      denses_[clip] = got.dense;
      if (dense_request_ == clip) dense_request_.reset();
    }
    if (got.pixels) {
      pixels_.emplace_front(clip, got.pixels);
      if (pixels_.size() > kPixelsKept) pixels_.pop_back();
    }
    if (!got.error.empty()) {
      error_ = got.error;
      log(LogLevel::warning, got.error);
    }
    show();
  }
  next();
  stats_.running = workspace_.models().worker().busy(kTag) && pending_.has_value();
  emit changed();
}

std::optional<size_t> TokenRunner::lit_token() const {
  if (!shown_) return std::nullopt;
  const trace::ClipTrace& clip = *shown_->trace;
  const auto moment = workspace_.moment();
  std::optional<Place> place = workspace_.hovered();
  std::optional<int> tubelet = moment ? std::optional<int>(moment->tubelet) : std::nullopt;
  if (!place) {
    place = workspace_.pinned();
    tubelet = pinned_tubelet_;
  }
  if (!place || !tubelet || *tubelet >= clip.t || place->row >= clip.h || place->column >= clip.w)
    return std::nullopt;
  return (size_t(*tubelet) * size_t(clip.h) + size_t(place->row)) * size_t(clip.w) +
         size_t(place->column);
}

int TokenRunner::layer() const {
  return shown_ ? overlay::merge_layer(workspace_.document().scene.style.merges, *shown_->trace)
                : 0;
}

const std::vector<int32_t>& TokenRunner::roots() const {
  static const std::vector<int32_t> none;
  if (!shown_) return none;
  const int at = layer();
  if (roots_of_ != shown_->trace || roots_layer_ != at) {
    roots_ = trace::group_roots_on_grid(*shown_->trace, at);
    roots_of_ = shown_->trace;
    roots_layer_ = at;
  }
  return roots_;
}

}  // namespace looktwice::gui
