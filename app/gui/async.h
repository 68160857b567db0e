#pragma once
// Work off the UI thread, answers on it: post(tag, job, answer) over the engine's scheduler.

#include <QObject>
#include <QPointer>
#include <functional>
#include <stop_token>
#include <string>
#include <utility>

#include "engine/scheduler.h"

namespace looktwice::gui {

/// Jobs return values; `answer` gets them on the UI thread, unless the receiver is gone by then.
class Async {
 public:
  explicit Async(engine::Scheduler::Options options) : scheduler_(std::move(options)) {}

  /// @param job     std::stop_token -> Value, on a worker thread; Value is moved, never shared
  /// @param answer  Value -> void, on the thread of `receiver`
  template <class JobFn, class Answer>
  void post(QObject* receiver, const std::string& tag, JobFn job, Answer answer,
            engine::Scheduler::When when = engine::Scheduler::When::after_running) {
    scheduler_.post(
        tag,
        [receiver = QPointer<QObject>(receiver), job = std::move(job),
         answer = std::move(answer)](std::stop_token stop) mutable {
          auto value = job(stop);
          if (receiver.isNull()) return;
          QMetaObject::invokeMethod(
              receiver.data(),
              [answer = std::move(answer), value = std::move(value)]() mutable {
                answer(std::move(value));
              },
              Qt::QueuedConnection);
        },
        when);
  }
  void cancel(const std::string& tag) { scheduler_.cancel(tag); }
  bool busy(const std::string& tag) const { return scheduler_.busy(tag); }
  bool idle() const { return scheduler_.idle(); }

 private:
  engine::Scheduler scheduler_;
};

}  // namespace looktwice::gui
