// Binary operators of the naive evaluator (promql-semantics 4).
#include <algorithm>
#include <cmath>
#include <set>

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

Vector JoinSets(const BinaryExpr& binary, const Vector& lhs, const Vector& rhs) {
  const VectorMatching& matching = binary.matching;
  const auto signatures_of = [&](const Vector& vector) {
    std::set<Labels> signatures;
    for (const Element& e : vector) signatures.insert(SignatureOf(matching, e.labels));
    return signatures;
  };
  const std::set<Labels> left = signatures_of(lhs);
  const std::set<Labels> right = signatures_of(rhs);
  Vector joined;
  for (const Element& element : lhs) {
    const bool found = right.contains(SignatureOf(matching, element.labels));
    const bool keep = binary.op == BinaryOp::kOr || found == (binary.op == BinaryOp::kAnd);
    if (keep) joined.push_back(element);
  }
  if (binary.op != BinaryOp::kOr) return joined;
  for (const Element& element : rhs) {
    if (!left.contains(SignatureOf(matching, element.labels))) joined.push_back(element);
  }
  return joined;
}

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

Status Refused(std::string text) { return Status::OutOfRange(std::move(text)); }

class Join {
 public:
  Join(const BinaryExpr& binary, const Vector& lhs, const Vector& rhs, bool delayed)
      : binary_(binary),
        swapped_(binary.matching.card == Cardinality::kOneToMany),
        many_(swapped_ ? rhs : lhs),
        one_(swapped_ ? lhs : rhs),
        delayed_(delayed) {}

  Result<Vector> Run();
  // What the last pair of them that had one had to say.
  const Outcome& last_note() const { return last_note_; }

 private:
  Status CheckOneSide();
  Status Pair(const Element& many, const Element& one, const Labels& signature);
  Status NoteMatched(const Labels& signature, const Labels& result);

  const BinaryExpr& binary_;
  const bool swapped_;
  const Vector& many_;
  const Vector& one_;
  const bool delayed_;
  std::map<Labels, Element> by_signature_;      // of the "one" side
  std::map<Labels, std::set<Labels>> matched_;  // signature to result labels
  Outcome last_note_;
  Vector out_;
};

Status Join::NoteMatched(const Labels& signature, const Labels& result) {
  const bool one_to_one = binary_.matching.card == Cardinality::kOneToOne;
  if (one_to_one && matched_.contains(signature)) {
    return Refused(
        "multiple matches for labels: many-to-one matching must be explicit "
        "(group_left/group_right)");
  }
  if (!matched_[signature].insert(result).second) {
    return Refused("multiple matches for labels: grouping labels must ensure unique matches");
  }
  return Status::Ok();
}

Status Join::Pair(const Element& many, const Element& one, const Labels& signature) {
  const Element& left = swapped_ ? one : many;
  const Element& right = swapped_ ? many : one;
  const Outcome outcome =
      Combine(binary_.op, {left.value, left.histogram}, {right.value, right.histogram});
  if (!outcome.note.empty()) last_note_ = outcome;
  if (!outcome.valid) return Status::Ok();
  const bool drop = IsArithmetic(binary_.op) || (binary_.return_bool && !delayed_);
  const Labels labels = ResultLabels(binary_, many.labels, one.labels, drop);
  RETURN_IF_ERROR(NoteMatched(signature, labels));
  if (binary_.return_bool) {
    out_.push_back({labels, outcome.keep ? 1.0 : 0.0, nullptr, true, 0, 0});
  } else if (outcome.keep) {
    out_.push_back({labels, outcome.value, outcome.histogram, false, 0, 0});
  }
  return Status::Ok();
}

