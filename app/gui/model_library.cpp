// First: Qt's macros would garble it.
// clang-format off
#include "engine/generate.h"
// clang-format on

#include "model_library.h"

#include <QSettings>
#include <QStringList>
#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/error.h"
#include "base/log.h"

namespace looktwice::gui {
namespace {

constexpr int kRemembered = 16;

std::vector<std::string> opened_folders() {
  std::vector<std::string> folders;
  for (const QString& folder : QSettings().value("models/opened").toStringList())
    folders.push_back(folder.toStdString());
  return folders;
}

void remember(const std::vector<std::string>& folders) {
  QStringList list;
  for (const std::string& folder : folders)
    list << QString::fromStdString(folder);
  QSettings().setValue("models/opened", list);
}

const char* tag_of(ModelLibrary::Use use) {
  return use == ModelLibrary::Use::classify ? "load classifier" : "load generator";
}

std::string absolute(const std::string& folder) {
  std::error_code error;
  const auto path = std::filesystem::weakly_canonical(folder, error);
  return error ? folder : path.string();
}

}  // namespace

ModelLibrary::ModelLibrary(QObject* parent)
    : QObject(parent), looking_({.threads = 1}), worker_({.threads = 1}) {
  rescan();
  looking_.post(
      this, "backends", [](const std::stop_token&) { return compute::list_backends(); },
      [this](std::vector<compute::BackendInfo> found) {
        backends_ = std::move(found);
        emit list_changed();
      });
}

ModelLibrary::~ModelLibrary() = default;

const ModelLibrary::Entry* ModelLibrary::find(const std::string& folder) const {
  const auto at = std::ranges::find_if(
      entries_, [&](const Entry& entry) { return entry.info.folder == folder; });
  return at == entries_.end() ? nullptr : &*at;
}

void ModelLibrary::rescan() {
  scanning_ = true;
  looking_.post(
      this, "scan",
      [opened = opened_folders()](const std::stop_token& stop) {
        std::vector<Entry> entries;
        const std::vector<std::string> usual = engine::find_model_folders(engine::model_places());
        for (const std::string& folder : usual)
          if (!stop.stop_requested()) entries.push_back({engine::describe_model(folder), false});
        for (const std::string& folder : opened) {
          if (std::ranges::find(usual, folder) == usual.end() && !stop.stop_requested())
            entries.push_back({engine::describe_model(folder), true});
        }
        return entries;
      },
      [this](std::vector<Entry> entries) {
        scanning_ = false;
        entries_ = std::move(entries);
        for (const Slot* slot : {&classify_, &generate_})
          if (!slot->failed.empty()) note_problem(slot->failed, slot->error);
        emit list_changed();
      });
}

void ModelLibrary::open_folder(const std::string& folder) {
  std::vector<std::string> inside = engine::find_model_folders({folder});
  // Nothing in it: it is listed all the same, with what it lacks.
  if (inside.empty()) inside.push_back(absolute(folder));
  std::vector<std::string> opened = opened_folders();
  for (const std::string& one : inside) {
    std::erase(opened, one);
    opened.insert(opened.begin(), one);
    if (find(one) == nullptr) entries_.push_back({engine::describe_model(one), true});
  }
  if (opened.size() > kRemembered) opened.resize(kRemembered);
  remember(opened);
  emit list_changed();
}

void ModelLibrary::forget(const std::string& folder) {
  std::vector<std::string> opened = opened_folders();
  std::erase(opened, folder);
  remember(opened);
  std::erase_if(entries_,
                [&](const Entry& entry) { return entry.opened && entry.info.folder == folder; });
  emit list_changed();
}

ModelLibrary::Use ModelLibrary::use_of(const std::string& folder) const {
  const Entry* entry = find(absolute(folder));
  const engine::ModelKind kind =
      entry != nullptr ? entry->info.kind : engine::describe_model(folder).kind;
  return kind == engine::ModelKind::stdit3 ? Use::generate : Use::classify;
}

void ModelLibrary::note_problem(const std::string& folder, const std::string& problem) {
  for (Entry& entry : entries_)
    if (entry.info.folder == folder) entry.info.problem = problem;
}

template <class Model>
void ModelLibrary::start_load(Use use, const std::string& folder, const engine::RunSettings& run,
                              std::shared_ptr<Model> ModelLibrary::*into,
                              void (ModelLibrary::*loaded)()) {
  struct Answer {
    std::shared_ptr<Model> model;
    std::string error;
    bool cancelled = false;
  };
  worker_.post(
      this, tag_of(use),
      [this, self = QPointer<ModelLibrary>(this), use, folder,
       run](std::stop_token stop) -> Answer {
        try {
          double last = -1;
          const auto progress = [&](double value) {
            if (value - last < 0.02 && value < 1) return;
            last = value;
            if (self.isNull()) return;
            QMetaObject::invokeMethod(
                this,
                [this, use, folder, value] {
                  Slot& slot = slot_ref(use);
                  if (slot.loading != folder) return;
                  slot.progress = value;
                  emit load_changed();
                },
                Qt::QueuedConnection);
          };
          return {std::make_shared<std::remove_const_t<Model>>(folder, run, progress, stop), {}};
        } catch (const Cancelled&) {
          return {nullptr, {}, true};
        } catch (const std::exception& error) {
          return {nullptr, error.what()};
        }
      },
      [this, use, folder, run, into, loaded](Answer answer) {
        Slot& slot = slot_ref(use);
        if (slot.loading != folder) return;
        slot.loading.clear();
        if (answer.model) {
          this->*into = std::move(answer.model);
          (use == Use::classify ? classify_run_ : generate_run_) = run;
          slot.folder = folder;
          slot.failed.clear();
          slot.error.clear();
          if (const Entry* entry = find(folder); entry != nullptr && !entry->info.problem.empty())
            note_problem(folder, {});
          emit load_changed();
          emit(this->*loaded)();
        } else {
          if (!answer.cancelled) {
            slot.failed = folder;
            slot.error = answer.error;
            note_problem(folder, answer.error);
            log(LogLevel::error, answer.error);
            emit list_changed();
          }
          emit load_changed();
        }
      },
      engine::Scheduler::When::stop_running);
}

void ModelLibrary::load(const std::string& wanted, const engine::RunSettings& run) {
  const std::string folder = absolute(wanted);
  const Use use = use_of(folder);
  Slot& slot = slot_ref(use);
  const engine::RunSettings& now = use == Use::classify ? classify_run_ : generate_run_;
  engine::RunSettings as_now = run;
  as_now.seed = now.seed;  // no matter of loading
  const bool same = as_now == now;
  for (Slot* other : {&classify_, &generate_})
    if (!other->loading.empty() && other != &slot)
      other->loading.clear();  // replaced under its tag
  if (slot.folder == folder && same) {
    // What is loaded was asked for again, perhaps while another was on its way.
    if (!slot.loading.empty()) cancel_load(use);
    return;
  }
  if (slot.loading == folder) return;
  if (find(folder) == nullptr) open_folder(folder);
  slot.loading = folder;
  slot.progress = 0;
  slot.failed.clear();
  slot.error.clear();
  if (use == Use::classify) {
    start_load(use, folder, run, &ModelLibrary::classifier_, &ModelLibrary::classifier_changed);
  } else {
    start_load(use, folder, run, &ModelLibrary::generator_, &ModelLibrary::generator_changed);
  }
  emit load_changed();
}

void ModelLibrary::cancel_load(Use use) {
  worker_.cancel(tag_of(use));
  slot_ref(use).loading.clear();
  emit load_changed();
}

void ModelLibrary::unload(Use use) {
  Slot& slot = slot_ref(use);
  if (!slot.loading.empty()) cancel_load(use);
  if (slot.folder.empty()) return;
  slot.folder.clear();
  if (use == Use::classify) {
    classifier_.reset();
    emit classifier_changed();
  } else {
    generator_.reset();
    emit generator_changed();
  }
}

void ModelLibrary::dismiss_error(Use use) {
  slot_ref(use).failed.clear();
  slot_ref(use).error.clear();
  emit load_changed();
}

}  // namespace looktwice::gui
