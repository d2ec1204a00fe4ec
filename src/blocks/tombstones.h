// A block's deletions: per series, the time ranges whose samples are gone.
#pragma once

#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"

namespace thermocline {

class Tombstones {
 public:
  // The bytes of a `tombstones` file. Corruption with the offset otherwise; `where` begins it.
  static Result<Tombstones> Parse(std::string_view bytes, std::string_view where);

  // Ascending, disjoint; empty for most.
  const std::vector<TimeRange>& of(SeriesRef series) const;
  bool empty() const { return ranges_.empty(); }
  size_t series_count() const { return ranges_.size(); }

 private:
  std::unordered_map<SeriesRef, std::vector<TimeRange>> ranges_;
};

// Whether `range` lies wholly within one of `deleted` (ascending, disjoint).
bool CoveredBy(const std::vector<TimeRange>& deleted, const TimeRange& range);
bool TouchedBy(const std::vector<TimeRange>& deleted, const TimeRange& range);

}  // namespace thermocline
