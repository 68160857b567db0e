#include "export_job.h"

#include <chrono>

#include "base/error.h"
#include "gl/context.h"

namespace looktwice::gui {

ExportJob::ExportJob(exporting::Request request, QObject* parent)
    : QObject(parent), request_(std::move(request)) {}

ExportJob::~ExportJob() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void ExportJob::start() {
  thread_ = std::jthread([this](std::stop_token stop) { run(std::move(stop)); });
}

void ExportJob::run(std::stop_token stop) {
  try {
    const gl::EglContext context;
    using Clock = std::chrono::steady_clock;
    auto last = Clock::time_point{};
    exporting::Events events;
    double done = -1;
    events.progress = [&](double value) { done = value; };
    events.on_frame = [&](int64_t frames) {
      const auto now = Clock::now();
      if (now - last < std::chrono::milliseconds(50)) return;
      last = now;
      emit progress(done, frames);
    };
    const exporting::Report report = exporting::run(request_, events, stop);
    emit finished(QString::fromStdString(request_.output),
                  QStringLiteral("%1 frames, %2")
                      .arg(report.frames)
                      .arg(QString::fromStdString(report.encoder)));
  } catch (const Cancelled&) {
    emit cancelled();
  } catch (const std::exception& error) {
    emit failed(error.what());
  }
}

}  // namespace looktwice::gui
