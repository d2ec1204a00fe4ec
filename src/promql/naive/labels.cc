// absent, sorting, label_replace and label_join of the naive evaluator (promql-semantics 2.8 to
// 2.10).
#include <algorithm>
#include <cmath>
#include <set>

#include "model/regex_rewrite.h"
#include "promql/naive/evaluator.h"

namespace thermocline::promql::naive {
namespace {

// The labels that equality matchers fix; a matcher of another type, or a second one, makes the
// label unknown again.
Labels LabelsFromMatchers(const VectorSelector& selector) {
  LabelsBuilder builder;
  std::set<std::string> fixed;
  for (const Matcher& matcher : selector.matchers) {
    if (matcher.name() == kMetricNameLabel) continue;
    if (matcher.type() == MatchType::kEqual && fixed.insert(matcher.name()).second) {
      builder.Set(matcher.name(), matcher.value());
    } else {
      builder.Remove(matcher.name());
    }
  }
  return builder.Build();
}

bool IsDigit(char c) { return '0' <= c && c <= '9'; }

// A run of digits or of other characters off the front.
std::string_view TakeChunk(std::string_view* rest) {
  size_t size = 1;
  while (size < rest->size() && IsDigit((*rest)[size]) == IsDigit(rest->front())) ++size;
  const std::string_view chunk = rest->substr(0, size);
  rest->remove_prefix(size);
  return chunk;
}

std::string_view WithoutZeros(std::string_view digits) {
  while (digits.size() > 1 && digits.front() == '0') digits.remove_prefix(1);
  return digits;
}

bool IsLabelName(std::string_view name) { return !name.empty() && IsValidUtf8(name); }

const std::string& Text(const Call& call, size_t i) {
  return As<StringLiteral>(StripParens(*call.args[i])).value;
}

}  // namespace

Labels LabelsForAbsent(const Expr& argument) {
  switch (argument.kind) {
    case ExprKind::kVectorSelector: return LabelsFromMatchers(As<VectorSelector>(argument));
    case ExprKind::kMatrixSelector:
      return LabelsFromMatchers(As<MatrixSelector>(argument).vector());
    default: return {};
  }
}

Vector SortedByValue(const Vector& vector, bool descending) {
  Vector sorted = vector;
  std::stable_sort(sorted.begin(), sorted.end(), [descending](const Element& a, const Element& b) {
    if (std::isnan(a.value)) return false;
    if (std::isnan(b.value)) return true;
    return descending ? a.value > b.value : a.value < b.value;
  });
  return sorted;
}

Vector SortedByLabels(const Vector& vector, const std::vector<std::string>& labels,
                      bool descending) {
  const auto less = [&labels](const Element& a, const Element& b) {
    for (const std::string& label : labels) {
      const std::string_view left = a.labels.Get(label);
      const std::string_view right = b.labels.Get(label);
      if (left != right) return NaturalLess(left, right);
    }
    return a.labels < b.labels;
  };
  Vector sorted = vector;
  std::stable_sort(sorted.begin(), sorted.end(), [&](const Element& a, const Element& b) {
    return descending ? less(b, a) : less(a, b);
  });
  return sorted;
}

// Runs of digits compare as numbers; otherwise by bytes.
bool NaturalLess(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    const std::string_view left = TakeChunk(&a);
    const std::string_view right = TakeChunk(&b);
    if (left == right) continue;
    if (!IsDigit(left.front()) || !IsDigit(right.front())) return left < right;
    const std::string_view x = WithoutZeros(left);
    const std::string_view y = WithoutZeros(right);
    if (x != y) return x.size() != y.size() ? x.size() < y.size() : x < y;
  }
  return a.size() < b.size();
}

Result<Value> Evaluator::Relabelled(
    const Expr& operand, const Grid& grid, const std::string& target,
    const std::function<std::optional<std::string>(const Labels&)>& new_value) {
  ASSIGN_OR_RETURN(Value value, Eval(operand, grid));
  for (Series& series : value.matrix) {
    const std::optional<std::string> text = new_value(series.labels);
    if (!text) continue;
    series.labels = LabelsBuilder(series.labels).Set(target, *text).Build();
    if (target == kMetricNameLabel) series.drop_name = false;
  }
  ASSIGN_OR_RETURN(value.matrix, JoinSameLabels(value.matrix));
  return value;
}

Result<Value> Evaluator::EvalLabelReplace(const Call& call, const Grid& grid) {
  const std::string& target = Text(call, 1);
  const Result<RegexRewriter> rewriter = RegexRewriter::Compile(Text(call, 4));
  if (!rewriter.ok()) {
    return Status::OutOfRange("invalid regular expression in label_replace(): " + Text(call, 4));
  }
  if (!IsLabelName(target)) {
    return Status::OutOfRange("invalid destination label name in label_replace(): " + target);
  }
  return Relabelled(*call.args[0], grid, target, [&](const Labels& labels) {
    return rewriter->Rewrite(labels.Get(Text(call, 3)), Text(call, 2));
  });
}

Result<Value> Evaluator::EvalLabelJoin(const Call& call, const Grid& grid) {
  const std::string& target = Text(call, 1);
  for (size_t i = 3; i < call.args.size(); ++i) {
    if (IsLabelName(Text(call, i))) continue;
    return Status::OutOfRange("invalid source label name in label_join(): " + Text(call, i));
  }
  if (!IsLabelName(target)) {
    return Status::OutOfRange("invalid destination label name in label_join(): " + target);
  }
  return Relabelled(*call.args[0], grid, target, [&](const Labels& labels) {
    std::string joined;
    for (size_t i = 3; i < call.args.size(); ++i) {
      if (i > 3) joined += Text(call, 2);
      joined += labels.Get(Text(call, i));
    }
    return std::optional<std::string>(joined);
  });
}

}  // namespace thermocline::promql::naive
