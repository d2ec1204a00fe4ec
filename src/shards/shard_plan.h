// Which series go into which shard, in which order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/queryable.h"
#include "shards/label_list.h"
#include "shards/shard_options.h"

namespace thermocline::shards {

struct PlannedShard {
  size_t first = 0;  // places in SeriesPlan::order
  size_t end = 0;
  std::vector<std::string> label_names;  // ascending
  uint32_t bloom_values = 1;             // the most distinct values of a label with bloom filters
};

class SeriesPlan {
 public:
  std::vector<uint32_t> order;  // series, by sort labels (missing = ""), then by all labels
  std::vector<PlannedShard> shards;

  // Kept while planning, or asked for again where all together are more than the options allow.
  Labels labels(size_t series) const {
    return kept_ ? Labels((*kept_)[series]) : set_->labels(series);
  }
  uint64_t memory_bytes() const;

 private:
  friend class Planner;
  const SeriesSet* set_ = nullptr;
  std::optional<LabelList> kept_;
};

// Rows are spread evenly over as many shards as the options ask for; a shard also ends before a
// series that would give it more columns than they allow. InvalidArgument when one series alone
// does. `set` outlives the plan. Memory: 4 bytes a series and sort label, and label sets as far as
// `plan_bytes` allows; a set in another order than that of labels costs time beyond it.
Result<SeriesPlan> PlanShards(const SeriesSet& set, const ShardWriterOptions& options);

}  // namespace thermocline::shards
