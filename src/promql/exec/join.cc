#include "promql/exec/join.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "promql/exec/names.h"
#include "promql/functions/arithmetic.h"

namespace thermocline::promql {
namespace {

// Errors are Prometheus' when the one of the earliest step is reported, and within a step first
// duplicates of the "one" side, then what the "many" side meets, each in operand order.
class FirstError {
 public:
  template <typename MakeStatus>
  void Offer(size_t step, int phase, size_t order, MakeStatus make) {
    const auto place = std::make_tuple(step, phase, order);
    if (place_ && *place_ <= place) return;
    place_ = place;
    status_ = make();
  }
  const Status& status() const { return status_; }

 private:
  std::optional<std::tuple<size_t, int, size_t>> place_;
  Status status_;
};

class JoinOperator : public MatrixOperator {
 public:
  JoinOperator(QueryContext& context, const PlanNode& node, const StepGrid& grid, VectorPtr left,
               VectorPtr right)
      : MatrixOperator(context, grid),
        binary_(As<BinaryExpr>(*node.expr)),
        matching_(binary_.matching),
        one_is_left_(matching_.card == Cardinality::kOneToMany),
        grouped_(matching_.card != Cardinality::kOneToOne),
        left_(std::move(left)),
        right_(std::move(right)),
        table_(matching_),
        many_(context, grid.count),
        one_(context, grid.count) {}

  Status Open() override {
    RETURN_IF_ERROR(left_->Open());
    ASSIGN_OR_RETURN(Matrix left, Materialize(context_, *left_, grid_.count));
    RETURN_IF_ERROR(right_->Open());
    ASSIGN_OR_RETURN(Matrix right, Materialize(context_, *right_, grid_.count));
    left_.reset();
    right_.reset();
    many_ = std::move(one_is_left_ ? right : left);
    one_ = std::move(one_is_left_ ? left : right);
    const Status joined = Join();
    // The operands are no longer needed.
    many_ = Matrix(context_, grid_.count);
    one_ = Matrix(context_, grid_.count);
    outputs_.clear();
    RETURN_IF_ERROR(joined);
    result_.RemoveEmptyRows();
    return result_.HoldSamples();
  }

 private:
  bool fills() const { return matching_.fill_left || matching_.fill_right; }

  Status Join() {
    many_match_ = table_.Assign(many_.rows());
    one_match_ = table_.Assign(one_.rows());
    FindActiveSteps();
    ones_.assign(table_.size(), {});
    for (uint32_t i = 0; i < one_match_.size(); ++i) ones_[one_match_[i]].push_back(i);
    manys_.assign(table_.size(), 0);
    for (const uint32_t match : many_match_) ++manys_[match];
    matched_.assign(table_.size(), {});
    FindDuplicates();
    for (size_t i = 0; i < many_.rows().size(); ++i) {
      if (i % 64 == 0) RETURN_IF_ERROR(context_.Check());
      RETURN_IF_ERROR(JoinRow(i));
    }
    if (matching_.fill_left) RETURN_IF_ERROR(FillMany());
    return error_.status();
  }

  // A step at which one whole operand is empty has no result and no errors, unless values are
  // filled in.
  void FindActiveSteps() {
    const std::vector<bool> many = many_.OccupiedSteps();
    const std::vector<bool> one = one_.OccupiedSteps();
    active_.resize(grid_.count);
    for (size_t step = 0; step < grid_.count; ++step) {
      active_[step] = fills() ? many[step] || one[step] : many[step] && one[step];
    }
  }

  void FindDuplicates() {
    for (size_t match = 0; match < ones_.size(); ++match) {
      if (ones_[match].size() < 2) continue;
      for (size_t step = 0; step < grid_.count; ++step) {
        if (!active_[step]) continue;
        const Matrix::Row* first = nullptr;
        for (const uint32_t index : ones_[match]) {
          const Matrix::Row& row = one_.rows()[index];
          if (row.kinds[step] == StepKind::kAbsent) continue;
          if (first == nullptr) {
            first = &row;
            continue;
          }
          error_.Offer(step, 0, index, [&] { return Duplicate(match, row, *first); });
          break;
        }
      }
    }
  }

  Status Duplicate(size_t match, const Matrix::Row& later, const Matrix::Row& earlier) const {
    return Status::OutOfRange(
        "found duplicate series for the match group " +
        table_.labels(static_cast<uint32_t>(match)).ToString() + " on the " +
        (one_is_left_ ? "left" : "right") + " hand-side of the operation: [" +
        later.labels.ToString() + ", " + earlier.labels.ToString() +
        "];many-to-many matching not allowed: matching labels must be unique on one side");
  }

  Status JoinRow(size_t index) {
    const Matrix::Row& many = many_.rows()[index];
    const uint32_t match = many_match_[index];
    std::vector<uint8_t> partnered;
    if (fills()) partnered.assign(grid_.count, 0);
    for (const uint32_t one_index : ones_[match]) {
      const Matrix::Row& one = one_.rows()[one_index];
      Output* output = nullptr;
      for (size_t step = 0; step < grid_.count; ++step) {
        if (many.kinds[step] == StepKind::kAbsent || one.kinds[step] == StepKind::kAbsent) continue;
        if (fills()) partnered[step] = 1;
        if (output == nullptr) {
          ASSIGN_OR_RETURN(output, OutputFor(many.labels, one.labels));
        }
        Emit(*output, match, step, index, many.values[step], one.values[step]);
      }
    }
    if (!matching_.fill_right) return Status::Ok();
    Output* output = nullptr;
    for (size_t step = 0; step < grid_.count; ++step) {
      if (many.kinds[step] == StepKind::kAbsent || partnered[step] != 0) continue;
      if (output == nullptr) {
        ASSIGN_OR_RETURN(output, OutputFor(many.labels, table_.labels(match)));
      }
      Emit(*output, match, step, index, many.values[step], *matching_.fill_right);
    }
    return Status::Ok();
  }

