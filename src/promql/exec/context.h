// What all operators of one query share.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/result.h"
#include "env/executor.h"
#include "model/queryable.h"
#include "promql/engine.h"
#include "promql/exec/annotations.h"
#include "promql/exec/sample_tally.h"
#include "promql/plan/plan.h"

namespace thermocline::promql {

// Series per morsel, whatever the number of threads: partial results then do not depend on it.
inline constexpr size_t kMorselSeries = 256;
// Fewer when there are very many steps, so that a morsel's values stay within some 40 MB.
inline constexpr size_t kMorselValues = size_t{1} << 22;
constexpr size_t MorselSeries(size_t steps) {
  return std::clamp<size_t>(kMorselValues / std::max<size_t>(steps, 1), 1, kMorselSeries);
}

class PlanAnalysis;  // exec/analysis.h
class SharedTable;   // exec/shared.h
struct NodeRecord;   // promql/explain.h

// Borrows everything; lives as long as the query. Threads: safe.
class QueryContext {
 public:
  QueryContext(const Queryable& source, Executor& executor, const Clock& clock,
               const EngineOptions& engine, const QueryOptions& query, TimestampMs start_ms,
               TimestampMs end_ms, int64_t step_ms)
      : source_(source),
        executor_(executor),
        clock_(clock),
        engine_(engine),
        query_(query),
        start_ms_(start_ms),
        end_ms_(end_ms),
        step_ms_(step_ms) {}

  const Queryable& source() const { return source_; }
  Executor& executor() const { return executor_; }
  const Clock& clock() const { return clock_; }
  const EngineOptions& engine() const { return engine_; }
  const QueryOptions& query() const { return query_; }
  bool delayed_names() const { return engine_.delayed_name_removal; }
  int64_t lookback_ms() const {
    return query_.lookback_delta_ms > 0 ? query_.lookback_delta_ms : engine_.lookback_delta_ms;
  }
  // The query's own times, also inside subqueries.
  TimestampMs start_ms() const { return start_ms_; }
  TimestampMs end_ms() const { return end_ms_; }
  int64_t step_ms() const { return step_ms_; }
  bool is_instant() const { return step_ms_ == 0; }
  Annotations& annotations() { return annotations_; }
  // Null unless each node of the plan is to be measured.
  const PlanAnalysis* analysis() const { return analysis_; }
  void set_analysis(const PlanAnalysis* analysis) { analysis_ = analysis; }
  // Null when nothing is measured.
  NodeRecord* RecordOf(const PlanNode& node) const;
  // For the one thread that builds and opens operators.
  SharedTable& shared();

  // Cancelled or DeadlineExceeded with Prometheus' texts. Call at least every 10 ms.
  Status Check() const;
  Status ChargeBytes(uint64_t bytes);
  void ReleaseBytes(uint64_t bytes);
  // One series over so many steps must be something that the query may hold.
  Status CheckSteps(uint64_t steps) const;
  // Samples held until released; ResourceExhausted beyond max_samples (and then not held).
  Status HoldSamples(uint64_t samples);
  void ReleaseSamples(uint64_t samples) { held_.fetch_sub(samples, std::memory_order_relaxed); }
  void CountScanned(uint64_t samples) { scanned_.fetch_add(samples, std::memory_order_relaxed); }
  uint64_t scanned() const { return scanned_.load(std::memory_order_relaxed); }
  uint64_t peak() const { return peak_.load(std::memory_order_relaxed); }

  // What a selector lists over the whole query, when that was found out ahead; else null. Adding is
  // for one thread, before the operators are built.
  const SeriesSet* FindListing(const PlanNode& selector) const {
    const auto found = listings_.find(ListerOf(selector));
    return found == listings_.end() ? nullptr : found->second.get();
  }
  void AddListing(const PlanNode& selector, std::unique_ptr<SeriesSet> set) {
    listings_.emplace(ListerOf(selector), std::move(set));
  }
  // Where operators count for the query's statistics; null when it is not asked for them. Setting
  // is for one thread, before the operators are built.
  TallyBook* tallies() const { return tallies_.get(); }
  void CountSamplesOf(const PlanNode& plan) { tallies_ = std::make_unique<TallyBook>(plan); }

  // Operators answer for a tile of the query's steps: each selects its part of a listing.
  bool is_tiled() const { return tiled_; }
  void set_tiled() { tiled_ = true; }

 private:
  static const PlanNode* ListerOf(const PlanNode& selector) {
    return selector.source != nullptr ? selector.source : &selector;
  }

  const Queryable& source_;
  Executor& executor_;
  const Clock& clock_;
  const EngineOptions& engine_;
  const QueryOptions& query_;
  TimestampMs start_ms_;
  TimestampMs end_ms_;
  int64_t step_ms_;
  Annotations annotations_;
  const PlanAnalysis* analysis_ = nullptr;
  std::shared_ptr<SharedTable> shared_;
  std::atomic<uint64_t> held_{0};
  std::atomic<uint64_t> peak_{0};
  std::atomic<uint64_t> scanned_{0};
  std::unordered_map<const PlanNode*, std::unique_ptr<SeriesSet>> listings_;
  std::unique_ptr<TallyBook> tallies_;
  bool tiled_ = false;
};

// Calls `work(morsel)` for all morsels of `series` in parallel, and `merge(morsel, slot)` one after
// another in morsel order. At most `window` morsels are between work and merge; `slot` < window
// names the place where `work` left its answer. The first error in morsel order wins. The values of
// `steps` steps that a morsel holds until it is merged are charged to the budget. `rows` is the
// series of a morsel, by default MorselSeries(steps).
struct MorselRange {
  size_t first = 0;
  size_t count = 0;
};
Status ForEachMorsel(QueryContext& context, size_t series, size_t steps,
                     const std::function<Status(MorselRange, size_t slot)>& work,
                     const std::function<Status(MorselRange, size_t slot)>& merge, size_t rows = 0);
// The number of slots that ForEachMorsel uses.
size_t MorselWindow(const QueryContext& context);

}  // namespace thermocline::promql
