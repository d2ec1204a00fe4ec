#include "promql/exec/names.h"

#include <algorithm>
#include <optional>
#include <unordered_set>

namespace thermocline::promql {
namespace {

constexpr std::string_view kTypeLabel = "__type__";
constexpr std::string_view kUnitLabel = "__unit__";

bool IsNameLabel(std::string_view name) {
  return name == kMetricNameLabel || name == kTypeLabel || name == kUnitLabel;
}

class DropNamesOperator : public VectorOperator {
 public:
  DropNamesOperator(QueryContext& context, VectorPtr source, const StepGrid& grid, JoinRule rule,
                    NameLabels which)
      : context_(context), source_(std::move(source)), grid_(grid), rule_(rule), which_(which) {}

  Status Open() override {
    RETURN_IF_ERROR(source_->Open());
    const size_t count = source_->series_count();
    labels_.reserve(count);
    std::unordered_set<std::string_view> seen;
    seen.reserve(count);
    bool distinct = true;
    for (size_t i = 0; i < count; ++i) {
      if (i % 1024 == 0) RETURN_IF_ERROR(context_.Check());
      labels_.push_back(Drop(source_->labels(i)));
      // A short label set lies in its object, which does not move: there is room for all.
      distinct &= seen.insert(labels_.back().packed()).second;
    }
    if (distinct) return Status::Ok();
    // Whether equal labels matter depends on where the series have values.
    ASSIGN_OR_RETURN(Matrix matrix, Materialize(context_, *source_, grid_.count));
    for (Matrix::Row& row : matrix.rows()) row.labels = Drop(row.labels);
    RETURN_IF_ERROR(JoinEqualRows(matrix, rule_));
    joined_.emplace(std::move(matrix));
    return Status::Ok();
  }
  size_t series_count() const override {
    return joined_ ? joined_->rows().size() : source_->series_count();
  }
  Labels labels(size_t series) const override {
    return joined_ ? joined_->rows()[series].labels : labels_[series];
  }
  Status Read(size_t first, size_t count, StepBlock* out) const override {
    if (!joined_) return source_->Read(first, count, out);
    out->Reset(count, grid_.count);
    for (size_t i = 0; i < count; ++i) {
      joined_->rows()[first + i].CopyTo(out, i);
    }
    return Status::Ok();
  }

 private:
  Labels Drop(const Labels& labels) const {
    return which_ == NameLabels::kAll ? WithoutName(labels)
                                      : LabelsBuilder(labels).Remove(kMetricNameLabel).Build();
  }

  QueryContext& context_;
  VectorPtr source_;
  StepGrid grid_;
  JoinRule rule_;
  NameLabels which_;
  std::vector<Labels> labels_;
  std::optional<Matrix> joined_;
};

class MarkNamesOperator : public VectorOperator {
 public:
  explicit MarkNamesOperator(VectorPtr source) : source_(std::move(source)) {}
  Status Open() override { return source_->Open(); }
  size_t series_count() const override { return source_->series_count(); }
  Labels labels(size_t series) const override { return source_->labels(series); }
  bool drops_name(size_t) const override { return true; }
  Status Read(size_t first, size_t count, StepBlock* out) const override {
    return source_->Read(first, count, out);
  }

 private:
  VectorPtr source_;
};

}  // namespace

Labels WithoutName(LabelsView labels) {
  std::string packed;
  packed.reserve(labels.packed().size());
  for (const LabelPair& pair : labels) {
    if (!IsNameLabel(pair.name)) AppendPackedLabel(&packed, pair.name, pair.value);
  }
  return Labels(LabelsView(packed));
}

VectorPtr DropNames(QueryContext& context, VectorPtr source, const StepGrid& grid, JoinRule rule,
                    NameLabels which) {
  if (context.delayed_names()) return std::make_unique<MarkNamesOperator>(std::move(source));
  return std::make_unique<DropNamesOperator>(context, std::move(source), grid, rule, which);
}

JoinRule RuleOfMeetings(const QueryContext& context, const PlanNode& node) {
  if (!node.is_answer) return JoinRule::kFloatsFirst;
  return context.is_instant() ? JoinRule::kHistogramsFirst : JoinRule::kPerKind;
}

Status DropMarkedNames(const QueryContext& context, Matrix& matrix) {
  size_t rows = 0;
  for (Matrix::Row& row : matrix.rows()) {
    if (rows++ % 1024 == 0) RETURN_IF_ERROR(context.Check());
    if (row.drops_name) row.labels = WithoutName(row.labels);
  }
  return JoinEqualRows(matrix,
                       context.is_instant() ? JoinRule::kHistogramsFirst : JoinRule::kPerKind);
}

}  // namespace thermocline::promql
