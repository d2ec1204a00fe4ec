#include "promql/naive/evaluator.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace thermocline::promql::naive {

Value Value::Scalar(double value) {
  Value made;
  made.type = ValueType::kScalar;
  made.scalar = value;
  return made;
}

Value Value::Of(Vector vector) {
  Value made;
  made.type = ValueType::kVector;
  made.vector = std::move(vector);
  return made;
}

Labels WithoutName(const Labels& labels) {
  LabelsBuilder builder(labels);
  builder.Remove(kMetricNameLabel).Remove("__type__").Remove("__unit__");
  return builder.Build();
}

void DropName(bool delayed, Element* element) {
  element->drop_name = true;
  if (!delayed) element->labels = WithoutName(element->labels);
}

Status CheckDistinct(const Vector& vector) {
  for (size_t i = 0; i < vector.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (vector[i].labels == vector[j].labels) {
        return Status::OutOfRange("vector cannot contain metrics with the same labelset");
      }
    }
  }
  return Status::Ok();
}

Result<Value> Evaluator::Eval(const Expr& expr, TimestampMs t_ms) {
  switch (expr.kind) {
    case ExprKind::kNumber: return Value::Scalar(As<NumberLiteral>(expr).value);
    case ExprKind::kString: {
      Value value;
      value.type = ValueType::kString;
      value.text = As<StringLiteral>(expr).value;
      return value;
    }
    case ExprKind::kVectorSelector: return EvalSelector(As<VectorSelector>(expr), t_ms);
    case ExprKind::kMatrixSelector: return EvalMatrix(As<MatrixSelector>(expr), t_ms);
    case ExprKind::kSubquery: return EvalSubquery(As<SubqueryExpr>(expr), t_ms);
    case ExprKind::kUnary: return EvalUnary(As<UnaryExpr>(expr), t_ms);
    case ExprKind::kBinary: return EvalBinary(As<BinaryExpr>(expr), t_ms);
    case ExprKind::kAggregate: return EvalAggregate(As<AggregateExpr>(expr), t_ms);
    case ExprKind::kCall: return EvalCall(As<Call>(expr), t_ms);
    case ExprKind::kParen: return Eval(*As<ParenExpr>(expr).expr, t_ms);
    case ExprKind::kDuration: break;
  }
  return Status::Internal("a duration is no expression");
}

Result<const Evaluator::SeriesList*> Evaluator::AllSamples(const VectorSelector& selector) {
  if (const auto cached = cache_.find(&selector); cached != cache_.end()) return &cached->second;
  if (selector.extension != Extension::kNone) {
    return Status::Unimplemented("anchored and smoothed selectors");
  }
  SelectRequest request;
  request.matchers = selector.matchers;
  request.range = {kMinTimestampMs, kMaxTimestampMs};
  ASSIGN_OR_RETURN(const std::unique_ptr<SeriesSet> set, source_.Select(request));
  SeriesList list;
  for (uint32_t i = 0; i < set->series_count(); ++i) {
    SeriesBatch batch;
    RETURN_IF_ERROR(set->Read(std::span(&i, 1), &batch));
    Window series;
    series.labels = set->labels(i);
    for (size_t j = 0; j < batch.values.size(); ++j) {
      series.samples.push_back({batch.timestamps_ms[j], batch.values[j]});
    }
    list.push_back(std::move(series));
  }
  return &(cache_[&selector] = std::move(list));
}

Result<double> Evaluator::DurationSeconds(const Expr& expr) {
  if (expr.kind == ExprKind::kNumber) return As<NumberLiteral>(expr).value;
  const auto& node = As<DurationExpr>(expr);
  if (node.op == DurationOp::kStep) return static_cast<double>(times_.step_ms) / 1000;
  if (node.op == DurationOp::kRange) {
    return static_cast<double>(times_.end_ms - times_.start_ms) / 1000;
  }
  double lhs = 0;
  if (node.lhs != nullptr) {
    ASSIGN_OR_RETURN(lhs, DurationSeconds(*node.lhs));
  }
  ASSIGN_OR_RETURN(const double rhs, DurationSeconds(*node.rhs));
  switch (node.op) {
    case DurationOp::kAdd: return lhs + rhs;
    case DurationOp::kSub: return lhs - rhs;
    case DurationOp::kMul: return lhs * rhs;
    case DurationOp::kDiv: return lhs / rhs;
    case DurationOp::kMod: return std::fmod(lhs, rhs);
    case DurationOp::kPow: return std::pow(lhs, rhs);
    case DurationOp::kMinOf: return std::min(lhs, rhs);
    default: return std::max(lhs, rhs);
  }
}

Result<int64_t> Evaluator::DurationMs(int64_t literal_ms, const Expr* expr, bool positive) {
  if (expr == nullptr) return literal_ms;
  ASSIGN_OR_RETURN(const double seconds, DurationSeconds(*expr));
  if (!std::isfinite(seconds)) return Status::InvalidArgument("duration is NaN or infinite");
  if (positive && seconds <= 0) {
    return Status::InvalidArgument("duration must be greater than 0");
  }
  return static_cast<int64_t>(seconds * 1000);
}

Result<TimestampMs> Evaluator::Shifted(const TimeModifiers& time, TimestampMs t_ms) {
  ASSIGN_OR_RETURN(const int64_t offset_ms,
                   DurationMs(time.offset_ms, time.offset_expr.get(), false));
  switch (time.at) {
    case AtKind::kNone: return t_ms - offset_ms;
    case AtKind::kTimestamp: return time.at_ms - offset_ms;
    case AtKind::kStart: return times_.start_ms - offset_ms;
    case AtKind::kEnd: return times_.end_ms - offset_ms;
  }
  return t_ms;
}

