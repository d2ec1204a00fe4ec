// The text exposition format (version 0.0.4, with quoted UTF-8 names): written for /metrics, read
// from scrapes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/time.h"
#include "model/labels.h"
#include "model/write_batch.h"

namespace thermocline {

inline constexpr std::string_view kExpositionContentType =
    "text/plain; version=0.0.4; charset=utf-8";

// Appends families to a string: Family, then its samples.
class ExpositionWriter {
 public:
  using LabelSpan = std::span<const std::pair<std::string, std::string>>;
  explicit ExpositionWriter(std::string* out) : out_(out) {}

  // `type`: counter, gauge, histogram, summary or untyped.
  void Family(std::string_view name, std::string_view help, std::string_view type);
  void Sample(std::string_view name, LabelSpan labels, double value);
  // The _bucket, _sum and _count lines of a classic histogram; `buckets`: upper bound to cumulative
  // count, ascending; a +Inf bucket of `count` is added when it is missing.
  void Histogram(std::string_view name, LabelSpan labels,
                 std::span<const std::pair<double, uint64_t>> buckets, double sum, uint64_t count);

 private:
  void Line(std::string_view name, std::string_view suffix, LabelSpan labels,
            const std::string* bucket_bound, double value);
  std::string* out_;
};

struct ExpositionOptions {
  TimestampMs default_time_ms = 0;  // of samples without a timestamp
  bool honor_timestamps = true;     // false: every sample is at default_time_ms
  // Added to every series; a scraped label of the same name becomes exported_<name>.
  Labels target_labels;
  uint64_t max_samples = 1'000'000;
};

// Appends the samples of `text` to `batch` in the order they stand, and what TYPE and HELP say to
// its metadata. The policy of the batch is the caller's to choose. Bounds of buckets and quantiles
// are rewritten as Prometheus does (1 becomes 1.0), so that series are the same whoever scrapes
// them. Errors: InvalidArgument with the line number and the offending text; the batch then holds a
// part.
Status ParseExposition(std::string_view text, const ExpositionOptions& options, WriteBatch* batch);

}  // namespace thermocline
