// What each node of a plan took while it ran.
#pragma once

#include <memory>
#include <unordered_map>

#include "env/clock.h"
#include "promql/exec/operator.h"
#include "promql/explain.h"

namespace thermocline::promql {

// Borrows the plan's nodes and the clock. Threads: safe.
class PlanAnalysis {
 public:
  PlanAnalysis(const PlanNode& plan, const Clock& clock);

  // Null for a node that is not the plan's.
  NodeRecord* Find(const PlanNode& node) const;
  std::shared_ptr<const NodeRecord> Share(const PlanNode& node) const;
  const Clock& clock() const { return clock_; }
  // What all nodes read.
  void AddReads(ReadCounters* total) const;

 private:
  void Add(const PlanNode& node);

  const Clock& clock_;
  std::unordered_map<const PlanNode*, std::shared_ptr<NodeRecord>> records_;
};

// Adds the time of its life to a record; nothing when there is none.
class NodeTimer {
 public:
  NodeTimer(const PlanAnalysis* analysis, const PlanNode& node);
  ~NodeTimer();
  NodeTimer(const NodeTimer&) = delete;
  NodeTimer& operator=(const NodeTimer&) = delete;

 private:
  const Clock* clock_ = nullptr;
  NodeRecord* record_ = nullptr;
  int64_t started_ns_ = 0;
};

// The same operators, measured for their node.
VectorPtr Measure(const PlanAnalysis& analysis, const PlanNode& node, const StepGrid& grid,
                  VectorPtr source);
RangePtr Measure(const PlanAnalysis& analysis, const PlanNode& node, RangePtr source);

}  // namespace thermocline::promql
