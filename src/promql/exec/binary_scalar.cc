// Unary minus, and binary operators with one scalar side.
#include <array>
#include <atomic>

#include "promql/exec/element.h"
#include "promql/exec/element_operator.h"
#include "promql/exec/matrix.h"
#include "promql/exec/names.h"
#include "promql/functions/arithmetic.h"
#include "promql/functions/sample_binary.h"

namespace thermocline::promql {
namespace {

class NegateOperator : public ElementOperator {
  using ElementOperator::ElementOperator;
  void Transform(double* values, StepKind*) const override {
    for (size_t step = 0; step < grid_.count; ++step) values[step] = -values[step];
  }
  void TransformHistograms(size_t row, StepBlock* block) const override {
    for (size_t step = 0; step < grid_.count; ++step) {
      if (block->kinds(row)[step] != StepKind::kHistogram) continue;
      auto negated = std::make_shared<FloatHistogram>(*block->histograms(row)[step]);
      Multiply(negated.get(), -1);
      block->SetHistogram(row, step, std::move(negated));
    }
  }
  bool answers_histograms() const override { return true; }
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
    const bool trim = IsTrim(op_);
    for (size_t step = 0; step < grid_.count; ++step) {
      if (kinds[step] != StepKind::kFloat) continue;
      if (trim) {
        kinds[step] = StepKind::kAbsent;
        Note(BinaryNote::kFloatFloat);
        continue;
      }
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

  void TransformHistograms(size_t row, StepBlock* block) const override {
    for (size_t step = 0; step < grid_.count; ++step) {
      if (block->kinds(row)[step] != StepKind::kHistogram) continue;
      const SampleRef vector{0, &block->histograms(row)[step]};
      const SampleRef scalar{scalar_[step], nullptr};
      SampleAnswer answer =
          scalar_first_ ? CombineSamples(op_, scalar, vector) : CombineSamples(op_, vector, scalar);
      if (answer.note != BinaryNote::kNone) Note(answer.note);
      if (answer.valid) {
        block->SetHistogram(row, step, std::move(answer.histogram));
      } else {
        block->kinds(row)[step] = StepKind::kAbsent;
      }
    }
  }
  bool answers_histograms() const override { return true; }

  void Note(BinaryNote note) const {
    // Once is enough.
    if (noted_[static_cast<size_t>(note)].exchange(true, std::memory_order_relaxed)) return;
    context_.annotations().Info(BinaryNoteText(note, op_), {node_.position, node_.order});
  }

  const PlanNode& node_;
  BinaryOp op_;
  bool return_bool_;
  bool scalar_first_;
  std::vector<double> scalar_;
  mutable std::array<std::atomic<bool>, kBinaryNotes> noted_{};
};

// A trim with the scalar on the left: there is none of anything, and of what a step is to be
// annotated with only the last counts.
class TrimOfScalarOperator : public MatrixOperator {
 public:
  TrimOfScalarOperator(QueryContext& context, const PlanNode& node, const StepGrid& grid,
                       VectorPtr source)
      : MatrixOperator(context, grid), node_(node), source_(std::move(source)) {}

  Status Open() override {
    RETURN_IF_ERROR(EvaluateScalar(context_, *node_.children[0], grid_).status());
    RETURN_IF_ERROR(source_->Open());
    ASSIGN_OR_RETURN(const Matrix input, Materialize(context_, *source_, grid_.count));
    source_.reset();
    for (size_t step = 0; step < grid_.count; ++step) {
      StepKind last = StepKind::kAbsent;
      for (const Matrix::Row& row : input.rows()) {
        if (row.kinds[step] != StepKind::kAbsent) last = row.kinds[step];
      }
      if (last == StepKind::kAbsent) continue;
      const BinaryNote note =
          last == StepKind::kFloat ? BinaryNote::kFloatFloat : BinaryNote::kFloatHistogram;
      context_.annotations().Info(BinaryNoteText(note, As<BinaryExpr>(*node_.expr).op),
                                  {node_.position, node_.order});
    }
    return Status::Ok();
  }

 private:
  const PlanNode& node_;
  VectorPtr source_;
};

}  // namespace

Result<VectorPtr> BuildNegate(QueryContext& context, const PlanNode& node, const StepGrid& grid) {
  ASSIGN_OR_RETURN(VectorPtr source, BuildVector(context, *node.children[0], grid));
  return DropNames(context, std::make_unique<NegateOperator>(context, grid, std::move(source)),
                   grid, RuleOfMeetings(context, node));
}

Result<VectorPtr> BuildVectorScalar(QueryContext& context, const PlanNode& node,
                                    const StepGrid& grid) {
  const auto& binary = As<BinaryExpr>(*node.expr);
  const PlanNode& vector = *node.children[node.children[0]->type == ValueType::kScalar ? 1 : 0];
  ASSIGN_OR_RETURN(VectorPtr source, BuildVector(context, vector, grid));
  if (IsTrim(binary.op) && node.children[0]->type == ValueType::kScalar) {
    return VectorPtr(
        std::make_unique<TrimOfScalarOperator>(context, node, grid, std::move(source)));
  }
  VectorPtr mapped = std::make_unique<VectorScalarOperator>(context, node, grid, std::move(source));
  if (IsTrim(binary.op) || (IsComparison(binary.op) && !binary.return_bool)) return mapped;
  return DropNames(context, std::move(mapped), grid, JoinRule::kPerStep);
}

}  // namespace thermocline::promql
