#include "promql/signatures.h"

#include <algorithm>

namespace thermocline::promql {
namespace {

using F = Function;
constexpr ValueType S = ValueType::kScalar;
constexpr ValueType V = ValueType::kVector;
constexpr ValueType M = ValueType::kMatrix;
constexpr ValueType T = ValueType::kString;
constexpr int8_t kMore = Signature::kUnlimited;
constexpr bool kStable = false;
constexpr bool kExperimental = true;

// Facts from Prometheus' promql/parser/functions.go.
constexpr Signature kSignatures[] = {
    {F::kAbs, "abs", {V}, 1, 0, V, kStable},
    {F::kAbsent, "absent", {V}, 1, 0, V, kStable},
    {F::kAbsentOverTime, "absent_over_time", {M}, 1, 0, V, kStable},
    {F::kAcos, "acos", {V}, 1, 0, V, kStable},
    {F::kAcosh, "acosh", {V}, 1, 0, V, kStable},
    {F::kAsin, "asin", {V}, 1, 0, V, kStable},
    {F::kAsinh, "asinh", {V}, 1, 0, V, kStable},
    {F::kAtan, "atan", {V}, 1, 0, V, kStable},
    {F::kAtanh, "atanh", {V}, 1, 0, V, kStable},
    {F::kAvgOverTime, "avg_over_time", {M}, 1, 0, V, kStable},
    {F::kCeil, "ceil", {V}, 1, 0, V, kStable},
    {F::kChanges, "changes", {M}, 1, 0, V, kStable},
    {F::kClamp, "clamp", {V, S, S}, 3, 0, V, kStable},
    {F::kClampMax, "clamp_max", {V, S}, 2, 0, V, kStable},
    {F::kClampMin, "clamp_min", {V, S}, 2, 0, V, kStable},
    {F::kCos, "cos", {V}, 1, 0, V, kStable},
    {F::kCosh, "cosh", {V}, 1, 0, V, kStable},
    {F::kCountOverTime, "count_over_time", {M}, 1, 0, V, kStable},
    {F::kDayOfMonth, "day_of_month", {V}, 1, 1, V, kStable},
    {F::kDayOfWeek, "day_of_week", {V}, 1, 1, V, kStable},
    {F::kDayOfYear, "day_of_year", {V}, 1, 1, V, kStable},
    {F::kDaysInMonth, "days_in_month", {V}, 1, 1, V, kStable},
    {F::kDeg, "deg", {V}, 1, 0, V, kStable},
    {F::kDelta, "delta", {M}, 1, 0, V, kStable},
    {F::kDeriv, "deriv", {M}, 1, 0, V, kStable},
    {F::kDoubleExponentialSmoothing,
     "double_exponential_smoothing",
     {M, S, S},
     3,
     0,
     V,
     kExperimental},
    {F::kEnd, "end", {}, 0, 0, S, kExperimental},
    {F::kExp, "exp", {V}, 1, 0, V, kStable},
    {F::kFirstOverTime, "first_over_time", {M}, 1, 0, V, kStable},
    {F::kFloor, "floor", {V}, 1, 0, V, kStable},
    {F::kHistogramAvg, "histogram_avg", {V}, 1, 0, V, kStable},
    {F::kHistogramCount, "histogram_count", {V}, 1, 0, V, kStable},
    {F::kHistogramFraction, "histogram_fraction", {S, S, V}, 3, 0, V, kStable},
    {F::kHistogramQuantile, "histogram_quantile", {S, V}, 2, 0, V, kStable},
    {F::kHistogramQuantiles, "histogram_quantiles", {V, T, S, S}, 4, 9, V, kExperimental},
    {F::kHistogramStddev, "histogram_stddev", {V}, 1, 0, V, kStable},
    {F::kHistogramStdvar, "histogram_stdvar", {V}, 1, 0, V, kStable},
    {F::kHistogramSum, "histogram_sum", {V}, 1, 0, V, kStable},
    {F::kHour, "hour", {V}, 1, 1, V, kStable},
    {F::kIdelta, "idelta", {M}, 1, 0, V, kStable},
    {F::kIncrease, "increase", {M}, 1, 0, V, kStable},
    {F::kInfo, "info", {V, V}, 2, 1, V, kExperimental},
    {F::kIrate, "irate", {M}, 1, 0, V, kStable},
    {F::kLabelJoin, "label_join", {V, T, T, T}, 4, kMore, V, kStable},
    {F::kLabelReplace, "label_replace", {V, T, T, T, T}, 5, 0, V, kStable},
    {F::kLastOverTime, "last_over_time", {M}, 1, 0, V, kStable},
    {F::kLn, "ln", {V}, 1, 0, V, kStable},
    {F::kLog10, "log10", {V}, 1, 0, V, kStable},
    {F::kLog2, "log2", {V}, 1, 0, V, kStable},
    {F::kMadOverTime, "mad_over_time", {M}, 1, 0, V, kExperimental},
    {F::kMaxOf, "max_of", {S, S}, 2, 0, S, kExperimental},
    {F::kMaxOverTime, "max_over_time", {M}, 1, 0, V, kStable},
    {F::kMinOf, "min_of", {S, S}, 2, 0, S, kExperimental},
    {F::kMinOverTime, "min_over_time", {M}, 1, 0, V, kStable},
    {F::kMinute, "minute", {V}, 1, 1, V, kStable},
    {F::kMonth, "month", {V}, 1, 1, V, kStable},
    {F::kPi, "pi", {}, 0, 0, S, kStable},
    {F::kPredictLinear, "predict_linear", {M, S}, 2, 0, V, kStable},
    {F::kPresentOverTime, "present_over_time", {M}, 1, 0, V, kStable},
    {F::kQuantileOverTime, "quantile_over_time", {S, M}, 2, 0, V, kStable},
    {F::kRad, "rad", {V}, 1, 0, V, kStable},
    {F::kRange, "range", {}, 0, 0, S, kExperimental},
    {F::kRate, "rate", {M}, 1, 0, V, kStable},
    {F::kResets, "resets", {M}, 1, 0, V, kStable},
    {F::kRound, "round", {V, S}, 2, 1, V, kStable},
    {F::kScalar, "scalar", {V}, 1, 0, S, kStable},
    {F::kSgn, "sgn", {V}, 1, 0, V, kStable},
    {F::kSin, "sin", {V}, 1, 0, V, kStable},
    {F::kSinh, "sinh", {V}, 1, 0, V, kStable},
    {F::kSort, "sort", {V}, 1, 0, V, kStable},
    {F::kSortByLabel, "sort_by_label", {V, T}, 2, kMore, V, kExperimental},
    {F::kSortByLabelDesc, "sort_by_label_desc", {V, T}, 2, kMore, V, kExperimental},
    {F::kSortDesc, "sort_desc", {V}, 1, 0, V, kStable},
    {F::kSqrt, "sqrt", {V}, 1, 0, V, kStable},
    {F::kStart, "start", {}, 0, 0, S, kExperimental},
    {F::kStartTimestamp, "start_timestamp", {V}, 1, 0, V, kExperimental},
    {F::kStddevOverTime, "stddev_over_time", {M}, 1, 0, V, kStable},
    {F::kStdvarOverTime, "stdvar_over_time", {M}, 1, 0, V, kStable},
    {F::kStep, "step", {}, 0, 0, S, kExperimental},
    {F::kSumOverTime, "sum_over_time", {M}, 1, 0, V, kStable},
    {F::kTan, "tan", {V}, 1, 0, V, kStable},
    {F::kTanh, "tanh", {V}, 1, 0, V, kStable},
    {F::kTime, "time", {}, 0, 0, S, kStable},
    {F::kTimestamp, "timestamp", {V}, 1, 0, V, kStable},
    {F::kTsOfFirstOverTime, "ts_of_first_over_time", {M}, 1, 0, V, kExperimental},
    {F::kTsOfLastOverTime, "ts_of_last_over_time", {M}, 1, 0, V, kExperimental},
    {F::kTsOfMaxOverTime, "ts_of_max_over_time", {M}, 1, 0, V, kExperimental},
    {F::kTsOfMinOverTime, "ts_of_min_over_time", {M}, 1, 0, V, kExperimental},
    {F::kVector, "vector", {S}, 1, 0, V, kStable},
    {F::kYear, "year", {V}, 1, 1, V, kStable},
};
static_assert(std::size(kSignatures) == kFunctionCount);

}  // namespace

std::string_view ValueTypeName(ValueType type) {
  switch (type) {
    case ValueType::kNone: return "none";
    case ValueType::kScalar: return "scalar";
    case ValueType::kVector: return "vector";
    case ValueType::kMatrix: return "matrix";
    case ValueType::kString: return "string";
  }
  return "";
}

std::string_view ValueTypePhrase(ValueType type) {
  switch (type) {
    case ValueType::kVector: return "instant vector";
    case ValueType::kMatrix: return "range vector";
    default: return ValueTypeName(type);
  }
}

std::span<const Signature> AllSignatures() { return kSignatures; }

const Signature* FindSignature(std::string_view name) {
  const auto* found = std::lower_bound(
      std::begin(kSignatures), std::end(kSignatures), name,
      [](const Signature& row, std::string_view wanted) { return row.name < wanted; });
  return found != std::end(kSignatures) && found->name == name ? found : nullptr;
}

}  // namespace thermocline::promql
