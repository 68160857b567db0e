#pragma once
// The models of this machine and the ones that are loaded: one service for everything that runs a
// model. A folder is chosen by load(); it is read on the inference thread, with progress, and takes
// the place of the one before only when all of it is good.

#include <QObject>
#include <memory>
#include <string>
#include <vector>

#include "async.h"
#include "compute/backend.h"
#include "engine/classify.h"
#include "engine/model_folders.h"

namespace looktwice::engine {
class Generator;  // its header uses words that Qt takes for its own
}

namespace looktwice::gui {

/// Threads: UI thread only; folders are looked at and models read elsewhere.
class ModelLibrary : public QObject {
  Q_OBJECT
 public:
  explicit ModelLibrary(QObject* parent = nullptr);
  ~ModelLibrary() override;

  struct Entry {
    engine::ModelInfo info;  ///< `problem` also says why its last loading failed
    bool opened = false;     ///< by the user, not found where models usually lie
  };
  const std::vector<Entry>& entries() const { return entries_; }
  /// Null if the folder is not in the list.
  const Entry* find(const std::string& folder) const;
  bool scanning() const { return scanning_; }
  /// What models can run on here, and why not; empty until it is known (a GPU's driver takes its
  /// time). Then list_changed().
  const std::vector<compute::BackendInfo>& backends() const { return backends_; }
  /// Looks at all places again. Cheap: headers only.
  void rescan();
  /// Adds a folder to the list (or a folder that holds some) and remembers it.
  void open_folder(const std::string& folder);
  /// Takes a folder that was opened off the list.
  void forget(const std::string& folder);

  /// Classifiers and generators are loaded beside each other: one of each.
  enum class Use { classify, generate };
  struct Slot {
    std::string folder;   ///< of the model that is loaded; empty: none
    std::string loading;  ///< folder that is being read; empty: none
    double progress = 0;  ///< 0..1 of that
    std::string failed;   ///< folder whose loading failed last; empty: none, or dismissed
    std::string error;    ///< why
  };
  const Slot& slot(Use use) const { return use == Use::classify ? classify_ : generate_; }
  /// What a folder is for, by its kind; classify for an unknown one.
  Use use_of(const std::string& folder) const;

  /// The loaded models, null where none is. Shared with the jobs that run on them: call them on
  /// worker() alone.
  std::shared_ptr<engine::ClassifierRunner> classifier() const { return classifier_; }
  std::shared_ptr<const engine::Generator> generator() const { return generator_; }

  /// Reads a model in place of the one of its use. The old one stays until the new one is whole,
  /// and stays for good if that fails (slot().error). A folder that is loaded with the same run
  /// settings already is not read again.
  void load(const std::string& folder, const engine::RunSettings& run);
  void cancel_load(Use use);
  void unload(Use use);
  void dismiss_error(Use use);

  /// The thread on which models run, one at a time. Post jobs under tags of your own; the latest
  /// wins (engine/scheduler.h).
  Async& worker() { return worker_; }

 signals:
  void list_changed();
  void load_changed();  ///< progress, failure, cancellation
  /// Another model is loaded or gone. Jobs that run on the old one keep it alive.
  void classifier_changed();
  void generator_changed();

 private:
  Slot& slot_ref(Use use) { return use == Use::classify ? classify_ : generate_; }
  void note_problem(const std::string& folder, const std::string& problem);
  template <class Model>
  void start_load(Use use, const std::string& folder, const engine::RunSettings& run,
                  std::shared_ptr<Model> ModelLibrary::*into, void (ModelLibrary::*loaded)());

  std::vector<Entry> entries_;
  std::vector<compute::BackendInfo> backends_;
  bool scanning_ = false;
  Slot classify_, generate_;
  engine::RunSettings classify_run_, generate_run_;
  std::shared_ptr<engine::ClassifierRunner> classifier_;
  std::shared_ptr<const engine::Generator> generator_;
  Async looking_, worker_;  ///< last: they join first
};

}  // namespace looktwice::gui
