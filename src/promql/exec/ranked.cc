// topk, bottomk, limitk, limit_ratio. Source: Prometheus' promql/engine.go, aggregationK;
// promql-semantics 3.2 to 3.4.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/hash.h"
#include "promql/exec/aggregate.h"
#include "promql/text.h"

namespace thermocline::promql {
namespace {

struct Ranked {
  double value;
  uint32_t row;
};

// Prometheus keeps the k best in a binary heap whose root is the worst; which of several equal
// values survive depends on the heap's history, so it is the same heap (Go's container/heap).
class WorstFirstHeap {
 public:
  WorstFirstHeap(size_t limit, bool top) : limit_(limit), top_(top) {}

  void Offer(Ranked sample) {
    if (items_.size() < limit_) {
      items_.push_back(sample);
      SiftUp(items_.size() - 1);
      return;
    }
    const double worst = items_[0].value;
    const bool better = top_ ? worst < sample.value : worst > sample.value;
    if (better || (std::isnan(worst) && !std::isnan(sample.value))) {
      items_[0] = sample;
      SiftDown();
    }
  }

  // Best first.
  std::vector<Ranked> Take() {
    std::vector<Ranked> best = std::move(items_);
    std::stable_sort(best.begin(), best.end(), [this](const Ranked& a, const Ranked& b) {
      return !std::isnan(a.value) && Worse(b, a);
    });
    return best;
  }

 private:
  bool Worse(const Ranked& a, const Ranked& b) const {
    if (std::isnan(a.value)) return true;
    return top_ ? a.value < b.value : a.value > b.value;
  }
  void SiftUp(size_t at) {
    while (at > 0) {
      const size_t parent = (at - 1) / 2;
      if (!Worse(items_[at], items_[parent])) return;
      std::swap(items_[at], items_[parent]);
      at = parent;
    }
  }
  void SiftDown() {
    size_t at = 0;
    for (;;) {
      size_t child = 2 * at + 1;
      if (child >= items_.size()) return;
      if (child + 1 < items_.size() && Worse(items_[child + 1], items_[child])) ++child;
      if (!Worse(items_[child], items_[at])) return;
      std::swap(items_[at], items_[child]);
      at = child;
    }
  }

  size_t limit_;
  bool top_;
  std::vector<Ranked> items_;
};

struct ParameterRange {
  double lowest = std::numeric_limits<double>::infinity();
  double highest = -std::numeric_limits<double>::infinity();
  bool nan = false;
};

ParameterRange RangeOf(const std::vector<double>& values) {
  ParameterRange range;
  for (const double value : values) {
    range.nan = range.nan || std::isnan(value);
    if (value > range.highest) range.highest = value;
    if (value < range.lowest) range.lowest = value;
  }
  return range;
}

// Clears the samples that `keep` (per row and step) does not name.
class Keeper {
 public:
  explicit Keeper(Matrix* matrix) : matrix_(matrix), keep_(matrix->rows().size()) {
    for (auto& steps : keep_) steps.assign(matrix->steps(), 0);
  }
  void Keep(uint32_t row, size_t step) { keep_[row][step] = 1; }
  Status ClearTheRest() {
    for (size_t row = 0; row < keep_.size(); ++row) {
      if (row % 256 == 0) RETURN_IF_ERROR(matrix_->context().Check());
      for (size_t step = 0; step < matrix_->steps(); ++step) {
        if (keep_[row][step] == 0) matrix_->rows()[row].kinds[step] = StepKind::kAbsent;
      }
    }
    return Status::Ok();
  }

