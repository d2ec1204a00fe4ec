#include "promql/exec/analysis.h"

#include <algorithm>
#include <utility>

namespace thermocline::promql {
namespace {

// Operators of the tiles of a query list the same series.
void RaiseTo(uint64_t value, std::atomic<uint64_t>* most) {
  uint64_t held = most->load(std::memory_order_relaxed);
  while (held < value && !most->compare_exchange_weak(held, value, std::memory_order_relaxed)) {
  }
}

class MeasuredVector : public VectorOperator {
 public:
  MeasuredVector(const PlanAnalysis& analysis, const PlanNode& node, const StepGrid& grid,
                 VectorPtr source)
      : analysis_(analysis), node_(node), grid_(grid), source_(std::move(source)) {}
  Status Open() override {
    const NodeTimer timer(&analysis_, node_);
    RETURN_IF_ERROR(source_->Open());
    RaiseTo(source_->series_count(), &analysis_.Find(node_)->series);
    return Status::Ok();
  }
  size_t series_count() const override { return source_->series_count(); }
  Labels labels(size_t series) const override { return source_->labels(series); }
  bool drops_name(size_t series) const override { return source_->drops_name(series); }
  Status Read(size_t first, size_t count, StepBlock* out) const override {
    const NodeTimer timer(&analysis_, node_);
    RETURN_IF_ERROR(source_->Read(first, count, out));
    uint64_t samples = 0;
    for (size_t row = 0; row < count; ++row) {
      const StepKind* const kinds = out->kinds(row);
      samples += grid_.count -
                 static_cast<size_t>(std::count(kinds, kinds + grid_.count, StepKind::kAbsent));
    }
    analysis_.Find(node_)->samples.fetch_add(samples, std::memory_order_relaxed);
    return Status::Ok();
  }

 private:
  const PlanAnalysis& analysis_;
  const PlanNode& node_;
  StepGrid grid_;
  VectorPtr source_;
};

class MeasuredRange : public RangeOperator {
 public:
  MeasuredRange(const PlanAnalysis& analysis, const PlanNode& node, RangePtr source)
      : analysis_(analysis), node_(node), source_(std::move(source)) {}
  Status Open() override {
    const NodeTimer timer(&analysis_, node_);
    RETURN_IF_ERROR(source_->Open());
    RaiseTo(source_->series_count(), &analysis_.Find(node_)->series);
    return Status::Ok();
  }
  size_t series_count() const override { return source_->series_count(); }
  Labels labels(size_t series) const override { return source_->labels(series); }
  bool drops_name(size_t series) const override { return source_->drops_name(series); }
  Status Read(size_t first, size_t count, RangeBatch* out) const override {
    const NodeTimer timer(&analysis_, node_);
    RETURN_IF_ERROR(source_->Read(first, count, out));
    uint64_t samples = 0;
    for (size_t i = 0; i < count; ++i) samples += out->times(i).size();
    analysis_.Find(node_)->samples.fetch_add(samples, std::memory_order_relaxed);
    return Status::Ok();
  }
  WindowBounds Window(size_t step) const override { return source_->Window(step); }
  Extension extension() const override { return source_->extension(); }
  WindowBounds SampleWindow(size_t step) const override { return source_->SampleWindow(step); }
  int64_t range_ms() const override { return source_->range_ms(); }
  size_t read_run() const override { return source_->read_run(); }

 private:
  const PlanAnalysis& analysis_;
  const PlanNode& node_;
  RangePtr source_;
};

}  // namespace

PlanAnalysis::PlanAnalysis(const PlanNode& plan, const Clock& clock) : clock_(clock) { Add(plan); }

void PlanAnalysis::Add(const PlanNode& node) {
  records_.emplace(&node, std::make_shared<NodeRecord>());
  for (const PlanPtr& child : node.children) Add(*child);
}

NodeRecord* PlanAnalysis::Find(const PlanNode& node) const {
  const auto found = records_.find(&node);
  return found == records_.end() ? nullptr : found->second.get();
}

std::shared_ptr<const NodeRecord> PlanAnalysis::Share(const PlanNode& node) const {
  const auto found = records_.find(&node);
  return found == records_.end() ? nullptr : found->second;
}

void PlanAnalysis::AddReads(ReadCounters* total) const {
  for (const auto& [node, record] : records_) total->Add(record->read);
}

NodeTimer::NodeTimer(const PlanAnalysis* analysis, const PlanNode& node) {
  if (analysis == nullptr) return;
  record_ = analysis->Find(node);
  if (record_ == nullptr) return;
  clock_ = &analysis->clock();
  started_ns_ = clock_->SteadyNs();
}

NodeTimer::~NodeTimer() {
  if (record_ == nullptr) return;
  record_->time_ns.fetch_add(clock_->SteadyNs() - started_ns_, std::memory_order_relaxed);
}

VectorPtr Measure(const PlanAnalysis& analysis, const PlanNode& node, const StepGrid& grid,
                  VectorPtr source) {
  return std::make_unique<MeasuredVector>(analysis, node, grid, std::move(source));
}

RangePtr Measure(const PlanAnalysis& analysis, const PlanNode& node, RangePtr source) {
  return std::make_unique<MeasuredRange>(analysis, node, std::move(source));
}

}  // namespace thermocline::promql
