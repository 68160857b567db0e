#pragma once
// JSON as the project writes it: keys in insertion order, no NaN or Infinity, files replaced whole.

#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

namespace looktwice {

/// Keeps keys in insertion order, so `schema` and `version` stand first in every document.
using Json = nlohmann::ordered_json;

/// A number for JSON: `null` where `value` is NaN or infinite.
Json finite(double value);

/// Parses `text`; throws Error(input) naming `where`, line and column.
Json parse_json(const std::string& text, const std::string& where);
/// Reads and parses a file of at most `max_bytes`; throws Error(input).
Json read_json(const std::filesystem::path& file, size_t max_bytes = size_t{64} << 20);
/// Two-space indented UTF-8 with a final newline (invalid UTF-8 is replaced, never thrown).
std::string to_text(const Json& document);
/// Writes atomically; "-" writes to standard output. Throws Error(run) when the disk is full.
void write_json(const std::string& file_or_dash, const Json& document);

/// A new document: {"schema": "looktwice/NAME", "version": N}.
Json document(const std::string& name, int version);

}  // namespace looktwice
