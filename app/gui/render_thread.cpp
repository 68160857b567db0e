#include "render_thread.h"

#include <QCoreApplication>
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "gl/context.h"
#include "gl/offscreen.h"

namespace looktwice::gui {
namespace {

struct Waiting {
  uint64_t client = 0;
  RenderRequest request;
};

/// All that lives with the context, on the render thread alone.
class Renderer {
 public:
  Rendered render(uint64_t client, RenderRequest request) {
    Rendered done;
    done.under = request.under;
    done.number = request.number;
    gl::Offscreen& target = targets_[client];
    target.fit(owner_, request.pixels.width(), request.pixels.height());
    target.begin();
    const QColor back(request.background);
    target.clear(float(back.redF()), float(back.greenF()), float(back.blueF()));
    if (request.under) {
      try {
        request.under->draw({target.framebuffer(), target.width(), target.height()});
      } catch (const std::exception& error) {
        done.error = error.what();
      }
      target.begin();
    }
    if (request.interface && request.interface->font) {
      drawer_.draw(owner_, request.interface->mesh, texture_of(request.interface->font),
                   target.width(), target.height());
    }
    done.image = std::move(request.spare);
    if (done.image.size() != request.pixels || done.image.format() != QImage::Format_RGB32 ||
        !done.image.isDetached()) {
      done.image = QImage(request.pixels, QImage::Format_RGB32);
    }
    target.read(done.image.bits(), int(done.image.bytesPerLine()));
    return done;
  }

  void forget(uint64_t client) { targets_.erase(client); }

 private:
  const gl::Texture& texture_of(const FontPixelsPtr& font) {
    std::erase_if(fonts_, [](const auto& known) { return known.pixels.expired(); });
    for (const Font& known : fonts_) {
      if (known.pixels.lock() == font) return known.texture;
    }
    gl::Texture texture(owner_, gl::Format::r8, font->width, font->height, gl::Filter::linear);
    texture.upload(font->coverage.data(), font->width, font->width, font->height);
    fonts_.push_back({font, std::move(texture)});
    return fonts_.back().texture;
  }

  struct Font {
    std::weak_ptr<const FontPixels> pixels;
    gl::Texture texture;
  };
  gl::Owner owner_;
  gl::MeshDrawer drawer_;
  std::map<uint64_t, gl::Offscreen> targets_;
  std::vector<Font> fonts_;
};

}  // namespace

struct RenderThread::State {
  // UI thread.
  std::unordered_map<uint64_t, std::function<void(Rendered)>> clients;
  uint64_t last_client = 0;

  // Both, under the mutex.
  mutable std::mutex mutex;
  std::condition_variable wake;
  std::deque<Waiting> waiting;
  std::deque<std::function<void()>> tasks;
  std::vector<std::pair<uint64_t, Rendered>> done;
  std::string name, failure;  ///< of the context; why there is none
  bool stopping = false, delivering = false;

  // Render thread.
  std::optional<gl::EglContext> context;
  std::optional<Renderer> renderer;
  uint64_t drawn_last = 0;

  std::thread thread;

  /// The picture goes first, but nobody twice while others wait.
  Waiting take() {
    auto at = std::ranges::find_if(
        waiting, [&](const Waiting& w) { return w.request.first && w.client != drawn_last; });
    if (at == waiting.end()) {
      at = std::ranges::find_if(waiting, [&](const Waiting& w) { return w.client != drawn_last; });
    }
    if (at == waiting.end()) at = waiting.begin();
    Waiting taken = std::move(*at);
    waiting.erase(at);
    drawn_last = taken.client;
    return taken;
  }

  Rendered render(Waiting job) {
    const uint64_t number = job.request.number;
    try {
      if (renderer) return renderer->render(job.client, std::move(job.request));
    } catch (const std::exception& error) {
      return {{}, nullptr, number, error.what()};
    }
    const std::lock_guard lock(mutex);
    return {{}, nullptr, number, failure};
  }

