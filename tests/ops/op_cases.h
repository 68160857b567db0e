#pragma once
// One list of cases over every operation of a backend. The agreement test runs it on every backend
// against `reference`; the benchmark measures the same list.

#include <functional>
#include <string>
#include <vector>

#include "compute/backend.h"

namespace looktwice::ops {

/// A case made ready on one backend: inputs uploaded, weights laid out, outputs allocated.
struct Ready {
  std::function<void()> run;             ///< may be called again and again
  std::vector<compute::Tensor> outputs;  ///< what run() writes
};

struct OpCase {
  std::string name;    ///< "linear/1568x768x3072/gelu"
  double flops = 0;    ///< of one run; 0 where bytes are what counts
  bool large = false;  ///< only for the benchmark
  double scale = 1;    ///< how large outputs are: tolerances are multiples of it
  std::function<Ready(compute::Backend&, DType inputs)> make;
};

/// The same list on every machine. Shapes are fixed ones that matter and random ones by `seed`.
std::vector<OpCase> op_cases(uint64_t seed = 1);

}  // namespace looktwice::ops
