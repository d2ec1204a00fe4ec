#include "promql/printer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <vector>

#include "base/duration.h"
#include "promql/text.h"

namespace thermocline::promql {
namespace {

void PrintTo(const Expr& expr, std::string* out);

void PrintLabels(const std::vector<std::string>& labels, std::string* out) {
  *out += '(';
  for (size_t i = 0; i < labels.size(); ++i) {
    if (i > 0) *out += ", ";
    *out += IsLegacyLabelName(labels[i]) ? labels[i] : GoQuote(labels[i]);
  }
  *out += ')';
}

void PrintSeconds(double seconds, std::string* out) {
  if (seconds < 0) *out += '-';
  *out += FormatDurationMs(static_cast<int64_t>(std::fabs(seconds) * 1e9) / 1'000'000);
}

void PrintNumber(const NumberLiteral& number, std::string* out) {
  if (number.is_duration) {
    PrintSeconds(number.value, out);
  } else {
    *out += FormatPlain(number.value);
  }
}

std::string_view DurationOpText(DurationOp op) {
  switch (op) {
    case DurationOp::kAdd: return "+";
    case DurationOp::kSub: return "-";
    case DurationOp::kMul: return "*";
    case DurationOp::kDiv: return "/";
    case DurationOp::kMod: return "%";
    case DurationOp::kPow: return "^";
    case DurationOp::kMinOf: return "min_of";
    case DurationOp::kMaxOf: return "max_of";
    case DurationOp::kStep: return "step";
    case DurationOp::kRange: return "range";
  }
  return "";
}

void PrintDurationExpr(const DurationExpr& expr, std::string* out) {
  if (expr.wrapped) *out += '(';
  const std::string_view op = DurationOpText(expr.op);
  if (expr.rhs == nullptr) {
    out->append(op).append("()");
  } else if (expr.op == DurationOp::kMinOf || expr.op == DurationOp::kMaxOf) {
    out->append(op).append("(");
    PrintTo(*expr.lhs, out);
    *out += ", ";
    PrintTo(*expr.rhs, out);
    *out += ')';
  } else if (expr.lhs == nullptr) {
    if (expr.op == DurationOp::kSub) *out += op;
    PrintTo(*expr.rhs, out);
  } else {
    PrintTo(*expr.lhs, out);
    out->append(" ").append(op).append(" ");
    PrintTo(*expr.rhs, out);
  }
  if (expr.wrapped) *out += ')';
}

void PrintDuration(int64_t ms, const Expr* expr, std::string* out) {
  if (expr != nullptr) {
    PrintTo(*expr, out);
  } else {
    *out += FormatDurationMs(ms);
  }
}

// A range or step. Below a millisecond upstream prints 0s, which it then refuses to read; any such
// length means the same.
void PrintPositiveDuration(int64_t ms, const Expr* expr, std::string* out) {
  if (ms == 0 && expr == nullptr) {
    *out += "0.0001";
  } else {
    PrintDuration(ms, expr, out);
  }
}

// Quoted as Go quotes, but U+FFFD escaped: the lexer takes it for invalid UTF-8.
void PrintString(const std::string& value, std::string* out) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  std::string quoted = GoQuote(value);
  for (size_t at = quoted.find(kReplacement); at != std::string::npos;
       at = quoted.find(kReplacement)) {
    quoted.replace(at, kReplacement.size(), "\\ufffd");
  }
  *out += quoted;
}

void PrintAt(const TimeModifiers& time, std::string* out) {
  switch (time.at) {
    case AtKind::kNone: return;
    case AtKind::kTimestamp:
      *out += " @ " + FormatFixed(static_cast<double>(time.at_ms) / 1000.0, 3);
      return;
    case AtKind::kStart: *out += " @ start()"; return;
    case AtKind::kEnd: *out += " @ end()"; return;
  }
}

void PrintOffset(const TimeModifiers& time, std::string* out) {
  if (time.offset_ms == 0 && time.offset_expr == nullptr) return;
  *out += " offset ";
  PrintDuration(time.offset_ms, time.offset_expr.get(), out);
}

void PrintExtension(Extension extension, std::string* out) {
  if (extension == Extension::kAnchored) *out += " anchored";
  if (extension == Extension::kSmoothed) *out += " smoothed";
}

// The matchers one by one, but for the one that `name` stands for.
std::vector<std::string> PrintedMatchers(const std::string& name,
                                         const std::vector<Matcher>& matchers) {
  std::vector<std::string> printed;
  for (const Matcher& matcher : matchers) {
    const bool is_name = matcher.name() == kMetricNameLabel &&
                         matcher.type() == MatchType::kEqual && matcher.value() == name;
    if (!is_name || name.empty()) printed.push_back(matcher.ToString());
  }
  return printed;
}

void PrintSeries(const std::string& name, const std::vector<std::string>& matchers,
                 std::string* out) {
  *out += name;
  if (matchers.empty()) return;
  char before = '{';
  for (const std::string& matcher : matchers) {
    *out += before;
    *out += matcher;
    before = ',';
  }
  *out += '}';
}

// Name and matchers, the matchers sorted as printed.
void PrintSeries(const VectorSelector& selector, std::string* out) {
  std::vector<std::string> printed = PrintedMatchers(selector.name, selector.matchers);
  std::sort(printed.begin(), printed.end());
  PrintSeries(selector.name, printed, out);
}

void PrintTimes(const VectorSelector& selector, std::string* out) {
  PrintAt(selector.time, out);
  PrintExtension(selector.extension, out);
  PrintOffset(selector.time, out);
}

void PrintVectorSelector(const VectorSelector& selector, std::string* out) {
  PrintSeries(selector, out);
  PrintTimes(selector, out);
}

void PrintWindow(const MatrixSelector& matrix, std::string* out) {
  *out += '[';
  PrintPositiveDuration(matrix.range_ms, matrix.range_expr.get(), out);
  *out += ']';
  const VectorSelector& selector = matrix.vector();
  PrintExtension(selector.extension, out);
  PrintAt(selector.time, out);
  PrintOffset(selector.time, out);
}

void PrintMatrixSelector(const MatrixSelector& matrix, std::string* out) {
  PrintSeries(matrix.vector(), out);
  PrintWindow(matrix, out);
}

void PrintSubqueryTimes(const SubqueryExpr& subquery, std::string* out) {
  *out += '[';
  PrintPositiveDuration(subquery.range_ms, subquery.range_expr.get(), out);
  *out += ':';
  if (subquery.has_step) PrintPositiveDuration(subquery.step_ms, subquery.step_expr.get(), out);
  *out += ']';
  PrintAt(subquery.time, out);
  PrintOffset(subquery.time, out);
}

void PrintMatching(const VectorMatching& matching, std::string* out) {
  const bool grouped =
      matching.card == Cardinality::kManyToOne || matching.card == Cardinality::kOneToMany;
  if (!matching.labels.empty() || matching.on || grouped) {
    *out += matching.on ? " on " : " ignoring ";
    PrintLabels(matching.labels, out);
  }
  if (grouped) {
    *out += matching.card == Cardinality::kManyToOne ? " group_left " : " group_right ";
    PrintLabels(matching.include, out);
  }
  const auto print_fill = [out](std::string_view name, double value) {
    out->append(name).append("(").append(FormatShortest(value)).append(")");
  };
  if (matching.fill_left && matching.fill_right && *matching.fill_left == *matching.fill_right) {
    return print_fill(" fill ", *matching.fill_left);
  }
  if (matching.fill_left) print_fill(" fill_left ", *matching.fill_left);
  if (matching.fill_right) print_fill(" fill_right ", *matching.fill_right);
}

void PrintOperator(const BinaryExpr& binary, std::string* out) {
  *out += BinaryOpText(binary.op);
  if (binary.return_bool) *out += " bool";
  PrintMatching(binary.matching, out);
}

void PrintBinary(const BinaryExpr& binary, std::string* out) {
  const bool base = binary.op == BinaryOp::kPow && binary.lhs->kind == ExprKind::kNumber;
  if (base && As<NumberLiteral>(*binary.lhs).value == std::numeric_limits<double>::infinity()) {
    *out += "Inf";  // a sign would be read as one of the whole power
  } else {
    PrintTo(*binary.lhs, out);
  }
  *out += ' ';
  PrintOperator(binary, out);
  *out += ' ';
  PrintTo(*binary.rhs, out);
}

void PrintAggregation(const AggregateExpr& aggregate, std::string* out) {
  *out += AggregateOpText(aggregate.op);
  if (aggregate.without || !aggregate.grouping.empty()) {
    *out += aggregate.without ? " without " : " by ";
    PrintLabels(aggregate.grouping, out);
    *out += ' ';
  }
}

void PrintAggregate(const AggregateExpr& aggregate, std::string* out) {
  PrintAggregation(aggregate, out);
  *out += '(';
  if (aggregate.param != nullptr) {
    PrintTo(*aggregate.param, out);
    *out += ", ";
  }
  PrintTo(*aggregate.expr, out);
  *out += ')';
}

void PrintCall(const Call& call, std::string* out) {
  *out += call.function->name;
  *out += '(';
  for (size_t i = 0; i < call.args.size(); ++i) {
    if (i > 0) *out += ", ";
    PrintTo(*call.args[i], out);
  }
  *out += ')';
}

void PrintTo(const Expr& expr, std::string* out) {
  switch (expr.kind) {
    case ExprKind::kNumber: return PrintNumber(As<NumberLiteral>(expr), out);
    case ExprKind::kString: return PrintString(As<StringLiteral>(expr).value, out);
    case ExprKind::kVectorSelector: return PrintVectorSelector(As<VectorSelector>(expr), out);
    case ExprKind::kMatrixSelector: return PrintMatrixSelector(As<MatrixSelector>(expr), out);
    case ExprKind::kSubquery:
      PrintTo(*As<SubqueryExpr>(expr).expr, out);
      return PrintSubqueryTimes(As<SubqueryExpr>(expr), out);
    case ExprKind::kUnary:
      *out += As<UnaryExpr>(expr).negative ? '-' : '+';
      return PrintTo(*As<UnaryExpr>(expr).expr, out);
    case ExprKind::kBinary: return PrintBinary(As<BinaryExpr>(expr), out);
    case ExprKind::kAggregate: return PrintAggregate(As<AggregateExpr>(expr), out);
    case ExprKind::kCall: return PrintCall(As<Call>(expr), out);
    case ExprKind::kParen:
      *out += '(';
      PrintTo(*As<ParenExpr>(expr).expr, out);
      *out += ')';
      return;
    case ExprKind::kDuration: return PrintDurationExpr(As<DurationExpr>(expr), out);
  }
}

}  // namespace

std::string Print(const Expr& expr) {
  std::string out;
  PrintTo(expr, &out);
  return out;
}

std::string PrintOwnPart(const Expr& expr) {
  std::string out;
  if (expr.kind == ExprKind::kAggregate) PrintAggregation(As<AggregateExpr>(expr), &out);
  if (expr.kind == ExprKind::kBinary) PrintOperator(As<BinaryExpr>(expr), &out);
  if (expr.kind == ExprKind::kSubquery) PrintSubqueryTimes(As<SubqueryExpr>(expr), &out);
  return out;
}

std::string PrintSelector(const Expr& selector, const std::vector<Matcher>& matchers) {
  const bool window = selector.kind == ExprKind::kMatrixSelector;
  const auto& series =
      window ? As<MatrixSelector>(selector).vector() : As<VectorSelector>(selector);
  std::string out;
  PrintSeries(series.name, PrintedMatchers(series.name, matchers), &out);
  if (window) {
    PrintWindow(As<MatrixSelector>(selector), &out);
  } else {
    PrintTimes(series, &out);
  }
  return out;
}

}  // namespace thermocline::promql