 private:
  Matrix* matrix_;
  std::vector<std::vector<uint8_t>> keep_;
};

Status KeepTop(QueryContext& context, const PlanNode& node, const std::vector<double>& parameter,
               const GroupedRows& groups, Matrix* matrix) {
  const AggregateOp op = As<AggregateExpr>(*node.expr).op;
  Keeper keeper(matrix);
  const bool instant = context.is_instant() && matrix->steps() == 1;
  std::vector<Matrix::Row> ordered;
  bool ignored = false;
  for (size_t step = 0; step < matrix->steps(); ++step) {
    RETURN_IF_ERROR(context.Check());
    const auto series = static_cast<double>(matrix->rows().size());
    const auto limit = static_cast<size_t>(std::max(0.0, std::min(parameter[step], series)));
    if (limit == 0) continue;
    for (const std::vector<uint32_t>& rows : groups.rows) {
      WorstFirstHeap heap(limit, op == AggregateOp::kTopk);
      for (const uint32_t row : rows) {
        const StepKind kind = matrix->rows()[row].kinds[step];
        ignored = ignored || kind == StepKind::kHistogram;
        if (kind != StepKind::kFloat) continue;
        heap.Offer({matrix->rows()[row].values[step], row});
      }
      for (const Ranked& best : heap.Take()) {
        keeper.Keep(best.row, step);
        if (instant) ordered.push_back(matrix->rows()[best.row]);
      }
    }
  }
  RETURN_IF_ERROR(keeper.ClearTheRest());
  if (ignored) {
    context.annotations().Info(IgnoredHistogramText(op), {node.position, node.order});
  }
  if (instant) matrix->rows() = std::move(ordered);
  return Status::Ok();
}

Status KeepFirst(QueryContext& context, const std::vector<double>& parameter,
                 const GroupedRows& groups, Matrix* matrix) {
  Keeper keeper(matrix);
  for (size_t step = 0; step < matrix->steps(); ++step) {
    RETURN_IF_ERROR(context.Check());
    const auto series = static_cast<double>(matrix->rows().size());
    const auto limit = static_cast<size_t>(std::max(0.0, std::min(parameter[step], series)));
    for (const std::vector<uint32_t>& rows : groups.rows) {
      size_t kept = 0;
      for (const uint32_t row : rows) {
        if (kept == limit) break;
        if (matrix->rows()[row].kinds[step] == StepKind::kAbsent) continue;
        keeper.Keep(row, step);
        ++kept;
      }
    }
  }
  RETURN_IF_ERROR(keeper.ClearTheRest());
  return Status::Ok();
}

Status KeepRatio(const std::vector<double>& parameter, Matrix* matrix) {
  size_t rows = 0;
  for (Matrix::Row& row : matrix->rows()) {
    if (rows++ % 256 == 0) RETURN_IF_ERROR(matrix->context().Check());
    const double offset = RatioOffset(row.labels);
    for (size_t step = 0; step < matrix->steps(); ++step) {
      const double ratio = std::clamp(parameter[step], -1.0, 1.0);
      const bool keep = ratio >= 0 ? offset < ratio : offset >= 1 + ratio;
      if (!keep) row.kinds[step] = StepKind::kAbsent;
    }
  }
  return Status::Ok();
}

Status PrepareRatio(QueryContext& context, const PlanNode& node, const ParameterRange& range) {
  if (range.nan) return Status::OutOfRange("Ratio value is NaN");
  const auto warn = [&](double ratio, double cap) {
    context.annotations().Warn(
        fmt::format("ratio value should be between -1 and 1, got {}, capping to {}",
                    FormatShortest(ratio), FormatShortest(cap)),
        {node.children[1]->position, node.order});
  };
  if (range.highest > 1) warn(range.highest, 1);
  if (range.lowest < -1) warn(range.lowest, -1);
  return Status::Ok();
}

}  // namespace

double RatioOffset(LabelsView labels) {
  // Prometheus' own packed form differs from ours in how it writes lengths above 127.
  std::string bytes;
  const auto append = [&bytes](std::string_view text) {
    if (text.size() < 255) {
      bytes.push_back(static_cast<char>(text.size()));
    } else {
      bytes.push_back(static_cast<char>(255));
      for (int shift = 0; shift < 24; shift += 8) {
        bytes.push_back(static_cast<char>(text.size() >> shift));
      }
    }
    bytes.append(text);
  };
  for (const LabelPair& pair : labels) {
    append(pair.name);
    append(pair.value);
  }
  return static_cast<double>(Hash64(bytes)) /
         static_cast<double>(std::numeric_limits<uint64_t>::max());
}

Status KeepRanked(QueryContext& context, const PlanNode& node, const std::vector<double>& parameter,
                  const Grouping& grouping, Matrix* matrix) {
  const AggregateOp op = As<AggregateExpr>(*node.expr).op;
  const ParameterRange range = RangeOf(parameter);
  if (op == AggregateOp::kLimitRatio) {
    if (!range.nan && range.highest == 0 && range.lowest == 0) {
      matrix->rows().clear();
      return Status::Ok();
    }
    RETURN_IF_ERROR(PrepareRatio(context, node, range));
    return KeepRatio(parameter, matrix);
  }
  if (!range.nan && range.highest < 1) {
    matrix->rows().clear();
    return Status::Ok();
  }
  if (range.nan) return Status::OutOfRange("Parameter value is NaN");
  if (range.lowest <= -9223372036854775808.0) {
    return Status::OutOfRange(
        fmt::format("Scalar value {} underflows int64", FormatShortest(range.lowest)));
  }
  if (range.highest >= 9223372036854774784.0) {
    return Status::OutOfRange(
        fmt::format("Scalar value {} overflows int64", FormatShortest(range.highest)));
  }
  ASSIGN_OR_RETURN(const GroupedRows groups, GroupRows(*matrix, grouping));
  if (op == AggregateOp::kLimitk) return KeepFirst(context, parameter, groups, matrix);
  return KeepTop(context, node, parameter, groups, matrix);
}

}  // namespace thermocline::promql
