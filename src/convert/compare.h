// Two sources, series by series and sample by sample.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/queryable.h"

namespace thermocline {

struct CompareOptions {
  size_t differences_kept = 20;
  // Samples that differ in their start timestamps alone are equal.
  bool ignore_starts = false;
};

struct Comparison {
  uint64_t series = 0;   // in both, equal or not
  uint64_t samples = 0;  // compared and equal
  uint64_t series_only_a = 0;
  uint64_t series_only_b = 0;
  uint64_t series_differing = 0;
  uint64_t samples_only_a = 0;  // of series in both
  uint64_t samples_only_b = 0;
  uint64_t samples_differing = 0;
  uint64_t samples_other_start = 0;      // of the differing, or equal, ones: by nothing else
  std::vector<std::string> differences;  // the first ones, a line each

  bool equal() const { return series_only_a == 0 && series_only_b == 0 && series_differing == 0; }
  // Not equal, but for the start timestamps it would be.
  bool only_starts_differ() const {
    return !equal() && series_only_a == 0 && series_only_b == 0 && samples_only_a == 0 &&
           samples_only_b == 0 && samples_differing == samples_other_start;
  }
};

// Floats and start timestamps agree bit for bit, histograms by their non-empty buckets
// (SameBuckets). A series without samples in range counts as absent. Memory: the two listings and
// about a million samples of each side.
Result<Comparison> Compare(const Queryable& a, const Queryable& b, const SelectRequest& request,
                           const CompareOptions& options);
// The same of two selections in label order.
Result<Comparison> CompareSets(std::unique_ptr<SeriesSet> a, std::unique_ptr<SeriesSet> b,
                               const CompareOptions& options);

}  // namespace thermocline
