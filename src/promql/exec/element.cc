#include "promql/exec/element.h"

#include <algorithm>

#include "promql/exec/names.h"
#include "promql/exec/presence.h"
#include "promql/functions/arithmetic.h"
#include "promql/functions/calendar.h"
#include "promql/functions/math.h"

namespace thermocline::promql {
namespace {

// Runs `transform` over each row; it may replace values and take them away.
class ElementOperator : public VectorOperator {
 public:
  ElementOperator(QueryContext& context, const StepGrid& grid, VectorPtr source)
      : context_(context), grid_(grid), source_(std::move(source)) {}
  Status Open() override { return source_->Open(); }
  size_t series_count() const override { return source_->series_count(); }
  Labels labels(size_t series) const override { return source_->labels(series); }
  bool drops_name(size_t series) const override { return source_->drops_name(series); }
  Status Read(size_t first, size_t count, StepBlock* out) const override {
    RETURN_IF_ERROR(source_->Read(first, count, out));
    for (size_t row = 0; row < count; ++row) Transform(out->values(row), out->kinds(row));
    if (out->has_histograms()) {
      for (size_t row = 0; row < count; ++row) TransformHistograms(row, out);
      if (!answers_histograms()) out->DropHistograms();
    }
    return Status::Ok();
  }

 protected:
  // Floats: other kinds are to be left as they are.
  virtual void Transform(double* values, StepKind* kinds) const = 0;
  // Histograms of a row; what is left as one is dropped unless answers_histograms().
  virtual void TransformHistograms(size_t row, StepBlock* block) const { (void)row, (void)block; }
  virtual bool answers_histograms() const { return false; }
  QueryContext& context_;
  StepGrid grid_;
  VectorPtr source_;
};

class MathOperator : public ElementOperator {
 public:
  MathOperator(QueryContext& context, const StepGrid& grid, VectorPtr source, MathFunction function)
      : ElementOperator(context, grid, std::move(source)), function_(function) {}

 private:
  void Transform(double* values, StepKind* kinds) const override {
    for (size_t step = 0; step < grid_.count; ++step) {
      if (kinds[step] == StepKind::kFloat) values[step] = function_(values[step]);
    }
  }
  MathFunction function_;
};

// Functions with scalar arguments or that look at the step's time.
class CallOperator : public ElementOperator {
 public:
  CallOperator(QueryContext& context, const PlanNode& call, const StepGrid& grid, VectorPtr source)
      : ElementOperator(context, grid, std::move(source)),
        call_(call),
        function_(As<Call>(*call.expr).function->function) {}

  Status Open() override {
    RETURN_IF_ERROR(source_->Open());
    for (size_t i = 1; i < call_.children.size(); ++i) {
      ASSIGN_OR_RETURN(auto values, EvaluateScalar(context_, *call_.children[i], grid_));
      params_.push_back(std::move(values));
    }
    if (function_ == Function::kRound && params_.empty()) params_.emplace_back(grid_.count, 1.0);
    return Status::Ok();
  }

 private:
  void Transform(double* values, StepKind* kinds) const override {
    for (size_t step = 0; step < grid_.count; ++step) {
      if (kinds[step] != StepKind::kFloat) continue;
      if (!Apply(step, &values[step])) kinds[step] = StepKind::kAbsent;
    }
  }

  bool Apply(size_t step, double* value) const {
    const auto param = [&](size_t i) { return params_[i][step]; };
    switch (function_) {
      case Function::kRound: *value = RoundTo(*value, param(0)); return true;
      case Function::kClampMin: *value = GoMax(param(0), *value); return true;
      case Function::kClampMax: *value = GoMin(param(0), *value); return true;
      case Function::kClamp:
        if (param(1) < param(0)) return false;
        *value = GoMax(param(0), GoMin(param(1), *value));
        return true;
      case Function::kTimestamp: *value = static_cast<double>(grid_.At(step)) / 1000; return true;
      default: *value = DatePart(function_, *value); return true;
    }
  }

  const PlanNode& call_;
  Function function_;
  std::vector<std::vector<double>> params_;
};

class NegateOperator : public ElementOperator {
  using ElementOperator::ElementOperator;
  void Transform(double* values, StepKind*) const override {
    for (size_t step = 0; step < grid_.count; ++step) values[step] = -values[step];
  }
};

class VectorScalarOperator : public ElementOperator {
 public:
  VectorScalarOperator(QueryContext& context, const PlanNode& node, const StepGrid& grid,
                       VectorPtr source)
      : ElementOperator(context, grid, std::move(source)),
        node_(node),
        op_(As<BinaryExpr>(*node.expr).op),
        return_bool_(As<BinaryExpr>(*node.expr).return_bool),
        scalar_first_(node.children[0]->type == ValueType::kScalar) {}

  Status Open() override {
    if (scalar_first_) RETURN_IF_ERROR(OpenScalar());
    RETURN_IF_ERROR(source_->Open());
    return scalar_first_ ? Status::Ok() : OpenScalar();
  }

 private:
  Status OpenScalar() {
    const PlanNode& scalar = *node_.children[scalar_first_ ? 0 : 1];
    ASSIGN_OR_RETURN(scalar_, EvaluateScalar(context_, scalar, grid_));
    return Status::Ok();
  }

  void Transform(double* values, StepKind* kinds) const override {
    const bool comparison = IsComparison(op_);
    for (size_t step = 0; step < grid_.count; ++step) {
      if (kinds[step] != StepKind::kFloat) continue;
      const double left = scalar_first_ ? scalar_[step] : values[step];
      const double right = scalar_first_ ? values[step] : scalar_[step];
      if (!comparison) {
        values[step] = Arithmetic(op_, left, right);
      } else if (return_bool_) {
        values[step] = Compare(op_, left, right) ? 1 : 0;
      } else if (!Compare(op_, left, right)) {
        kinds[step] = StepKind::kAbsent;
      }
    }
  }

