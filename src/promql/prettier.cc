#include "promql/prettier.h"

#include <string_view>

#include "promql/printer.h"

namespace thermocline::promql {
namespace {

std::string Indent(int level) { return std::string(static_cast<size_t>(level) * 2, ' '); }

// Go's strings.TrimSpace on what a printed expression can begin and end with.
std::string_view TrimSpace(std::string_view text) {
  constexpr std::string_view kSpace = " \n";
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// Level 0 stands for "on the line that is there already"; from 1 on the node begins a line.
class Prettier {
 public:
  explicit Prettier(size_t line_bytes) : line_bytes_(line_bytes) {}

  std::string Format(const Expr& expr, int level) const {
    switch (expr.kind) {
      case ExprKind::kUnary: {
        const auto& unary = As<UnaryExpr>(expr);
        const std::string operand = Format(*unary.expr, level);
        return Indent(level) + (unary.negative ? '-' : '+') + std::string(TrimSpace(operand));
      }
      case ExprKind::kAggregate:
      case ExprKind::kBinary:
      case ExprKind::kCall:
      case ExprKind::kParen:
      case ExprKind::kSubquery: return FormatOperation(expr, level);
      default: return Indent(level) + Print(expr);
    }
  }

 private:
  std::string FormatOperation(const Expr& expr, int level) const {
    const std::string line = Print(expr);
    if (line.size() <= line_bytes_) {
      // Upstream does not indent a subquery that stays whole.
      return expr.kind == ExprKind::kSubquery ? line : Indent(level) + line;
    }
    switch (expr.kind) {
      case ExprKind::kAggregate: {
        const auto& aggregate = As<AggregateExpr>(expr);
        std::string inside;
        if (aggregate.param != nullptr) inside = Format(*aggregate.param, level + 1) + ",\n";
        inside += Format(*aggregate.expr, level + 1);
        return Bracketed(PrintOwnPart(expr), inside, level);
      }
      case ExprKind::kBinary: {
        const auto& binary = As<BinaryExpr>(expr);
        return Format(*binary.lhs, level + 1) + "\n" + Indent(level) + PrintOwnPart(expr) + "\n" +
               Format(*binary.rhs, level + 1);
      }
      case ExprKind::kCall: {
        const auto& call = As<Call>(expr);
        std::string inside;
        for (const ExprPtr& arg : call.args) {
          if (arg != call.args.front()) inside += ",\n";
          inside += Format(*arg, level + 1);
        }
        return Bracketed(std::string(call.function->name), inside, level);
      }
      case ExprKind::kSubquery:
        return Format(*As<SubqueryExpr>(expr).expr, level) + PrintOwnPart(expr);
      default: return Bracketed("", Format(*As<ParenExpr>(expr).expr, level + 1), level);
    }
  }

  static std::string Bracketed(const std::string& before, const std::string& inside, int level) {
    return Indent(level) + before + "(\n" + inside + "\n" + Indent(level) + ")";
  }

  size_t line_bytes_;
};

}  // namespace

std::string Prettify(const Expr& expr, size_t line_bytes) {
  return Prettier(line_bytes).Format(expr, 0);
}

}  // namespace thermocline::promql
