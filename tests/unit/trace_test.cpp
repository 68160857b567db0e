#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/error.h"
#include "base/hash.h"
#include "trace/trace_file.h"

namespace looktwice::trace {
namespace {
namespace fs = std::filesystem;

class TraceFile : public testing::Test {
 protected:
  TraceFile()
      : folder_(fs::temp_directory_path() /
                ("lt_trace_" + std::to_string(::getpid()) + "_" +
                 testing::UnitTest::GetInstance()->current_test_info()->name())) {
    fs::create_directories(folder_);
  }
  ~TraceFile() override { fs::remove_all(folder_); }
  fs::path path(const std::string& name) const { return folder_ / name; }
  size_t files() const { return size_t(std::distance(fs::directory_iterator(folder_), {})); }

 private:
  fs::path folder_;
};

/// A clip of 2x2x3 tokens with a class token: 9 kept patches, three layers of merges.
ClipTrace merged_clip() {
  ClipTrace c;
  c.t = 2, c.h = 2, c.w = 3;
  c.frame_indices = {5, 9, 13, 17};
  c.frame_times = {0.2, 0.36, 0.52, 0.68};
  c.crop_x = 12.5, c.crop_width = 300, c.crop_height = 300;
  c.has_rlt = true;
  c.tau = 0.1f;
  const float inf = INFINITY;
  c.difference = {inf, inf, inf, inf, inf, inf, 0.5f, 0, 0.05f, 0.3f, 0.2f, std::nanf("")};
  c.keep = {1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 0};
  c.run_length = run_lengths_of(c.keep, 2, 2, 3);
  c.extra_tokens = 1;
  c.initial_size = {1, 1, 2, 2, 1, 1, 2, 1, 1, 1};
  c.layers = {{10, 8, {1, 3}, {2, 4}, {0.9f, 0.8f}, {}, 1.5, 2e9},
              {8, 7, {2}, {4}, {}, {}, 1.25, 1.5e9},
              {7, 6, {}, {}, {}, {9}, 0, 0}};
  c.predictions = {{3, "making tea", 0.75}, {1, "χορός", 0.125}};
  c.dense_predictions = {{3, "making tea", 0.8}};
  c.milliseconds = 12.5;
  c.flops = 3.5e9;
  return c;
}

ClipTrace plain_clip(int index) {
  ClipTrace c;
  c.t = 1, c.h = 1, c.w = 2;
  c.frame_indices = {index, index + 1};
  c.frame_times = {index / 30.0, (index + 1) / 30.0};
  return c;
}

void expect_equal(const ClipTrace& a, const ClipTrace& b) {
  EXPECT_EQ(a.t, b.t);
  EXPECT_EQ(a.h, b.h);
  EXPECT_EQ(a.w, b.w);
  EXPECT_EQ(a.tubelet, b.tubelet);
  EXPECT_EQ(a.patch, b.patch);
  EXPECT_EQ(a.frame_indices, b.frame_indices);
  EXPECT_EQ(a.frame_times, b.frame_times);
  EXPECT_EQ(a.crop_x, b.crop_x);
  EXPECT_EQ(a.crop_width, b.crop_width);
  EXPECT_EQ(a.has_rlt, b.has_rlt);
  EXPECT_EQ(a.tau, b.tau);
  EXPECT_EQ(a.drop, b.drop);
  ASSERT_EQ(a.difference.size(), b.difference.size());
  EXPECT_TRUE(a.difference.empty() || std::memcmp(a.difference.data(), b.difference.data(),
                                                  a.difference.size() * sizeof(float)) == 0);
  EXPECT_EQ(a.keep, b.keep);
  EXPECT_EQ(a.run_length, b.run_length);
  EXPECT_EQ(a.extra_tokens, b.extra_tokens);
  EXPECT_EQ(a.initial_size, b.initial_size);
  ASSERT_EQ(a.layers.size(), b.layers.size());
  for (size_t l = 0; l < a.layers.size(); ++l) {
    EXPECT_EQ(a.layers[l].tokens_in, b.layers[l].tokens_in);
    EXPECT_EQ(a.layers[l].tokens_out, b.layers[l].tokens_out);
    EXPECT_EQ(a.layers[l].source, b.layers[l].source);
    EXPECT_EQ(a.layers[l].destination, b.layers[l].destination);
    EXPECT_EQ(a.layers[l].score, b.layers[l].score);
    EXPECT_EQ(a.layers[l].dropped, b.layers[l].dropped);
    EXPECT_EQ(a.layers[l].milliseconds, b.layers[l].milliseconds);
    EXPECT_EQ(a.layers[l].flops, b.layers[l].flops);
  }
  ASSERT_EQ(a.predictions.size(), b.predictions.size());
  for (size_t i = 0; i < a.predictions.size(); ++i) {
    EXPECT_EQ(a.predictions[i].label, b.predictions[i].label);
    EXPECT_EQ(a.predictions[i].score, b.predictions[i].score);
  }
  EXPECT_EQ(a.dense_predictions.size(), b.dense_predictions.size());
  EXPECT_EQ(a.milliseconds, b.milliseconds);
}

TokenTrace whole_trace() {
  TokenTrace trace;
  trace.source = "synth:cars?seed=3 τ";
  trace.source_width = 1280, trace.source_height = 720, trace.source_fps = 29.97;
  trace.model = "models/vit-b";
  trace.settings = {{"rlt", {{"tau", 0.1}}}};
  trace.clips = {merged_clip(), plain_clip(0)};
  return trace;
}

TEST_F(TraceFile, RoundTrip) {
  const TokenTrace trace = whole_trace();
  save_trace(path("a.lttrace"), trace);
  EXPECT_TRUE(is_token_trace(path("a.lttrace")));
  const TokenTrace back = load_trace(path("a.lttrace"));
  EXPECT_EQ(back.source, trace.source);
  EXPECT_EQ(back.source_width, 1280);
  EXPECT_EQ(back.source_height, 720);
  EXPECT_EQ(back.source_fps, 29.97);
  EXPECT_EQ(back.model, trace.model);
  EXPECT_EQ(back.settings, trace.settings);
  ASSERT_EQ(back.clips.size(), 2u);
  for (size_t i = 0; i < 2; ++i)
    expect_equal(back.clips[i], trace.clips[i]);
}

TEST_F(TraceFile, StreamsAndAppearsOnlyWhenWhole) {
  {
    TokenTraceWriter writer(path("b.lttrace"), whole_trace());
    writer.append(plain_clip(0));
  }  // not committed
  EXPECT_EQ(files(), 0u);
  TokenTraceWriter writer(path("b.lttrace"), whole_trace());
  for (int i = 0; i < 500; ++i)
    writer.append(plain_clip(2 * i));
  EXPECT_FALSE(fs::exists(path("b.lttrace")));
  writer.commit();
  const TokenTraceReader reader(path("b.lttrace"));
  ASSERT_EQ(reader.clips(), 500u);
  EXPECT_EQ(reader.clip(499).frame_indices, (std::vector<int64_t>{998, 999}));
  EXPECT_EQ(reader.clip(0).frame_indices, (std::vector<int64_t>{0, 1}));
  EXPECT_THROW(reader.clip(500), Error);
}

TEST_F(TraceFile, EmptyTrace) {
  save_trace(path("e.lttrace"), TokenTrace{});
  EXPECT_EQ(load_trace(path("e.lttrace")).clips.size(), 0u);
}

TEST_F(TraceFile, ContradictionsAreRefused) {
  const auto refused = [&](const char* what, auto change) {
    TokenTrace trace = whole_trace();
    change(trace.clips[0]);
    EXPECT_THROW(save_trace(path("c.lttrace"), trace), Error) << what;
    EXPECT_EQ(files(), 0u) << what;
  };
  refused("grid", [](ClipTrace& c) { c.t = 3; });
  refused("empty grid", [](ClipTrace& c) { c.w = 0; });
  refused("overflowing grid", [](ClipTrace& c) { c.t = c.h = c.w = 65536; });
  refused("times", [](ClipTrace& c) { c.frame_times.pop_back(); });
  refused("nan time", [](ClipTrace& c) { c.frame_times[0] = NAN; });
  refused("difference", [](ClipTrace& c) { c.difference.pop_back(); });
  refused("keep value", [](ClipTrace& c) { c.keep[0] = 2; });
  refused("tau", [](ClipTrace& c) { c.tau = NAN; });
  refused("sizes", [](ClipTrace& c) { c.initial_size.pop_back(); });
  refused("source twice", [](ClipTrace& c) { c.layers[1].source[0] = 1; });
  refused("into a source", [](ClipTrace& c) { c.layers[1].destination[0] = 3; });
  refused("into itself", [](ClipTrace& c) { c.layers[1].destination[0] = 2; });
  refused("no such token", [](ClipTrace& c) { c.layers[1].destination[0] = 10; });
  refused("negative token", [](ClipTrace& c) { c.layers[1].source[0] = -1; });
  refused("counts", [](ClipTrace& c) { c.layers[2].tokens_out = 5; });
  refused("pairs", [](ClipTrace& c) { c.layers[0].source.pop_back(); });
}

TEST_F(TraceFile, GroupsAfterEveryLayer) {
  const ClipTrace c = merged_clip();
  EXPECT_EQ(c.entered(), 10u);
  EXPECT_EQ(group_roots(c, 0), (std::vector<int32_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(group_roots(c, 1), (std::vector<int32_t>{0, 2, 2, 4, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(group_roots(c, 2), (std::vector<int32_t>{0, 4, 4, 4, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(group_roots(c), (std::vector<int32_t>{0, 4, 4, 4, 4, 5, 6, 7, 8, -1}));
  EXPECT_EQ(group_roots_on_grid(c), (std::vector<int32_t>{4, 4, 4, 4, 5, 6, 7, -1, -1, 8, -1, -1}));
  EXPECT_EQ(group_sizes(c, 2), (std::vector<float>{1, 6, 6, 6, 6, 1, 2, 1, 1, 1}));
}

std::string bytes_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void write_bytes(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

TEST_F(TraceFile, TruncatedAnywhere) {
  save_trace(path("a.lttrace"), whole_trace());
  const std::string good = bytes_of(path("a.lttrace"));
  for (size_t length = 0; length < good.size(); ++length) {
    write_bytes(path("t"), good.substr(0, length));
    EXPECT_THROW(load_trace(path("t")), Error) << length;
  }
  write_bytes(path("t"), good + "x");
  EXPECT_THROW(load_trace(path("t")), Error);
}

TEST_F(TraceFile, EveryDamagedByteIsSeen) {
  save_trace(path("a.lttrace"), whole_trace());
  const std::string good = bytes_of(path("a.lttrace"));
  size_t unseen = 0;
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x41);
    write_bytes(path("t"), bad);
    try {
      load_trace(path("t"));
      ++unseen;
    } catch (const Error& e) {
      EXPECT_EQ(e.exit_code(), 2);
    }
  }
  // Only the four reserved bytes of the prologue and of each of the four record heads may change.
  EXPECT_LE(unseen, 4u * 5u);
}

/// Replaces the payload of the record at `offset` and mends lengths, checksum and index, so that
/// only the payload's own checks stand between it and the program.
std::string with_payload(std::string file, const std::string& type, const std::string& payload) {
  const auto u64 = [](uint64_t v) { return std::string(reinterpret_cast<const char*>(&v), 8); };
  std::string out = file.substr(0, 16);
  std::vector<uint64_t> clips;
  size_t at = 16;
  uint64_t index = 0;
  while (at + 24 < file.size()) {
    const std::string name = file.substr(at, 4);
    uint64_t length = 0;
    std::memcpy(&length, file.data() + at + 8, 8);
    std::string body = file.substr(at + 16, length);
    if (name == type && (name != "CLIP" || clips.empty())) body = payload;
    if (name == "INDX") {
      index = out.size();
      if (type != "INDX") {
        body = u64(clips.size());
        for (const uint64_t c : clips)
          body += u64(c);
      }
    }
    if (name == "CLIP") clips.push_back(out.size());
    out += name + std::string(4, '\0') + u64(body.size()) + body +
           u64(hash_bytes(body.data(), body.size()));
    at += 24 + length;
  }
  return out + u64(index) + "LTTREND\n";
}

TEST_F(TraceFile, HostileRecordsWithGoodChecksums) {
  save_trace(path("a.lttrace"), whole_trace());
  const std::string good = bytes_of(path("a.lttrace"));
  write_bytes(path("t"), with_payload(good, "none", ""));
  EXPECT_EQ(load_trace(path("t")).clips.size(), 2u);  // the helper itself breaks nothing
  const auto u64 = [](uint64_t v) { return std::string(reinterpret_cast<const char*>(&v), 8); };
  const auto clip = [&](const std::string& json) { return u64(json.size()) + json; };
  const std::string base =
      R"("grid":[1,1,2],"tubelet":1,"patch":16,"frame_indices":[0],"frame_times":[0],"crop":[0,0,0,0],)";
  const std::string ok = "{" + base + R"("rlt":null,"model":null,"arrays":[]})";
  write_bytes(path("t"), with_payload(good, "CLIP", clip(ok)));
  EXPECT_NO_THROW(load_trace(path("t")));

  std::vector<std::string> bad = {"",
                                  "\1",
                                  u64(~0ull),
                                  u64(5) + "{}",
                                  clip("[]"),
                                  clip("{}"),
                                  clip("{\"grid\":[1,1]}"),
                                  clip(ok) + "tail",
                                  clip(std::string(100000, '['))};
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string json = ok;
    json.replace(json.find(from), from.size(), to);
    bad.push_back(clip(json));
  };
  with("[1,1,2]", "[1,1,2.0]");
  with("[1,1,2]", "[1,1,-2]");
  with("[1,1,2]", "[65536,65536,65536]");
  with("[1,1,2]", "[1,1,1e300]");
  with("[1,1,2]", "[1,1,18446744073709551615]");
  with("[1,1,2]", "\"two\"");
  with("\"tubelet\":1", "\"tubelet\":0");
  with("\"frame_times\":[0]", "\"frame_times\":[null]");
  with("\"frame_times\":[0]", "\"frame_times\":[1e999]");
  with("\"crop\":[0,0,0,0]", "\"crop\":[0,0,0]");
  with("\"rlt\":null", R"("rlt":{"tau":1e300,"drop":"rlt"})");
  with("\"rlt\":null", R"("rlt":{"tau":0.1,"drop":"rlt"})");  // keep_bits missing
  with("\"arrays\":[]", R"("arrays":[{"name":"difference","dtype":"F32","count":2}])");
  with("\"arrays\":[]", R"("arrays":[{"name":"x","dtype":"F32","count":1099511627776}])");
  with("\"arrays\":[]", R"("arrays":[{"name":"x","dtype":"I64","count":0}])");
  with("\"model\":null",
       R"("model":{"extra_tokens":0,"milliseconds":0,"flops":0,"layers":[{"tokens_in":2,)"
       R"("tokens_out":1,"merged":1,"scored":false,"dropped":0,"milliseconds":0,"flops":0}],)"
       R"("predictions":[],"dense_predictions":[]})");  // its pairs are missing
  for (size_t i = 0; i < bad.size(); ++i) {
    write_bytes(path("t"), with_payload(good, "CLIP", bad[i]));
    EXPECT_THROW(load_trace(path("t")), Error) << i << ": " << bad[i].substr(0, 200);
  }
  for (const std::string& head :
       {std::string("{}"), std::string("[1]"), std::string("\xff"),
        std::string(R"({"schema":"looktwice/token-trace","version":99})")}) {
    write_bytes(path("t"), with_payload(good, "HEAD", head));
    EXPECT_THROW(load_trace(path("t")), Error) << head;
  }
  for (const std::string& index : {std::string(), u64(0), u64(2) + u64(16) + u64(16), u64(~0ull),
                                   u64(1ull << 61), u64(1) + u64(~0ull)}) {
    write_bytes(path("t"), with_payload(good, "INDX", index));
    EXPECT_THROW(load_trace(path("t")), Error);
  }
}

TEST_F(TraceFile, RandomDamageNeverCrashes) {
  save_trace(path("a.lttrace"), whole_trace());
  const std::string good = bytes_of(path("a.lttrace"));
  std::mt19937 random(1);
  uint64_t length = 0;
  std::memcpy(&length, good.data() + 24, 8);
  const size_t clip_at = 16 + 24 + length;
  std::memcpy(&length, good.data() + clip_at + 8, 8);
  for (int round = 0; round < 2000; ++round) {
    std::string payload = good.substr(clip_at + 16, length);
    for (int k = 0; k < 1 + round % 4; ++k)
      payload[random() % payload.size()] = static_cast<char>(random());
    write_bytes(path("t"), with_payload(good, "CLIP", payload));
    try {
      const TokenTrace trace = load_trace(path("t"));
      for (const ClipTrace& c : trace.clips)
        (void)group_sizes(c);
    } catch (const Error&) {
    }
  }
}

TEST_F(TraceFile, OtherFiles) {
  write_bytes(path("text.lttrace"), "hello, this is no trace at all, but it is long enough");
  EXPECT_THROW(load_trace(path("text.lttrace")), Error);
  EXPECT_FALSE(is_token_trace(path("text.lttrace")));
  EXPECT_FALSE(is_token_trace(path("missing")));
  EXPECT_THROW(load_trace(path("missing")), Error);
  EXPECT_THROW(TokenTraceWriter(path("no/such/folder"), TokenTrace{}), Error);
}

}  // namespace
}  // namespace looktwice::trace
