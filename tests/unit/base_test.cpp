#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "base/background.h"
#include "base/error.h"
#include "base/json.h"
#include "base/safetensors.h"
#include "base/text.h"

namespace looktwice {
namespace {
namespace fs = std::filesystem;

class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("lt_base_" + std::to_string(::getpid()))) {
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  fs::path operator/(const std::string& name) const { return path_ / name; }
  size_t files() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(path_), {}));
  }

 private:
  fs::path path_;
};

void write_raw(const fs::path& path, uint64_t length, const std::string& header, size_t data) {
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(&length), 8);
  out << header << std::string(data, '\1');
}

std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    EXPECT_EQ(e.exit_code(), 2);
    return e.what();
  }
  return "no error";
}

TEST(Safetensors, RoundTrip) {
  Folder dir;
  TensorDump dump;
  dump.add("b/floats", {2, 2}, std::vector<float>{1, 2, 3, -4});
  dump.add("a", {3}, std::vector<uint8_t>{7, 8, 9});
  dump.add("scalar", {}, std::vector<int32_t>{-5});
  dump.write(dir / "x.safetensors", {{"note", "τ"}});
  SafetensorsReader in(dir / "x.safetensors");
  EXPECT_EQ(in.read<float>("b/floats"), (std::vector<float>{1, 2, 3, -4}));
  EXPECT_EQ(in.read<uint8_t>("a"), (std::vector<uint8_t>{7, 8, 9}));
  EXPECT_EQ(in.read<int32_t>("scalar"), (std::vector<int32_t>{-5}));
  EXPECT_EQ(in.metadata().at("note"), "τ");
  EXPECT_EQ(dir.files(), 1u) << "no temporary file may stay";
}

TEST(Safetensors, HostileFilesAreNamed) {
  Folder dir;
  const fs::path p = dir / "x.safetensors";
  const auto open = [&] { SafetensorsReader r(p); };
  const auto expect = [&](const std::string& part) {
    const std::string m = message_of(open);
    EXPECT_NE(m.find(part), std::string::npos) << m;
    EXPECT_NE(m.find("x.safetensors"), std::string::npos) << m;
  };
  write_raw(p, ~uint64_t{0}, "{}", 0);
  expect("claims a header of");
  write_raw(p, 2, "{", 1);
  expect("not valid JSON");
  write_raw(p, 2, "[]", 0);
  expect("not a JSON object");
  const auto tensor = [&](const std::string& body, size_t data) {
    const std::string h = "{" + body + "}";
    write_raw(p, h.size(), h, data);
  };
  tensor(R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})", 4);
  expect("the file holds 4");
  tensor(R"("a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]})", 8);
  expect("needs 12 bytes");
  tensor(R"("a":{"dtype":"Q4","shape":[2],"data_offsets":[0,8]})", 8);
  expect("dtype \"Q4\"");
  tensor(R"("a":{"dtype":"U8","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,8]})",
         8);
  expect("too large");
  tensor(R"("a":{"dtype":"U8","shape":[-1],"data_offsets":[0,8]})", 8);
  expect("impossible dimension");
  tensor(R"("a":{"dtype":"U8","shape":[8],"data_offsets":[8,0]})", 8);
  expect("claims bytes 8 to 0");
  tensor(R"("a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},)"
         R"("b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]})",
         8);
  expect("overlap");
  tensor(R"("a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},)"
         R"("a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]})",
         8);
  expect("named twice");
  write_raw(p, 40, std::string(40, '['), 0);
  expect("x.safetensors");
}

TEST(AtomicFile, KeepsTheOldFileUntilCommitted) {
  Folder dir;
  std::ofstream(dir / "t.txt") << "old";
  {
    AtomicFile f(dir / "t.txt");
    f.write("new");
  }
  std::string text;
  std::ifstream(dir / "t.txt") >> text;
  EXPECT_EQ(text, "old");
  EXPECT_EQ(dir.files(), 1u);
  AtomicFile f(dir / "t.txt");
  f.write("new");
  f.commit();
  std::ifstream(dir / "t.txt") >> text;
  EXPECT_EQ(text, "new");
}

TEST(AtomicFile, RefusesFoldersAndMissingFolders) {
  Folder dir;
  EXPECT_NE(message_of([&] { AtomicFile f(dir / "."); }), "no error");
  EXPECT_NE(message_of([&] { AtomicFile f(dir / "no/such/x"); }), "no error");
}

TEST(AtomicFile, FullDiskIsARunErrorAndDevicesStayDevices) {
  if (!fs::is_character_file("/dev/full")) GTEST_SKIP() << "this system has no /dev/full";
  try {
    write_json("/dev/full", Json{{"a", 1}});
    FAIL() << "a full disk must be an error";
  } catch (const Error& e) {
    EXPECT_EQ(e.exit_code(), 1);
  }
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
}

TEST(Text, NumbersAreStrict) {
  EXPECT_DOUBLE_EQ(parse_number(" 0.25 ", "x"), 0.25);
  for (const char* bad : {"", "a", "1x", "nan", "inf", "1e999", "0,5"})
    EXPECT_NE(message_of([&] { parse_number(bad, "--rlt"); }), "no error") << bad;
  EXPECT_EQ(parse_integer("-3", "x"), -3);
  EXPECT_NE(message_of([&] { parse_integer("1.5", "x"); }), "no error");
}

TEST(Text, Helpers) {
  EXPECT_EQ(nearest("bal", {"ball", "cube"}), "ball");
  EXPECT_EQ(nearest("zzzzz", {"ball", "cube"}), std::nullopt);
  EXPECT_EQ(shell_quote("a b"), "'a b'");
  EXPECT_EQ(shell_quote("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_quote("0.1"), "0.1");
  EXPECT_EQ(number_text(0.1), "0.1");
  EXPECT_EQ(split("a,b,", ',').size(), 3u);
}

TEST(Json, NonFiniteIsNull) {
  EXPECT_EQ(to_text(Json{{"x", finite(1.0 / 0.0)}}), "{\n  \"x\": null\n}\n");
  EXPECT_NE(message_of([] { parse_json("{\n 1", "f.json"); }).find("line 2"), std::string::npos);
}

TEST(Background, ConcernsTheThreadAndThoseThatItStarts) {
  const auto nice = [] { return getpriority(PRIO_PROCESS, static_cast<id_t>(gettid())); };
  const int before = nice();
  int own = 0, started = 0;
  std::thread([&] {
    work_in_background();
    own = nice();
    std::thread([&] { started = nice(); }).join();
  }).join();
  EXPECT_GT(own, before);
  EXPECT_EQ(started, own);
  EXPECT_EQ(nice(), before);
}

}  // namespace
}  // namespace looktwice
