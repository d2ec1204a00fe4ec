// Function calls of the naive evaluator.
#include <cmath>
#include <limits>

#include "promql/naive/evaluator.h"

namespace thermocline::promql::naive {
namespace {

using F = Function;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

double Round(double value, double to) {
  const double inverse = 1.0 / to;
  return std::floor(value * inverse + 0.5) / inverse;
}

Vector Floats(const Vector& vector) {
  Vector floats;
  for (const Element& element : vector) {
    if (element.histogram == nullptr) floats.push_back(element);
  }
  return floats;
}

double ScalarOf(const Vector& vector) {
  const Vector floats = Floats(vector);
  return floats.size() == 1 ? floats[0].value : kNan;
}

Vector Number(double value) { return {{Labels(), value, nullptr, false, 0, 0}}; }

bool IsSort(F function) {
  return function == F::kSort || function == F::kSortDesc || function == F::kSortByLabel ||
         function == F::kSortByLabelDesc;
}

}  // namespace

void Evaluator::DropName(Element* element) const {
  element->drop_name = true;
  if (!options_.delayed_name_removal) element->labels = WithoutName(element->labels);
}

Result<Value> Evaluator::EvalCall(const Call& call, const Grid& grid) {
  const F function = call.function->function;
  const bool sample_time = function == F::kTimestamp || function == F::kStartTimestamp;
  if (sample_time && StripParens(*call.args[0]).kind == ExprKind::kVectorSelector) {
    return EvalSampleTimes(call, grid);
  }
  for (size_t i = 0; i < call.args.size(); ++i) {
    const ExprKind kind = StripParens(*call.args[i]).kind;
    if (kind == ExprKind::kMatrixSelector || kind == ExprKind::kSubquery) {
      return EvalRangeCall(call, i, grid);
    }
  }
  if (function == F::kLabelReplace) return EvalLabelReplace(call, grid);
  if (function == F::kLabelJoin) return EvalLabelJoin(call, grid);
  if (function == F::kInfo) return EvalInfo(call, grid);
  std::vector<Value> values;
  for (const ExprPtr& arg : call.args) {
    ASSIGN_OR_RETURN(Value value, Eval(*arg, grid));
    values.push_back(std::move(value));
  }
  if (IsSort(function) && !grid.single()) {
    notes_.Warn("sort is ineffective for range queries since results are always ordered by labels",
                call.span.start);
  }
  StepCollector collector(grid, !options_.delayed_name_removal);
  for (const TimestampMs t_ms : grid.Times()) {
    Arguments args;
    args.t_ms = t_ms;
    for (const Value& value : values) {
      args.vectors.push_back(At(value.matrix, t_ms));
      args.texts.push_back(value.text);
    }
    ASSIGN_OR_RETURN(const Vector elements, CallAt(call, args));
    RETURN_IF_ERROR(collector.Add(t_ms, elements));
  }
  Value value;
  value.matrix = collector.Take();
  return value;
}

// timestamp() and start_timestamp() of a selector look at the samples themselves.
Result<Value> Evaluator::EvalSampleTimes(const Call& call, const Grid& grid) {
  const auto& selector = As<VectorSelector>(StripParens(*call.args[0]));
  ASSIGN_OR_RETURN(const Matrix stored, Selected(selector, grid, options_.lookback_delta_ms, 0));
  const bool start = call.function->function == F::kStartTimestamp;
  StepCollector collector(grid, !options_.delayed_name_removal);
  for (const TimestampMs t_ms : grid.Times()) {
    if (start && !options_.use_start_timestamps) continue;
    ASSIGN_OR_RETURN(Vector elements, InstantElements(selector, stored, t_ms));
    for (Element& element : elements) {
      element.value = Seconds(start ? element.start_ms : element.taken_ms);
      element.histogram = nullptr;
      DropName(&element);
    }
    RETURN_IF_ERROR(collector.Add(t_ms, elements));
  }
  Value value;
  value.matrix = collector.Take();
  return value;
}

Vector Evaluator::MapFloats(const Call& call, const Arguments& args) const {
  const F function = call.function->function;
  const bool calendar = CalendarFunction(function, 0).has_value();
  if (args.vectors.empty()) return Number(*CalendarFunction(function, Seconds(args.t_ms)));
  if (function == F::kClamp && args.scalar(2) < args.scalar(1)) return {};
  Vector out;
  for (Element element : Floats(args.vectors[0])) {
    const double value = element.value;
    switch (function) {
      case F::kRound:
        element.value = Round(value, args.vectors.size() > 1 ? args.scalar(1) : 1);
        break;
      case F::kClamp: element.value = GoMax(args.scalar(1), GoMin(args.scalar(2), value)); break;
      case F::kClampMin: element.value = GoMax(args.scalar(1), GoMin(kInf, value)); break;
      case F::kClampMax: element.value = GoMax(-kInf, GoMin(args.scalar(1), value)); break;
      default:
        element.value =
            calendar ? *CalendarFunction(function, value) : *MathFunction(function, value);
    }
    DropName(&element);
    out.push_back(std::move(element));
  }
  return out;
}

Result<Vector> Evaluator::CallAt(const Call& call, const Arguments& args) {
  const F function = call.function->function;
  switch (function) {
    case F::kTime:
    case F::kPi:
    case F::kStart:
    case F::kEnd:
    case F::kStep:
    case F::kRange: return Number(ContextNumber(function, args.t_ms));
    case F::kMaxOf: return Number(GoMax(args.scalar(0), args.scalar(1)));
    case F::kMinOf: return Number(GoMin(args.scalar(0), args.scalar(1)));
    case F::kScalar: return Number(ScalarOf(args.vectors[0]));
    case F::kVector: return Number(args.scalar(0));
    case F::kAbsent:
      if (!args.vectors[0].empty()) return Vector();
      return Vector{{LabelsForAbsent(StripParens(*call.args[0])), 1, nullptr, false, 0, 0}};
    case F::kSort:
    case F::kSortDesc: return SortedByValue(Floats(args.vectors[0]), function == F::kSortDesc);
    case F::kSortByLabel:
    case F::kSortByLabelDesc:
      return SortedByLabels(args.vectors[0], {args.texts.begin() + 1, args.texts.end()},
                            function == F::kSortByLabelDesc);
    case F::kTimestamp: {
      Vector elements = args.vectors[0];
      for (Element& element : elements) {
        element.value = Seconds(args.t_ms);
        element.histogram = nullptr;
        DropName(&element);
      }
      return elements;
    }
    case F::kStartTimestamp: return Vector();
    case F::kHistogramCount:
    case F::kHistogramSum:
    case F::kHistogramAvg:
    case F::kHistogramStddev:
    case F::kHistogramStdvar: return HistogramNumbers(function, args.vectors[0]);
    case F::kHistogramQuantile: return HistogramQuantile(call, args);
    case F::kHistogramQuantiles: return HistogramQuantiles(call, args);
    case F::kHistogramFraction: return HistogramFractions(call, args);
    default: break;
  }
  if (!MathFunction(function, 0) && !CalendarFunction(function, 0) && function != F::kRound &&
      function != F::kClamp && function != F::kClampMin && function != F::kClampMax) {
    return Status::Internal("a function that the naive evaluator does not know: " +
                            std::string(call.function->name));
  }
  return MapFloats(call, args);
}

}  // namespace thermocline::promql::naive