  const PlanNode& node_;
  BinaryOp op_;
  bool return_bool_;
  bool scalar_first_;
  std::vector<double> scalar_;
};

// Trims of histograms: what a float has to do with them is nothing (an info, and no value).
class TrimOfFloatsOperator : public ElementOperator {
 public:
  TrimOfFloatsOperator(QueryContext& context, const PlanNode& node, const StepGrid& grid,
                       VectorPtr source)
      : ElementOperator(context, grid, std::move(source)), node_(node) {}

 private:
  void Transform(double*, StepKind* kinds) const override {
    for (size_t step = 0; step < grid_.count; ++step) {
      if (kinds[step] != StepKind::kFloat) continue;
      kinds[step] = StepKind::kAbsent;
      const std::string op(BinaryOpText(As<BinaryExpr>(*node_.expr).op));
      context_.annotations().Info("incompatible sample types encountered for binary operator \"" +
                                      op + "\": float " + op + " float",
                                  {node_.position, node_.order});
    }
  }
  const PlanNode& node_;
};

class OnceOperator : public VectorOperator {
 public:
  OnceOperator(const StepGrid& grid, VectorPtr source) : grid_(grid), source_(std::move(source)) {}
  Status Open() override { return source_->Open(); }
  size_t series_count() const override { return source_->series_count(); }
  Labels labels(size_t series) const override { return source_->labels(series); }
  bool drops_name(size_t series) const override { return source_->drops_name(series); }
  Status Read(size_t first, size_t count, StepBlock* out) const override {
    StepBlock once;
    RETURN_IF_ERROR(source_->Read(first, count, &once));
    out->Reset(count, grid_.count);
    for (size_t row = 0; row < count; ++row) {
      if (once.kinds(row)[0] == StepKind::kHistogram) {
        const HistogramPtr& histogram = once.histograms(row)[0];
        for (size_t step = 0; step < grid_.count; ++step) out->SetHistogram(row, step, histogram);
        continue;
      }
      std::fill_n(out->values(row), grid_.count, once.values(row)[0]);
      std::fill_n(out->kinds(row), grid_.count, once.kinds(row)[0]);
    }
    return Status::Ok();
  }

 private:
  StepGrid grid_;
  VectorPtr source_;
};

bool IsDateFunction(Function function) {
  switch (function) {
    case Function::kMinute:
    case Function::kHour:
    case Function::kDayOfWeek:
    case Function::kDayOfMonth:
    case Function::kDayOfYear:
    case Function::kDaysInMonth:
    case Function::kMonth:
    case Function::kYear: return true;
    default: return false;
  }
}

}  // namespace

bool IsElementFunction(Function function) {
  switch (function) {
    case Function::kRound:
    case Function::kClamp:
    case Function::kClampMin:
    case Function::kClampMax:
    case Function::kTimestamp: return true;
    default: return FindMathFunction(function) != nullptr || IsDateFunction(function);
  }
}

Result<VectorPtr> BuildElementFunction(QueryContext& context, const PlanNode& call,
                                       const StepGrid& grid) {
  const Function function = As<Call>(*call.expr).function->function;
  VectorPtr source;
  if (call.children.empty()) {
    source = BuildStepTimes(context, grid);
  } else {
    ASSIGN_OR_RETURN(source, BuildVector(context, *call.children[0], grid));
  }
  VectorPtr mapped;
  if (const MathFunction math = FindMathFunction(function)) {
    mapped = std::make_unique<MathOperator>(context, grid, std::move(source), math);
  } else {
    mapped = std::make_unique<CallOperator>(context, call, grid, std::move(source));
  }
  return DropNames(context, std::move(mapped), grid, JoinRule::kPerStep);
}

Result<VectorPtr> BuildNegate(QueryContext& context, const PlanNode& node, const StepGrid& grid) {
  ASSIGN_OR_RETURN(VectorPtr source, BuildVector(context, *node.children[0], grid));
  return DropNames(context, std::make_unique<NegateOperator>(context, grid, std::move(source)),
                   grid, JoinRule::kPerStep);
}

Result<VectorPtr> BuildVectorScalar(QueryContext& context, const PlanNode& node,
                                    const StepGrid& grid) {
  const auto& binary = As<BinaryExpr>(*node.expr);
  const PlanNode& vector = *node.children[node.children[0]->type == ValueType::kScalar ? 1 : 0];
  ASSIGN_OR_RETURN(VectorPtr source, BuildVector(context, vector, grid));
  VectorPtr mapped;
  if (binary.op == BinaryOp::kTrimLower || binary.op == BinaryOp::kTrimUpper) {
    return VectorPtr(
        std::make_unique<TrimOfFloatsOperator>(context, node, grid, std::move(source)));
  }
  mapped = std::make_unique<VectorScalarOperator>(context, node, grid, std::move(source));
  if (IsComparison(binary.op) && !binary.return_bool) return mapped;
  return DropNames(context, std::move(mapped), grid, JoinRule::kPerStep);
}

Result<VectorPtr> BuildOnce(QueryContext& context, const PlanNode& node, const StepGrid& grid) {
  StepGrid first = grid;
  first.count = 1;
  ASSIGN_OR_RETURN(VectorPtr source, BuildVector(context, *node.children[0], first));
  return VectorPtr(std::make_unique<OnceOperator>(grid, std::move(source)));
}

}  // namespace thermocline::promql
