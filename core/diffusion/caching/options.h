#pragma once
// "key=value,key=value" behind the name of a policy.

#include <map>
#include <string>

namespace looktwice::diffusion {

/// Fills the named integers; a value without a key goes to `bare`. Throws Error(input) naming an
/// unknown key (with the nearest one) or a value that is no whole number.
void read_options(const std::string& policy, const std::string& arguments, const std::string& bare,
                  const std::map<std::string, int*>& targets);

}  // namespace looktwice::diffusion
