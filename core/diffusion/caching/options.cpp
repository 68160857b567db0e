#include "diffusion/caching/options.h"

#include "base/error.h"
#include "base/text.h"

namespace looktwice::diffusion {

void read_options(const std::string& policy, const std::string& arguments, const std::string& bare,
                  const std::map<std::string, int*>& targets) {
  if (trim(arguments).empty()) return;
  for (const std::string& part : split(arguments, ',')) {
    const size_t equals = part.find('=');
    const std::string key =
        equals == std::string::npos ? bare : std::string(trim(part.substr(0, equals)));
    const std::string value = equals == std::string::npos ? part : part.substr(equals + 1);
    const auto it = targets.find(key);
    if (it == targets.end()) {
      std::vector<std::string> known;
      for (const auto& [name, target] : targets)
        known.push_back(name);
      const auto near = nearest(key, known);
      throw bad_input("--cache", policy + " has no option \"" + key + "\"",
                      near ? "did you mean " + *near + "?" : "known: " + join(known, ", "));
    }
    const int64_t number = parse_integer(value, "--cache " + policy + " " + key);
    if (number < -1000000 || number > 1000000)
      throw bad_input("--cache", policy + ": " + key + " is out of range");
    *it->second = static_cast<int>(number);
  }
}

}  // namespace looktwice::diffusion
