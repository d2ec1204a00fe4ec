#include "promql/exec/presence.h"

#include <algorithm>
#include <map>
#include <set>

#include "promql/exec/counted_operator.h"
#include "promql/exec/matrix.h"
#include "promql/exec/names.h"
#include "promql/exec/selector.h"
#include "promql/functions/window_extended.h"

namespace thermocline::promql {
namespace {

// The labels that absent() can know: from `=` matchers that stand alone on their label.
Labels LabelsOfAbsence(const PlanNode& arg) {
  const std::vector<Matcher>* matchers = nullptr;
  if (arg.kind == PlanKind::kOnce) return LabelsOfAbsence(*arg.children[0]);
  if (arg.kind == PlanKind::kSelector) matchers = &As<VectorSelector>(*arg.expr).matchers;
  if (arg.kind == PlanKind::kWindow) matchers = &As<MatrixSelector>(*arg.expr).vector().matchers;
  LabelsBuilder builder;
  if (matchers == nullptr) return builder.Build();
  std::set<std::string_view> seen;
  for (const Matcher& matcher : *matchers) {
    if (matcher.name() == kMetricNameLabel) continue;
    if (matcher.type() == MatchType::kEqual && seen.insert(matcher.name()).second) {
      builder.Set(matcher.name(), matcher.value());
    } else {
      builder.Remove(matcher.name());
    }
  }
  return builder.Build();
}

class AbsentOperator : public MatrixOperator {
 public:
  AbsentOperator(QueryContext& context, const PlanNode& call, const StepGrid& grid,
                 VectorPtr source, RangePtr range)
      : MatrixOperator(context, grid),
        call_(call),
        source_(std::move(source)),
        range_(std::move(range)),
        present_(grid.count, 0) {}

  Status Open() override {
    RETURN_IF_ERROR(source_ ? LookAtVector() : LookAtWindows());
    if (std::find(present_.begin(), present_.end(), 0) == present_.end()) return Status::Ok();
    ASSIGN_OR_RETURN(Matrix::Row * row, result_.AddRow(LabelsOfAbsence(*call_.children[0]), false));
    for (size_t step = 0; step < grid_.count; ++step) {
      if (present_[step] != 0) continue;
      row->kinds[step] = StepKind::kFloat;
      row->values[step] = 1;
    }
    return result_.HoldSamples();
  }

 private:
  Status LookAtVector() {
    RETURN_IF_ERROR(source_->Open());
    std::vector<StepBlock> slots(MorselWindow(context_));
    return ForEachMorsel(
        context_, source_->series_count(), grid_.count,
        [&](MorselRange morsel, size_t slot) {
          return source_->Read(morsel.first, morsel.count, &slots[slot]);
        },
        [&](MorselRange morsel, size_t slot) {
          for (size_t row = 0; row < morsel.count; ++row) {
            const StepKind* const kinds = slots[slot].kinds(row);
            for (size_t step = 0; step < grid_.count; ++step) {
              if (kinds[step] != StepKind::kAbsent) present_[step] = 1;
            }
          }
          return Status::Ok();
        });
  }

  Status LookAtWindows() {
    RETURN_IF_ERROR(range_->Open());
    RangeBatch batch;
    for (size_t first = 0; first < range_->series_count(); first += range_->read_run()) {
      RETURN_IF_ERROR(context_.Check());
      const size_t run = std::min(range_->read_run(), range_->series_count() - first);
      RETURN_IF_ERROR(range_->Read(first, run, &batch));
      for (size_t i = 0; i < run; ++i) Mark(batch.times(i));
    }
    return Status::Ok();
  }

  void Mark(std::span<const TimestampMs> times) {
    size_t next = 0;  // the first sample after the window
    for (size_t step = 0; step < grid_.count; ++step) {
      const WindowBounds window = range_->Window(step);
      while (next < times.size() && times[next] <= window.end_ms) ++next;
      if (next > 0 && times[next - 1] > window.start_ms) present_[step] = 1;
    }
  }

  const PlanNode& call_;
  VectorPtr source_;  // absent
  RangePtr range_;    // absent_over_time
  std::vector<uint8_t> present_;
};

class ScalarVectorOperator : public MatrixOperator {
 public:
  // Null `scalar`: the step times.
  ScalarVectorOperator(QueryContext& context, const PlanNode* scalar, const StepGrid& grid)
      : MatrixOperator(context, grid), scalar_(scalar) {}
  Status Open() override {
    std::vector<double> values;
    if (scalar_ != nullptr) {
      ASSIGN_OR_RETURN(values, EvaluateScalar(context_, *scalar_, grid_));
    } else {
      for (size_t step = 0; step < grid_.count; ++step) {
        values.push_back(static_cast<double>(grid_.At(step)) / 1000);
      }
    }
    ASSIGN_OR_RETURN(Matrix::Row * row, result_.AddRow(Labels(), false));
    std::copy(values.begin(), values.end(), row->values);
    std::fill_n(row->kinds, grid_.count, StepKind::kFloat);
    return result_.HoldSamples();
  }

 private:
  const PlanNode* scalar_;
};

}  // namespace

Result<VectorPtr> BuildAbsent(QueryContext& context, const PlanNode& call, const StepGrid& grid) {
  ASSIGN_OR_RETURN(VectorPtr source, BuildVector(context, *call.children[0], grid));
  return VectorPtr(
      std::make_unique<AbsentOperator>(context, call, grid, std::move(source), nullptr));
}

Result<VectorPtr> BuildAbsentOverTime(QueryContext& context, const PlanNode& call,
                                      const StepGrid& grid) {
  ASSIGN_OR_RETURN(RangePtr range, BuildRange(context, *call.children[0], grid));
  RETURN_IF_ERROR(CheckExtension(range->extension(), *As<Call>(*call.expr).function));
  return VectorPtr(
      std::make_unique<AbsentOperator>(context, call, grid, nullptr, std::move(range)));
}

Result<VectorPtr> BuildVectorOfScalar(QueryContext& context, const PlanNode& scalar,
                                      const StepGrid& grid) {
  return VectorPtr(std::make_unique<ScalarVectorOperator>(context, &scalar, grid));
}

VectorPtr BuildStepTimes(QueryContext& context, const StepGrid& grid) {
  return std::make_unique<ScalarVectorOperator>(context, nullptr, grid);
}

Result<VectorPtr> BuildSampleTimes(QueryContext& context, const PlanNode& call,
                                   const StepGrid& grid) {
  VectorPtr times = std::make_unique<VectorSelectorOperator>(
      context, *call.children[0], grid, VectorSelectorOperator::Answer::kSampleTime);
  times = CountSelected(context, call, grid, std::move(times));
  return DropNames(context, std::move(times), grid, JoinRule::kPerStep);
}

}  // namespace thermocline::promql
