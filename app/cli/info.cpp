// looktwice info: what this program and this machine can do, and why not where they cannot.

#include <cstdio>
#include <memory>

#include "base/json.h"
#include "cli/commands.h"
#include "compute/backend.h"
#include "compute/threads.h"
#include "engine/model_folders.h"
#ifdef LOOKTWICE_HAS_VIDEO
#include "base/error.h"
#include "gl/context.h"
#include "video/encoder.h"
#include "video/video.h"
#endif

namespace looktwice::cli {
namespace {

std::string instruction_sets() {
  std::string sets;
#if defined(__x86_64__)
  __builtin_cpu_init();
  const auto add = [&](bool there, const char* name) {
    if (there) sets += (sets.empty() ? "" : " ") + std::string(name);
  };
  add(__builtin_cpu_supports("avx2"), "AVX2");
  add(__builtin_cpu_supports("fma"), "FMA");
  add(__builtin_cpu_supports("avx512f"), "AVX-512");
  add(__builtin_cpu_supports("avx512vnni"), "VNNI");
  add(__builtin_cpu_supports("avx512bf16"), "BF16");
#endif
  return sets.empty() ? "portable" : sets;
}

#ifdef LOOKTWICE_HAS_VIDEO
std::string renderer() {
  try {
    const gl::EglContext context;
    return gl::renderer_name();
  } catch (const Error& e) {
    return std::string("none: ") + e.what();
  }
}
#endif

int info(const std::string& json) {
  Json doc = document("info", 1);
  doc["program"] = LOOKTWICE_VERSION;
  doc["cores"] = compute::available_cores();
  doc["instruction_sets"] = instruction_sets();
  doc["backends"] = Json::array();
  for (const auto& b : compute::list_backends())
    doc["backends"].push_back({{"name", b.name}, {"available", b.available}, {"note", b.note}});
  doc["models"] = models_json(engine::model_places());
#ifdef LOOKTWICE_HAS_VIDEO
  doc["ffmpeg"] = video::library_versions();
  doc["codecs"] = Json::array();
  for (const std::string& codec : video::codec_names()) {
    const std::string missing = video::codec_missing(codec);
    doc["codecs"].push_back({{"name", codec}, {"available", missing.empty()}, {"note", missing}});
  }
  doc["opengl"] = renderer();
#endif
  if (!json.empty()) {
    write_json(json, doc);
    if (json == "-") return 0;
  }
  std::printf("looktwice %s\n", LOOKTWICE_VERSION);
  std::printf("%-18s %d, %s\n", "cores", doc["cores"].get<int>(),
              doc["instruction_sets"].get<std::string>().c_str());
  for (const Json& b : doc["backends"])
    std::printf(
        "%-18s %s\n", ("backend " + b["name"].get<std::string>()).c_str(),
        ((b["available"].get<bool>() ? "yes: " : "no: ") + b["note"].get<std::string>()).c_str());
#ifdef LOOKTWICE_HAS_VIDEO
  std::printf("%-18s %s\n", "FFmpeg", doc["ffmpeg"].get<std::string>().c_str());
  for (const Json& c : doc["codecs"])
    std::printf(
        "%-18s %s\n", ("codec " + c["name"].get<std::string>()).c_str(),
        (c["available"].get<bool>() ? "yes" : "no: " + c["note"].get<std::string>()).c_str());
  std::printf("%-18s %s\n", "OpenGL", doc["opengl"].get<std::string>().c_str());
#endif
  std::printf("%-18s %zu found\n", "models", doc["models"].size());
  print_models(doc["models"]);
  return 0;
}

}  // namespace

void add_info(CLI::App& app, Run& run) {
  auto* cmd = app.add_subcommand("info", "versions, backends, codecs and devices, and why not");
  auto json = std::make_shared<std::string>();
  cmd->add_option("--json", *json, "write a JSON document (- for standard output)");
  cmd->callback([json, &run] { run = [json] { return info(*json); }; });
}

}  // namespace looktwice::cli
