#include "checkpoint/labels.h"

#include <algorithm>
#include <fstream>

#include "base/error.h"
#include "base/text.h"

namespace looktwice::checkpoint {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void too_few(const std::string& where, size_t have, int classes) {
  throw bad_input(
      where, "names " + std::to_string(have) + " classes, the model has " + std::to_string(classes),
      "give one name for each class");
}

std::vector<std::string> from_object(const Json& map, const std::string& where, int classes) {
  if (!map.is_object()) throw bad_input(where, "is no object from class number to name");
  std::vector<std::string> labels(static_cast<size_t>(classes));
  std::vector<bool> seen(static_cast<size_t>(classes));
  size_t count = 0;
  for (const auto& [key, name] : map.items()) {
    const int64_t id = parse_integer(key, where);
    if (!name.is_string()) throw bad_input(where, "the name of class " + key + " is not text");
    if (id < 0) throw bad_input(where, "class " + key + " is negative");
    if (id >= classes) continue;  // more names than classes do no harm
    if (seen[size_t(id)]) throw bad_input(where, "class " + std::to_string(id) + " stands twice");
    seen[size_t(id)] = true;
    labels[size_t(id)] = name.get<std::string>();
    ++count;
  }
  if (count < size_t(classes)) too_few(where, count, classes);
  return labels;
}

std::vector<std::string> from_lines(const fs::path& file, int classes) {
  std::ifstream in(file);
  if (!in) throw bad_input(file.string(), "cannot be read");
  std::vector<std::string> labels;
  for (std::string line; std::getline(in, line);) {
    const std::string name(trim(line));
    if (!name.empty()) labels.push_back(name);
    if (labels.size() > size_t(classes) + 1000000) break;
  }
  if (labels.size() < size_t(classes)) too_few(file.string(), labels.size(), classes);
  labels.resize(size_t(classes));
  return labels;
}

bool only_placeholders(const Json& map) {
  if (!map.is_object()) return false;
  return std::all_of(map.begin(), map.end(), [](const Json& v) {
    return v.is_string() && v.get_ref<const std::string&>().starts_with("LABEL_");
  });
}

}  // namespace

std::vector<std::string> load_labels(const fs::path& folder, const Json& config, int classes) {
  if (config.is_object() && config.contains("id2label") && !only_placeholders(config["id2label"]))
    return from_object(config["id2label"], (folder / "config.json").string() + ": id2label",
                       classes);
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& e : fs::directory_iterator(folder, error))
    files.push_back(e.path());
  std::sort(files.begin(), files.end());
  for (const auto& file : files) {
    const std::string name = file.filename().string();
    if (name == "id2label.json" || name.ends_with("-id2label.json"))
      return from_object(read_json(file), file.string(), classes);
  }
  for (const auto& file : files) {
    const std::string name = file.filename().string();
    if (name == "labels.txt" || (name.starts_with("label_map") && name.ends_with(".txt")))
      return from_lines(file, classes);
  }
  return {};
}

}  // namespace looktwice::checkpoint
