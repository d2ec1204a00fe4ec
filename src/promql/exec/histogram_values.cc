#include "promql/exec/histogram_values.h"

#include <cmath>

#include "promql/exec/counted_operator.h"
#include "promql/exec/element_operator.h"
#include "promql/exec/matrix.h"
#include "promql/exec/names.h"
#include "promql/exec/selector.h"

namespace thermocline::promql {
namespace {

double ValueOf(Function function, const FloatHistogram& histogram) {
  switch (function) {
    case Function::kHistogramCount: return histogram.count;
    case Function::kHistogramSum: return histogram.sum;
    case Function::kHistogramAvg: return histogram.sum / histogram.count;
    case Function::kHistogramStddev: return std::sqrt(HistogramVariance(histogram));
    default: return HistogramVariance(histogram);
  }
}

class HistogramValueOperator : public ElementOperator {
 public:
  HistogramValueOperator(QueryContext& context, const StepGrid& grid, VectorPtr source,
                         Function function)
      : ElementOperator(context, grid, std::move(source)), function_(function) {}

 private:
  void Transform(double*, StepKind* kinds) const override {
    std::replace(kinds, kinds + grid_.count, StepKind::kFloat, StepKind::kAbsent);
  }
  void TransformHistograms(size_t row, StepBlock* block) const override {
    for (size_t step = 0; step < grid_.count; ++step) {
      if (block->kinds(row)[step] != StepKind::kHistogram) continue;
      block->kinds(row)[step] = StepKind::kFloat;
      block->values(row)[step] = ValueOf(function_, *block->histograms(row)[step]);
    }
  }

  Function function_;
};

// Evaluates its operand, whose errors and annotations count, and answers nothing.
class NothingOperator : public MatrixOperator {
 public:
  NothingOperator(QueryContext& context, const StepGrid& grid, VectorPtr source)
      : MatrixOperator(context, grid), source_(std::move(source)) {}
  Status Open() override {
    RETURN_IF_ERROR(source_->Open());
    return Materialize(context_, *source_, grid_.count).status();
  }

 private:
  VectorPtr source_;
};

}  // namespace

bool IsHistogramValue(Function function) {
  switch (function) {
    case Function::kHistogramCount:
    case Function::kHistogramSum:
    case Function::kHistogramAvg:
    case Function::kHistogramStddev:
    case Function::kHistogramStdvar: return true;
    default: return false;
  }
}

Result<VectorPtr> BuildHistogramValue(QueryContext& context, const PlanNode& call,
                                      const StepGrid& grid) {
  ASSIGN_OR_RETURN(VectorPtr source, BuildVector(context, *call.children[0], grid));
  VectorPtr values = std::make_unique<HistogramValueOperator>(
      context, grid, std::move(source), As<Call>(*call.expr).function->function);
  return DropNames(context, std::move(values), grid, JoinRule::kPerStep, NameLabels::kNameAlone);
}

Result<VectorPtr> BuildStartTimestamps(QueryContext& context, const PlanNode& call,
                                       const StepGrid& grid) {
  const PlanNode& operand = *call.children[0];
  if (operand.kind == PlanKind::kSelector) {
    VectorPtr starts = std::make_unique<VectorSelectorOperator>(
        context, operand, grid, VectorSelectorOperator::Answer::kStartTime);
    starts = CountSelected(context, call, grid, std::move(starts));
    if (!context.engine().use_start_timestamps) {
      return VectorPtr(std::make_unique<NothingOperator>(context, grid, std::move(starts)));
    }
    return DropNames(context, std::move(starts), grid, JoinRule::kPerStep);
  }
  ASSIGN_OR_RETURN(VectorPtr source, BuildVector(context, operand, grid));
  return VectorPtr(std::make_unique<NothingOperator>(context, grid, std::move(source)));
}

}  // namespace thermocline::promql
