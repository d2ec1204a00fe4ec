// Binary operators of the naive evaluator (promql-semantics 4).
#include <algorithm>
#include <cmath>
#include <limits>

#include "promql/naive/evaluator.h"

namespace thermocline::promql::naive {
namespace {

// The labels that decide which elements belong together.
Labels SignatureOf(const VectorMatching& matching, const Labels& labels) {
  LabelsBuilder builder(labels);
  if (matching.on) return builder.Keep(matching.labels).Build();
  for (const std::string& label : matching.labels) builder.Remove(label);
  return builder.Remove(kMetricNameLabel).Build();
}

bool HasSignature(const VectorMatching& matching, const Vector& vector, const Labels& wanted) {
  return std::any_of(vector.begin(), vector.end(), [&](const Element& element) {
    return SignatureOf(matching, element.labels) == wanted;
  });
}

Vector JoinSets(const BinaryExpr& binary, const Vector& lhs, const Vector& rhs) {
  const VectorMatching& matching = binary.matching;
  Vector joined;
  for (const Element& element : lhs) {
    const bool found = HasSignature(matching, rhs, SignatureOf(matching, element.labels));
    const bool keep = binary.op == BinaryOp::kOr || found == (binary.op == BinaryOp::kAnd);
    if (keep) joined.push_back(element);
  }
  if (binary.op != BinaryOp::kOr) return joined;
  for (const Element& element : rhs) {
    if (!HasSignature(matching, lhs, SignatureOf(matching, element.labels))) {
      joined.push_back(element);
    }
  }
  return joined;
}

bool IsArithmetic(BinaryOp op) { return op <= BinaryOp::kAtan2; }

// The labels of a result: of the "many" side, edited.
Labels ResultLabels(const BinaryExpr& binary, const Labels& many, const Labels& one,
                    bool drop_name) {
  const VectorMatching& matching = binary.matching;
  LabelsBuilder builder(drop_name ? WithoutName(many) : many);
  if (matching.card == Cardinality::kOneToOne) {
    if (matching.on) return builder.Keep(matching.labels).Build();
    for (const std::string& label : matching.labels) builder.Remove(label);
    return builder.Build();
  }
  for (const std::string& label : matching.include) builder.Set(label, one.Get(label));
  return builder.Build();
}

Status Duplicate(std::string_view text) { return Status::OutOfRange(std::string(text)); }

class Join {
 public:
  Join(const BinaryExpr& binary, const Vector& lhs, const Vector& rhs, bool delayed)
      : binary_(binary),
        swapped_(binary.matching.card == Cardinality::kOneToMany),
        many_(swapped_ ? rhs : lhs),
        one_(swapped_ ? lhs : rhs),
        delayed_(delayed) {}

  Result<Vector> Run();

 private:
  Status Pair(const Element& many, const Element& one, const Labels& signature);
  Status NoteMatched(const Labels& signature, const Labels& result);

