// Model folders, good and bad: every fault is named, nothing crashes.

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/error.h"
#include "base/json.h"
#include "base/safetensors.h"
#include "models/classifier.h"

namespace looktwice {
namespace {

namespace fs = std::filesystem;
const std::string kGolden = std::string(LT_TEST_DATA) + "/golden/tokens/";

/// A model folder in memory that tests change before it is written.
struct Model {
  struct Array {
    std::vector<int64_t> shape;
    std::vector<float> values;
  };
  Json config;
  std::map<std::string, Array> tensors;

  explicit Model(const std::string& golden) {
    config = read_json(kGolden + golden + "/config.json");
    const SafetensorsReader file(kGolden + golden + "/model.safetensors");
    for (const auto& [name, entry] : file.tensors())
      tensors[name] = {entry.shape, file.read<float>(name)};
  }
  void rename(const std::function<std::string(const std::string&)>& to) {
    std::map<std::string, Array> renamed;
    for (auto& [name, array] : tensors)
      renamed[to(name)] = std::move(array);
    tensors = std::move(renamed);
  }
  void write(const fs::path& folder, const std::string& file = "model.safetensors") const {
    std::map<std::string, TensorView> views;
    for (const auto& [name, a] : tensors)
      views[name] = {DType::f32, a.shape, a.values.data()};
    write_safetensors(folder / file, views);
    write_json((folder / "config.json").string(), config);
  }
};

class Checkpoint : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              ("model_" + std::to_string(getpid()) + "_" +
               testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::unique_ptr<models::Classifier> load() {
    return models::load(folder_, compute::make_backend({"reference", DType::f32, 1}));
  }
  /// Loading fails as bad input and the message holds all of `parts`.
  void refused(std::initializer_list<const char*> parts) {
    try {
      load();
      ADD_FAILURE() << "was loaded";
    } catch (const Error& e) {
      EXPECT_EQ(e.exit_code(), 2) << e.what();
      for (const char* part : parts)
        EXPECT_NE(std::string(e.what()).find(part), std::string::npos)
            << "'" << part << "' is not in: " << e.what();
    }
  }
  std::vector<float> logits(models::Classifier& model) {
    std::vector<uint8_t> rgb(8 * 64 * 64 * 3);
    for (size_t i = 0; i < rgb.size(); ++i)
      rgb[i] = uint8_t(i * 2654435761u >> 13);
    const models::ClipInput clip{{rgb.data(), 8, 64, 64}, {}};
    return model.classify({&clip, 1}, {}).clips[0].logits;
  }

  fs::path folder_;
};

std::vector<float> part(const Model::Array& a, size_t i, size_t of) {
  const size_t n = a.values.size() / of;
  return {a.values.begin() + long(i * n), a.values.begin() + long((i + 1) * n)};
}

/// Original VideoMAE names to those of Hugging Face; `split_bias`: with biases on the layers.
Model hugging_face(bool split_bias) {
  Model m("tiny_videomae"), out("tiny_videomae");
  out.tensors.clear();
  for (auto& [name, a] : m.tensors) {
    const std::string n = name;
    if (n.starts_with("patch_embed.proj.")) {
      out.tensors["videomae.embeddings.patch_embeddings.projection." + n.substr(17)] = a;
    } else if (n.starts_with("head.")) {
      out.tensors["classifier." + n.substr(5)] = a;
    } else if (n.starts_with("blocks.")) {
      const size_t dot = n.find('.', 7);
      const std::string layer = "videomae.encoder.layer." + n.substr(7, dot - 7) + ".",
                        rest = n.substr(dot + 1), attention = layer + "attention.attention.";
      if (rest == "attn.qkv.weight") {
        const char* names[] = {"query", "key", "value"};
        for (size_t i = 0; i < 3; ++i)
          out.tensors[attention + names[i] + ".weight"] = {{48, 48}, part(a, i, 3)};
      } else if (rest == "attn.q_bias") {
        out.tensors[attention + (split_bias ? "query.bias" : "q_bias")] = a;
      } else if (rest == "attn.v_bias") {
        out.tensors[attention + (split_bias ? "value.bias" : "v_bias")] = a;
      } else {
        const std::pair<const char*, const char*> map[] = {
            {"norm1.", "layernorm_before."},
            {"norm2.", "layernorm_after."},
            {"attn.proj.", "attention.output.dense."},
            {"mlp.fc1.", "intermediate.dense."},
            {"mlp.fc2.", "output.dense."}};
        for (const auto& [from, to] : map)
          if (rest.starts_with(from)) out.tensors[layer + to + rest.substr(std::strlen(from))] = a;
      }
    } else {
      out.tensors[n] = a;
    }
  }
  out.config["layer_norm_eps"] = 1e-6;
  return out;
}

TEST_F(Checkpoint, EveryNamingOfTheSameWeightsGivesTheSameLogits) {
  Model("tiny_videomae").write(folder_);
  const auto plain = logits(*load());
  const auto same = [&](const Model& m, const char* what) {
    SCOPED_TRACE(what);
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    m.write(folder_);
    const auto got = logits(*load());
    for (size_t i = 0; i < plain.size(); ++i)
      EXPECT_NEAR(got[i], plain[i], 1e-4);  // Hugging Face's own eps of fc_norm differs
  };
  for (const char* prefix : {"module.", "model.", "backbone.", "model.encoder."}) {
    Model m("tiny_videomae");
    m.rename([&](const std::string& n) { return prefix + n; });
    same(m, prefix);
  }
  same(hugging_face(false), "q_bias and v_bias");
  same(hugging_face(true), "query.bias and value.bias");
}

TEST_F(Checkpoint, MissingBiasesAreNeverTakenForZeros) {
  Model m = hugging_face(false);
  std::erase_if(m.tensors, [](const auto& t) { return t.first.ends_with("_bias"); });
  m.write(folder_);
  refused({"q_bias", "missing"});
}

TEST_F(Checkpoint, HalfPrecisionAndShardsAreRead) {
  const Model m("tiny_videomae");
  m.write(folder_);
  const auto plain = logits(*load());
  fs::remove(folder_ / "model.safetensors");
  Model first = m, second = m;
  Json map = Json::object();
  size_t i = 0;
  for (const auto& [name, a] : m.tensors) {
    (i++ % 2 ? first : second).tensors.erase(name);
    map[name] = i % 2 ? "a.safetensors" : "b.safetensors";
  }
  first.write(folder_, "a.safetensors");
  second.write(folder_, "b.safetensors");
  refused({"2 safetensors files", "index"});
  Json index;
  index["weight_map"] = map;
  write_json((folder_ / "model.safetensors.index.json").string(), index);
  const auto got = logits(*load());
  EXPECT_EQ(got, plain);
  fs::remove(folder_ / "b.safetensors");
  refused({"b.safetensors", "missing"});
  second.tensors.erase(second.tensors.begin());
  second.write(folder_, "b.safetensors");
  refused({"is not in 'b.safetensors'"});
  index["weight_map"]["head.bias"] = "../elsewhere.safetensors";
  write_json((folder_ / "model.safetensors.index.json").string(), index);
  refused({"plain file name"});
}

TEST_F(Checkpoint, MissingExtraAndMisshapedTensorsAreNamed) {
  Model m("tiny_videomae");
  m.tensors.erase("blocks.1.mlp.fc2.bias");
  m.write(folder_);
  refused({"blocks.1.mlp.fc2.bias", "missing"});
  m = Model("tiny_videomae");
  m.tensors["blocks.1.attn.extra"] = {{2}, {1, 2}};
  m.write(folder_);
  refused({"extra tensor", "blocks.1.attn.extra"});
  m = Model("tiny_videomae");
  m.tensors["blocks.2.norm1.weight"].shape = {6, 8};
  m.write(folder_);
  refused({"blocks.2.norm1.weight", "[6, 8]", "[48]"});
  m = Model("tiny_videomae");
  m.tensors["blocks.2.ls1.gamma"] = {{48}, std::vector<float>(48, 1)};
  m.write(folder_);
  refused({"ls1.gamma", "layer scale"});
}

TEST_F(Checkpoint, DamagedValuesAreNamed) {
  for (float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    Model m("tiny_videomae");
    m.tensors["blocks.0.attn.proj.weight"].values[77] = bad;
    m.write(folder_);
    refused({"blocks.0.attn.proj.weight", "element 77"});
  }
}

TEST_F(Checkpoint, AConfigThatDisagreesIsNamed) {
  const auto with = [&](const char* key, Json value, std::initializer_list<const char*> parts) {
    Model m("tiny_videomae");
    m.config[key] = std::move(value);
    m.write(folder_);
    SCOPED_TRACE(key);
    refused(parts);
  };
  with("hidden_size", 64, {"has shape", "config.json asks for"});
  with("num_attention_heads", 5, {"num_attention_heads", "do not divide"});
  with("num_attention_heads", 0, {"num_attention_heads"});
  with("num_hidden_layers", 4, {"num_hidden_layers", "3 blocks"});
  with("intermediate_size", 200, {"mlp.fc1.weight", "[192, 48]"});
  with("num_labels", 11, {"head.weight", "[11, 48]"});
  with("patch_size", 8, {"patch_embed.proj.weight"});
  with("image_size", "large", {"image_size", "whole number"});
  with("image_size", int64_t{1} << 40, {"image_size", "outside"});
  with("hidden_size", -48, {"hidden_size", "outside"});
  with("num_frames", 7, {"num_frames", "tubelet_size"});
  with("hidden_act", "relu", {"hidden_act", "relu"});
  with("layer_norm_eps", "tiny", {"layer_norm_eps"});
  with("model_type", "bert", {"model_type", "bert"});
  with("num_channels", 4, {"num_channels"});
}

TEST_F(Checkpoint, LabelsMustCoverTheClasses) {
  Model m("tiny_videomae");
  Json names = Json::object();
  for (int i = 0; i < 9; ++i)
    names[std::to_string(i)] = "class " + std::to_string(i);
  m.config["id2label"] = names;
  m.write(folder_);
  refused({"id2label", "9", "10"});
  names["9"] = "the last";
  m.config["id2label"] = names;
  m.write(folder_);
  EXPECT_EQ(load()->labels().back(), "the last");
  m.config.erase("id2label");
  m.write(folder_);
  std::ofstream(folder_ / "labels.txt") << "a\nb\n";
  refused({"labels.txt", "2 classes", "10"});
  std::ofstream(folder_ / "labels.txt") << "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n";
  EXPECT_EQ(load()->labels().at(1), "b");
}

TEST_F(Checkpoint, BrokenFilesAreNamed) {
  refused({"config.json"});
  Model("tiny_videomae").write(folder_);
  const fs::path file = folder_ / "model.safetensors";
  const auto size = fs::file_size(file);
  fs::resize_file(file, size - 100);
  refused({"model.safetensors"});
  fs::resize_file(file, 20);
  refused({"model.safetensors"});
  fs::remove(file);
  refused({"no *.safetensors"});
  std::ofstream(folder_ / "config.json") << "{\"model_type\": ";
  refused({"config.json"});
}

TEST_F(Checkpoint, PreprocessorValuesAreUsedAndChecked) {
  Model("tiny_videomae").write(folder_);
  const auto plain = logits(*load());
  Json p;
  p["image_mean"] = {0.5, 0.5, 0.5};
  p["image_std"] = {0.5, 0.5, 0.5};
  p["size"] = {{"shortest_edge", 64}};
  write_json((folder_ / "preprocessor_config.json").string(), p);
  const auto model = load();
  EXPECT_EQ(model->preprocess().mean[1], 0.5f);
  EXPECT_NE(logits(*model), plain);
  p["image_std"] = {0.5, 0, 0.5};
  write_json((folder_ / "preprocessor_config.json").string(), p);
  refused({"image_std", "positive"});
}

}  // namespace
}  // namespace looktwice
