#pragma once
// A caching policy as one value: parsed from the command line, carried by settings and traces.

#include <optional>
#include <string>
#include <variant>

#include "diffusion/caching/adacache.h"
#include "diffusion/caching/deltadit.h"
#include "diffusion/caching/fixed.h"
#include "diffusion/caching/pab.h"
#include "diffusion/caching/teacache.h"
#include "diffusion/caching/tgate.h"

namespace looktwice::diffusion {

struct PolicySettings {
  std::variant<NoCache, Interval, Plan, AdaCache, Pab, Tgate, DeltaDit, TeaCache> method;
  std::string text = "none";  ///< as the command line spells it
  bool operator==(const PolicySettings&) const = default;
};

/// POLICY of the command line:
///   none | interval:K | plan:1,2,8,… | adacache:fast|slow|100|FILE|[[0.08,6],…,[null,1]]|{…} |
///   pab[:246|357|579[,reference]] | tgate[:gate=10,sp=5,fi=1,warmup=2] |
///   deltadit[:every=2,blocks=14,boundary=15] | teacache:DELTA[,verbatim] | teacache:FILE
/// Every policy also takes {…}, the JSON of its parameters written in place.
/// `moreg` is the value of --moreg: empty text for the published window, else "FIRST..LAST". It may
/// also be written into the policy: "adacache:fast+moreg=4..26".
/// Throws Error(input) naming what is wrong, with the nearest known word.
PolicySettings parse_policy(const std::string& text, const std::optional<std::string>& moreg = {});

/// The shortest text that parse_policy reads as these parameters; `settings.text` plays no part.
std::string policy_text(const PolicySettings& settings);

PolicyPtr make_policy(const PolicySettings& settings);

/// {"policy": NAME, …} with every parameter. from_json takes what to_json wrote, and any policy
/// file a user writes by hand (missing keys keep their defaults).
Json to_json(const PolicySettings& settings);
PolicySettings policy_from_json(const Json& json, const std::string& where);

}  // namespace looktwice::diffusion
