// Operations of the reference backend that work row by row.

#include <algorithm>
#include <cmath>
#include <vector>

#include "compute/factories.h"
#include "compute/reference/reference_backend.h"
#include "compute/reference/rows.h"
#include "compute/threads.h"

namespace looktwice::compute {
namespace {

using Row = std::vector<float>;

constexpr int64_t kElementsToShare = 1 << 14;  // fewer are done before another thread has woken up

/// Rows that are worth a thread.
int64_t grain(const Tensor& x) {
  return std::max<int64_t>(1, kElementsToShare / std::max<int64_t>(1, x.cols()));
}

/// y row = f(number, x row, a second row to work in) for all rows; f runs on several threads.
template <typename F>
void map_rows(const Tensor& y, const Tensor& x, F&& f) {
  parallel_ranges(x.rows(), grain(x), [&](int64_t begin, int64_t end) {
    Row row(size_t(x.cols())), other(size_t(x.cols()));
    for (int64_t r = begin; r < end; ++r) {
      load_row(x, r, row.data());
      f(r, row, other);
      store_row(y, r, row.data());
    }
  });
}

}  // namespace

std::string ReferenceBackend::description() const {
  return "reference: plain scalar float32, " + std::to_string(threads()) + " threads";
}

BackendPtr make_reference() {
  return std::make_shared<ReferenceBackend>();
}

void ReferenceBackend::layer_norm(const Tensor& y, const Tensor& x, const Tensor& weight,
                                  const Tensor& bias, float eps) {
  check_same("layer_norm", y, x);
  if (weight) check_groups("layer_norm", x, weight, {});
  if (bias) check_groups("layer_norm", x, bias, {});
  map_rows(y, x, [&](int64_t, Row& row, Row&) {
    const double n = double(row.size());
    double mean = 0, variance = 0;
    for (float v : row)
      mean += v;
    mean /= n;
    for (float v : row)
      variance += (v - mean) * (v - mean);
    const double scale = 1.0 / std::sqrt(variance / n + eps);
    for (size_t i = 0; i < row.size(); ++i) {
      float v = float((row[i] - mean) * scale);
      if (weight) v *= weight.data<float>()[i];
      if (bias) v += bias.data<float>()[i];
      row[i] = v;
    }
  });
}

void ReferenceBackend::modulate(const Tensor& y, const Tensor& x, const Tensor& shift,
                                const Tensor& scale, const Tensor& groups) {
  check_same("modulate", y, x);
  check_groups("modulate", x, shift, groups);
  check_groups("modulate", x, scale, groups);
  map_rows(y, x, [&](int64_t r, Row& row, Row&) {
    const int64_t g = group_at(groups, r);
    const float* a = scale.data<float>() + g * scale.row_stride();
    const float* b = shift.data<float>() + g * shift.row_stride();
    for (size_t i = 0; i < row.size(); ++i)
      row[i] = row[i] * (1.0f + a[i]) + b[i];
  });
}

void ReferenceBackend::rms_norm(const Tensor& y, const Tensor& x, const Tensor& weight, int heads,
                                float eps) {
  check_rms_norm(y, x, weight, heads);
  const auto dim = size_t(x.cols() / heads);
  map_rows(y, x, [&](int64_t, Row& row, Row&) {
    for (size_t at = 0; at < row.size(); at += dim) {
      double squares = 0;
      for (size_t i = 0; i < dim; ++i)
        squares += double(row[at + i]) * row[at + i];
      const float scale = float(1.0 / std::sqrt(squares / double(dim) + eps));
      for (size_t i = 0; i < dim; ++i)
        row[at + i] = row[at + i] * scale * weight.data<float>()[i];
    }
  });
}

void ReferenceBackend::rotary(const Tensor& y, const Tensor& x, const Tensor& cos,
                              const Tensor& sin, const Tensor& position, int heads) {
  check_same("rotary", y, x);
  require(heads >= 1 && x.cols() % (2 * heads) == 0, "rotary", "heads of an even width");
  const auto dim = size_t(x.cols() / heads);
  require(cos.cols() == int64_t(dim / 2) && sin.cols() == cos.cols() && sin.rows() == cos.rows(),
          "rotary", "tables are f32 [positions, head_dim/2]");
  check_index("rotary", position, x.rows(), cos.rows());
  map_rows(y, x, [&](int64_t r, Row& row, Row&) {
    const int64_t p = position.data<int32_t>()[r];
    const float* c = cos.data<float>() + p * cos.row_stride();
    const float* s = sin.data<float>() + p * sin.row_stride();
    for (size_t at = 0; at < row.size(); at += dim)
      for (size_t j = 0; j < dim / 2; ++j) {
        const float a = row[at + 2 * j], b = row[at + 2 * j + 1];
        row[at + 2 * j] = a * c[j] - b * s[j];
        row[at + 2 * j + 1] = b * c[j] + a * s[j];
      }
  });
}

void ReferenceBackend::gated_add(const Tensor& y, const Tensor& x, const Tensor& r,
                                 const Tensor& gate, const Tensor& groups) {
  check_same("gated_add", y, x);
  check_same("gated_add", x, r);
  if (gate) check_groups("gated_add", x, gate, groups);
  map_rows(y, x, [&](int64_t i, Row& row, Row& add) {
    load_row(r, i, add.data());
    const float* g = gate ? gate.data<float>() + group_at(groups, i) * gate.row_stride() : nullptr;
    for (size_t c = 0; c < row.size(); ++c)
      row[c] += g ? g[c] * add[c] : add[c];
  });
}

void ReferenceBackend::combine(const Tensor& y, float alpha, const Tensor& a, float beta,
                               const Tensor& b) {
  check_same("combine", y, a);
  check_same("combine", a, b);
  map_rows(y, a, [&](int64_t i, Row& row, Row& add) {
    load_row(b, i, add.data());
    for (size_t c = 0; c < row.size(); ++c)
      row[c] = alpha * row[c] + beta * add[c];
  });
}

void ReferenceBackend::activate(const Tensor& y, const Tensor& x, Activation activation) {
  check_same("activate", y, x);
  map_rows(y, x, [&](int64_t, Row& row, Row&) {
    for (float& v : row)
      v = activated(v, activation);
  });
}

void ReferenceBackend::copy(const Tensor& y, const Tensor& x) {
  check_same("copy", y, x);
  map_rows(y, x, [](int64_t, Row&, Row&) {});
}

void ReferenceBackend::gather_rows(const Tensor& y, const Tensor& x, const Tensor& index) {
  require(y.cols() == x.cols() && y.raw() != x.raw(), "gather_rows", "rows are equally wide");
  check_index("gather_rows", index, y.rows(), x.rows());
  parallel_ranges(y.rows(), grain(y), [&](int64_t begin, int64_t end) {
    Row row(size_t(x.cols()));
    for (int64_t i = begin; i < end; ++i) {
      load_row(x, index.data<int32_t>()[i], row.data());
      store_row(y, i, row.data());
    }
  });
}

void ReferenceBackend::scatter_add_rows(const Tensor& y, const Tensor& x, const Tensor& index) {
  require(y.cols() == x.cols() && y.raw() != x.raw(), "scatter_add_rows", "rows are equally wide");
  check_index("scatter_add_rows", index, x.rows(), y.rows());
  Row row(size_t(x.cols())), sum(size_t(x.cols()));
  for (int64_t i = 0; i < x.rows(); ++i) {
    const int64_t to = index.data<int32_t>()[i];
    load_row(x, i, row.data());
    load_row(y, to, sum.data());
    for (size_t c = 0; c < row.size(); ++c)
      sum[c] += row[c];
    store_row(y, to, sum.data());
  }
}

void ReferenceBackend::add_rows(const Tensor& y, const Tensor& x, const Tensor& table,
                                const Tensor& index) {
  check_same("add_rows", y, x);
  require(table.cols() == x.cols(), "add_rows", "the table is as wide as a row");
  check_index("add_rows", index, x.rows(), table.rows());
  map_rows(y, x, [&](int64_t r, Row& row, Row& add) {
    load_row(table, index.data<int32_t>()[r], add.data());
    for (size_t c = 0; c < row.size(); ++c)
      row[c] += add[c];
  });
}

}  // namespace looktwice::compute
