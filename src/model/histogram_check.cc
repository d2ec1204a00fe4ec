#include "model/histogram_check.h"

#include <cmath>
#include <cstdio>
#include <limits>
#include <string>
#include <type_traits>

#include "base/result.h"
#include "model/number.h"

namespace thermocline {
namespace {

constexpr int32_t kMinSchema = -4;
constexpr int32_t kMaxSchema = 8;

constexpr char kNegativeOffset[] = "histogram has a span whose offset is negative";
constexpr char kOtherBuckets[] =
    "histogram spans specify different number of buckets than provided";
constexpr char kNegativeBucket[] = "histogram has a bucket whose observation count is negative";

Status Refused(std::string text) { return Status::InvalidArgument(std::move(text)); }

template <typename Count>
std::string NumberText(Count count) {
  if constexpr (std::is_floating_point_v<Count>) {
    std::string text;
    AppendFloatG(&text, count);
    return text;
  } else {
    return std::to_string(count);
  }
}

// As Go's %f.
std::string FixedText(double v) {
  if (std::isinf(v)) return v > 0 ? "+Inf" : "-Inf";
  char text[400];
  std::snprintf(text, sizeof(text), "%f", v);
  return text;
}

Status NegativeOffset(const std::string& side, size_t span, int32_t offset) {
  return Refused(side + ": span number " + std::to_string(span + 1) + " with offset " +
                 std::to_string(offset) + ": " + kNegativeOffset);
}

Status CheckBucketCount(const std::string& side, uint64_t needed, size_t buckets) {
  if (needed == buckets) return Status::Ok();
  return Refused(side + ": spans need " + std::to_string(needed) + " buckets, have " +
                 std::to_string(buckets) + " buckets: " + kOtherBuckets);
}

Status CheckSpans(const std::string& side, const std::vector<HistogramSpan>& spans,
                  size_t buckets) {
  uint64_t needed = 0;
  for (size_t i = 0; i < spans.size(); ++i) {
    if (i > 0 && spans[i].offset < 0) return NegativeOffset(side, i, spans[i].offset);
    needed += spans[i].length;
  }
  return CheckBucketCount(side, needed, buckets);
}

template <typename Count>
Status CheckBuckets(const std::string& side, const std::vector<Count>& counts) {
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] < 0) {
      return Refused(side + ": bucket number " + std::to_string(i + 1) +
                     " has observation count of " + NumberText(counts[i]) + ": " + kNegativeBucket);
    }
  }
  return Status::Ok();
}

Status CheckBounds(const std::vector<double>& bounds, const std::vector<HistogramSpan>& spans,
                   size_t buckets) {
  const std::string side = "custom buckets";
  for (size_t i = 0; i < bounds.size(); ++i) {
    if (std::isnan(bounds[i])) return Refused(side + ": histogram custom bounds must not be NaN");
    if (i > 0 && bounds[i] <= bounds[i - 1]) {
      return Refused(side + ": previous bound is " + FixedText(bounds[i - 1]) + " and current is " +
                     FixedText(bounds[i]) +
                     ": histogram custom bounds must be in strictly increasing order");
    }
  }
  if (!bounds.empty() && bounds.back() == std::numeric_limits<double>::infinity()) {
    return Refused(side +
                   ": last +Inf bound must not be explicitly defined: histogram custom bounds must "
                   "be finite");
  }
  uint64_t needed = 0;
  uint64_t covered = 0;
  for (size_t i = 0; i < spans.size(); ++i) {
    if (spans[i].offset < 0) return NegativeOffset(side, i, spans[i].offset);
    needed += spans[i].length;
    covered += spans[i].length + static_cast<uint64_t>(spans[i].offset);
  }
  RETURN_IF_ERROR(CheckBucketCount(side, needed, buckets));
  if (bounds.size() + 1 >= covered) return Status::Ok();
  return Refused(side + ": only " + std::to_string(bounds.size()) +
                 " custom bounds defined which is insufficient to cover total span length of " +
                 std::to_string(covered) + ": histogram custom bounds are too few");
}

Status CheckCustomBuckets(const Histogram& h) {
  const size_t positive = h.is_float() ? h.positive_floats.size() : h.positive_counts.size();
  const size_t negative = h.is_float() ? h.negative_floats.size() : h.negative_counts.size();
  RETURN_IF_ERROR(CheckBounds(h.custom_bounds, h.positive_spans, positive));
  if (h.is_float() ? h.float_zero_count != 0 : h.zero_count != 0) {
    return Refused("custom buckets: must have zero count of 0");
  }
  if (h.zero_threshold != 0) return Refused("custom buckets: must have zero threshold of 0");
  if (!h.negative_spans.empty()) return Refused("custom buckets: must not have negative spans");
  if (negative > 0) return Refused("custom buckets: must not have negative buckets");
  return Status::Ok();
}

Status CheckExponentialBuckets(const Histogram& h) {
  if (h.is_float()) {
    RETURN_IF_ERROR(CheckSpans("positive side", h.positive_spans, h.positive_floats.size()));
    RETURN_IF_ERROR(CheckSpans("negative side", h.negative_spans, h.negative_floats.size()));
    RETURN_IF_ERROR(CheckBuckets("negative side", h.negative_floats));
    if (h.float_zero_count < 0) {
      return Refused("zero bucket has observation count of " + NumberText(h.float_zero_count) +
                     ": " + kNegativeBucket);
    }
  } else {
    RETURN_IF_ERROR(CheckSpans("positive side", h.positive_spans, h.positive_counts.size()));
    RETURN_IF_ERROR(CheckSpans("negative side", h.negative_spans, h.negative_counts.size()));
    RETURN_IF_ERROR(CheckBuckets("negative side", h.negative_counts));
  }
  if (h.custom_bounds.empty()) return Status::Ok();
  return Refused("histogram with exponential schema must not have custom bounds");
}

// Counts add up modulo 2^64.
Status CheckCount(const Histogram& h) {
  uint64_t found = h.zero_count;
  for (const int64_t count : h.negative_counts) found += static_cast<uint64_t>(count);
  for (const int64_t count : h.positive_counts) found += static_cast<uint64_t>(count);
  const std::string text = std::to_string(found) +
                           " observations found in buckets, but the Count field is " +
                           std::to_string(h.count) + ": ";
  if (std::isnan(h.sum)) {
    if (found <= h.count) return Status::Ok();
    return Refused(text +
                   "histogram's observation count should be at least the number of observations "
                   "found in the buckets");
  }
  if (found == h.count) return Status::Ok();
  return Refused(text +
                 "histogram's observation count should equal the number of observations found in "
                 "the buckets (in absence of NaN)");
}

}  // namespace

Status CheckHistogram(const Histogram& h) {
  if (h.schema == kCustomBoundsSchema) {
    RETURN_IF_ERROR(CheckCustomBuckets(h));
  } else if (h.schema >= kMinSchema && h.schema <= kMaxSchema) {
    RETURN_IF_ERROR(CheckExponentialBuckets(h));
  } else {
    return Refused(
        "histogram has an invalid schema, which must be between -4 and 8 for exponential buckets, "
        "or -53 for custom buckets, got schema " +
        std::to_string(h.schema));
  }
  if (!h.is_float()) {
    RETURN_IF_ERROR(CheckBuckets("positive side", h.positive_counts));
    return CheckCount(h);
  }
  if (h.float_count < 0) {
    return Refused("observation count is  " + NumberText(h.float_count) +
                   ": histogram's observation count is negative");
  }
  return CheckBuckets("positive side", h.positive_floats);
}

}  // namespace thermocline
