#pragma once
// What every part of the compositor paints with: programs, fonts, textures of frames.

#include <functional>
#include <map>
#include <string>

#include "compose/frame_store.h"
#include "gl/framebuffer.h"
#include "gl/shader.h"
#include "overlay/canvas.h"
#include "overlay/font.h"
#include "overlay/marks.h"
#include "overlay/merge_picture.h"

namespace looktwice::compose {

struct Painter {
  gl::Owner owner;
  overlay::Font font;
  overlay::Canvas canvas;
  overlay::Marks marks;
  overlay::MergePictures merges;
  FrameStore frames;
  HeadStore heads;
  gl::RectDrawer rects;
  std::map<std::string, gl::Program> programs;

  /// The program called `name`, compiled at its first use from what `fragment` returns.
  gl::Program& program(const std::string& name, const std::function<std::string()>& fragment);
  void release();
};

}  // namespace looktwice::compose
