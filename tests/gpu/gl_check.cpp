// Whether tensors of the CUDA backend reach OpenGL's buffers without the host, on a bare machine: a
// headless EGL context on every GPU that EGL knows, without OpenGL's headers.
//   gpu_gl_check [--json FILE]
// Exit 0: the bytes are right, shared on at least one GPU. 77: there is nothing to check (no EGL,
// no context). 1: wrong bytes, or no GPU shares with its own context.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include <dlfcn.h>

#include "base/error.h"
#include "base/json.h"
#include "compute/backend.h"
#include "compute/gl_sharing.h"

namespace {

using namespace looktwice;

// EGL and OpenGL as their registries define them.
using Handle = void*;
using EglAttribute = intptr_t;
constexpr int kNone = 0x3038, kRenderableType = 0x3040, kSurfaceType = 0x3033, kOpenGlBit = 8,
              kMajor = 0x3098, kMinor = 0x30FB, kProfile = 0x30FD, kCore = 1, kDevice = 0x313F,
              kCudaDevice = 0x323A;
constexpr unsigned kOpenGlApi = 0x30A2, kUnpackBuffer = 0x88EC, kStreamDraw = 0x88E0,
                   kRenderer = 0x1F01;

struct Egl {
  Handle loaded = dlopen("libEGL.so.1", RTLD_NOW | RTLD_GLOBAL);
  Handle (*find)(const char*) = nullptr;
  template <typename F>
  F* get(const char* name) const {
    Handle f = dlsym(loaded, name);
    if (!f && find) f = find(name);
    return reinterpret_cast<F*>(f);
  }
};

double median_ms(const std::function<void()>& work) {
  std::vector<double> times;
  for (int i = 0; i < 30; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    times.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
            .count());
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

/// Fills buffers of several sizes in the current context; throws where a byte is wrong.
Json check(const Egl& egl, compute::Backend& backend) {
  const auto* name = egl.get<const char*(unsigned)>("glGetString")(kRenderer);
  Json out = {{"renderer", name ? name : "unknown"}};
  const auto generate = egl.get<void(int, unsigned*)>("glGenBuffers");
  const auto bind = egl.get<void(unsigned, unsigned)>("glBindBuffer");
  const auto data = egl.get<void(unsigned, intptr_t, const void*, unsigned)>("glBufferData");
  const auto write = egl.get<void(unsigned, intptr_t, intptr_t, const void*)>("glBufferSubData");
  const auto read = egl.get<void(unsigned, intptr_t, intptr_t, void*)>("glGetBufferSubData");
  const auto finish = egl.get<void()>("glFinish");
  const auto errors = egl.get<unsigned()>("glGetError");
  if (!generate || !bind || !data || !write || !read || !finish || !errors)
    throw run_failed("gpu_gl_check", "OpenGL has no buffers");
  bool shared = true;
  for (const int64_t height : {3, 480, 1080}) {
    const int64_t width = 1920 * 3, bytes = height * width;
    unsigned buffer = 0;
    generate(1, &buffer);
    bind(kUnpackBuffer, buffer);
    data(kUnpackBuffer, bytes, std::vector<uint8_t>(size_t(bytes)).data(), kStreamDraw);
    compute::Tensor picture({height, width}, DType::u8);
    for (int round = 0; round < 2 && shared; ++round) {  // the second finds the buffer registered
      for (int64_t i = 0; i < bytes; ++i)
        picture.data<uint8_t>()[i] = uint8_t(i * 7 + i / 5 + round);
      const compute::Tensor device = backend.upload(picture);
      shared = backend.gl_sharing() && backend.gl_sharing()->to_gl_buffer(buffer, device);
      if (!shared) break;
      std::vector<uint8_t> got(static_cast<size_t>(bytes));
      read(kUnpackBuffer, 0, bytes, got.data());
      if (std::memcmp(got.data(), picture.raw(), size_t(bytes)) != 0)
        throw run_failed("gpu_gl_check", "a shared buffer holds other bytes than the tensor");
    }
    if (shared && height == 1080) {
      const compute::Tensor device = backend.upload(picture);
      out["shared_1080p_ms"] = median_ms([&] {
        backend.gl_sharing()->to_gl_buffer(buffer, device);
        backend.synchronize();
        finish();
      });
      out["through_the_host_1080p_ms"] = median_ms([&] {
        const compute::Tensor host = backend.download(device);
        write(kUnpackBuffer, 0, bytes, host.raw());
        finish();
      });
    }
    if (const unsigned e = errors())
      throw run_failed("gpu_gl_check", "OpenGL error " + std::to_string(e));
  }
  out["shared"] = shared;
  return out;
}

int run(const std::string& json) {
  Egl egl;
  if (!egl.loaded) {
    std::printf("there is no libEGL.so.1\n");
    return 77;
  }
  egl.find = egl.get<Handle(const char*)>("eglGetProcAddress");
  const auto query = egl.get<unsigned(int, Handle*, int*)>("eglQueryDevicesEXT");
  const auto display_of = egl.get<Handle(int, Handle, const int*)>("eglGetPlatformDisplayEXT");
  const auto attribute = egl.get<unsigned(Handle, int, EglAttribute*)>("eglQueryDeviceAttribEXT");
  const auto start = egl.get<unsigned(Handle, int*, int*)>("eglInitialize");
  const auto choose = egl.get<unsigned(Handle, const int*, Handle*, int, int*)>("eglChooseConfig");
  const auto create = egl.get<Handle(Handle, Handle, Handle, const int*)>("eglCreateContext");
  const auto current = egl.get<unsigned(Handle, Handle, Handle, Handle)>("eglMakeCurrent");
  const auto api = egl.get<unsigned(unsigned)>("eglBindAPI");
  Handle devices[16] = {};
  int count = 0;
  if (!query || !display_of || !start || !choose || !create || !current || !api ||
      !query(16, devices, &count) || count == 0 || !api(kOpenGlApi)) {
    std::printf("EGL knows no device, or no desktop OpenGL\n");
    return 77;
  }
  compute::BackendOptions options;
  options.name = "cuda";
  const compute::BackendPtr backend = compute::make_backend(options);
  Json doc = Json::array();
  bool any_context = false, any_shared = false, own = false;
  for (int i = 0; i < count; ++i) {
    EglAttribute cuda = -1;
    if (!attribute || !attribute(devices[i], kCudaDevice, &cuda)) cuda = -1;
    Handle display = display_of(kDevice, devices[i], nullptr), config = nullptr;
    int major = 0, minor = 0, found = 0;
    const int wanted[] = {kRenderableType, kOpenGlBit, kSurfaceType, 0, kNone};
    const int version[] = {kMajor, 3, kMinor, 3, kProfile, kCore, kNone};
    if (!display || !start(display, &major, &minor) ||
        !choose(display, wanted, &config, 1, &found) || found < 1)
      continue;
    Handle context = create(display, config, nullptr, version);
    if (!context || !current(display, nullptr, nullptr, context)) continue;
    any_context = true;
    own = own || cuda == 0;
    Json one = check(egl, *backend);
    one["cuda_device"] = int(cuda);
    any_shared = any_shared || one["shared"].get<bool>();
    std::printf("EGL device %d: %s\n", i, one.dump().c_str());
    doc.push_back(std::move(one));
    current(display, nullptr, nullptr, nullptr);
  }
  if (!json.empty()) write_json(json, doc);
  if (!any_context) {
    std::printf("EGL makes no OpenGL 3.3 context on its %d devices\n", count);
    return 77;
  }
  if (any_shared) return 0;
  std::printf("no context shares memory with the CUDA device%s\n",
              own ? ", not even its own GPU's" : ": none is on a GPU of CUDA's");
  return own ? 1 : 77;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc > 2 && !std::strcmp(argv[1], "--json") ? argv[2] : "");
  } catch (const std::exception& e) {
    std::printf("%s\n", e.what());
    return 1;
  }
}
