#pragma once
// An OpenGL context that needs neither display nor window nor GPU, for the command line and tests.

#include <memory>
#include <string>

namespace looktwice::gl {

/// OpenGL 3.3 core on EGL's surfaceless platform (a GPU where Mesa finds one, llvmpipe otherwise),
/// or on an EGL device where there is no Mesa. It has no default framebuffer: draw into your own.
/// One thread at a time may have it current.
class EglContext {
 public:
  /// Makes the context and makes it current. Throws Error(run) that says which package is missing.
  EglContext();
  ~EglContext();
  EglContext(const EglContext&) = delete;
  EglContext& operator=(const EglContext&) = delete;

  /// Makes it current on the calling thread; throws Error(run) if another thread holds it.
  void make_current();
  /// Leaves the calling thread without a context.
  void release_current();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// What draws in the current context, for people: "llvmpipe (LLVM 15.0.6, 256 bits), OpenGL 4.5".
std::string renderer_name();
/// True where the CPU draws (llvmpipe, softpipe, swr): reading back needs no second buffer there.
bool is_software_renderer();

}  // namespace looktwice::gl