  // Samples of the "one" side that nothing matched, with the fill value on the other side.
  Status FillMany() {
    std::vector<std::vector<uint8_t>> present(table_.size());
    for (size_t i = 0; i < many_.rows().size(); ++i) {
      auto& steps = present[many_match_[i]];
      steps.resize(grid_.count, 0);
      for (size_t step = 0; step < grid_.count; ++step) {
        if (many_.rows()[i].kinds[step] != StepKind::kAbsent) steps[step] = 1;
      }
    }
    for (size_t i = 0; i < one_.rows().size(); ++i) {
      const Matrix::Row& one = one_.rows()[i];
      const uint32_t match = one_match_[i];
      Output* output = nullptr;
      for (size_t step = 0; step < grid_.count; ++step) {
        if (one.kinds[step] == StepKind::kAbsent) continue;
        if (!present[match].empty() && present[match][step] != 0) continue;
        if (output == nullptr) {
          ASSIGN_OR_RETURN(output, OutputFor(table_.labels(match), one.labels));
        }
        Emit(*output, match, step, many_.rows().size() + i, *matching_.fill_left, one.values[step]);
      }
    }
    return Status::Ok();
  }

  struct Output {
    size_t row = 0;
    std::vector<uint32_t> produced;  // grouped: per step the match that made it, plus one
  };

  Result<Output*> OutputFor(const Labels& many, const Labels& one) {
    Labels labels = ResultLabels(many, one);
    const auto [found, added] = outputs_.try_emplace(labels.packed());
    Output& output = found->second;
    if (!added) return &output;
    output.row = result_.rows().size();
    if (grouped_) output.produced.assign(grid_.count, 0);
    const bool drops_name = binary_.return_bool && context_.delayed_names();
    ASSIGN_OR_RETURN(Matrix::Row * row, result_.AddRow(std::move(labels), drops_name));
    (void)row;
    return &output;
  }

  Labels ResultLabels(const Labels& many, const Labels& one) const {
    const bool drop =
        !IsComparison(binary_.op) || (binary_.return_bool && !context_.delayed_names());
    LabelsBuilder builder(drop ? WithoutName(many) : many);
    if (!grouped_) {
      if (matching_.on) {
        builder.Keep(matching_.labels);
      } else {
        for (const std::string& name : matching_.labels) builder.Remove(name);
      }
    }
    for (const std::string& name : matching_.include) builder.Set(name, one.Get(name));
    return builder.Build();
  }

  void Emit(Output& output, uint32_t match, size_t step, size_t order, double many, double one) {
    if (!grouped_ && manys_[match] > 1) {
      auto& matched = matched_[match];
      matched.resize(grid_.count, 0);
      if (matched[step] != 0) {
        error_.Offer(step, 1, order, [] {
          return Status::OutOfRange(
              "multiple matches for labels: many-to-one matching must be "
              "explicit (group_left/group_right)");
        });
      }
      matched[step] = 1;
    }
    if (grouped_) {
      if (output.produced[step] == match + 1) {
        error_.Offer(step, 1, order, [] {
          return Status::OutOfRange(
              "multiple matches for labels: grouping labels must ensure unique matches");
        });
      }
      output.produced[step] = match + 1;
    }
    const double left = one_is_left_ ? one : many;
    const double right = one_is_left_ ? many : one;
    double value = left;
    if (!IsComparison(binary_.op)) {
      value = Arithmetic(binary_.op, left, right);
    } else if (binary_.return_bool) {
      value = Compare(binary_.op, left, right) ? 1 : 0;
    } else if (!Compare(binary_.op, left, right)) {
      return;
    }
    Matrix::Row& row = result_.rows()[output.row];
    if (row.kinds[step] != StepKind::kAbsent) {
      error_.Offer(step, 2, order, [] {
        return Status::OutOfRange("vector cannot contain metrics with the same labelset");
      });
    }
    row.kinds[step] = StepKind::kFloat;
    row.values[step] = value;
  }

  const BinaryExpr& binary_;
  const VectorMatching& matching_;
  const bool one_is_left_;
  const bool grouped_;
  VectorPtr left_;
  VectorPtr right_;
  MatchTable table_;
  Matrix many_;
  Matrix one_;
  std::vector<uint32_t> many_match_;
  std::vector<uint32_t> one_match_;
  std::vector<bool> active_;
  std::vector<std::vector<uint32_t>> ones_;  // by match: rows of the "one" side
  std::vector<uint32_t> manys_;              // by match: how many rows of the "many" side
  std::vector<std::vector<uint8_t>> matched_;
  std::unordered_map<std::string, Output> outputs_;  // by packed labels
  FirstError error_;
};

}  // namespace

Result<VectorPtr> BuildJoin(QueryContext& context, const PlanNode& node, const StepGrid& grid) {
  ASSIGN_OR_RETURN(VectorPtr left, BuildVector(context, *node.children[0], grid));
  ASSIGN_OR_RETURN(VectorPtr right, BuildVector(context, *node.children[1], grid));
  return VectorPtr(
      std::make_unique<JoinOperator>(context, node, grid, std::move(left), std::move(right)));
}

}  // namespace thermocline::promql
