// Model folders: found where they should be, described without reading weights, and a broken one
// says what is wrong with it.

#include "engine/model_folders.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "support/random_stdit3.h"

namespace looktwice::engine {
namespace {

namespace fs = std::filesystem;

class ModelFolders : public testing::Test {
 protected:
  void SetUp() override {
    place_ = fs::path(testing::TempDir()) / ("models_" + std::to_string(getpid()));
    fs::remove_all(place_);
    fs::create_directories(place_);
  }
  void TearDown() override { fs::remove_all(place_); }
  fs::path copy(const std::string& golden, const std::string& name) {
    const fs::path to = place_ / name;
    fs::copy(fs::path(LT_TEST_DATA) / "golden/tokens" / golden, to, fs::copy_options::recursive);
    fs::permissions(to, fs::perms::owner_all);
    for (const auto& file : fs::directory_iterator(to))
      fs::permissions(file.path(), fs::perms::owner_read | fs::perms::owner_write);
    return to;
  }
  fs::path place_;
};

TEST_F(ModelFolders, SaysKindSizeAndShape) {
  const ModelInfo video = describe_model(copy("tiny_videomae", "video").string());
  EXPECT_EQ(video.kind, ModelKind::videomae);
  EXPECT_EQ(video.name, "video");
  EXPECT_EQ(video.problem, "");
  EXPECT_GT(video.bytes, 0U);
  EXPECT_EQ(video.bytes, video.parameters * 4);
  EXPECT_NE(video.summary.find("8 frames of 64 px"), std::string::npos) << video.summary;
  EXPECT_EQ(describe_model(copy("tiny_timm", "image").string()).kind, ModelKind::image_vit);
  test::write_random_stdit3(place_ / "dit", {});
  const ModelInfo dit = describe_model((place_ / "dit").string() + "/");
  EXPECT_EQ(dit.kind, ModelKind::stdit3) << dit.problem;
  EXPECT_EQ(dit.name, "dit");
  EXPECT_EQ(dit.problem, "");
}

TEST_F(ModelFolders, BrokenOnesSayWhatIsWrong) {
  const auto problem = [&](const char* name, const auto& damage) {
    const fs::path folder = copy("tiny_videomae", name);
    damage(folder);
    return describe_model(folder.string()).problem;
  };
  const auto holds = [](const std::string& text, const char* part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  holds(problem("a", [](const fs::path& f) { fs::remove(f / "config.json"); }), "config.json");
  holds(problem("b", [](const fs::path& f) { fs::remove(f / "model.safetensors"); }),
        "safetensors");
  holds(problem("c", [](const fs::path& f) { fs::resize_file(f / "model.safetensors", 5000); }),
        "model.safetensors");
  holds(problem("d", [](const fs::path& f) { std::ofstream(f / "config.json") << "{]"; }),
        "config.json");
  holds(problem("e",
                [](const fs::path& f) {
                  std::ofstream(f / "config.json") << R"({"model_type": "bert"})";
                }),
        "bert");
  holds(describe_model((place_ / "nowhere").string()).problem, "no model folder");
}

TEST_F(ModelFolders, PlacesHoldModelsOrAreOne) {
  copy("tiny_videomae", "b");
  copy("tiny_timm", "a");
  fs::create_directories(place_ / "notes");
  const auto found = find_model_folders({place_.string(), (place_ / "b").string()});
  ASSERT_EQ(found.size(), 2U);
  EXPECT_TRUE(found[0].ends_with("/a"));
  EXPECT_TRUE(found[1].ends_with("/b"));
  EXPECT_EQ(find_model_folders({(place_ / "b").string()}).size(), 1U);
  EXPECT_TRUE(find_model_folders({(place_ / "nowhere").string()}).empty());
}

TEST_F(ModelFolders, TheVariableComesFirst) {
  fs::create_directories(place_ / "one");
  fs::create_directories(place_ / "two");
  const char* before = std::getenv("LOOKTWICE_MODELS");
  const std::string old = before ? before : "";
  setenv("LOOKTWICE_MODELS",
         ((place_ / "one").string() + ":" + (place_ / "gone").string() + ":" +
          (place_ / "two").string())
             .c_str(),
         1);
  const auto places = model_places();
  if (before) {
    setenv("LOOKTWICE_MODELS", old.c_str(), 1);
  } else {
    unsetenv("LOOKTWICE_MODELS");
  }
  ASSERT_GE(places.size(), 2U);
  EXPECT_EQ(places[0], fs::canonical(place_ / "one").string());
  EXPECT_EQ(places[1], fs::canonical(place_ / "two").string());
}

}  // namespace
}  // namespace looktwice::engine
