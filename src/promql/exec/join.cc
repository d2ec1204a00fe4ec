#include "promql/exec/join.h"

#include <algorithm>
#include <optional>

#include "promql/exec/join_findings.h"
#include "promql/exec/names.h"
#include "promql/functions/arithmetic.h"

namespace thermocline::promql {
namespace {

// Rows of the "many" side that one task takes at a time.
constexpr size_t kTaskRows = 64;
// Below so many values the join is not worth more than one thread.
constexpr size_t kParallelValues = size_t{1} << 14;

// Rows of equal match labels are joined with each other alone, so they are one task's; tasks share
// output rows only when the labels of two matches become equal, and such matches are one task too.
class JoinOperator : public MatrixOperator {
 public:
  JoinOperator(QueryContext& context, const PlanNode& node, const StepGrid& grid, VectorPtr left,
               VectorPtr right)
      : MatrixOperator(context, grid),
        node_(node),
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
    pairs_.clear();
    RETURN_IF_ERROR(joined);
    result_.RemoveEmptyRows();
    return result_.HoldSamples();
  }

 private:
  bool fills() const { return matching_.fill_left || matching_.fill_right; }

  Status Join() {
    ASSIGN_OR_RETURN(many_match_, table_.Assign(many_));
    ASSIGN_OR_RETURN(one_match_, table_.Assign(one_));
    RETURN_IF_ERROR(FindActiveSteps());
    ones_.assign(table_.size(), {});
    for (uint32_t i = 0; i < one_match_.size(); ++i) ones_[one_match_[i]].push_back(i);
    manys_.assign(table_.size(), 0);
    for (const uint32_t match : many_match_) ++manys_[match];
    matched_.assign(table_.size(), {});
    RETURN_IF_ERROR(FindDuplicates());
    // After a step with an error nothing counts. Before it, at most one row of the "one" side has a
    // value for a match, so that there are no more pairs than values.
    steps_ = found_.error.step_or(grid_.count);
    RETURN_IF_ERROR(PairRows());
    RETURN_IF_ERROR(AssignOutputs());
    floats_only_ = !many_.has_histograms() && !one_.has_histograms() && !IsTrim(binary_.op);
    if (many_.has_histograms() || one_.has_histograms()) {
      result_.MakeHistograms();
      if (matching_.fill_left) answered_.assign(table_.size(), {});
    }
    RETURN_IF_ERROR(EmitAll());
    if (matching_.fill_left) RETURN_IF_ERROR(FillMany());
    RETURN_IF_ERROR(found_.error.status());
    Annotate();
    return Status::Ok();
  }

  void Annotate() {
    const auto all = found_.notes.All();
    for (size_t i = 0; i < all.size(); ++i) {
      if (!all[i]) continue;
      const auto note = static_cast<BinaryNote>(i);
      const NotePlace place{node_.position, node_.order};
      if (IsWarning(note)) {
        context_.annotations().Warn(BinaryNoteText(note, binary_.op), place);
      } else {
        context_.annotations().Info(BinaryNoteText(note, binary_.op), place);
      }
    }
  }

  // A step at which one whole operand is empty has no result and no errors, unless values are
  // filled in.
  Status FindActiveSteps() {
    ASSIGN_OR_RETURN(const std::vector<bool> many, many_.OccupiedSteps());
    ASSIGN_OR_RETURN(const std::vector<bool> one, one_.OccupiedSteps());
    active_.resize(grid_.count);
    for (size_t step = 0; step < grid_.count; ++step) {
      active_[step] = fills() ? many[step] || one[step] : many[step] && one[step];
    }
    return Status::Ok();
  }

  Status FindDuplicates() {
    for (size_t match = 0; match < ones_.size(); ++match) {
      if (ones_[match].size() < 2) continue;
      for (size_t step = 0; step < grid_.count; ++step) {
        if (step % 64 == 0) RETURN_IF_ERROR(context_.Check());
        if (!active_[step]) continue;
        const Matrix::Row* first = nullptr;
        for (const uint32_t index : ones_[match]) {
          const Matrix::Row& row = one_.rows()[index];
          if (row.kinds[step] == StepKind::kAbsent) continue;
          if (first == nullptr) {
            first = &row;
            continue;
          }
          found_.error.Offer(step, 0, index, [&] { return Duplicate(match, row, *first); });
          break;
        }
      }
    }
    return Status::Ok();
  }

