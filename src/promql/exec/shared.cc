#include "promql/exec/shared.h"

#include <optional>
#include <utility>

namespace thermocline::promql {

struct SharedVector {
  VectorPtr vector;
  std::optional<Status> opened;
};
struct SharedRange {
  RangePtr range;
  std::optional<Status> opened;
};

namespace {

class SharedVectorOperator : public VectorOperator {
 public:
  explicit SharedVectorOperator(std::shared_ptr<SharedVector> shared)
      : shared_(std::move(shared)) {}
  Status Open() override {
    if (!shared_->opened) shared_->opened = shared_->vector->Open();
    return *shared_->opened;
  }
  size_t series_count() const override { return shared_->vector->series_count(); }
  Labels labels(size_t series) const override { return shared_->vector->labels(series); }
  bool drops_name(size_t series) const override { return shared_->vector->drops_name(series); }
  Status Read(size_t first, size_t count, StepBlock* out) const override {
    return shared_->vector->Read(first, count, out);
  }

 private:
  std::shared_ptr<SharedVector> shared_;
};

class SharedRangeOperator : public RangeOperator {
 public:
  explicit SharedRangeOperator(std::shared_ptr<SharedRange> shared) : shared_(std::move(shared)) {}
  Status Open() override {
    if (!shared_->opened) shared_->opened = shared_->range->Open();
    return *shared_->opened;
  }
  size_t series_count() const override { return range().series_count(); }
  Labels labels(size_t series) const override { return range().labels(series); }
  bool drops_name(size_t series) const override { return range().drops_name(series); }
  Status Read(size_t first, size_t count, RangeBatch* out) const override {
    return range().Read(first, count, out);
  }
  WindowBounds Window(size_t step) const override { return range().Window(step); }
  Extension extension() const override { return range().extension(); }
  WindowBounds SampleWindow(size_t step) const override { return range().SampleWindow(step); }
  int64_t range_ms() const override { return range().range_ms(); }
  size_t read_run() const override { return range().read_run(); }

 private:
  const RangeOperator& range() const { return *shared_->range; }
  std::shared_ptr<SharedRange> shared_;
};

const PlanNode& SourceOf(const PlanNode& node) {
  return node.kind == PlanKind::kShared ? *node.source : node;
}

SharedTable::Key KeyOf(const PlanNode& source, const StepGrid& grid) {
  return {&source, grid.start_ms, grid.step_ms, static_cast<int64_t>(grid.count)};
}

}  // namespace

Result<VectorPtr> BuildSharedVector(QueryContext& context, const PlanNode& node,
                                    const StepGrid& grid) {
  const PlanNode& source = SourceOf(node);
  const auto provide = [&]() -> Result<std::shared_ptr<SharedVector>> {
    ASSIGN_OR_RETURN(VectorPtr vector, BuildOwnVector(context, source, grid));
    return std::make_shared<SharedVector>(SharedVector{std::move(vector), std::nullopt});
  };
  ASSIGN_OR_RETURN(auto shared,
                   context.shared().Take<SharedVector>(KeyOf(source, grid), source.uses, provide));
  return VectorPtr(std::make_unique<SharedVectorOperator>(std::move(shared)));
}

Result<RangePtr> BuildSharedRange(QueryContext& context, const PlanNode& node,
                                  const StepGrid& grid) {
  const PlanNode& source = SourceOf(node);
  const auto provide = [&]() -> Result<std::shared_ptr<SharedRange>> {
    ASSIGN_OR_RETURN(RangePtr range, BuildOwnRange(context, source, grid));
    return std::make_shared<SharedRange>(SharedRange{std::move(range), std::nullopt});
  };
  ASSIGN_OR_RETURN(auto shared,
                   context.shared().Take<SharedRange>(KeyOf(source, grid), source.uses, provide));
  return RangePtr(std::make_unique<SharedRangeOperator>(std::move(shared)));
}

}  // namespace thermocline::promql
