#include "promql/plan/plan.h"

#include <fmt/core.h>

#include <cmath>

namespace thermocline::promql {
namespace {

class Planner {
 public:
  explicit Planner(const QueryTimes& times) : times_(times) {}

  Result<PlanPtr> Make(const Expr& expr) {
    ASSIGN_OR_RETURN(auto plan, MakeNode(expr));
    return plan;
  }

 private:
  PlanPtr Node(PlanKind kind, const Expr& expr) {
    auto node = std::make_unique<PlanNode>();
    node->kind = kind;
    node->type = TypeOf(expr);
    node->expr = &expr;
    node->position = expr.span.start;
    return node;
  }

  Status AddChild(PlanNode& node, const Expr& expr) {
    ASSIGN_OR_RETURN(auto child, MakeNode(StripParens(expr)));
    node.children.push_back(std::move(child));
    return Status::Ok();
  }

  Result<PlanPtr> MakeNode(const Expr& expr) {
    PlanPtr node;
    switch (expr.kind) {
      case ExprKind::kParen: return MakeNode(StripParens(expr));
      case ExprKind::kNumber: {
        node = Node(PlanKind::kNumber, expr);
        node->number = As<NumberLiteral>(expr).value;
        break;
      }
      case ExprKind::kString: node = Node(PlanKind::kString, expr); break;
      case ExprKind::kVectorSelector: {
        node = Node(PlanKind::kSelector, expr);
        node->matchers = As<VectorSelector>(expr).matchers;
        RETURN_IF_ERROR(Resolve(As<VectorSelector>(expr).time, *node));
        break;
      }
      case ExprKind::kMatrixSelector: {
        const auto& matrix = As<MatrixSelector>(expr);
        node = Node(PlanKind::kWindow, expr);
        node->matchers = matrix.vector().matchers;
        RETURN_IF_ERROR(Resolve(matrix.vector().time, *node));
        RETURN_IF_ERROR(Positive(matrix.range_ms, matrix.range_expr.get(), &node->range_ms));
        break;
      }
      case ExprKind::kSubquery: {
        ASSIGN_OR_RETURN(node, MakeSubquery(As<SubqueryExpr>(expr)));
        break;
      }
      case ExprKind::kUnary: {
        const auto& unary = As<UnaryExpr>(expr);
        if (!unary.negative) return MakeNode(*unary.expr);
        node = Node(PlanKind::kNegate, expr);
        RETURN_IF_ERROR(AddChild(*node, *unary.expr));
        break;
      }
      default: {
        ASSIGN_OR_RETURN(node, MakeOperator(expr));
        break;
      }
    }
    node->order = next_order_++;
    return node;
  }

  Result<PlanPtr> MakeSubquery(const SubqueryExpr& subquery) {
    PlanPtr node = Node(PlanKind::kSubquery, subquery);
    RETURN_IF_ERROR(Resolve(subquery.time, *node));
    RETURN_IF_ERROR(Positive(subquery.range_ms, subquery.range_expr.get(), &node->range_ms));
    RETURN_IF_ERROR(Positive(subquery.step_ms, subquery.step_expr.get(), &node->step_ms));
    if (node->step_ms <= 0) node->step_ms = times_.default_step_ms;
    RETURN_IF_ERROR(AddChild(*node, *subquery.expr));
    return node;
  }

  Result<PlanPtr> MakeOperator(const Expr& expr) {
    PlanPtr node;
    if (expr.kind == ExprKind::kBinary) {
      const auto& binary = As<BinaryExpr>(expr);
      node = Node(PlanKind::kBinary, expr);
      RETURN_IF_ERROR(AddChild(*node, *binary.lhs));
      RETURN_IF_ERROR(AddChild(*node, *binary.rhs));
      return node;
    }
    if (expr.kind == ExprKind::kAggregate) {
      const auto& aggregate = As<AggregateExpr>(expr);
      node = Node(PlanKind::kAggregate, expr);
      // The parameter is evaluated first.
      PlanPtr parameter;
      if (aggregate.param) {
        ASSIGN_OR_RETURN(parameter, MakeNode(StripParens(*aggregate.param)));
      }
      RETURN_IF_ERROR(AddChild(*node, *aggregate.expr));
      if (parameter) node->children.push_back(std::move(parameter));
      return node;
    }
    if (expr.kind == ExprKind::kCall) {
      node = Node(PlanKind::kCall, expr);
      RETURN_IF_ERROR(AddArguments(As<Call>(expr), *node));
      return node;
    }
    return Status::Internal("a duration expression stands outside a duration");
  }

  // A subquery is evaluated before the other arguments.
  Status AddArguments(const Call& call, PlanNode& node) {
    node.children.resize(call.args.size());
    for (const bool subqueries : {true, false}) {
      for (size_t i = 0; i < call.args.size(); ++i) {
        const Expr& arg = StripParens(*call.args[i]);
        if ((arg.kind == ExprKind::kSubquery) != subqueries) continue;
        ASSIGN_OR_RETURN(node.children[i], MakeNode(arg));
      }
    }
    return Status::Ok();
  }

  Status Resolve(const TimeModifiers& time, PlanNode& node) {
    node.offset_ms = ClampMs(time.offset_ms);
    if (time.offset_expr) {
      ASSIGN_OR_RETURN(const double seconds, EvaluateDuration(*time.offset_expr, times_));
      node.offset_ms = static_cast<int64_t>(seconds * 1000);
    }
    if (time.at == AtKind::kTimestamp) node.at_ms = ClampMs(time.at_ms);
    if (time.at == AtKind::kStart) node.at_ms = times_.start_ms;
    if (time.at == AtKind::kEnd) node.at_ms = times_.end_ms;
    return Status::Ok();
  }

  // The duration in [...]: the literal, or the expression, which has to be positive.
  Status Positive(int64_t literal_ms, const Expr* expr, int64_t* out_ms) {
    *out_ms = literal_ms;
    if (expr == nullptr) return Status::Ok();
    ASSIGN_OR_RETURN(const double seconds, EvaluateDuration(*expr, times_));
    if (seconds <= 0) {
      return Status::InvalidArgument(
          fmt::format("{}:{}: duration must be greater than 0", expr->span.start, expr->span.end));
    }
    *out_ms = static_cast<int64_t>(seconds * 1000);
    return Status::Ok();
  }

  const QueryTimes& times_;
  uint32_t next_order_ = 1;
};

}  // namespace

Result<PlanPtr> MakePlan(const Expr& expr, const QueryTimes& times) {
  return Planner(times).Make(expr);
}

}  // namespace thermocline::promql
