#include "promql/exec/element.h"

#include <algorithm>

#include "promql/exec/element_operator.h"
#include "promql/exec/names.h"
#include "promql/exec/presence.h"
#include "promql/functions/arithmetic.h"
#include "promql/functions/calendar.h"
#include "promql/functions/math.h"

namespace thermocline::promql {
namespace {

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

  // Only the step's time is asked for.
  void TransformHistograms(size_t row, StepBlock* block) const override {
    if (function_ != Function::kTimestamp) return;
    for (size_t step = 0; step < grid_.count; ++step) {
      if (block->kinds(row)[step] != StepKind::kHistogram) continue;
      block->kinds(row)[step] = StepKind::kFloat;
      Apply(step, &block->values(row)[step]);
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

Result<VectorPtr> BuildOnce(QueryContext& context, const PlanNode& node, const StepGrid& grid) {
  StepGrid first = grid;
  first.count = 1;
  first.alone = true;
  ASSIGN_OR_RETURN(VectorPtr source, BuildVector(context, *node.children[0], first));
  return VectorPtr(std::make_unique<OnceOperator>(grid, std::move(source)));
}

}  // namespace thermocline::promql
