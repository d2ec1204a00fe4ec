#include "server/tree_json.h"

#include <fmt/core.h>

#include <cmath>
#include <string_view>

#include "promql/text.h"
#include "wire/json.h"

namespace thermocline {
namespace {

using promql::As;
using promql::Expr;
using promql::ExprKind;

std::string Quoted(std::string_view text) {
  std::string out;
  AppendJsonText(&out, text);
  return out;
}

std::string_view Truth(bool value) { return value ? "true" : "false"; }

std::string TreeOf(const Expr* expr) {
  if (expr == nullptr) return "null";
  std::string out;
  AppendTree(*expr, &out);
  return out;
}

std::string_view DurationOpName(promql::DurationOp op) {
  switch (op) {
    case promql::DurationOp::kAdd: return "+";
    case promql::DurationOp::kSub: return "-";
    case promql::DurationOp::kMul: return "*";
    case promql::DurationOp::kDiv: return "/";
    case promql::DurationOp::kMod: return "%";
    case promql::DurationOp::kPow: return "^";
    case promql::DurationOp::kMinOf: return "min_of";
    case promql::DurationOp::kMaxOf: return "max_of";
    case promql::DurationOp::kStep: return "step";
    case promql::DurationOp::kRange: return "range";
  }
  return "";
}

// Numbers within durations tell whether they were written as one.
std::string DurationTree(const Expr* expr) {
  if (expr == nullptr) return "null";
  if (expr->kind == ExprKind::kNumber) {
    const auto& number = As<promql::NumberLiteral>(*expr);
    return fmt::format(R"({{"duration":{},"type":"numberLiteral","val":"{}"}})",
                       Truth(number.is_duration), promql::FormatPlain(number.value));
  }
  if (expr->kind != ExprKind::kDuration) return TreeOf(expr);
  const auto& duration = As<promql::DurationExpr>(*expr);
  return fmt::format(R"({{"lhs":{},"op":"{}","rhs":{},"type":"durationExpr","wrapped":{}}})",
                     DurationTree(duration.lhs.get()), DurationOpName(duration.op),
                     DurationTree(duration.rhs.get()), Truth(duration.wrapped));
}

std::string StringsOf(const std::vector<std::string>& texts) {
  std::string out;
  AppendJsonStrings(&out, texts);
  return out;
}

std::string_view MatchTypeText(MatchType type) {
  switch (type) {
    case MatchType::kEqual: return "=";
    case MatchType::kNotEqual: return "!=";
    case MatchType::kRegex: return "=~";
    case MatchType::kNotRegex: return "!~";
  }
  return "";
}

std::string MatchersOf(const std::vector<Matcher>& matchers) {
  std::string out = "[";
  for (const Matcher& matcher : matchers) {
    out +=
        fmt::format(R"({}{{"name":{},"type":"{}","value":{}}})", out.size() > 1 ? "," : "",
                    Quoted(matcher.name()), MatchTypeText(matcher.type()), Quoted(matcher.value()));
  }
  return out + "]";
}

std::string_view StartOrEnd(promql::AtKind at) {
  if (at == promql::AtKind::kStart) return R"("start")";
  return at == promql::AtKind::kEnd ? R"("end")" : "null";
}

std::string TimestampOf(const promql::TimeModifiers& time) {
  return time.at == promql::AtKind::kTimestamp ? fmt::format("{}", time.at_ms) : "null";
}

// Vector and matrix selectors; `range` is what only the latter have.
std::string SelectorTree(const promql::VectorSelector& selector, std::string_view range,
                         std::string_view type) {
  return fmt::format(
      R"({{"anchored":{},"matchers":{},"name":{},"offset":{},"offsetExpr":{},{}"smoothed":{},)"
      R"("startOrEnd":{},"timestamp":{},"type":"{}"}})",
      Truth(selector.extension == promql::Extension::kAnchored), MatchersOf(selector.matchers),
      Quoted(selector.name), selector.time.offset_ms, DurationTree(selector.time.offset_expr.get()),
      range, Truth(selector.extension == promql::Extension::kSmoothed),
      StartOrEnd(selector.time.at), TimestampOf(selector.time), type);
}

std::string MatrixTree(const promql::MatrixSelector& matrix) {
  const std::string range = fmt::format(R"("range":{},"rangeExpr":{},)", matrix.range_ms,
                                        DurationTree(matrix.range_expr.get()));
  return SelectorTree(matrix.vector(), range, "matrixSelector");
}

std::string SubqueryTree(const promql::SubqueryExpr& subquery) {
  return fmt::format(
      R"({{"expr":{},"offset":{},"offsetExpr":{},"range":{},"rangeExpr":{},"startOrEnd":{},)"
      R"("step":{},"stepExpr":{},"timestamp":{},"type":"subquery"}})",
      TreeOf(subquery.expr.get()), subquery.time.offset_ms,
      DurationTree(subquery.time.offset_expr.get()), subquery.range_ms,
      DurationTree(subquery.range_expr.get()), StartOrEnd(subquery.time.at), subquery.step_ms,
      DurationTree(subquery.step_expr.get()), TimestampOf(subquery.time));
}

std::string FillValue(const std::optional<double>& value) {
  if (!value) return "null";
  std::string text;
  AppendFloat(&text, *value);
  return std::isfinite(*value) ? text : Quoted(text);
}

std::string MatchingTree(const promql::BinaryExpr& binary) {
  if (promql::TypeOf(*binary.lhs) != promql::ValueType::kVector ||
      promql::TypeOf(*binary.rhs) != promql::ValueType::kVector) {
    return "null";
  }
  constexpr std::string_view kCards[] = {"one-to-one", "many-to-one", "one-to-many",
                                         "many-to-many"};
  const promql::VectorMatching& matching = binary.matching;
  return fmt::format(
      R"({{"card":"{}","fillValues":{{"lhs":{},"rhs":{}}},"include":{},"labels":{},"on":{}}})",
      kCards[static_cast<size_t>(matching.card)], FillValue(matching.fill_left),
      FillValue(matching.fill_right), StringsOf(matching.include), StringsOf(matching.labels),
      Truth(matching.on));
}

std::string BinaryTree(const promql::BinaryExpr& binary) {
  return fmt::format(R"({{"bool":{},"lhs":{},"matching":{},"op":{},"rhs":{},"type":"binaryExpr"}})",
                     Truth(binary.return_bool), TreeOf(binary.lhs.get()), MatchingTree(binary),
                     Quoted(promql::BinaryOpText(binary.op)), TreeOf(binary.rhs.get()));
}

std::string AggregationTree(const promql::AggregateExpr& aggregate) {
  return fmt::format(
      R"({{"expr":{},"grouping":{},"op":"{}","param":{},"type":"aggregation","without":{}}})",
      TreeOf(aggregate.expr.get()), StringsOf(aggregate.grouping),
      promql::AggregateOpText(aggregate.op), TreeOf(aggregate.param.get()),
      Truth(aggregate.without));
}

std::string CallTree(const promql::Call& call) {
  std::string args;
  for (const promql::ExprPtr& arg : call.args) {
    if (!args.empty()) args += ',';
    AppendTree(*arg, &args);
  }
  const promql::Signature& function = *call.function;
  std::string types;
  for (size_t i = 0; i < function.arg_count; ++i) {
    types += fmt::format("{}\"{}\"", i > 0 ? "," : "", promql::ValueTypeName(function.args[i]));
  }
  return fmt::format(
      R"({{"args":[{}],"func":{{"argTypes":[{}],"name":"{}","returnType":"{}","variadic":{}}},)"
      R"("type":"call"}})",
      args, types, function.name, promql::ValueTypeName(function.returns), function.variadic);
}

}  // namespace

void AppendTree(const Expr& expr, std::string* out) {
  switch (expr.kind) {
    case ExprKind::kNumber:
      *out += fmt::format(R"({{"type":"numberLiteral","val":"{}"}})",
                          promql::FormatPlain(As<promql::NumberLiteral>(expr).value));
      return;
    case ExprKind::kString:
      *out += fmt::format(R"({{"type":"stringLiteral","val":{}}})",
                          Quoted(As<promql::StringLiteral>(expr).value));
      return;
    case ExprKind::kVectorSelector:
      *out += SelectorTree(As<promql::VectorSelector>(expr), "", "vectorSelector");
      return;
    case ExprKind::kMatrixSelector: *out += MatrixTree(As<promql::MatrixSelector>(expr)); return;
    case ExprKind::kSubquery: *out += SubqueryTree(As<promql::SubqueryExpr>(expr)); return;
    case ExprKind::kUnary: {
      const auto& unary = As<promql::UnaryExpr>(expr);
      *out += fmt::format(R"({{"expr":{},"op":"{}","type":"unaryExpr"}})", TreeOf(unary.expr.get()),
                          unary.negative ? '-' : '+');
      return;
    }
    case ExprKind::kBinary: *out += BinaryTree(As<promql::BinaryExpr>(expr)); return;
    case ExprKind::kAggregate: *out += AggregationTree(As<promql::AggregateExpr>(expr)); return;
    case ExprKind::kCall: *out += CallTree(As<promql::Call>(expr)); return;
    case ExprKind::kParen:
      *out += fmt::format(R"({{"expr":{},"type":"parenExpr"}})",
                          TreeOf(As<promql::ParenExpr>(expr).expr.get()));
      return;
    case ExprKind::kDuration: *out += DurationTree(&expr); return;
  }
}

}  // namespace thermocline
