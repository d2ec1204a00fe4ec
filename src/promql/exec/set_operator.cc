// and, or, unless.
#include <algorithm>

#include "promql/exec/join.h"

namespace thermocline::promql {
namespace {

class SetOperator : public MatrixOperator {
 public:
  SetOperator(QueryContext& context, const PlanNode& node, const StepGrid& grid, VectorPtr left,
              VectorPtr right)
      : MatrixOperator(context, grid),
        op_(As<BinaryExpr>(*node.expr).op),
        table_(As<BinaryExpr>(*node.expr).matching),
        left_(std::move(left)),
        right_(std::move(right)) {}

  Status Open() override {
    RETURN_IF_ERROR(left_->Open());
    ASSIGN_OR_RETURN(Matrix left, Materialize(context_, *left_, grid_.count));
    RETURN_IF_ERROR(right_->Open());
    ASSIGN_OR_RETURN(Matrix right, Materialize(context_, *right_, grid_.count));
    left_.reset();
    right_.reset();
    ASSIGN_OR_RETURN(const std::vector<uint32_t> left_match, table_.Assign(left));
    ASSIGN_OR_RETURN(const std::vector<uint32_t> right_match, table_.Assign(right));
    if (op_ == BinaryOp::kOr) {
      ASSIGN_OR_RETURN(const Presence present, Present(left, left_match));
      RETURN_IF_ERROR(Keep(right, right_match, present, false));
      right.RemoveEmptyRows();
      result_ = std::move(left);
      RETURN_IF_ERROR(Append(right));
      // Of an instant query, whether equal labels clash is seen once all names are gone.
      if (!grid_.alone || !context_.delayed_names()) {
        RETURN_IF_ERROR(JoinEqualRows(result_, JoinRule::kPerStep));
      }
    } else {
      ASSIGN_OR_RETURN(const Presence present, Present(right, right_match));
      RETURN_IF_ERROR(Keep(left, left_match, present, op_ == BinaryOp::kAnd));
      left.RemoveEmptyRows();
      result_ = std::move(left);
    }
    return result_.HoldSamples();
  }

 private:
  using Presence = std::vector<std::vector<uint8_t>>;  // by match, by step; empty: nowhere

  Result<Presence> Present(const Matrix& matrix, const std::vector<uint32_t>& matches) const {
    Presence present(table_.size());
    for (size_t i = 0; i < matches.size(); ++i) {
      if (i % 256 == 0) RETURN_IF_ERROR(context_.Check());
      auto& steps = present[matches[i]];
      steps.resize(grid_.count, 0);
      for (size_t step = 0; step < grid_.count; ++step) {
        if (matrix.rows()[i].kinds[step] != StepKind::kAbsent) steps[step] = 1;
      }
    }
    return present;
  }

  // Keeps the samples whose match is present, or absent, on the other side at their step.
  Status Keep(Matrix& matrix, const std::vector<uint32_t>& matches, const Presence& present,
              bool wanted) const {
    for (size_t i = 0; i < matches.size(); ++i) {
      if (i % 256 == 0) RETURN_IF_ERROR(context_.Check());
      StepKind* const kinds = matrix.rows()[i].kinds;
      const auto& steps = present[matches[i]];
      for (size_t step = 0; step < grid_.count; ++step) {
        const bool there = !steps.empty() && steps[step] != 0;
        if (there != wanted) kinds[step] = StepKind::kAbsent;
      }
    }
    return Status::Ok();
  }

  Status Append(const Matrix& matrix) {
    for (size_t i = 0; i < matrix.rows().size(); ++i) {
      if (i % 256 == 0) RETURN_IF_ERROR(context_.Check());
      const Matrix::Row& row = matrix.rows()[i];
      ASSIGN_OR_RETURN(Matrix::Row * added, result_.AddRow(row.labels, row.drops_name));
      row.CopyTo(added->block, added->place);
    }
    return Status::Ok();
  }

  BinaryOp op_;
  MatchTable table_;
  VectorPtr left_;
  VectorPtr right_;
};

}  // namespace

Result<VectorPtr> BuildSetOperator(QueryContext& context, const PlanNode& node,
                                   const StepGrid& grid) {
  ASSIGN_OR_RETURN(VectorPtr left, BuildVector(context, *node.children[0], grid));
  ASSIGN_OR_RETURN(VectorPtr right, BuildVector(context, *node.children[1], grid));
  return VectorPtr(
      std::make_unique<SetOperator>(context, node, grid, std::move(left), std::move(right)));
}

}  // namespace thermocline::promql
