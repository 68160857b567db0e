#include "gl/context.h"

#include <cstring>
#include <vector>

#define GL_GLEXT_PROTOTYPES
#include <EGL/egl.h>
#include <EGL/eglext.h>
#include <GL/glcorearb.h>

#include "base/error.h"

namespace looktwice::gl {
namespace {

constexpr const char* kHint = "install libegl1, libegl-mesa0 and libgl1-mesa-dri";

bool has_extension(const char* list, const char* name) {
  const size_t length = std::strlen(name);
  for (const char* at = list; at && (at = std::strstr(at, name)); at += length) {
    const bool starts = at == list || at[-1] == ' ';
    if (starts && (at[length] == ' ' || at[length] == '\0')) return true;
  }
  return false;
}

/// Mesa's surfaceless platform first, then every EGL device (other vendors' drivers).
std::vector<EGLDisplay> displays() {
  std::vector<EGLDisplay> found;
  const char* client = eglQueryString(EGL_NO_DISPLAY, EGL_EXTENSIONS);
  auto get_display = reinterpret_cast<PFNEGLGETPLATFORMDISPLAYEXTPROC>(
      eglGetProcAddress("eglGetPlatformDisplayEXT"));
  if (!get_display) return found;
  if (has_extension(client, "EGL_MESA_platform_surfaceless")) {
    found.push_back(get_display(EGL_PLATFORM_SURFACELESS_MESA, EGL_DEFAULT_DISPLAY, nullptr));
  }
  auto query_devices =
      reinterpret_cast<PFNEGLQUERYDEVICESEXTPROC>(eglGetProcAddress("eglQueryDevicesEXT"));
  if (query_devices && has_extension(client, "EGL_EXT_platform_device")) {
    EGLDeviceEXT devices[16];
    EGLint count = 0;
    if (query_devices(16, devices, &count)) {
      for (EGLint i = 0; i < count; ++i) {
        found.push_back(get_display(EGL_PLATFORM_DEVICE_EXT, devices[i], nullptr));
      }
    }
  }
  return found;
}

EGLContext create(EGLDisplay display) {
  EGLint major = 0, minor = 0;
  if (display == EGL_NO_DISPLAY || !eglInitialize(display, &major, &minor)) return EGL_NO_CONTEXT;
  const char* extensions = eglQueryString(display, EGL_EXTENSIONS);
  if (!has_extension(extensions, "EGL_KHR_surfaceless_context") ||
      !has_extension(extensions, "EGL_KHR_create_context")) {
    return EGL_NO_CONTEXT;
  }
  EGLConfig config = EGL_NO_CONFIG_KHR;
  if (!has_extension(extensions, "EGL_KHR_no_config_context")) {
    const EGLint wanted[] = {EGL_RENDERABLE_TYPE, EGL_OPENGL_BIT, EGL_SURFACE_TYPE, 0, EGL_NONE};
    EGLint count = 0;
    if (!eglChooseConfig(display, wanted, &config, 1, &count) || count < 1) return EGL_NO_CONTEXT;
  }
  const EGLint attributes[] = {EGL_CONTEXT_MAJOR_VERSION,
                               3,
                               EGL_CONTEXT_MINOR_VERSION,
                               3,
                               EGL_CONTEXT_OPENGL_PROFILE_MASK,
                               EGL_CONTEXT_OPENGL_CORE_PROFILE_BIT,
                               EGL_NONE};
  return eglCreateContext(display, config, EGL_NO_CONTEXT, attributes);
}

}  // namespace

struct EglContext::State {
  EGLDisplay display = EGL_NO_DISPLAY;
  EGLContext context = EGL_NO_CONTEXT;
};

EglContext::EglContext() : state_(std::make_unique<State>()) {
  if (!eglBindAPI(EGL_OPENGL_API)) throw run_failed("EGL", "there is no desktop OpenGL", kHint);
  for (EGLDisplay display : displays()) {
    state_->context = create(display);
    if (state_->context == EGL_NO_CONTEXT) continue;
    state_->display = display;
    make_current();
    return;
  }
  throw run_failed("EGL", "no OpenGL 3.3 context can be made without a display", kHint);
}

EglContext::~EglContext() {
  if (state_->context == EGL_NO_CONTEXT) return;
  if (eglGetCurrentContext() == state_->context) release_current();
  // The display stays: EGL has one per process, and another context may use it.
  eglDestroyContext(state_->display, state_->context);
}

void EglContext::make_current() {
  if (eglMakeCurrent(state_->display, EGL_NO_SURFACE, EGL_NO_SURFACE, state_->context)) return;
  throw run_failed("EGL", eglGetError() == EGL_BAD_ACCESS
                              ? "the OpenGL context is in use by another thread"
                              : "the OpenGL context cannot be made current");
}

void EglContext::release_current() {
  eglMakeCurrent(state_->display, EGL_NO_SURFACE, EGL_NO_SURFACE, EGL_NO_CONTEXT);
}

std::string renderer_name() {
  const auto text = [](GLenum name) {
    const auto* s = reinterpret_cast<const char*>(glGetString(name));
    return std::string(s ? s : "unknown");
  };
  const std::string version = text(GL_VERSION);
  return text(GL_RENDERER) + ", OpenGL " + version.substr(0, version.find(' '));
}

bool is_software_renderer() {
  const auto* name = reinterpret_cast<const char*>(glGetString(GL_RENDERER));
  if (!name) return true;
  for (const char* software : {"llvmpipe", "softpipe", "SWR", "Software Rasterizer"}) {
    if (std::strstr(name, software)) return true;
  }
  return false;
}

}  // namespace looktwice::gl
