#include "compose/painter.h"

namespace looktwice::compose {

gl::Program& Painter::program(const std::string& name,
                              const std::function<std::string()>& fragment) {
  const auto found = programs.find(name);
  if (found != programs.end()) return found->second;
  return programs[name] = gl::Program(owner, name, gl::kAreaVertex, fragment());
}

void Painter::release() {
  canvas.release();
  marks.release();
  frames.release();
  heads.release();
  rects.release();
  programs.clear();
}

}  // namespace looktwice::compose
