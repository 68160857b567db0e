#include "base/error.h"

#include <utility>

namespace looktwice {
namespace {

std::string compose(const std::string& where, const std::string& what, const std::string& hint) {
  std::string line = where.empty() ? what : where + ": " + what;
  if (!hint.empty()) line += "; " + hint;
  for (char& c : line)
    if (c == '\n' || c == '\r') c = ' ';
  return line;
}

}  // namespace

Error::Error(Fault fault, std::string where, std::string what, std::string hint)
    : std::runtime_error(compose(where, what, hint)),
      fault_(fault),
      where_(std::move(where)),
      problem_(std::move(what)),
      hint_(std::move(hint)) {}

Error bad_input(std::string where, std::string what, std::string hint) {
  return {Fault::input, std::move(where), std::move(what), std::move(hint)};
}

Error run_failed(std::string where, std::string what, std::string hint) {
  return {Fault::run, std::move(where), std::move(what), std::move(hint)};
}

}  // namespace looktwice
