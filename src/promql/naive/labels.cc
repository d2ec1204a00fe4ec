// absent, sorting and label_join of the naive evaluator (promql-semantics 2.8 to 2.10).
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "promql/naive/evaluator.h"

namespace thermocline::promql::naive {
namespace {

// The labels that equality matchers fix; a second matcher on a label makes it unknown.
Labels LabelsFromMatchers(const VectorSelector& selector) {
  std::map<std::string, std::string> fixed;
  std::set<std::string> seen;
  for (const Matcher& matcher : selector.matchers) {
    if (matcher.name() == kMetricNameLabel) continue;
    const bool first = seen.insert(matcher.name()).second;
    fixed.erase(matcher.name());
    if (first && matcher.type() == MatchType::kEqual) fixed[matcher.name()] = matcher.value();
  }
  return Labels(std::vector<std::pair<std::string, std::string>>(fixed.begin(), fixed.end()));
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

Vector SortedByValue(Vector vector, bool descending) {
  std::stable_sort(vector.begin(), vector.end(), [descending](const Element& a, const Element& b) {
    if (std::isnan(a.value)) return false;
    if (std::isnan(b.value)) return true;
    return descending ? a.value > b.value : a.value < b.value;
  });
  return vector;
}

Vector SortedByLabels(Vector vector, const std::vector<Value>& args, bool descending) {
  const auto less = [&args](const Element& a, const Element& b) {
    for (size_t i = 1; i < args.size(); ++i) {
      const std::string_view left = a.labels.Get(args[i].text);
      const std::string_view right = b.labels.Get(args[i].text);
      if (left != right) return NaturalLess(left, right);
    }
    return a.labels < b.labels;
  };
  std::stable_sort(vector.begin(), vector.end(), [&](const Element& a, const Element& b) {
    return descending ? less(b, a) : less(a, b);
  });
  return vector;
}

// Equal label sets need not clash: the time decides, and here all are of one time.
Result<Value> LabelJoin(const std::vector<Value>& args) {
  Vector vector = args[0].vector;
  const std::string& target = args[1].text;
  for (size_t i = 3; i < args.size(); ++i) {
    if (args[i].text.empty() || !IsValidUtf8(args[i].text)) {
      return Status::OutOfRange("invalid source label name in label_join(): " + args[i].text);
    }
  }
  if (target.empty() || !IsValidUtf8(target)) {
    return Status::OutOfRange("invalid destination label name in label_join(): " + target);
  }
  for (Element& element : vector) {
    std::string joined;
    for (size_t i = 3; i < args.size(); ++i) {
      if (i > 3) joined += args[2].text;
      joined += element.labels.Get(args[i].text);
    }
    element.labels = LabelsBuilder(element.labels).Set(target, joined).Build();
    if (target == kMetricNameLabel) element.drop_name = false;
  }
  RETURN_IF_ERROR(CheckDistinct(vector));
  return Value::Of(std::move(vector));
}

}  // namespace

Value Absent(const Expr& argument, bool has_elements) {
  if (has_elements) return Value::Of({});
  Labels labels;
  if (argument.kind == ExprKind::kVectorSelector) {
    labels = LabelsFromMatchers(As<VectorSelector>(argument));
  } else if (argument.kind == ExprKind::kMatrixSelector) {
    labels = LabelsFromMatchers(As<MatrixSelector>(argument).vector());
  }
  return Value::Of({{labels, 1}});
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

Result<Value> LabelFunction(Function function, const std::vector<Value>& args) {
  switch (function) {
    case Function::kSort:
    case Function::kSortDesc:
      return Value::Of(SortedByValue(args[0].vector, function == Function::kSortDesc));
    case Function::kSortByLabel:
    case Function::kSortByLabelDesc:
      return Value::Of(
          SortedByLabels(args[0].vector, args, function == Function::kSortByLabelDesc));
    default: return LabelJoin(args);
  }
}

}  // namespace thermocline::promql::naive
