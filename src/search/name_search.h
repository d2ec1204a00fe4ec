// Names ranked by how well they match what was typed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/queryable.h"

namespace thermocline {

enum class FuzzAlgorithm { kSubsequence, kJaroWinkler };

struct NameFilterOptions {
  std::vector<std::string> terms;  // empty ones do not count
  FuzzAlgorithm algorithm = FuzzAlgorithm::kSubsequence;
  // 0 to 1: what a score must reach. At 0 kJaroWinkler takes whoever contains a term, no other.
  double threshold = 0;
  bool case_sensitive = true;
};

// What of the terms a name matches, the best of them counting. Threads: safe.
// Source: Prometheus' web/api/v1/search.go and search_filters.go.
class NameFilter {
 public:
  explicit NameFilter(NameFilterOptions options);

  // No term to match: every name passes.
  bool passes_all() const { return options_.terms.empty(); }
  uint64_t term_bytes() const { return term_bytes_; }
  // The score of `name`, nullopt when it does not pass.
  std::optional<double> Score(std::string_view name) const;

 private:
  std::optional<double> TermScore(const std::string& term, std::string_view name) const;

  NameFilterOptions options_;
  uint64_t term_bytes_ = 0;
};

enum class NameOrder { kAscending, kDescending, kBestFirst };

struct FoundName {
  std::string name;
  double score = 1;
};

// The first `limit` (0 = all) of the names that pass `filter`, in `order`; equal scores ascend by
// name. `names` ascend. Cancelled or DeadlineExceeded as `budget` (may be null) says.
Result<std::vector<FoundName>> SearchNames(std::vector<std::string> names, const NameFilter& filter,
                                           NameOrder order, uint64_t limit,
                                           const QueryBudget* budget);

}  // namespace thermocline
