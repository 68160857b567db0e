#pragma once
// Threads whose work may wait.

namespace looktwice {

/// Lowers the calling thread's claim to a CPU (Linux: nice 5), and that of the threads it starts
/// later, such as a decoder's: what draws and answers goes first. Does nothing where the system
/// gives threads no priority of their own. Not to be undone.
void work_in_background() noexcept;

}  // namespace looktwice