// The newest sample in (t - lookback, t], unless it is a stale marker.
Result<Value> Evaluator::EvalSelector(const VectorSelector& selector, TimestampMs t_ms) {
  ASSIGN_OR_RETURN(const SeriesList* all, AllSamples(selector));
  ASSIGN_OR_RETURN(const TimestampMs at_ms, Shifted(selector.time, t_ms));
  Vector vector;
  for (const Window& series : *all) {
    const Sample* newest = nullptr;
    for (const Sample& sample : series.samples) {
      const bool inside =
          sample.timestamp_ms <= at_ms && sample.timestamp_ms > at_ms - options_.lookback_delta_ms;
      if (inside) newest = &sample;
    }
    if (newest == nullptr || IsStale(newest->value)) continue;
    vector.push_back({series.labels, newest->value, false, newest->timestamp_ms});
  }
  return Value::Of(std::move(vector));
}

Result<Value> Evaluator::EvalMatrix(const MatrixSelector& matrix, TimestampMs t_ms) {
  ASSIGN_OR_RETURN(const SeriesList* all, AllSamples(matrix.vector()));
  ASSIGN_OR_RETURN(const TimestampMs end_ms, Shifted(matrix.vector().time, t_ms));
  ASSIGN_OR_RETURN(const int64_t range_ms,
                   DurationMs(matrix.range_ms, matrix.range_expr.get(), true));
  Value value;
  value.type = ValueType::kMatrix;
  for (const Window& series : *all) {
    Window window = {series.labels, {}, false, end_ms - range_ms, end_ms};
    for (const Sample& sample : series.samples) {
      const bool inside =
          sample.timestamp_ms > window.start_ms && sample.timestamp_ms <= window.end_ms;
      if (inside && !IsStale(sample.value)) window.samples.push_back(sample);
    }
    if (!window.samples.empty()) value.matrix.push_back(std::move(window));
  }
  return value;
}

// The inner expression at every multiple of the step in (end - range, end].
Result<Value> Evaluator::EvalSubquery(const SubqueryExpr& subquery, TimestampMs t_ms) {
  ASSIGN_OR_RETURN(const TimestampMs end_ms, Shifted(subquery.time, t_ms));
  ASSIGN_OR_RETURN(const int64_t range_ms,
                   DurationMs(subquery.range_ms, subquery.range_expr.get(), true));
  ASSIGN_OR_RETURN(int64_t step_ms, DurationMs(subquery.step_ms, subquery.step_expr.get(), true));
  if (!subquery.has_step) step_ms = options_.default_step_ms;
  if (step_ms <= 0) return Status::InvalidArgument("subquery step below a millisecond");
  Value value;
  value.type = ValueType::kMatrix;
  for (TimestampMs at_ms = FloorTo(end_ms - range_ms, step_ms) + step_ms; at_ms <= end_ms;
       at_ms += step_ms) {
    ASSIGN_OR_RETURN(const Value inner, Eval(*subquery.expr, at_ms));
    for (const Element& element : inner.vector) {
      auto series = std::find_if(value.matrix.begin(), value.matrix.end(),
                                 [&](const Window& w) { return w.labels == element.labels; });
      if (series == value.matrix.end()) {
        value.matrix.push_back({element.labels, {}, element.drop_name, end_ms - range_ms, end_ms});
        series = value.matrix.end() - 1;
      }
      series->samples.push_back({at_ms, element.value});
    }
  }
  return value;
}

Result<Value> Evaluator::EvalUnary(const UnaryExpr& unary, TimestampMs t_ms) {
  ASSIGN_OR_RETURN(Value value, Eval(*unary.expr, t_ms));
  if (!unary.negative) return value;
  value.scalar = -value.scalar;
  for (Element& element : value.vector) {
    element.value = -element.value;
    DropName(options_.delayed_name_removal, &element);
  }
  RETURN_IF_ERROR(CheckDistinct(value.vector));
  return value;
}

Result<Value> Evaluator::EvalBinary(const BinaryExpr& binary, TimestampMs t_ms) {
  ASSIGN_OR_RETURN(const Value lhs, Eval(*binary.lhs, t_ms));
  ASSIGN_OR_RETURN(const Value rhs, Eval(*binary.rhs, t_ms));
  const bool delayed = options_.delayed_name_removal;
  const bool left_vector = lhs.type == ValueType::kVector;
  const bool right_vector = rhs.type == ValueType::kVector;
  Vector joined;
  if (left_vector && right_vector) {
    ASSIGN_OR_RETURN(joined, JoinVectors(binary, lhs.vector, rhs.vector, delayed));
  } else if (left_vector) {
    joined = VectorScalar(binary, lhs.vector, rhs.scalar, false, delayed);
  } else if (right_vector) {
    joined = VectorScalar(binary, rhs.vector, lhs.scalar, true, delayed);
  } else if (IsComparison(binary.op)) {
    return Value::Scalar(Compare(binary.op, lhs.scalar, rhs.scalar) ? 1 : 0);
  } else {
    return Value::Scalar(Arithmetic(binary.op, lhs.scalar, rhs.scalar));
  }
  if (!IsSetOperator(binary.op)) RETURN_IF_ERROR(CheckDistinct(joined));
  return Value::Of(std::move(joined));
}

Result<Value> Evaluator::EvalAggregate(const AggregateExpr& aggregate, TimestampMs t_ms) {
  Value param;
  if (aggregate.param != nullptr) {
    ASSIGN_OR_RETURN(param, Eval(*aggregate.param, t_ms));
  }
  ASSIGN_OR_RETURN(const Value operand, Eval(*aggregate.expr, t_ms));
  ASSIGN_OR_RETURN(Vector folded, Aggregate(aggregate, operand.vector, param));
  return Value::Of(std::move(folded));
}

}  // namespace thermocline::promql::naive