  const BinaryExpr& binary_;
  const bool swapped_;
  const Vector& many_;
  const Vector& one_;
  const bool delayed_;
  std::vector<std::pair<Labels, Labels>> matched_;  // signature, result labels
  Vector out_;
};

Status Join::NoteMatched(const Labels& signature, const Labels& result) {
  const bool one_to_one = binary_.matching.card == Cardinality::kOneToOne;
  for (const auto& [earlier, labels] : matched_) {
    if (earlier != signature) continue;
    if (one_to_one) {
      return Duplicate(
          "multiple matches for labels: many-to-one matching must be explicit "
          "(group_left/group_right)");
    }
    if (labels == result) {
      return Duplicate("multiple matches for labels: grouping labels must ensure unique matches");
    }
  }
  matched_.emplace_back(signature, result);
  return Status::Ok();
}

Status Join::Pair(const Element& many, const Element& one, const Labels& signature) {
  const double left = swapped_ ? one.value : many.value;
  const double right = swapped_ ? many.value : one.value;
  if (binary_.op == BinaryOp::kTrimUpper || binary_.op == BinaryOp::kTrimLower) {
    return Status::Ok();  // for histograms only
  }
  const bool arithmetic = IsArithmetic(binary_.op);
  const bool drop = arithmetic || (binary_.return_bool && !delayed_);
  const Labels labels = ResultLabels(binary_, many.labels, one.labels, drop);
  RETURN_IF_ERROR(NoteMatched(signature, labels));
  if (arithmetic) {
    out_.push_back({labels, Arithmetic(binary_.op, left, right)});
    return Status::Ok();
  }
  const bool holds = Compare(binary_.op, left, right);
  if (binary_.return_bool) {
    out_.push_back({labels, holds ? 1.0 : 0.0, true});
  } else if (holds) {
    out_.push_back({labels, left});
  }
  return Status::Ok();
}

Result<Vector> Join::Run() {
  const VectorMatching& matching = binary_.matching;
  // As upstream: fill_left is for the "many" side, also when that is the right one.
  const auto& many_fill = matching.fill_left;
  const auto& one_fill = matching.fill_right;
  const bool fills = matching.fill_left || matching.fill_right;
  if ((many_.empty() && one_.empty()) || (!fills && (many_.empty() || one_.empty()))) {
    return Vector();
  }
  for (size_t i = 0; i < one_.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (SignatureOf(matching, one_[i].labels) == SignatureOf(matching, one_[j].labels)) {
        return Duplicate("found duplicate series for the match group");
      }
    }
  }
  for (const Element& many : many_) {
    const Labels signature = SignatureOf(matching, many.labels);
    const auto partner = std::find_if(one_.begin(), one_.end(), [&](const Element& one) {
      return SignatureOf(matching, one.labels) == signature;
    });
    if (partner != one_.end()) {
      RETURN_IF_ERROR(Pair(many, *partner, signature));
    } else if (one_fill) {
      RETURN_IF_ERROR(Pair(many, {signature, *one_fill}, signature));
    }
  }
  if (!many_fill) return std::move(out_);
  for (const Element& one : one_) {
    const Labels signature = SignatureOf(matching, one.labels);
    const bool matched = std::any_of(matched_.begin(), matched_.end(),
                                     [&](const auto& pair) { return pair.first == signature; });
    if (!matched) RETURN_IF_ERROR(Pair({signature, *many_fill}, one, signature));
  }
  return std::move(out_);
}

}  // namespace

double Arithmetic(BinaryOp op, double a, double b) {
  switch (op) {
    case BinaryOp::kAdd: return a + b;
    case BinaryOp::kSub: return a - b;
    case BinaryOp::kMul: return a * b;
    case BinaryOp::kDiv: return a / b;
    case BinaryOp::kMod: return std::fmod(a, b);
    case BinaryOp::kPow: return std::pow(a, b);
    case BinaryOp::kAtan2: return std::atan2(a, b);
    default: return std::numeric_limits<double>::quiet_NaN();
  }
}

bool Compare(BinaryOp op, double a, double b) {
  switch (op) {
    case BinaryOp::kEqual: return a == b;
    case BinaryOp::kNotEqual: return a != b;
    case BinaryOp::kGreater: return a > b;
    case BinaryOp::kLess: return a < b;
    case BinaryOp::kGreaterOrEqual: return a >= b;
    case BinaryOp::kLessOrEqual: return a <= b;
    default: return false;
  }
}

Result<Vector> JoinVectors(const BinaryExpr& binary, const Vector& lhs, const Vector& rhs,
                           bool delayed) {
  if (IsSetOperator(binary.op)) return JoinSets(binary, lhs, rhs);
  return Join(binary, lhs, rhs, delayed).Run();
}

Vector VectorScalar(const BinaryExpr& binary, const Vector& vector, double scalar, bool scalar_left,
                    bool delayed) {
  Vector out;
  for (Element element : vector) {
    const double left = scalar_left ? scalar : element.value;
    const double right = scalar_left ? element.value : scalar;
    if (IsArithmetic(binary.op)) {
      element.value = Arithmetic(binary.op, left, right);
      DropName(delayed, &element);
    } else if (binary.return_bool) {
      element.value = Compare(binary.op, left, right) ? 1 : 0;
      DropName(delayed, &element);
    } else if (!Compare(binary.op, left, right)) {
      continue;
    }
    out.push_back(std::move(element));
  }
  return out;
}

}  // namespace thermocline::promql::naive