  Status Duplicate(size_t match, const Matrix::Row& later, const Matrix::Row& earlier) const {
    return Status::OutOfRange(
        "found duplicate series for the match group " +
        table_.labels(static_cast<uint32_t>(match)).ToString() + " on the " +
        (one_is_left_ ? "left" : "right") + " hand-side of the operation: [" +
        later.labels.ToString() + ", " + earlier.labels.ToString() +
        "];many-to-many matching not allowed: matching labels must be unique on one side");
  }

  // A row of the "many" side with the row of the "one" side it meets, or with the fill value.
  struct Pair {
    uint32_t one = 0;
    Labels labels;
    size_t output = 0;
  };
  static constexpr uint32_t kFilled = UINT32_MAX;

  // Calls `work(first, count)` for all `total` items, kTaskRows at a time.
  template <typename Work>
  Status ForEachTask(size_t total, const Work& work) const {
    const auto run = [&](size_t task) -> Status {
      RETURN_IF_ERROR(context_.Check());
      const size_t first = task * kTaskRows;
      return work(first, std::min(kTaskRows, total - first));
    };
    const size_t tasks = (total + kTaskRows - 1) / kTaskRows;
    const size_t values = (many_.rows().size() + one_.rows().size()) * grid_.count;
    if (tasks > 1 && values >= kParallelValues) return ParallelFor(context_.executor(), tasks, run);
    for (size_t task = 0; task < tasks; ++task) RETURN_IF_ERROR(run(task));
    return Status::Ok();
  }

  // What every row meets, and the labels of what comes of it.
  Status PairRows() {
    pairs_.resize(many_.rows().size());
    return ForEachTask(pairs_.size(), [this](size_t first, size_t count) {
      for (size_t i = first; i < first + count; ++i) {
        RETURN_IF_ERROR(context_.Check());
        PairRow(i);
      }
      return Status::Ok();
    });
  }

  void PairRow(size_t index) {
    const Matrix::Row& many = many_.rows()[index];
    const uint32_t match = many_match_[index];
    for (const uint32_t one : ones_[match]) {
      const Matrix::Row& other = one_.rows()[one];
      for (size_t step = 0; step < steps_; ++step) {
        if (many.kinds[step] == StepKind::kAbsent || other.kinds[step] == StepKind::kAbsent) {
          continue;
        }
        pairs_[index].push_back({one, ResultLabels(many.labels, other.labels), 0});
        break;
      }
    }
    if (!matching_.fill_right) return;
    for (size_t step = 0; step < steps_; ++step) {
      if (many.kinds[step] == StepKind::kAbsent || HasPartner(match, step)) continue;
      pairs_[index].push_back({kFilled, ResultLabels(many.labels, table_.labels(match)), 0});
      break;
    }
  }

  bool HasPartner(uint32_t match, size_t step) const {
    return std::any_of(ones_[match].begin(), ones_[match].end(), [&](uint32_t one) {
      return one_.rows()[one].kinds[step] != StepKind::kAbsent;
    });
  }

  // Output rows in the order in which rows of the "many" side first need them.
  Status AssignOutputs() {
    std::vector<uint32_t> first_match;  // of each output
    shared_.assign(table_.size(), false);
    for (size_t i = 0; i < pairs_.size(); ++i) {
      if (i % 256 == 0) RETURN_IF_ERROR(context_.Check());
      const uint32_t match = many_match_[i];
      for (Pair& pair : pairs_[i]) {
        ASSIGN_OR_RETURN(pair.output, OutputFor(std::move(pair.labels), match));
        if (pair.output == first_match.size()) first_match.push_back(match);
        if (first_match[pair.output] == match) continue;
        shared_[match] = true;
        shared_[first_match[pair.output]] = true;
      }
    }
    return Status::Ok();
  }

  Status EmitAll() {
    std::vector<std::vector<uint32_t>> rows(table_.size());
    for (uint32_t i = 0; i < many_match_.size(); ++i) rows[many_match_[i]].push_back(i);
    std::vector<JoinFindings> found((rows.size() + kTaskRows - 1) / kTaskRows);
    RETURN_IF_ERROR(ForEachTask(rows.size(), [&](size_t first, size_t count) {
      for (size_t match = first; match < first + count; ++match) {
        if (shared_[match]) continue;
        for (const uint32_t row : rows[match]) EmitRow(row, found[first / kTaskRows]);
      }
      return Status::Ok();
    }));
    for (const JoinFindings& one : found) found_.Offer(one);
    for (uint32_t i = 0; i < many_match_.size(); ++i) {
      if (i % 64 == 0) RETURN_IF_ERROR(context_.Check());
      if (shared_[many_match_[i]]) EmitRow(i, found_);
    }
    return Status::Ok();
  }

