#include "promql/signatures.h"

#include <algorithm>

namespace thermocline::promql {
namespace {

using F = Function;
constexpr ValueType kS = ValueType::kScalar;
constexpr ValueType kV = ValueType::kVector;
constexpr ValueType kM = ValueType::kMatrix;
constexpr ValueType kT = ValueType::kString;
constexpr int8_t kMore = Signature::kUnlimited;
constexpr bool kStable = false;
constexpr bool kExperimental = true;

// Facts from Prometheus' promql/parser/functions.go.
constexpr Signature kSignatures[] = {
    {F::kAbs, "abs", {kV}, 1, 0, kV, kStable},
    {F::kAbsent, "absent", {kV}, 1, 0, kV, kStable},
    {F::kAbsentOverTime, "absent_over_time", {kM}, 1, 0, kV, kStable},
    {F::kAcos, "acos", {kV}, 1, 0, kV, kStable},
    {F::kAcosh, "acosh", {kV}, 1, 0, kV, kStable},
    {F::kAsin, "asin", {kV}, 1, 0, kV, kStable},
    {F::kAsinh, "asinh", {kV}, 1, 0, kV, kStable},
    {F::kAtan, "atan", {kV}, 1, 0, kV, kStable},
    {F::kAtanh, "atanh", {kV}, 1, 0, kV, kStable},
    {F::kAvgOverTime, "avg_over_time", {kM}, 1, 0, kV, kStable},
    {F::kCeil, "ceil", {kV}, 1, 0, kV, kStable},
    {F::kChanges, "changes", {kM}, 1, 0, kV, kStable},
    {F::kClamp, "clamp", {kV, kS, kS}, 3, 0, kV, kStable},
    {F::kClampMax, "clamp_max", {kV, kS}, 2, 0, kV, kStable},
    {F::kClampMin, "clamp_min", {kV, kS}, 2, 0, kV, kStable},
    {F::kCos, "cos", {kV}, 1, 0, kV, kStable},
    {F::kCosh, "cosh", {kV}, 1, 0, kV, kStable},
    {F::kCountOverTime, "count_over_time", {kM}, 1, 0, kV, kStable},
    {F::kDayOfMonth, "day_of_month", {kV}, 1, 1, kV, kStable},
    {F::kDayOfWeek, "day_of_week", {kV}, 1, 1, kV, kStable},
    {F::kDayOfYear, "day_of_year", {kV}, 1, 1, kV, kStable},
    {F::kDaysInMonth, "days_in_month", {kV}, 1, 1, kV, kStable},
    {F::kDeg, "deg", {kV}, 1, 0, kV, kStable},
    {F::kDelta, "delta", {kM}, 1, 0, kV, kStable},
    {F::kDeriv, "deriv", {kM}, 1, 0, kV, kStable},
    {F::kDoubleExponentialSmoothing,
     "double_exponential_smoothing",
     {kM, kS, kS},
     3,
     0,
     kV,
     kExperimental},
    {F::kEnd, "end", {}, 0, 0, kS, kExperimental},
    {F::kExp, "exp", {kV}, 1, 0, kV, kStable},
    {F::kFirstOverTime, "first_over_time", {kM}, 1, 0, kV, kStable},
    {F::kFloor, "floor", {kV}, 1, 0, kV, kStable},
    {F::kHistogramAvg, "histogram_avg", {kV}, 1, 0, kV, kStable},
    {F::kHistogramCount, "histogram_count", {kV}, 1, 0, kV, kStable},
    {F::kHistogramFraction, "histogram_fraction", {kS, kS, kV}, 3, 0, kV, kStable},
    {F::kHistogramQuantile, "histogram_quantile", {kS, kV}, 2, 0, kV, kStable},
    {F::kHistogramQuantiles, "histogram_quantiles", {kV, kT, kS, kS}, 4, 9, kV, kExperimental},
    {F::kHistogramStddev, "histogram_stddev", {kV}, 1, 0, kV, kStable},
    {F::kHistogramStdvar, "histogram_stdvar", {kV}, 1, 0, kV, kStable},
    {F::kHistogramSum, "histogram_sum", {kV}, 1, 0, kV, kStable},
    {F::kHour, "hour", {kV}, 1, 1, kV, kStable},
    {F::kIdelta, "idelta", {kM}, 1, 0, kV, kStable},
    {F::kIncrease, "increase", {kM}, 1, 0, kV, kStable},
    {F::kInfo, "info", {kV, kV}, 2, 1, kV, kExperimental},
    {F::kIrate, "irate", {kM}, 1, 0, kV, kStable},
    {F::kLabelJoin, "label_join", {kV, kT, kT, kT}, 4, kMore, kV, kStable},
    {F::kLabelReplace, "label_replace", {kV, kT, kT, kT, kT}, 5, 0, kV, kStable},
    {F::kLastOverTime, "last_over_time", {kM}, 1, 0, kV, kStable},
    {F::kLn, "ln", {kV}, 1, 0, kV, kStable},
    {F::kLog10, "log10", {kV}, 1, 0, kV, kStable},
    {F::kLog2, "log2", {kV}, 1, 0, kV, kStable},
    {F::kMadOverTime, "mad_over_time", {kM}, 1, 0, kV, kExperimental},
    {F::kMaxOf, "max_of", {kS, kS}, 2, 0, kS, kExperimental},
    {F::kMaxOverTime, "max_over_time", {kM}, 1, 0, kV, kStable},
    {F::kMinOf, "min_of", {kS, kS}, 2, 0, kS, kExperimental},
    {F::kMinOverTime, "min_over_time", {kM}, 1, 0, kV, kStable},
    {F::kMinute, "minute", {kV}, 1, 1, kV, kStable},
    {F::kMonth, "month", {kV}, 1, 1, kV, kStable},
    {F::kPi, "pi", {}, 0, 0, kS, kStable},
    {F::kPredictLinear, "predict_linear", {kM, kS}, 2, 0, kV, kStable},
    {F::kPresentOverTime, "present_over_time", {kM}, 1, 0, kV, kStable},
    {F::kQuantileOverTime, "quantile_over_time", {kS, kM}, 2, 0, kV, kStable},
    {F::kRad, "rad", {kV}, 1, 0, kV, kStable},
    {F::kRange, "range", {}, 0, 0, kS, kExperimental},
    {F::kRate, "rate", {kM}, 1, 0, kV, kStable},
    {F::kResets, "resets", {kM}, 1, 0, kV, kStable},
    {F::kRound, "round", {kV, kS}, 2, 1, kV, kStable},
    {F::kScalar, "scalar", {kV}, 1, 0, kS, kStable},
    {F::kSgn, "sgn", {kV}, 1, 0, kV, kStable},
    {F::kSin, "sin", {kV}, 1, 0, kV, kStable},
    {F::kSinh, "sinh", {kV}, 1, 0, kV, kStable},
    {F::kSort, "sort", {kV}, 1, 0, kV, kStable},
    {F::kSortByLabel, "sort_by_label", {kV, kT}, 2, kMore, kV, kExperimental},
    {F::kSortByLabelDesc, "sort_by_label_desc", {kV, kT}, 2, kMore, kV, kExperimental},
    {F::kSortDesc, "sort_desc", {kV}, 1, 0, kV, kStable},
    {F::kSqrt, "sqrt", {kV}, 1, 0, kV, kStable},
    {F::kStart, "start", {}, 0, 0, kS, kExperimental},
    {F::kStartTimestamp, "start_timestamp", {kV}, 1, 0, kV, kExperimental},
    {F::kStddevOverTime, "stddev_over_time", {kM}, 1, 0, kV, kStable},
    {F::kStdvarOverTime, "stdvar_over_time", {kM}, 1, 0, kV, kStable},
    {F::kStep, "step", {}, 0, 0, kS, kExperimental},
    {F::kSumOverTime, "sum_over_time", {kM}, 1, 0, kV, kStable},
    {F::kTan, "tan", {kV}, 1, 0, kV, kStable},
    {F::kTanh, "tanh", {kV}, 1, 0, kV, kStable},
    {F::kTime, "time", {}, 0, 0, kS, kStable},
    {F::kTimestamp, "timestamp", {kV}, 1, 0, kV, kStable},
    {F::kTsOfFirstOverTime, "ts_of_first_over_time", {kM}, 1, 0, kV, kExperimental},
    {F::kTsOfLastOverTime, "ts_of_last_over_time", {kM}, 1, 0, kV, kExperimental},
    {F::kTsOfMaxOverTime, "ts_of_max_over_time", {kM}, 1, 0, kV, kExperimental},
    {F::kTsOfMinOverTime, "ts_of_min_over_time", {kM}, 1, 0, kV, kExperimental},
    {F::kVector, "vector", {kS}, 1, 0, kV, kStable},
    {F::kYear, "year", {kV}, 1, 1, kV, kStable},
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
