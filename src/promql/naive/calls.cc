// Function calls of the naive evaluator.
#include <cmath>
#include <limits>

#include "promql/naive/evaluator.h"

namespace thermocline::promql::naive {
namespace {

using F = Function;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

// Go's math.Max and math.Min: an infinity on the winning side beats NaN.
double GoMax(double a, double b) {
  if (a == kInf || b == kInf) return kInf;
  if (std::isnan(a) || std::isnan(b)) return kNan;
  return a > b ? a : b;
}
double GoMin(double a, double b) {
  if (a == -kInf || b == -kInf) return -kInf;
  if (std::isnan(a) || std::isnan(b)) return kNan;
  return a < b ? a : b;
}

double Round(double value, double to) {
  const double inverse = 1.0 / to;
  return std::floor(value * inverse + 0.5) / inverse;
}

// Functions of an element and scalar arguments.
std::optional<double> ScaledFunction(F function, double value, const std::vector<Value>& args) {
  switch (function) {
    case F::kRound: return Round(value, args.size() > 1 ? args[1].scalar : 1.0);
    case F::kClamp: return GoMax(args[1].scalar, GoMin(args[2].scalar, value));
    case F::kClampMin: return GoMax(args[1].scalar, value);
    case F::kClampMax: return GoMin(args[1].scalar, value);
    default: return MathFunction(function, value);
  }
}

double ScalarOf(const Vector& vector) { return vector.size() == 1 ? vector[0].value : kNan; }

bool IsSelector(const Expr& expr) { return StripParens(expr).kind == ExprKind::kVectorSelector; }

}  // namespace

double Evaluator::ContextNumber(Function function, TimestampMs t_ms) const {
  switch (function) {
    case F::kTime: return static_cast<double>(t_ms) / 1000;
    case F::kStart: return static_cast<double>(times_.start_ms) / 1000;
    case F::kEnd: return static_cast<double>(times_.end_ms) / 1000;
    case F::kStep:
      return times_.start_ms == times_.end_ms ? 0 : static_cast<double>(times_.step_ms) / 1000;
    case F::kRange: return static_cast<double>(times_.end_ms - times_.start_ms) / 1000;
    default: return M_PI;
  }
}

Result<Value> Evaluator::EvalCall(const Call& call, TimestampMs t_ms) {
  std::vector<Value> args;
  for (const ExprPtr& arg : call.args) {
    ASSIGN_OR_RETURN(Value value, Eval(*arg, t_ms));
    args.push_back(std::move(value));
  }
  const F function = call.function->function;
  switch (function) {
    case F::kTime:
    case F::kPi:
    case F::kStart:
    case F::kEnd:
    case F::kStep:
    case F::kRange: return Value::Scalar(ContextNumber(function, t_ms));
    case F::kMaxOf: return Value::Scalar(GoMax(args[0].scalar, args[1].scalar));
    case F::kMinOf: return Value::Scalar(GoMin(args[0].scalar, args[1].scalar));
    case F::kScalar: return Value::Scalar(ScalarOf(args[0].vector));
    case F::kVector: return Value::Of({{Labels(), args[0].scalar}});
    case F::kAbsent: return Absent(StripParens(*call.args[0]), !args[0].vector.empty());
    case F::kAbsentOverTime: return Absent(StripParens(*call.args[0]), !args[0].matrix.empty());
    case F::kSort:
    case F::kSortDesc:
    case F::kSortByLabel:
    case F::kSortByLabelDesc:
    case F::kLabelJoin: return LabelFunction(function, args);
    case F::kHistogramQuantile:
    case F::kHistogramFraction: {
      Vector out = function == F::kHistogramQuantile
                       ? ClassicQuantile(args[0].scalar, args[1].vector)
                       : ClassicFraction(args[0].scalar, args[1].scalar, args[2].vector);
      for (Element& element : out) DropName(options_.delayed_name_removal, &element);
      RETURN_IF_ERROR(CheckDistinct(out));
      return Value::Of(std::move(out));
    }
    default: break;
  }
  for (const Value& arg : args) {
    if (arg.type == ValueType::kMatrix) return EvalWindowCall(call, args, t_ms);
  }
  if (function == F::kClamp && args[2].scalar < args[1].scalar) return Value::Of({});
  const bool calendar = CalendarFunction(function, 0).has_value();
  Vector elements;
  if (!args.empty()) elements = args[0].vector;
  if (calendar && args.empty()) {
    return Value::Of({{Labels(), *CalendarFunction(function, static_cast<double>(t_ms) / 1000)}});
  }
  for (Element& element : elements) {
    std::optional<double> value = calendar ? CalendarFunction(function, element.value)
                                           : ScaledFunction(function, element.value, args);
    if (function == F::kTimestamp) {
      const bool own = IsSelector(*call.args[0]);
      value = static_cast<double>(own ? element.sample_ms : t_ms) / 1000;
    }
    if (!value) return Status::Unimplemented(std::string(call.function->name));
    element.value = *value;
    DropName(options_.delayed_name_removal, &element);
  }
  if (elements.empty() && !calendar && function != F::kTimestamp &&
      !ScaledFunction(function, 0, std::vector<Value>(3))) {
    return Status::Unimplemented(std::string(call.function->name));
  }
  RETURN_IF_ERROR(CheckDistinct(elements));
  return Value::Of(std::move(elements));
}

Result<Value> Evaluator::EvalWindowCall(const Call& call, const std::vector<Value>& args,
                                        TimestampMs t_ms) {
  const F function = call.function->function;
  const std::vector<Window>* windows = nullptr;
  for (const Value& arg : args) {
    if (arg.type == ValueType::kMatrix) windows = &arg.matrix;
  }
  Vector out;
  for (const Window& window : *windows) {
    const std::optional<double> value = WindowFunction(function, window, args, t_ms);
    if (!value) continue;
    Element element = {window.labels, *value, window.drop_name};
    if (function != F::kLastOverTime && function != F::kFirstOverTime) {
      DropName(options_.delayed_name_removal, &element);
    }
    out.push_back(std::move(element));
  }
  RETURN_IF_ERROR(CheckDistinct(out));
  return Value::Of(std::move(out));
}

}  // namespace thermocline::promql::naive
