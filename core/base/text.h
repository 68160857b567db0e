#pragma once
// Small text helpers shared by option parsing and messages.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace looktwice {

std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string_view trim(std::string_view text);

/// The whole of `text` as a number; throws Error(input) naming `where` for anything else, NaN and
/// infinity included. Locale-independent.
double parse_number(std::string_view text, const std::string& where);
int64_t parse_integer(std::string_view text, const std::string& where);

/// "key=value&key=value" as used behind "synth:NAME?"; throws Error(input) on a missing '='.
std::map<std::string, std::string> parse_query(std::string_view text, const std::string& where);

/// The entry of `known` nearest to `word` by edit distance, if near enough to be a typing slip.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& known);

/// `text` quoted for a POSIX shell (unchanged where no quoting is needed).
std::string shell_quote(const std::string& text);
/// Shortest decimal that reads back as the same value: 0.1 is "0.1".
std::string number_text(double value);
std::string number_text(float value);

}  // namespace looktwice
