// looktwice models: the model folders of this machine, and what is wrong with a broken one.

#include <cstdio>
#include <memory>

#include "base/json.h"
#include "cli/commands.h"
#include "engine/model_folders.h"

namespace looktwice::cli {

Json models_json(const std::vector<std::string>& places) {
  Json list = Json::array();
  for (const std::string& folder : engine::find_model_folders(places)) {
    const engine::ModelInfo m = engine::describe_model(folder);
    list.push_back({{"name", m.name},
                    {"folder", m.folder},
                    {"kind", engine::kind_text(m.kind)},
                    {"summary", m.summary},
                    {"bytes", m.bytes},
                    {"parameters", m.parameters},
                    {"problem", m.problem.empty() ? Json(nullptr) : Json(m.problem)}});
  }
  return list;
}

void print_models(const Json& list) {
  for (const Json& m : list) {
    std::printf("%-24s %-10s %7.1f MB  %s\n", m["name"].get<std::string>().c_str(),
                m["kind"].get<std::string>().c_str(), m["bytes"].get<double>() / 1e6,
                m["problem"].is_null() ? m["summary"].get<std::string>().c_str()
                                       : m["problem"].get<std::string>().c_str());
    std::printf("%-24s %s\n", "", m["folder"].get<std::string>().c_str());
  }
}

namespace {

struct Options {
  std::vector<std::string> places;
  std::string json;
};

int models(const Options& o) {
  const std::vector<std::string> places = o.places.empty() ? engine::model_places() : o.places;
  Json doc = document("models", 1);
  doc["places"] = places;
  doc["models"] = models_json(places);
  if (!o.json.empty()) {
    write_json(o.json, doc);
    if (o.json == "-") return 0;
  }
  print_models(doc["models"]);
  if (doc["models"].empty())
    std::printf("no models found; put model folders into %s or name one in LOOKTWICE_MODELS\n",
                engine::user_model_folder().c_str());
  return 0;
}

}  // namespace

void add_models(CLI::App& app, Run& run) {
  auto* cmd = app.add_subcommand("models",
                                 "the model folders of this machine, and what is wrong"
                                 " with a broken one");
  auto o = std::make_shared<Options>();
  cmd->add_option("FOLDER", o->places,
                  "model folders, or folders of such; by default LOOKTWICE_MODELS, your own, and"
                  " those that came with the program");
  cmd->add_option("--json", o->json, "write a JSON document (- for standard output)");
  cmd->callback([o, &run] { run = [o] { return models(*o); }; });
}

}  // namespace looktwice::cli
