#include "promql/test_script/custom_buckets.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "model/histogram_check.h"
#include "promql/test_script/series_line.h"

namespace thermocline::promql {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

enum class Part { kNone, kBucket, kCount, kSum };

Part TakeSuffix(std::string_view* name) {
  for (const auto& [suffix, part] : {std::pair<std::string_view, Part>("_bucket", Part::kBucket),
                                     {"_sum", Part::kSum},
                                     {"_count", Part::kCount}}) {
    if (name->size() < suffix.size() || name->substr(name->size() - suffix.size()) != suffix) {
      continue;
    }
    name->remove_suffix(suffix.size());
    return part;
  }
  return Part::kNone;
}

bool IsInteger(double value) { return value == std::trunc(value) && std::fabs(value) < 0x1p63; }

}  // namespace

void CustomBuckets::Add(const Labels& labels, TimestampMs t_ms, double value) {
  std::string_view name = labels.metric_name();
  const Part part = TakeSuffix(&name);
  if (part == Part::kNone) return;
  double bound = 0;
  if (part == Part::kBucket &&
      (!ParseSignedNumber(labels.Get(kBucketLabel), &bound) || std::isnan(bound))) {
    return;
  }
  LabelsBuilder base{labels.view()};
  base.Set(kMetricNameLabel, name).Remove(kBucketLabel);
  Classic& classic = series_[base.Build()][t_ms];
  if (part == Part::kBucket) {
    classic.buckets.emplace(bound, value);
  } else if (part == Part::kCount) {
    classic.count = value;
    classic.has_count = true;
  } else {
    classic.sum = value;
  }
}

Result<FloatHistogram> CustomBuckets::ToHistogram(Classic classic) {
  auto& buckets = classic.buckets;
  if (!classic.has_count && !buckets.empty()) classic.count = buckets.rbegin()->second;
  // Without a bucket to +Inf, the one beyond the last bound has what the count says.
  buckets.emplace(kInf, classic.count);
  FloatHistogram h;
  h.schema = kCustomBoundsSchema;
  h.count = classic.count;
  h.sum = classic.sum;
  h.positive_spans = {{0, static_cast<uint32_t>(buckets.size())}};
  bool integer = IsInteger(classic.count);
  double before = 0;
  for (const auto& [bound, cumulative] : buckets) {
    if (cumulative < 0) return Status::InvalidArgument("bucket count must be non-negative");
    if (cumulative < before) return Status::InvalidArgument("count is not cumulative");
    h.positive_buckets.push_back(cumulative - before);
    before = cumulative;
    integer = integer && IsInteger(cumulative);
    if (bound != kInf) h.custom_bounds.push_back(bound);
  }
  if (before != classic.count) return Status::InvalidArgument("count mismatch");
  Compact(&h, integer ? 2 : 0);
  RETURN_IF_ERROR(CheckHistogram(ToStored(h)));
  return h;
}

Result<std::vector<CustomBuckets::Converted>> CustomBuckets::Convert() const {
  std::vector<Converted> all;
  for (const auto& [labels, samples] : series_) {
    for (const auto& [t_ms, classic] : samples) {
      ASSIGN_OR_RETURN(FloatHistogram h, ToHistogram(classic));
      all.push_back({labels, t_ms, std::make_shared<const FloatHistogram>(std::move(h))});
    }
  }
  return all;
}

}  // namespace thermocline::promql
