// What several nodes of a plan use and one provides (plan/share_subexpressions.cc and
// share_selectors.cc).
#pragma once

#include <map>
#include <memory>
#include <tuple>
#include <variant>

#include "promql/exec/operator.h"

namespace thermocline::promql {

struct SharedVector;
struct SharedRange;

// Holds what was provided until the last of its users has taken it; a user that comes later
// provides anew. For one thread: the one that builds and opens operators.
class SharedTable {
 public:
  // Which node provides, and for what steps or range.
  using Key = std::tuple<const PlanNode*, int64_t, int64_t, int64_t>;

  // What `Provided` is kept under the key, or what `provide` answers. `uses` in all.
  template <typename Provided, typename Provide>
  Result<std::shared_ptr<Provided>> Take(const Key& key, uint32_t uses, const Provide& provide) {
    auto found = entries_.find(key);
    if (found == entries_.end()) {
      ASSIGN_OR_RETURN(std::shared_ptr<Provided> made, provide());
      found = entries_.emplace(key, Entry{std::move(made), uses}).first;
    }
    auto taken = std::get<std::shared_ptr<Provided>>(found->second.provided);
    if (--found->second.left == 0) entries_.erase(found);
    return taken;
  }

 private:
  struct Entry {
    std::variant<std::shared_ptr<SharedVector>, std::shared_ptr<SharedRange>,
                 std::shared_ptr<const SeriesSet>>
        provided;
    uint32_t left = 0;
  };
  std::map<Key, Entry> entries_;
};

// The operators of kShared nodes and of those that they refer to. The shared operator is built for
// the first of them, opened once, and freed with the last.
Result<VectorPtr> BuildSharedVector(QueryContext& context, const PlanNode& node,
                                    const StepGrid& grid);
Result<RangePtr> BuildSharedRange(QueryContext& context, const PlanNode& node,
                                  const StepGrid& grid);
// The operators themselves (exec/build.cc).
Result<VectorPtr> BuildOwnVector(QueryContext& context, const PlanNode& node, const StepGrid& grid);
Result<RangePtr> BuildOwnRange(QueryContext& context, const PlanNode& node, const StepGrid& grid);

}  // namespace thermocline::promql
