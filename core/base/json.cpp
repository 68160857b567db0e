#include "base/json.h"

#include <cmath>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "base/atomic_file.h"
#include "base/error.h"

namespace looktwice {

Json finite(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

namespace {

/// Copying or printing a document recurses: one nested too deep would overflow the stack.
void check_depth(const std::string& text, const std::string& where) {
  constexpr int kDeepest = 512;
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\')
      ++i;
    else if (c == '"')
      quoted = !quoted;
    else if (!quoted && (c == '[' || c == '{') && ++depth > kDeepest)
      throw bad_input(where, "not valid JSON here: nested deeper than " + std::to_string(kDeepest));
    else if (!quoted && (c == ']' || c == '}'))
      --depth;
  }
}

}  // namespace

Json parse_json(const std::string& text, const std::string& where) {
  check_depth(text, where);
  try {
    return Json::parse(text);
  } catch (const nlohmann::json::parse_error& e) {
    size_t line = 1, column = 1;
    const size_t end = e.byte > 0 ? std::min(e.byte - 1, text.size()) : 0;
    for (size_t i = 0; i < end; ++i) {
      if (text[i] == '\n') {
        ++line;
        column = 1;
      } else {
        ++column;
      }
    }
    throw bad_input(where, "not valid JSON at line " + std::to_string(line) + ", column " +
                               std::to_string(column));
  } catch (const nlohmann::json::exception& e) {
    throw bad_input(where, std::string("not valid JSON: ") + e.what());
  }
}

Json read_json(const std::filesystem::path& file, size_t max_bytes) {
  std::error_code ec;
  if (std::filesystem::is_directory(file, ec))
    throw bad_input(file.string(), "is a directory, not a JSON file");
  std::ifstream in(file, std::ios::binary);
  if (!in) throw bad_input(file.string(), "cannot be opened", "check the path and its permissions");
  const auto size = std::filesystem::file_size(file, ec);
  if (!ec && size > max_bytes)
    throw bad_input(file.string(),
                    "is " + std::to_string(size) + " bytes, too large for JSON here");
  std::ostringstream text;
  text << in.rdbuf();
  return parse_json(text.str(), file.string());
}

std::string to_text(const Json& document) {
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

void write_json(const std::string& file_or_dash, const Json& document) {
  const std::string text = to_text(document);
  if (file_or_dash == "-") {
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
      throw run_failed("standard output", "cannot be written");
    return;
  }
  AtomicFile out(file_or_dash);
  out.write(text.data(), text.size());
  out.commit();
}

Json document(const std::string& name, int version) {
  return {{"schema", "looktwice/" + name}, {"version", version}};
}

}  // namespace looktwice
