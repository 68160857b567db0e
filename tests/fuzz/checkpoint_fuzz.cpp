// Damaged model folders: bytes of a good safetensors file and a good config.json are changed at
// random, and loading must either succeed or throw Error(input). Bounded: the same iterations every
// time, more with LOOKTWICE_FUZZ_ITERATIONS.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/error.h"
#include "models/classifier.h"

namespace looktwice {
namespace {

namespace fs = std::filesystem;

std::string bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void put(const fs::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
}

class Mutator {
 public:
  explicit Mutator(uint32_t seed) : random_(seed) {}
  /// Changes 1 to 4 places of the first `reach` bytes.
  std::string operator()(std::string s, size_t reach) {
    static const std::string kWords[] = {"\"",
                                         "{",
                                         "}",
                                         "[",
                                         "]",
                                         ",",
                                         ":",
                                         "-1",
                                         "0",
                                         "1e99",
                                         "18446744073709551616",
                                         "null",
                                         "F64",
                                         "BF16",
                                         "I32",
                                         "9223372036854775807",
                                         "\xff",
                                         "\\u0000"};
    for (uint32_t n = random_() % 4 + 1; n > 0 && !s.empty(); --n) {
      const size_t at = random_() % std::min(reach, s.size());
      switch (random_() % 6) {
        case 0:
          s[at] = char(random_());
          break;
        case 1:
          s[at] = char(s[at] ^ (1 << random_() % 8));
          break;
        case 2:
          s.erase(at, random_() % 9 + 1);
          break;
        case 3:
          s.insert(at, kWords[random_() % std::size(kWords)]);
          break;
        case 4:
          s.replace(at, std::min<size_t>(random_() % 5 + 1, s.size() - at),
                    kWords[random_() % std::size(kWords)]);
          break;
        default:
          s.resize(at);
      }
    }
    return s;
  }

 private:
  std::mt19937 random_;
};

TEST(CheckpointFuzz, DamagedFoldersAreRefusedOrLoaded) {
  const char* wanted = std::getenv("LOOKTWICE_FUZZ_ITERATIONS");
  const int iterations = wanted ? std::atoi(wanted) : 400;
  const fs::path folder = fs::path(testing::TempDir()) / ("fuzz_" + std::to_string(getpid()));
  fs::create_directories(folder);
  const auto backend = compute::make_backend({"reference", DType::f32, 1});
  int refused = 0, loaded = 0;
  for (const char* name : {"tiny_videomae", "tiny_timm"}) {
    const fs::path golden = fs::path(LT_TEST_DATA) / "golden/tokens" / name;
    const std::string weights = bytes_of(golden / "model.safetensors"),
                      config = bytes_of(golden / "config.json");
    uint64_t header = 0;
    std::copy_n(weights.data(), 8, reinterpret_cast<char*>(&header));
    for (int i = 0; i < iterations; ++i) {
      Mutator mutate{uint32_t(i)};
      put(folder / "model.safetensors",
          i % 3 == 0 ? weights : mutate(weights, i % 3 == 1 ? 8 + header : weights.size()));
      put(folder / "config.json", i % 3 == 0 ? mutate(config, config.size()) : config);
      try {
        models::load(folder, backend);
        ++loaded;
      } catch (const Error& e) {
        EXPECT_EQ(e.exit_code(), 2) << name << " iteration " << i << ": " << e.what();
        ++refused;
      } catch (const std::exception& e) {
        ADD_FAILURE() << name << " iteration " << i << ": " << e.what();
      }
    }
  }
  fs::remove_all(folder);
  EXPECT_GT(refused, 0);
  EXPECT_GT(loaded, 0);
}

}  // namespace
}  // namespace looktwice
