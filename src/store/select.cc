// The read path: both tiers as one. The head is asked first: a flush publishes the block before the
// head forgets, so whatever the head no longer has by then, the cold snapshot taken after it has.
#include <algorithm>
#include <iterator>
#include <set>

#include "model/exemplar.h"
#include "model/metadata.h"
#include "store/store.h"

namespace thermocline {
namespace {

std::vector<std::string> UnionSorted(const std::vector<std::string>& a,
                                     const std::vector<std::string>& b, uint64_t limit) {
  std::vector<std::string> out;
  out.reserve(a.size() + b.size());
  std::ranges::set_union(a, b, std::back_inserter(out));
  if (limit != 0 && out.size() > limit) out.resize(limit);
  return out;
}

}  // namespace

Result<std::unique_ptr<SeriesSet>> Store::Select(const SelectRequest& request) const {
  ASSIGN_OR_RETURN(auto hot, head_->Select(request));
  ASSIGN_OR_RETURN(auto cold, cold_->Select(request));
  std::vector<std::unique_ptr<SeriesSet>> tiers;
  tiers.push_back(std::move(cold));
  tiers.push_back(std::move(hot));  // the later tier wins on equal timestamps
  return MergeSeriesSets(std::move(tiers), request);
}

Result<std::vector<std::string>> Store::LabelNames(const LabelRequest& request) const {
  ASSIGN_OR_RETURN(auto hot, head_->LabelNames(request));
  ASSIGN_OR_RETURN(auto cold, cold_->LabelNames(request));
  return UnionSorted(hot, cold, request.limit);
}

Result<std::vector<std::string>> Store::LabelValues(std::string_view name,
                                                    const LabelRequest& request) const {
  ASSIGN_OR_RETURN(auto hot, head_->LabelValues(name, request));
  ASSIGN_OR_RETURN(auto cold, cold_->LabelValues(name, request));
  return UnionSorted(hot, cold, request.limit);
}

Result<std::vector<BatchMetadata>> Store::Metadata(const MetadataRequest& request) const {
  MetadataRequest whole = request;
  whole.limit = 0;
  whole.limit_per_family = 0;
  ASSIGN_OR_RETURN(auto all, head_->Metadata(whole));
  ASSIGN_OR_RETURN(auto cold, cold_->Metadata(whole));
  // What writers say now comes first.
  all.insert(all.end(), std::make_move_iterator(cold.begin()), std::make_move_iterator(cold.end()));
  PutInOrder(request, &all);
  return all;
}

// The head keeps none.
Result<std::vector<SeriesExemplars>> Store::Exemplars(const ExemplarRequest& request) const {
  return cold_->Exemplars(request);
}

Result<std::optional<uint64_t>> Store::TryCount(const SelectRequest& request, TimestampMs at_ms,
                                                int64_t lookback_ms) const {
  ASSIGN_OR_RETURN(auto count, head_->TryCount(request, at_ms, lookback_ms));
  // A series may have samples of the window in both tiers; then only the merge can count it once.
  const TimeRange window{at_ms - lookback_ms + 1, at_ms};
  if (cold_->Overlaps(window)) return std::optional<uint64_t>();
  return count;
}

}  // namespace thermocline