  void open() {
    try {
      context.emplace();
      renderer.emplace();
      // Handlers run in reverse: this one before those of the driver that has just been loaded.
      std::atexit([] { RenderThread::instance().stop(); });
      const std::lock_guard lock(mutex);
      name = gl::renderer_name();
    } catch (const std::exception& error) {
      log(LogLevel::error, error.what());
      const std::lock_guard lock(mutex);
      failure = error.what();
    }
  }

  void run(QObject* receiver, void (RenderThread::*deliver)()) {
    open();
    std::unique_lock lock(mutex);
    while (true) {
      wake.wait(lock, [this] { return stopping || !tasks.empty() || !waiting.empty(); });
      if (!tasks.empty()) {
        std::function<void()> task = std::move(tasks.front());
        tasks.pop_front();
        lock.unlock();
        try {
          task();
        } catch (const std::exception& error) {
          log(LogLevel::error, error.what());
        }
        task = nullptr;  // what it held may post
        lock.lock();
        continue;
      }
      if (stopping) break;
      Waiting job = take();
      lock.unlock();
      const uint64_t client = job.client;
      Rendered picture = render(std::move(job));
      lock.lock();
      done.emplace_back(client, std::move(picture));
      if (!std::exchange(delivering, true)) {
        QMetaObject::invokeMethod(
            receiver, [receiver, deliver] { (static_cast<RenderThread*>(receiver)->*deliver)(); },
            Qt::QueuedConnection);
      }
    }
    lock.unlock();
    renderer.reset();
    context.reset();
  }
};

RenderThread::RenderThread() : state_(std::make_unique<State>()) {
  state_->thread = std::thread([this] { state_->run(this, &RenderThread::deliver); });
}

RenderThread::~RenderThread() = default;

RenderThread& RenderThread::instance() {
  // Never destroyed: objects may want to be destroyed on it until the very end.
  static RenderThread* const thread = [] {
    qAddPostRoutine([] { instance().stop(); });
    return new RenderThread;
  }();
  return *thread;
}

void RenderThread::stop() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.notify_all();
  if (state_->thread.joinable() && state_->thread.get_id() != std::this_thread::get_id()) {
    state_->thread.join();
  }
}

uint64_t RenderThread::add(std::function<void(Rendered)> shown) {
  state_->clients.emplace(++state_->last_client, std::move(shown));
  return state_->last_client;
}

void RenderThread::remove(uint64_t client) {
  state_->clients.erase(client);
  RenderRequest dropped;  // outlives the lock: what it held may post
  {
    const std::lock_guard lock(state_->mutex);
    const auto at = std::ranges::find(state_->waiting, client, &Waiting::client);
    if (at != state_->waiting.end()) {
      dropped = std::move(at->request);
      state_->waiting.erase(at);
    }
  }
  post([this, client] {
    if (state_->renderer) state_->renderer->forget(client);
  });
}

void RenderThread::submit(uint64_t client, RenderRequest request) {
  {
    const std::lock_guard lock(state_->mutex);
    const auto at = std::ranges::find(state_->waiting, client, &Waiting::client);
    if (at != state_->waiting.end()) {
      if (request.spare.isNull()) request.spare = std::move(at->request.spare);
      std::swap(at->request, request);  // the old one goes when the lock is gone
    } else {
      state_->waiting.push_back({client, std::move(request)});
    }
  }
  state_->wake.notify_all();
}

void RenderThread::post(std::function<void()> task) {
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->stopping) return;
    state_->tasks.push_back(std::move(task));
  }
  state_->wake.notify_all();
}

std::string RenderThread::renderer() const {
  const std::lock_guard lock(state_->mutex);
  return state_->name;
}

void RenderThread::deliver() {
  std::vector<std::pair<uint64_t, Rendered>> done;
  {
    const std::lock_guard lock(state_->mutex);
    done = std::exchange(state_->done, {});
    state_->delivering = false;
  }
  for (auto& [client, picture] : done) {
    const auto known = state_->clients.find(client);
    if (known == state_->clients.end()) continue;
    const auto shown = known->second;  // it may remove itself
    shown(std::move(picture));
  }
}

}  // namespace looktwice::gui
