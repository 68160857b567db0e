#pragma once
// The one thread that draws. It owns the OpenGL context; widgets hand it values and get pictures
// back, so that the UI thread never waits for a driver, and a window needs nothing but pixels: the
// app runs on every platform of Qt, with or without a GPU.

#include <QImage>
#include <QObject>
#include <QSize>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "fonts.h"
#include "gl/mesh.h"

namespace looktwice::gui {

/// What the context's framebuffer is when an underlay draws; row 0 is the top one.
struct RenderTarget {
  unsigned framebuffer = 0;
  int width = 0, height = 0;
};

/// What lies below the interface: a value, made on the UI thread and drawn on the render thread.
/// The same object is the same picture.
class Underlay {
 public:
  virtual ~Underlay() = default;
  /// On the render thread, context current, framebuffer bound. May leave any state behind; an
  /// exception is logged and what was drawn until then is shown.
  virtual void draw(const RenderTarget& target) const = 0;
};
using UnderlayPtr = std::shared_ptr<const Underlay>;

/// What ImGui drew, without ImGui.
struct Interface {
  gl::Mesh mesh;
  FontPixelsPtr font;
  bool operator==(const Interface&) const = default;
};
using InterfacePtr = std::shared_ptr<const Interface>;

struct RenderRequest {
  QSize pixels;
  QRgb background = 0;
  UnderlayPtr under;  ///< null: none
  InterfacePtr interface;
  uint64_t number = 0;  ///< for the client to know it by
  bool first = false;   ///< before others that wait: the picture before the panels
  QImage spare;         ///< memory to use again, if it fits
};

struct Rendered {
  QImage image;  ///< RGB32; null: nothing could be drawn
  UnderlayPtr under;
  uint64_t number = 0;  ///< of the request
  std::string error;    ///< of the context or the underlay, for people
};

/// Every widget is a client. Of a client at most one request is drawn and one waits: a newer one
/// takes the place of the one that waits. Threads: UI thread only, except post().
class RenderThread : public QObject {
  Q_OBJECT
 public:
  /// Starts at the first call; ends with QApplication, or with the process.
  static RenderThread& instance();

  /// `shown` gets pictures on the UI thread, in order, until remove().
  uint64_t add(std::function<void(Rendered)> shown);
  void remove(uint64_t client);
  void submit(uint64_t client, RenderRequest request);

  /// Runs `task` on the render thread, its context current, before the next picture. Without a
  /// context it is run as well; after the thread's end it never is.
  void post(std::function<void()> task);
  /// What draws, for people; empty before it is known and where nothing can draw.
  std::string renderer() const;
  void stop();

 private:
  RenderThread();
  ~RenderThread() override;
  void deliver();
  struct State;
  std::unique_ptr<State> state_;
};

/// An object with GL innards: made anywhere, used by underlays, destroyed on the render thread
/// whoever lets go of it last.
template <class T, class... Arguments>
std::shared_ptr<T> made_for_rendering(Arguments&&... arguments) {
  return std::shared_ptr<T>(new T(std::forward<Arguments>(arguments)...), [](T* object) {
    RenderThread::instance().post([object] { delete object; });
  });
}

}  // namespace looktwice::gui
