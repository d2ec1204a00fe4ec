// Source: Prometheus' FloatHistogram.Validate and its errors.
#include <fmt/core.h>

#include <cmath>
#include <limits>
#include <string>

#include "model/float_histogram_parts.h"
#include "model/number.h"

namespace thermocline {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr const char* kMismatch =
    "histogram spans specify different number of buckets than provided";
constexpr const char* kNegativeCount = "histogram has a bucket whose observation count is negative";

Status Invalid(std::string text) { return Status::InvalidArgument(std::move(text)); }

std::string Shown(double value) {
  std::string text;
  AppendFloatG(&text, value);
  return text;
}
// Go's %f.
std::string Fixed(double value) {
  return std::isfinite(value) ? fmt::format("{:.6f}", value) : Shown(value);
}

std::string NegativeOffset(size_t span, int32_t offset) {
  return fmt::format("span number {} with offset {}: histogram has a span whose offset is negative",
                     span + 1, offset);
}

Status CheckSpans(const char* side, const std::vector<HistogramSpan>& spans, size_t buckets) {
  for (size_t i = 1; i < spans.size(); ++i) {
    if (spans[i].offset < 0) {
      return Invalid(fmt::format("{}: {}", side, NegativeOffset(i, spans[i].offset)));
    }
  }
  const uint64_t needed = BucketsOf(spans);
  if (needed == buckets) return Status::Ok();
  return Invalid(fmt::format("{}: spans need {} buckets, have {} buckets: {}", side, needed,
                             buckets, kMismatch));
}

Status CheckBuckets(const char* side, const std::vector<double>& buckets) {
  for (size_t i = 0; i < buckets.size(); ++i) {
    if (buckets[i] < 0) {
      return Invalid(fmt::format("{}: bucket number {} has observation count of {}: {}", side,
                                 i + 1, Shown(buckets[i]), kNegativeCount));
    }
  }
  return Status::Ok();
}

Status CheckBounds(const std::vector<double>& bounds) {
  double previous = -kInf;
  for (size_t i = 0; i < bounds.size(); ++i) {
    if (std::isnan(bounds[i])) {
      return Invalid("custom buckets: histogram custom bounds must not be NaN");
    }
    if (i > 0 && bounds[i] <= previous) {
      return Invalid(
          fmt::format("custom buckets: previous bound is {} and current is {}: histogram "
                      "custom bounds must be in strictly increasing order",
                      Fixed(previous), Fixed(bounds[i])));
    }
    previous = bounds[i];
  }
  if (previous == kInf) {
    return Invalid(
        "custom buckets: last +Inf bound must not be explicitly defined: histogram custom bounds "
        "must be finite");
  }
  return Status::Ok();
}

Status CheckCustom(const FloatHistogram& h) {
  RETURN_IF_ERROR(CheckBounds(h.custom_bounds));
  int64_t reach = 0;
  for (size_t i = 0; i < h.positive_spans.size(); ++i) {
    const HistogramSpan& span = h.positive_spans[i];
    if (span.offset < 0) return Invalid("custom buckets: " + NegativeOffset(i, span.offset));
    reach += int64_t{span.length} + span.offset;
  }
  const uint64_t needed = BucketsOf(h.positive_spans);
  if (needed != h.positive_buckets.size()) {
    return Invalid(fmt::format("custom buckets: spans need {} buckets, have {} buckets: {}", needed,
                               h.positive_buckets.size(), kMismatch));
  }
  if (static_cast<int64_t>(h.custom_bounds.size()) + 1 < reach) {
    return Invalid(
        fmt::format("custom buckets: only {} custom bounds defined which is insufficient to cover "
                    "total span length of {}: histogram custom bounds are too few",
                    h.custom_bounds.size(), reach));
  }
  if (h.zero_count != 0) return Invalid("custom buckets: must have zero count of 0");
  if (h.zero_threshold != 0) return Invalid("custom buckets: must have zero threshold of 0");
  if (!h.negative_spans.empty()) return Invalid("custom buckets: must not have negative spans");
  if (!h.negative_buckets.empty()) return Invalid("custom buckets: must not have negative buckets");
  return Status::Ok();
}

Status CheckExponential(const FloatHistogram& h) {
  RETURN_IF_ERROR(CheckSpans("positive side", h.positive_spans, h.positive_buckets.size()));
  RETURN_IF_ERROR(CheckSpans("negative side", h.negative_spans, h.negative_buckets.size()));
  RETURN_IF_ERROR(CheckBuckets("negative side", h.negative_buckets));
  if (h.zero_count < 0) {
    return Invalid(fmt::format("zero bucket has observation count of {}: {}", Shown(h.zero_count),
                               kNegativeCount));
  }
  if (!h.custom_bounds.empty()) {
    return Invalid("histogram with exponential schema must not have custom bounds");
  }
  return Status::Ok();
}

}  // namespace

Status Validate(const FloatHistogram& h) {
  if (h.uses_custom_bounds()) {
    RETURN_IF_ERROR(CheckCustom(h));
  } else if (IsExponentialSchema(h.schema)) {
    RETURN_IF_ERROR(CheckExponential(h));
  } else {
    return Invalid(
        fmt::format("histogram has an invalid schema, which must be between -4 and 8 for "
                    "exponential buckets, or -53 for custom buckets, got schema {}",
                    h.schema));
  }
  if (h.count < 0) {
    return Invalid(fmt::format(
        "observation count is  {}: histogram's observation count is negative", Shown(h.count)));
  }
  return CheckBuckets("positive side", h.positive_buckets);
}

}  // namespace thermocline
