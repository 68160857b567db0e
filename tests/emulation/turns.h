#pragma once
// The order in which the emulator lets a block's threads run, for tests.

namespace looktwice::compute::cuda::emulation {

/// Results must not depend on it: what does is a race.
enum class Turns { ascending, descending, shuffled };
void set_turns(Turns turns);

}  // namespace looktwice::compute::cuda::emulation
