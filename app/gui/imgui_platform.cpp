#include "imgui_platform.h"

#include <QClipboard>
#include <QGuiApplication>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QWheelEvent>
#include <QWidget>
#include <algorithm>
#include <array>
#include <cfloat>
#include <chrono>
#include <cstring>
#include <utility>

#include <imgui_internal.h>

#include "theme.h"

// 1.87 brought the event queue (AddMouse*Event, AddKeyEvent) and ImGuiKey values that need no map.
#define LT_IMGUI_EVENTS (IMGUI_VERSION_NUM >= 18700)

namespace looktwice::gui {
namespace {

struct KeyPair {
  int qt;
  ImGuiKey imgui;
};

constexpr KeyPair kKeys[] = {
    {Qt::Key_Tab, ImGuiKey_Tab},
    {Qt::Key_Left, ImGuiKey_LeftArrow},
    {Qt::Key_Right, ImGuiKey_RightArrow},
    {Qt::Key_Up, ImGuiKey_UpArrow},
    {Qt::Key_Down, ImGuiKey_DownArrow},
    {Qt::Key_PageUp, ImGuiKey_PageUp},
    {Qt::Key_PageDown, ImGuiKey_PageDown},
    {Qt::Key_Home, ImGuiKey_Home},
    {Qt::Key_End, ImGuiKey_End},
    {Qt::Key_Insert, ImGuiKey_Insert},
    {Qt::Key_Delete, ImGuiKey_Delete},
    {Qt::Key_Backspace, ImGuiKey_Backspace},
    {Qt::Key_Space, ImGuiKey_Space},
    {Qt::Key_Return, ImGuiKey_Enter},
    {Qt::Key_Escape, ImGuiKey_Escape},
    {Qt::Key_Enter, ImGuiKey_KeyPadEnter},
    {Qt::Key_A, ImGuiKey_A},
    {Qt::Key_C, ImGuiKey_C},
    {Qt::Key_V, ImGuiKey_V},
    {Qt::Key_X, ImGuiKey_X},
    {Qt::Key_Y, ImGuiKey_Y},
    {Qt::Key_Z, ImGuiKey_Z},
};

int imgui_key(int qt_key) {
  if (qt_key == Qt::Key_Backtab) qt_key = Qt::Key_Tab;
  for (const KeyPair& pair : kKeys) {
    if (pair.qt == qt_key) return int(pair.imgui);
  }
  return -1;
}

int imgui_button(Qt::MouseButton button) {
  switch (button) {
    case Qt::LeftButton:
      return 0;
    case Qt::RightButton:
      return 1;
    case Qt::MiddleButton:
      return 2;
    default:
      return -1;
  }
}

double now_seconds() {
  using namespace std::chrono;
  return duration<double>(steady_clock::now().time_since_epoch()).count();
}

/// The app draws no textures but the font's.
gl::Mesh mesh_of(const ImDrawData& data) {
  static_assert(sizeof(ImDrawVert) == sizeof(gl::MeshVertex));
  gl::Mesh mesh;
  mesh.scale = data.FramebufferScale.x;
  mesh.vertices.resize(size_t(std::max(data.TotalVtxCount, 0)));
  mesh.indices.reserve(size_t(std::max(data.TotalIdxCount, 0)));
  const auto pixel = [&](float at) { return int(at * mesh.scale); };
  size_t base = 0;
  for (int n = 0; n < data.CmdListsCount; ++n) {
    const ImDrawList& list = *data.CmdLists[n];
    if (list.VtxBuffer.Size > 0) {
      std::memcpy(static_cast<void*>(mesh.vertices.data() + base), list.VtxBuffer.Data,
                  size_t(list.VtxBuffer.Size) * sizeof(ImDrawVert));
    }
    for (const ImDrawCmd& command : list.CmdBuffer) {
      const ImVec4& c = command.ClipRect;
      const int x = pixel(c.x), y = pixel(c.y);
      const gl::PixelRect clip{x, y, pixel(c.z) - x, pixel(c.w) - y};
      const auto first = int(mesh.indices.size());
      const auto offset = uint32_t(base + command.VtxOffset);
      for (unsigned i = 0; i < command.ElemCount; ++i)
        mesh.indices.push_back(offset + list.IdxBuffer[int(command.IdxOffset + i)]);
      if (!mesh.parts.empty() && mesh.parts.back().clip == clip) {
        mesh.parts.back().count += int(command.ElemCount);
      } else if (command.ElemCount > 0) {
        mesh.parts.push_back({first, int(command.ElemCount), clip});
      }
    }
    base += size_t(list.VtxBuffer.Size);
  }
  return mesh;
}

}  // namespace

ImGuiPlatform::ImGuiPlatform(QWidget* widget)
    : widget_(widget),
      fonts_(font_atlas(widget->devicePixelRatioF() * ui_scale())),
      context_(ImGui::CreateContext(&fonts_->faces)) {
  use();
  ImGuiIO& io = ImGui::GetIO();
  io.IniFilename = nullptr;  // layout belongs to Qt's settings
  io.LogFilename = nullptr;
  io.ConfigFlags |= ImGuiConfigFlags_NoMouseCursorChange;
  io.ConfigInputTextCursorBlink = false;  // a blinking cursor would keep an idle app painting
  io.ConfigWindowsMoveFromTitleBarOnly = true;
  io.BackendPlatformName = "looktwice_qt";
  io.BackendFlags |= ImGuiBackendFlags_HasMouseCursors | ImGuiBackendFlags_RendererHasVtxOffset;
#if !LT_IMGUI_EVENTS
  for (const KeyPair& pair : kKeys)
    io.KeyMap[pair.imgui] = int(pair.imgui);
#endif
#if IMGUI_VERSION_NUM < 19110
  io.ClipboardUserData = this;
  io.GetClipboardTextFn = &ImGuiPlatform::get_clipboard;
  io.SetClipboardTextFn = &ImGuiPlatform::set_clipboard;
#else
  ImGuiPlatformIO& platform = ImGui::GetPlatformIO();
  platform.Platform_ClipboardUserData = this;
  platform.Platform_GetClipboardTextFn = [](ImGuiContext*) {
    return get_clipboard(ImGui::GetPlatformIO().Platform_ClipboardUserData);
  };
  platform.Platform_SetClipboardTextFn = [](ImGuiContext*, const char* text) {
    set_clipboard(ImGui::GetPlatformIO().Platform_ClipboardUserData, text);
  };
#endif
}

ImGuiPlatform::~ImGuiPlatform() {
  ImGuiContext* other = ImGui::GetCurrentContext();
  use();
  ImGui::DestroyContext(context_);
  // DestroyContext leaves no current context; give it back to whoever had it.
  ImGui::SetCurrentContext(other == context_ ? nullptr : other);
}

void ImGuiPlatform::begin_frame(double ui_scale) {
  use();
  ImGuiIO& io = ImGui::GetIO();
  const double dpr = widget_->devicePixelRatioF();
  io.DisplaySize = ImVec2(float(widget_->width()), float(widget_->height()));
  io.DisplayFramebufferScale = ImVec2(float(dpr), float(dpr));
  const double now = now_seconds();
  io.DeltaTime = float(std::clamp(now - last_time_, 1e-4, 0.25));
  last_time_ = now;
  if (std::abs(fonts_->scale - dpr * ui_scale) > 1e-3) {
    fonts_ = font_atlas(dpr * ui_scale);
    io.Fonts = &fonts_->faces;
  }
  io.FontGlobalScale = float(1.0 / dpr);
  apply_imgui_style(current_theme(), ui_scale);
  deliver();
  ImGui::NewFrame();
}

InterfacePtr ImGuiPlatform::end_frame() {
  use();
  ImGui::Render();
#if IMGUI_VERSION_NUM < 18700
  const ImGuiContext& g = *context_;
  ime_ = QRectF(g.PlatformImePos.x, g.PlatformImePos.y, 1, ImGui::GetFontSize());
#elif IMGUI_VERSION_NUM < 18900
  const ImGuiContext& g = *context_;
  ime_ = QRectF(g.PlatformImeData.InputPos.x, g.PlatformImeData.InputPos.y, 1,
                g.PlatformImeData.InputLineHeight);
#else
  const ImGuiContext& g = *context_;
  ime_ = QRectF(g.PlatformImeData.InputPos.x, g.PlatformImeData.InputPos.y, 1,
                g.PlatformImeData.InputLineHeight);
#endif
  auto drawn = std::make_shared<Interface>();
  drawn->mesh = mesh_of(*ImGui::GetDrawData());
  drawn->font = fonts_->pixels;
  return drawn;
}

void ImGuiPlatform::deliver() {
  ImGuiIO& io = ImGui::GetIO();
#if LT_IMGUI_EVENTS
  for (const Event& event : std::exchange(queue_, {})) {
    switch (event.kind) {
      case Event::move:
        io.AddMousePosEvent(float(event.at.x()), float(event.at.y()));
        break;
      case Event::button:
        io.AddMouseButtonEvent(event.code, event.down);
        break;
      case Event::wheel:
        io.AddMouseWheelEvent(float(event.at.x()), float(event.at.y()));
        break;
      case Event::key:
        io.AddKeyEvent(ImGuiKey(event.code), event.down);
        break;
      case Event::text:
        io.AddInputCharactersUTF8(event.utf8.constData());
        break;
      case Event::mods:
#if IMGUI_VERSION_NUM >= 18900
        io.AddKeyEvent(ImGuiMod_Ctrl, event.code & 1);
        io.AddKeyEvent(ImGuiMod_Shift, event.code & 2);
        io.AddKeyEvent(ImGuiMod_Alt, event.code & 4);
#else
        io.AddKeyModsEvent((event.code & 1 ? ImGuiKeyModFlags_Ctrl : 0) |
                           (event.code & 2 ? ImGuiKeyModFlags_Shift : 0) |
                           (event.code & 4 ? ImGuiKeyModFlags_Alt : 0));
#endif
        break;
    }
  }
#else
  io.MouseWheel = io.MouseWheelH = 0;
  unsigned buttons_changed = 0;
  std::array<bool, 512> keys_changed{};
  bool key_changed = false, moved = false;
  while (!queue_.empty()) {
    const Event& event = queue_.front();
    switch (event.kind) {
      case Event::move:
        if (buttons_changed != 0) return;  // the press is seen where it happened
        moved = true;
        io.MousePos = ImVec2(float(event.at.x()), float(event.at.y()));
        break;
      case Event::button:
        if (buttons_changed & (1u << event.code)) return;
        if (moved && !event.down && io.MouseDown[event.code])
          return;  // a drag ends where it was let go
        buttons_changed |= 1u << event.code;
        io.MouseDown[event.code] = event.down;
        break;
      case Event::wheel:
        io.MouseWheelH += float(event.at.x());
        io.MouseWheel += float(event.at.y());
        break;
      case Event::mods:
        if (key_changed || buttons_changed != 0) return;
        io.KeyCtrl = (event.code & 1) != 0;
        io.KeyShift = (event.code & 2) != 0;
        io.KeyAlt = (event.code & 4) != 0;
        break;
      case Event::key:
        if (keys_changed[size_t(event.code)]) return;
        keys_changed[size_t(event.code)] = key_changed = true;
        io.KeysDown[event.code] = event.down;
        break;
      case Event::text:
        io.AddInputCharactersUTF8(event.utf8.constData());
        break;
    }
    queue_.pop_front();
  }
#endif
}

void ImGuiPlatform::push_modifiers(Qt::KeyboardModifiers modifiers) {
  if (modifiers == modifiers_) return;
  modifiers_ = modifiers;
  Event event{Event::mods, {}, 0, false, {}};
  event.code = (modifiers & Qt::ControlModifier ? 1 : 0) | (modifiers & Qt::ShiftModifier ? 2 : 0) |
               (modifiers & Qt::AltModifier ? 4 : 0);
  push(std::move(event));
}

void ImGuiPlatform::mouse_move(const QPointF& at) {
  // Only the last of a row of moves matters.
  if (!queue_.empty() && queue_.back().kind == Event::move) queue_.pop_back();
  push({Event::move, at, 0, false, {}});
}

void ImGuiPlatform::mouse_button(Qt::MouseButton button, bool down, const QPointF& at,
                                 Qt::KeyboardModifiers modifiers) {
  const int code = imgui_button(button);
  if (code < 0) return;
  push_modifiers(modifiers);
  mouse_move(at);
  push({Event::button, {}, code, down, {}});
}

void ImGuiPlatform::mouse_leave() {
  push({Event::move, QPointF(-double(FLT_MAX), -double(FLT_MAX)), 0, false, {}});
}

void ImGuiPlatform::wheel(const QWheelEvent* event) {
  // Touch pads give pixels, wheels give eighths of a degree (120 is one notch).
  QPointF notches = QPointF(event->angleDelta()) / 120.0;
  if (notches.isNull()) notches = QPointF(event->pixelDelta()) / 40.0;
  push_modifiers(event->modifiers());
  mouse_move(event->position());
  push({Event::wheel, notches, 0, false, {}});
}

bool ImGuiPlatform::key(const QKeyEvent* event, bool down) {
  push_modifiers(event->modifiers());
  const int code = imgui_key(event->key());
  if (code >= 0) push({Event::key, {}, code, down, {}});
  const bool wanted = wants_text();
  if (down && wanted && !(event->modifiers() & (Qt::ControlModifier | Qt::AltModifier))) {
    text(event->text());
  }
  return wanted;
}

void ImGuiPlatform::text(const QString& committed) {
  QString printable;
  for (const QChar c : committed) {
    if (c.unicode() >= 32 && c.unicode() != 127) printable += c;
  }
  if (!printable.isEmpty()) push({Event::text, {}, 0, false, printable.toUtf8()});
}

void ImGuiPlatform::focus(bool gained) {
  use();
  ImGuiIO& io = ImGui::GetIO();
  if (gained) {
    io.AddFocusEvent(true);
    return;
  }
  // What was held when the focus left is released; nobody will tell us later. The mouse stays with
  // a widget that grabbed it.
  for (const KeyPair& pair : kKeys)
    push({Event::key, {}, int(pair.imgui), false, {}});
  push_modifiers({});
  io.AddFocusEvent(false);
}

bool ImGuiPlatform::wants_text() const {
  use();
  return ImGui::GetIO().WantTextInput;
}

bool ImGuiPlatform::wants_mouse() const {
  use();
  return ImGui::GetIO().WantCaptureMouse;
}

QRectF ImGuiPlatform::ime_rectangle() const {
  return ime_;
}

Qt::CursorShape ImGuiPlatform::cursor() const {
  use();
  switch (ImGui::GetMouseCursor()) {
    case ImGuiMouseCursor_TextInput:
      return Qt::IBeamCursor;
    case ImGuiMouseCursor_ResizeAll:
      return Qt::SizeAllCursor;
    case ImGuiMouseCursor_ResizeNS:
      return Qt::SizeVerCursor;
    case ImGuiMouseCursor_ResizeEW:
      return Qt::SizeHorCursor;
    case ImGuiMouseCursor_ResizeNESW:
      return Qt::SizeBDiagCursor;
    case ImGuiMouseCursor_ResizeNWSE:
      return Qt::SizeFDiagCursor;
    case ImGuiMouseCursor_Hand:
      return Qt::PointingHandCursor;
    case ImGuiMouseCursor_NotAllowed:
      return Qt::ForbiddenCursor;
    default:
      return Qt::ArrowCursor;
  }
}

const char* ImGuiPlatform::get_clipboard(void* user) {
  auto* self = static_cast<ImGuiPlatform*>(user);
  self->clipboard_ = QGuiApplication::clipboard()->text().toUtf8();  // outlives the call
  return self->clipboard_.constData();
}

void ImGuiPlatform::set_clipboard(void*, const char* text) {
  QGuiApplication::clipboard()->setText(QString::fromUtf8(text));
}

}  // namespace looktwice::gui
