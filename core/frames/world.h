#pragma once
// The labelled world: short clips of one thing that moves, made from a seed. What a clip shows is
// decided first and drawn after, so its label is true by construction. Integer and exact arithmetic
// only: a seed gives the same bytes on every machine and with any number of threads.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/json.h"

namespace looktwice::frames::world {

/// What happens in the clip. The order is the class order of every model trained on this world.
enum class Motion {
  left,  ///< translates against the background, as the next three
  right,
  up,
  down,
  approach,   ///< grows steadily
  recede,     ///< shrinks steadily
  clockwise,  ///< turns in place
  counterclockwise,
  bounce,   ///< moves and rebounds from a border, or hops on the ground
  collide,  ///< two things meet and rebound, or the one hands its motion on
  appear,   ///< is not there at first
  vanish,   ///< is not there in the end
  still,    ///< nothing but camera, light and noise
  slide,    ///< the outline rests, the texture in it moves
  flicker,  ///< changes its colours for one frame or two
};
inline constexpr int kClasses = 15;
/// "translate-left", …, "static", "texture-slide", "flicker": index is the label.
const std::vector<std::string>& class_names();

/// Seeds [first, first + count) of a split. Splits never share a seed.
struct Split {
  const char* name;
  uint64_t first, count;
};
inline constexpr Split kSplits[] = {
    {"train", 0, 1'000'000'000},
    {"validation", 2'000'000'000, 1'000'000},
    {"test", 3'000'000'000, 1'000'000},
};
/// The split that a seed belongs to, or "none".
std::string split_of(uint64_t seed);

struct Options {
  int width = 112, height = 112;  ///< pixels, 16 to 1024
  int frames = 16;                ///< 16 or more
  bool operator==(const Options&) const = default;
};

/// What varies beside the label. Written into labels.json under these names.
struct Attributes {
  std::string shape, texture, background, camera, light;
  double noise = 0;         ///< standard deviation in grey levels
  double speed = 0;         ///< share of the class's full motion, 0 to 1
  bool faint = false;       ///< 4 to 7 grey levels of contrast: its motion mostly stays below τ
  bool slow = false;        ///< moves so little from frame to frame that it may stay below τ
  double drift = 0;         ///< grey levels by which the light changes over the clip
  int cut = -1;             ///< first frame of another background, −1 for none
  int event = -1;           ///< frame of the hit, appearance, disappearance or flicker
  bool uncompared = false;  ///< the event is only in a frame that RLT compares with no other
  int bystanders = 0;       ///< things that do nothing
  uint32_t color = 0;       ///< 0xRRGGBB of the thing
};

struct Sample {
  uint64_t seed = 0;
  int label = 0;
  Attributes attributes;
  int T = 0, H = 0, W = 0;
  std::vector<uint8_t> rgb;   ///< [T,H,W,3]
  std::vector<float> poses;   ///< [T,2,7]: of the actor and of the partner of a collision
  std::vector<float> camera;  ///< [T,2]: where the picture looks, x and y in heights
};
/// What `poses` says of a thing at a frame: the x and y of its centre in the picture and its
/// radius, in heights of the picture (y points down); turns; opacity; periods by which its texture
/// slid; whether it shows its other colours. All zero where there is no partner.
inline constexpr int kPoseValues = 7;

/// The label of a seed: seed mod 15, so that any run of consecutive seeds is balanced.
int label_of(uint64_t seed);
/// Throws Error(input) for sizes out of range. Threads: may be called from several at once.
Sample generate(uint64_t seed, const Options& options = {});
Json to_json(const Attributes& attributes);

/// `looktwice synth --count N --seed S -o DIR`.
struct WriteOptions {
  Options clip;
  uint64_t first_seed = 0;
  int64_t count = 1;
  int shard = 256;  ///< clips a file
  int threads = 1;
};
/// Writes clips-00000.safetensors, … and then labels.json into `folder`, which is made if missing.
/// A shard holds `frames_u8` U8 [B,T,H,W,3], `labels` I32 [B], `seeds` I64 [B], `poses` F32
/// [B,T,2,7] and `camera` F32 [B,T,2] (Sample). labels.json is
/// {"schema": "looktwice/world", "version": 1, "classes": […], "size": …, "clips": [{"file",
/// "index", "seed", "split", "label", "class", "attributes"}, …]}. Each file is replaced whole.
/// Throws Error(input) for bad options or an unusable folder, Error(run) on a full disk, Cancelled.
void write_world(const std::filesystem::path& folder, const WriteOptions& options,
                 const std::function<void(double)>& progress = {}, std::stop_token stop = {});

}  // namespace looktwice::frames::world
