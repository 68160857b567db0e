#include "tokens/grid.h"

#include <string>

#include "base/error.h"

namespace looktwice::tokens {

Grid grid_of(const ClipView& clip, int tubelet, int patch) {
  if (tubelet < 1) throw bad_input("--tubelet", "must be at least 1");
  if (patch < 1) throw bad_input("--patch", "must be at least 1");
  if (clip.T < tubelet || clip.T % tubelet != 0)
    throw bad_input("clip",
                    std::to_string(clip.T) + " frames are no multiple of the tubelet of " +
                        std::to_string(tubelet),
                    "choose --frames or --tubelet to match");
  if (clip.H < patch || clip.W < patch)
    throw bad_input("clip", "a picture of " + std::to_string(clip.W) + "x" +
                                std::to_string(clip.H) + " is smaller than one patch of " +
                                std::to_string(patch));
  return {clip.T / tubelet, clip.H / patch, clip.W / patch, tubelet, patch};
}

}  // namespace looktwice::tokens
