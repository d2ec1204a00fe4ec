#include "promql/exec/label_functions.h"

#include <optional>

#include "model/regex_rewrite.h"
#include "promql/exec/names.h"

namespace thermocline::promql {
namespace {

const std::string& StringArgument(const PlanNode& call, size_t index) {
  return As<StringLiteral>(*call.children[index]->expr).value;
}

bool IsValidLabelName(std::string_view name) { return !name.empty() && IsValidUtf8(name); }

// Gives each series new labels; series that become equal are joined.
class RelabelOperator : public MatrixOperator {
 public:
  RelabelOperator(QueryContext& context, const PlanNode& call, const StepGrid& grid,
                  VectorPtr source)
      : MatrixOperator(context, grid), call_(call), source_(std::move(source)) {}

  Status Open() override {
    RETURN_IF_ERROR(Prepare());
    RETURN_IF_ERROR(source_->Open());
    ASSIGN_OR_RETURN(result_, Materialize(context_, *source_, grid_.count));
    source_.reset();
    size_t rows = 0;
    for (Matrix::Row& row : result_.rows()) {
      if (rows++ % 256 == 0) RETURN_IF_ERROR(context_.Check());
      const std::optional<std::string> value = NewValue(row.labels);
      if (!value) continue;
      row.labels = LabelsBuilder(row.labels).Set(target_, *value).Build();
      if (target_ == kMetricNameLabel) row.drops_name = false;
    }
    RETURN_IF_ERROR(JoinEqualRows(result_, RuleOfMeetings(context_, call_)));
    return result_.HoldSamples();
  }

 protected:
  // Checks the string arguments, also when there is nothing to relabel.
  virtual Status Prepare() = 0;
  // The target label's new value, or nullopt to leave the series as it is.
  virtual std::optional<std::string> NewValue(LabelsView labels) const = 0;

  const PlanNode& call_;
  std::string target_;

 private:
  VectorPtr source_;
};

class LabelReplaceOperator : public RelabelOperator {
  using RelabelOperator::RelabelOperator;

  Status Prepare() override {
    target_ = StringArgument(call_, 1);
    replacement_ = StringArgument(call_, 2);
    source_label_ = StringArgument(call_, 3);
    const std::string& pattern = StringArgument(call_, 4);
    auto compiled = RegexRewriter::Compile(pattern);
    if (!compiled.ok()) {
      return Status::OutOfRange("invalid regular expression in label_replace(): " + pattern);
    }
    rewriter_.emplace(std::move(compiled).value());
    if (!IsValidLabelName(target_)) {
      return Status::OutOfRange("invalid destination label name in label_replace(): " + target_);
    }
    return Status::Ok();
  }
  std::optional<std::string> NewValue(LabelsView labels) const override {
    return rewriter_->Rewrite(labels.Get(source_label_), replacement_);
  }

  std::string replacement_;
  std::string source_label_;
  std::optional<RegexRewriter> rewriter_;
};

class LabelJoinOperator : public RelabelOperator {
  using RelabelOperator::RelabelOperator;

  Status Prepare() override {
    target_ = StringArgument(call_, 1);
    for (size_t i = 3; i < call_.children.size(); ++i) {
      if (!IsValidLabelName(StringArgument(call_, i))) {
        return Status::OutOfRange("invalid source label name in label_join(): " +
                                  StringArgument(call_, i));
      }
    }
    if (!IsValidLabelName(target_)) {
      return Status::OutOfRange("invalid destination label name in label_join(): " + target_);
    }
    return Status::Ok();
  }
  std::optional<std::string> NewValue(LabelsView labels) const override {
    std::string joined;
    for (size_t i = 3; i < call_.children.size(); ++i) {
      if (i > 3) joined += StringArgument(call_, 2);
      joined += labels.Get(StringArgument(call_, i));
    }
    return joined;
  }
};

template <typename Operator>
Result<VectorPtr> Build(QueryContext& context, const PlanNode& call, const StepGrid& grid) {
  ASSIGN_OR_RETURN(VectorPtr source, BuildVector(context, *call.children[0], grid));
  return VectorPtr(std::make_unique<Operator>(context, call, grid, std::move(source)));
}

}  // namespace

Result<VectorPtr> BuildLabelReplace(QueryContext& context, const PlanNode& call,
                                    const StepGrid& grid) {
  return Build<LabelReplaceOperator>(context, call, grid);
}

Result<VectorPtr> BuildLabelJoin(QueryContext& context, const PlanNode& call,
                                 const StepGrid& grid) {
  return Build<LabelJoinOperator>(context, call, grid);
}

}  // namespace thermocline::promql
