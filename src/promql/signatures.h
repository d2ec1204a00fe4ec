// The functions of PromQL and their types. A row here makes a function known to the parser; the
// engine must then know it too.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace thermocline::promql {

enum class ValueType : uint8_t { kNone, kScalar, kVector, kMatrix, kString };
// As results name it: "none", "scalar", "vector", "matrix", "string".
std::string_view ValueTypeName(ValueType type);
// As error messages say it: "scalar", "instant vector", "range vector", "string".
std::string_view ValueTypePhrase(ValueType type);

// The position of a function in the table, for switches and dispatch tables: AllSignatures()[i].
enum class Function : uint8_t {
  kAbs,
  kAbsent,
  kAbsentOverTime,
  kAcos,
  kAcosh,
  kAsin,
  kAsinh,
  kAtan,
  kAtanh,
  kAvgOverTime,
  kCeil,
  kChanges,
  kClamp,
  kClampMax,
  kClampMin,
  kCos,
  kCosh,
  kCountOverTime,
  kDayOfMonth,
  kDayOfWeek,
  kDayOfYear,
  kDaysInMonth,
  kDeg,
  kDelta,
  kDeriv,
  kDoubleExponentialSmoothing,
  kEnd,
  kExp,
  kFirstOverTime,
  kFloor,
  kHistogramAvg,
  kHistogramCount,
  kHistogramFraction,
  kHistogramQuantile,
  kHistogramQuantiles,
  kHistogramStddev,
  kHistogramStdvar,
  kHistogramSum,
  kHour,
  kIdelta,
  kIncrease,
  kInfo,
  kIrate,
  kLabelJoin,
  kLabelReplace,
  kLastOverTime,
  kLn,
  kLog10,
  kLog2,
  kMadOverTime,
  kMaxOf,
  kMaxOverTime,
  kMinOf,
  kMinOverTime,
  kMinute,
  kMonth,
  kPi,
  kPredictLinear,
  kPresentOverTime,
  kQuantileOverTime,
  kRad,
  kRange,
  kRate,
  kResets,
  kRound,
  kScalar,
  kSgn,
  kSin,
  kSinh,
  kSort,
  kSortByLabel,
  kSortByLabelDesc,
  kSortDesc,
  kSqrt,
  kStart,
  kStartTimestamp,
  kStddevOverTime,
  kStdvarOverTime,
  kStep,
  kSumOverTime,
  kTan,
  kTanh,
  kTime,
  kTimestamp,
  kTsOfFirstOverTime,
  kTsOfLastOverTime,
  kTsOfMaxOverTime,
  kTsOfMinOverTime,
  kVector,
  kYear
};
inline constexpr int kFunctionCount = static_cast<int>(Function::kYear) + 1;

struct Signature {
  Function function;
  std::string_view name;
  std::array<ValueType, 5> args;  // arg_count used; the last repeats when variadic
  uint8_t arg_count;
  // 0: exactly arg_count. n > 0: the last argument is optional, and n - 1 more of its type may
  // follow. kUnlimited: the last argument may be absent or repeated without limit.
  int8_t variadic;
  ValueType returns;
  bool experimental;

  static constexpr int8_t kUnlimited = -1;
};

// All functions, ordered by name.
std::span<const Signature> AllSignatures();
// Null when there is no such function. Names are case-sensitive.
const Signature* FindSignature(std::string_view name);

}  // namespace thermocline::promql
