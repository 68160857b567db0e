#pragma once
// Stable 64-bit FNV-1a: names cached results and checks that generated frames are the same on every
// machine. Not for security.

#include <cstddef>
#include <cstdint>
#include <string>

namespace looktwice {

inline constexpr uint64_t kHashSeed = 0xcbf29ce484222325ull;

uint64_t hash_bytes(const void* data, size_t bytes, uint64_t seed = kHashSeed);
inline uint64_t hash_text(const std::string& text, uint64_t seed = kHashSeed) {
  return hash_bytes(text.data(), text.size(), seed);
}
/// 16 lower-case hexadecimal digits.
std::string hex(uint64_t value);

}  // namespace looktwice