  static SampleRef SampleAt(const Matrix::Row& row, size_t step) {
    if (row.kinds[step] == StepKind::kHistogram) return {0, &row.histograms()[step]};
    return {row.values[step], nullptr};
  }

  void EmitRow(size_t index, JoinFindings& found) {
    const Matrix::Row& many = many_.rows()[index];
    const uint32_t match = many_match_[index];
    for (const Pair& pair : pairs_[index]) {
      Output& output = outputs_[pair.output];
      if (floats_only_ && pair.one != kFilled) {
        EmitFloats(output, match, index, one_.rows()[pair.one], found);
        continue;
      }
      for (size_t step = 0; step < steps_; ++step) {
        if (many.kinds[step] == StepKind::kAbsent) continue;
        SampleRef one;
        if (pair.one == kFilled) {
          if (HasPartner(match, step)) continue;
          one.value = *matching_.fill_right;
        } else {
          const Matrix::Row& other = one_.rows()[pair.one];
          if (other.kinds[step] == StepKind::kAbsent) continue;
          one = SampleAt(other, step);
        }
        Emit(output, match, {step, index}, SampleAt(many, step), one, found);
      }
    }
  }

  // Samples of the "one" side that nothing matched, with the fill value on the other side.
  Status FillMany() {
    std::vector<std::vector<uint8_t>> present(table_.size());
    for (size_t i = 0; i < many_.rows().size(); ++i) {
      if (i % 256 == 0) RETURN_IF_ERROR(context_.Check());
      auto& steps = present[many_match_[i]];
      steps.resize(grid_.count, 0);
      for (size_t step = 0; step < steps_; ++step) {
        if (many_.rows()[i].kinds[step] != StepKind::kAbsent) steps[step] = 1;
      }
    }
    for (size_t i = 0; i < one_.rows().size(); ++i) {
      if (i % 64 == 0) RETURN_IF_ERROR(context_.Check());
      const Matrix::Row& one = one_.rows()[i];
      const uint32_t match = one_match_[i];
      std::optional<size_t> output;
      for (size_t step = 0; step < steps_; ++step) {
        if (one.kinds[step] == StepKind::kAbsent) continue;
        if (IsAnswered(present, match, step)) continue;
        if (!output) {
          ASSIGN_OR_RETURN(output,
                           OutputFor(ResultLabels(table_.labels(match), one.labels), match));
        }
        Emit(outputs_[*output], match, {step, many_.rows().size() + i},
             {*matching_.fill_left, nullptr}, SampleAt(one, step), found_);
      }
    }
    return Status::Ok();
  }

  // Whether a sample of the "one" side has met its partner; one whose kind did not suit does not
  // count.
  bool IsAnswered(const std::vector<std::vector<uint8_t>>& present, uint32_t match,
                  size_t step) const {
    const auto& steps = answered_.empty() ? present[match] : answered_[match];
    return !steps.empty() && steps[step] != 0;
  }

  struct Output {
    size_t row = 0;
    std::vector<uint32_t> produced;  // grouped: per step the match that made it, plus one
  };

  Result<size_t> OutputFor(Labels labels, uint32_t match) {
    std::string key(labels.packed());
    // Whether equal labels of an instant query clash is seen once all names are gone.
    if (grid_.alone && context_.delayed_names()) key += '\n' + std::to_string(match);
    const auto [found, added] = output_ids_.try_emplace(std::move(key), outputs_.size());
    if (!added) return found->second;
    Output& output = outputs_.emplace_back();
    output.row = result_.rows().size();
    if (grouped_) output.produced.assign(grid_.count, 0);
    const bool drops_name = binary_.return_bool && context_.delayed_names();
    ASSIGN_OR_RETURN(Matrix::Row * row, result_.AddRow(std::move(labels), drops_name));
    (void)row;
    return found->second;
  }

