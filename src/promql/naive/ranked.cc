// topk, bottomk, limitk and limit_ratio of the naive evaluator (promql-semantics 3.2 to 3.4).
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/hash.h"
#include "promql/naive/evaluator.h"
#include "promql/text.h"

namespace thermocline::promql::naive {
namespace {

using Op = AggregateOp;

struct ParameterRange {
  double lowest = std::numeric_limits<double>::max();
  double highest = -std::numeric_limits<double>::max();
  bool any_nan = false;

  explicit ParameterRange(const std::vector<double>& params) {
    for (const double param : params) {
      lowest = GoMin(lowest, param);
      highest = GoMax(highest, param);
      any_nan |= std::isnan(param);
    }
  }
};

// Upstream's heap of the k best, whose root is the worst: which of equal values stay depends on
// how it moves them.
class WorstFirst {
 public:
  explicit WorstFirst(bool top) : top_(top) {}

  size_t size() const { return heap_.size(); }
  void Push(const Element& element) {
    heap_.push_back(element);
    for (size_t child = heap_.size() - 1; child > 0;) {
      const size_t parent = (child - 1) / 2;
      if (!Worse(heap_[child], heap_[parent])) break;
      std::swap(heap_[child], heap_[parent]);
      child = parent;
    }
  }
  void ReplaceWorst(const Element& element) {
    const double worst = heap_[0].value;
    const bool better = top_ ? worst < element.value : worst > element.value;
    if (!better && !(std::isnan(worst) && !std::isnan(element.value))) return;
    heap_[0] = element;
    for (size_t parent = 0;;) {
      size_t child = 2 * parent + 1;
      if (child >= heap_.size()) break;
      if (child + 1 < heap_.size() && Worse(heap_[child + 1], heap_[child])) ++child;
      if (!Worse(heap_[child], heap_[parent])) break;
      std::swap(heap_[parent], heap_[child]);
      parent = child;
    }
  }
  // By insertion, as upstream sorts few elements.
  Vector BestFirst() const {
    Vector sorted = heap_;
    for (size_t i = 1; i < sorted.size(); ++i) {
      for (size_t j = i; j > 0 && Worse(sorted[j - 1], sorted[j]); --j) {
        std::swap(sorted[j - 1], sorted[j]);
      }
    }
    return sorted;
  }

 private:
  bool Worse(const Element& a, const Element& b) const {
    if (std::isnan(a.value)) return true;
    return top_ ? a.value < b.value : a.value > b.value;
  }
  const bool top_;
  Vector heap_;
};

void AppendText(std::string_view text, std::string* out) {
  if (text.size() < 255) {
    out->push_back(static_cast<char>(text.size()));
  } else {
    out->push_back('\xff');
    for (int shift = 0; shift < 24; shift += 8) {
      out->push_back(static_cast<char>(text.size() >> shift));
    }
  }
  out->append(text);
}

// Where in [0, 1) the hash of upstream's packed labels stands.
double HashPlace(const Labels& labels) {
  std::string packed;
  for (const LabelPair& pair : labels) {
    AppendText(pair.name, &packed);
    AppendText(pair.value, &packed);
  }
  return static_cast<double>(Hash64(packed)) / 18446744073709551615.0;
}

bool IsInRatio(double ratio, const Labels& labels) {
  const double capped = std::clamp(ratio, -1.0, 1.0);
  if (capped == 0) return false;
  const double place = HashPlace(labels);
  return capped > 0 ? place < capped : place >= 1 + capped;
}

std::string RatioText(double ratio, double cap) {
  return fmt::format("ratio value should be between -1 and 1, got {}, capping to {}",
                     FormatShortest(ratio), FormatShortest(cap));
}

// What one group keeps of its elements at a step; `count` is at least 1.
Vector Best(Op op, const Vector& elements, size_t count) {
  WorstFirst best(op == Op::kTopk);
  for (const Element& element : elements) {
    if (element.histogram != nullptr) continue;
    if (best.size() < count) {
      best.Push(element);
    } else {
      best.ReplaceWorst(element);
    }
  }
  return best.BestFirst();
}

}  // namespace

Result<bool> Evaluator::CheckParameters(const AggregateExpr& aggregate,
                                        const std::vector<double>& params) {
  if (params.empty()) return true;
  const ParameterRange range(params);
  const int32_t position = PositionOf(*aggregate.param);
  if (aggregate.op == Op::kQuantile) {
    if (range.any_nan) notes_.Warn(InvalidQuantile(NAN), position);
    if (range.highest > 1) notes_.Warn(InvalidQuantile(range.highest), position);
    if (range.lowest < 0) notes_.Warn(InvalidQuantile(range.lowest), position);
    return true;
  }
  if (aggregate.op == Op::kLimitRatio) {
    if (range.highest == 0 && range.lowest == 0) return false;
    if (range.any_nan) return Status::OutOfRange("Ratio value is NaN");
    if (range.highest > 1) notes_.Warn(RatioText(range.highest, 1), position);
    if (range.lowest < -1) notes_.Warn(RatioText(range.lowest, -1), position);
    return true;
  }
  if (range.highest < 1) return false;
  if (range.any_nan) return Status::OutOfRange("Parameter value is NaN");
  if (range.lowest <= -9223372036854775808.0) {
    return Status::OutOfRange(
        fmt::format("Scalar value {} underflows int64", FormatShortest(range.lowest)));
  }
  if (range.highest >= 9223372036854774784.0) {
    return Status::OutOfRange(
        fmt::format("Scalar value {} overflows int64", FormatShortest(range.highest)));
  }
  return true;
}

Result<Matrix> Evaluator::Choose(const AggregateExpr& aggregate, const Matrix& operand,
                                 const std::vector<double>& params, const Grid& grid) {
  // Ties must not depend on the order of the storage: as the engine, by labels.
  Matrix sorted = operand;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Series& a, const Series& b) { return a.labels < b.labels; });
  const std::vector<Group> groups = GroupsOf(aggregate, sorted);
  const bool ranks = aggregate.op == Op::kTopk || aggregate.op == Op::kBottomk;
  StepCollector collector(grid, false);
  size_t step = 0;
  for (const TimestampMs t_ms : grid.Times()) {
    const double param = params[step++];
    Vector chosen;
    for (const Group& group : groups) {
      Vector elements;
      for (const Series* series : group.members) {
        const Vector now = At({*series}, t_ms);
        elements.insert(elements.end(), now.begin(), now.end());
      }
      if (aggregate.op == Op::kLimitRatio) {
        std::erase_if(elements, [&](const Element& e) { return !IsInRatio(param, e.labels); });
      } else if (param < 1) {
        continue;
      } else if (ranks) {
        const bool ignored = std::any_of(elements.begin(), elements.end(),
                                         [](const Element& e) { return e.histogram != nullptr; });
        if (ignored) {
          notes_.Info(IgnoredInAggregation(AggregateOpText(aggregate.op)), aggregate.span.start);
        }
        elements = Best(aggregate.op, elements, static_cast<size_t>(std::min(param, 1e9)));
      } else if (static_cast<double>(elements.size()) > param) {
        elements.resize(static_cast<size_t>(param));
      }
      chosen.insert(chosen.end(), elements.begin(), elements.end());
    }
    RETURN_IF_ERROR(collector.Add(t_ms, chosen));
  }
  return collector.Take();
}

}  // namespace thermocline::promql::naive