Status Join::CheckOneSide() {
  const VectorMatching& matching = binary_.matching;
  for (const Element& one : one_) {
    const auto [held, added] = by_signature_.try_emplace(SignatureOf(matching, one.labels), one);
    if (added) continue;
    return Refused("found duplicate series for the match group " +
                   SignatureOf(matching, one.labels).ToString() + " on the " +
                   (swapped_ ? "left" : "right") + " hand-side of the operation: [" +
                   one.labels.ToString() + ", " + held->second.labels.ToString() +
                   "];many-to-many matching not allowed: matching labels must be unique on one "
                   "side");
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
  RETURN_IF_ERROR(CheckOneSide());
  for (const Element& many : many_) {
    const Labels signature = SignatureOf(matching, many.labels);
    const auto partner = by_signature_.find(signature);
    if (partner != by_signature_.end()) {
      RETURN_IF_ERROR(Pair(many, partner->second, signature));
    } else if (one_fill) {
      RETURN_IF_ERROR(Pair(many, {SignatureOf(matching, many.labels), *one_fill}, signature));
    }
  }
  if (!many_fill) return std::move(out_);
  for (const Element& one : one_) {
    const Labels signature = SignatureOf(matching, one.labels);
    if (matched_.contains(signature)) continue;
    RETURN_IF_ERROR(Pair({SignatureOf(matching, one.labels), *many_fill}, one, signature));
  }
  return std::move(out_);
}

}  // namespace

void Evaluator::NoteOutcome(const Outcome& outcome, const BinaryExpr& binary) {
  if (outcome.note.empty()) return;
  if (outcome.is_warning) {
    notes_.Warn(outcome.note, binary.span.start);
  } else {
    notes_.Info(outcome.note, binary.span.start);
  }
}

Result<Vector> Evaluator::JoinAt(const BinaryExpr& binary, const Vector& lhs, const Vector& rhs) {
  if (IsSetOperator(binary.op)) return JoinSets(binary, lhs, rhs);
  Join join(binary, lhs, rhs, options_.delayed_name_removal);
  ASSIGN_OR_RETURN(Vector joined, join.Run());
  NoteOutcome(join.last_note(), binary);
  return joined;
}

Vector Evaluator::WithScalar(const BinaryExpr& binary, const Vector& vector, double scalar,
                             bool scalar_left) {
  Outcome last_note;
  Vector out;
  for (Element element : vector) {
    const Operand own{element.value, element.histogram};
    const Operand number{scalar, nullptr};
    const Outcome outcome =
        Combine(binary.op, scalar_left ? number : own, scalar_left ? own : number);
    if (!outcome.note.empty()) last_note = outcome;
    if (!outcome.valid) continue;
    if (binary.return_bool) {
      element.value = outcome.keep ? 1 : 0;
      element.histogram = nullptr;
    } else if (!outcome.keep) {
      continue;
    } else if (!IsComparison(binary.op)) {  // a comparison keeps the vector's sample
      element.value = outcome.value;
      element.histogram = outcome.histogram;
    }
    if (IsArithmetic(binary.op) || binary.return_bool) DropName(&element);
    out.push_back(std::move(element));
  }
  NoteOutcome(last_note, binary);
  return out;
}

Result<Value> Evaluator::EvalBinary(const BinaryExpr& binary, const Grid& grid) {
  const bool left_vector = TypeOf(*binary.lhs) == ValueType::kVector;
  const bool right_vector = TypeOf(*binary.rhs) == ValueType::kVector;
  ASSIGN_OR_RETURN(const Value lhs, Eval(*binary.lhs, grid));
  ASSIGN_OR_RETURN(const Value rhs, Eval(*binary.rhs, grid));
  StepCollector collector(grid, !options_.delayed_name_removal);
  for (const TimestampMs t_ms : grid.Times()) {
    const Vector left = At(lhs.matrix, t_ms);
    const Vector right = At(rhs.matrix, t_ms);
    Vector joined;
    if (left_vector && right_vector) {
      ASSIGN_OR_RETURN(joined, JoinAt(binary, left, right));
    } else if (left_vector) {
      joined = WithScalar(binary, left, right[0].value, false);
    } else if (right_vector) {
      joined = WithScalar(binary, right, left[0].value, true);
    } else {
      const double a = left[0].value;
      const double b = right[0].value;
      const double value = IsComparison(binary.op) ? (Compare(binary.op, a, b) ? 1 : 0)
                                                   : Arithmetic(binary.op, a, b);
      joined = {{Labels(), value, nullptr, false, 0, 0}};
    }
    RETURN_IF_ERROR(collector.Add(t_ms, joined));
  }
  Value value;
  value.matrix = collector.Take();
  return value;
}

}  // namespace thermocline::promql::naive