  Labels ResultLabels(const Labels& many, const Labels& one) const {
    const bool filter = IsComparison(binary_.op) || IsTrim(binary_.op);
    const bool drop = !filter || (binary_.return_bool && !context_.delayed_names());
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

  struct Place {
    size_t step;
    size_t order;  // of the pair in its step
  };

  // EmitRow for a pair of rows of floats alone.
  void EmitFloats(Output& output, uint32_t match, size_t index, const Matrix::Row& one,
                  JoinFindings& found) {
    const Matrix::Row& many = many_.rows()[index];
    const Matrix::Row& left = one_is_left_ ? one : many;
    const Matrix::Row& right = one_is_left_ ? many : one;
    for (size_t step = 0; step < steps_; ++step) {
      if (left.kinds[step] == StepKind::kAbsent || right.kinds[step] == StepKind::kAbsent) continue;
      EmitFloat(output, match, {step, index}, left.values[step], right.values[step], found);
    }
  }

  void Emit(Output& output, uint32_t match, Place place, const SampleRef& many,
            const SampleRef& one, JoinFindings& found) {
    const SampleRef& left = one_is_left_ ? one : many;
    const SampleRef& right = one_is_left_ ? many : one;
    const size_t step = place.step;
    if (!left.is_histogram() && !right.is_histogram() && !IsTrim(binary_.op)) {
      EmitFloat(output, match, place, left.value, right.value, found);
      return;
    }
    SampleAnswer answer = CombineSamples(binary_.op, left, right);
    if (answer.note != BinaryNote::kNone) {
      found.notes.Offer(step, grid_.count, place.order, answer.note);
    }
    if (!answer.valid) return;
    Mark(output, match, place, found);
    if (!answer.keep && !binary_.return_bool) return;
    Matrix::Row& row = FreeRow(output, place, found);
    if (binary_.return_bool) {
      row.SetFloat(step, answer.keep ? 1 : 0);
    } else if (answer.histogram != nullptr) {
      row.SetHistogram(step, std::move(answer.histogram));
    } else {
      row.SetFloat(step, answer.value);
    }
  }

  void EmitFloat(Output& output, uint32_t match, Place place, double left, double right,
                 JoinFindings& found) {
    Mark(output, match, place, found);
    double value = left;
    if (!IsComparison(binary_.op)) {
      value = Arithmetic(binary_.op, left, right);
    } else if (binary_.return_bool) {
      value = Compare(binary_.op, left, right) ? 1 : 0;
    } else if (!Compare(binary_.op, left, right)) {
      return;
    }
    FreeRow(output, place, found).SetFloat(place.step, value);
  }

  // The output's row, which is to have no other sample at the step.
  Matrix::Row& FreeRow(const Output& output, Place place, JoinFindings& found) {
    Matrix::Row& row = result_.rows()[output.row];
    if (row.kinds[place.step] != StepKind::kAbsent) {
      found.error.Offer(place.step, 2, place.order, [] {
        return Status::OutOfRange("vector cannot contain metrics with the same labelset");
      });
    }
    return row;
  }

  // A pair that has an answer uses up its match, also when a filter then drops it.
  void Mark(Output& output, uint32_t match, Place place, JoinFindings& found) {
    const size_t step = place.step;
    if (!answered_.empty()) {
      answered_[match].resize(grid_.count, 0);
      answered_[match][step] = 1;
    }
    if (!grouped_ && manys_[match] > 1) {
      auto& matched = matched_[match];
      matched.resize(grid_.count, 0);
      if (matched[step] != 0) {
        found.error.Offer(step, 1, place.order, [] {
          return Status::OutOfRange(
              "multiple matches for labels: many-to-one matching must be "
              "explicit (group_left/group_right)");
        });
      }
      matched[step] = 1;
    }
    if (!grouped_) return;
    if (output.produced[step] == match + 1) {
      found.error.Offer(step, 1, place.order, [] {
        return Status::OutOfRange(
            "multiple matches for labels: grouping labels must ensure unique matches");
      });
    }
    output.produced[step] = match + 1;
  }

  const PlanNode& node_;
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
  size_t steps_ = 0;                         // that are joined
  std::vector<std::vector<uint32_t>> ones_;  // by match: rows of the "one" side
  std::vector<uint32_t> manys_;              // by match: how many rows of the "many" side
  std::vector<std::vector<uint8_t>> matched_;
  std::vector<std::vector<Pair>> pairs_;  // by row of the "many" side
  std::vector<bool> shared_;              // by match: others yield the same labels
  std::vector<Output> outputs_;
  std::unordered_map<std::string, size_t> output_ids_;  // by packed labels
  std::vector<std::vector<uint8_t>> answered_;  // by match, by step; empty: all that are present
  bool floats_only_ = false;
  JoinFindings found_;
};

}  // namespace

Result<VectorPtr> BuildJoin(QueryContext& context, const PlanNode& node, const StepGrid& grid) {
  ASSIGN_OR_RETURN(VectorPtr left, BuildVector(context, *node.children[0], grid));
  ASSIGN_OR_RETURN(VectorPtr right, BuildVector(context, *node.children[1], grid));
  return VectorPtr(
      std::make_unique<JoinOperator>(context, node, grid, std::move(left), std::move(right)));
}

}  // namespace thermocline::promql
