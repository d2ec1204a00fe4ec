// How histograms are shown. Source: Prometheus' FloatHistogram.String and TestExpression.
#include <fmt/core.h>

#include <limits>
#include <string>

#include "model/float_histogram_parts.h"
#include "model/number.h"

namespace thermocline {
namespace {

void AppendBucket(std::string* out, const HistogramBucket& bucket) {
  *out += ", ";
  *out += bucket.lower_inclusive ? '[' : '(';
  AppendFloatG(out, bucket.lower);
  *out += ',';
  AppendFloatG(out, bucket.upper);
  *out += bucket.upper_inclusive ? "]:" : "):";
  AppendFloatG(out, bucket.count);
}

void AppendList(std::string* out, const char* name, const std::vector<double>& values) {
  *out += name;
  *out += ":[";
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) *out += ' ';
    AppendFloatG(out, values[i]);
  }
  *out += ']';
}

// The parts of a test expression, a space between them.
class Parts {
 public:
  std::string* Next() {
    if (!text_.empty()) text_ += ' ';
    return &text_;
  }
  void Number(const char* name, double value) {
    if (value == 0) return;
    *Next() += name;
    AppendFloatG(&text_, value);
  }
  void Side(const char* offset_name, const char* name, const std::vector<HistogramSpan>& spans,
            const std::vector<double>& buckets) {
    if (!spans.empty() && spans[0].offset != 0) {
      *Next() += fmt::format("{}:{}", offset_name, spans[0].offset);
    }
    if (!buckets.empty()) AppendList(Next(), name, buckets);
  }
  std::string text_;
};

}  // namespace

std::string ToString(const FloatHistogram& h) {
  std::string out = "{count:";
  AppendFloatG(&out, h.count);
  out += ", sum:";
  AppendFloatG(&out, h.sum);
  BackwardBucketCursor negative(h.negative_spans, h.negative_buckets.size());
  while (negative.Next()) {
    const double count = h.negative_buckets[negative.position()];
    if (count != 0) AppendBucket(&out, BucketAt(negative.index(), count, false, h.schema, {}));
  }
  if (h.zero_count != 0) AppendBucket(&out, ZeroBucket(h));
  BucketCursor positive(h.positive_spans, h.positive_buckets.size());
  while (positive.Next()) {
    const double count = h.positive_buckets[positive.position()];
    if (count == 0) continue;
    AppendBucket(&out, BucketAt(positive.index(), count, true, h.schema, h.custom_bounds));
  }
  out += '}';
  return out;
}

std::string TestExpression(const FloatHistogram& h) {
  FloatHistogram joined = h;
  Compact(&joined, std::numeric_limits<int32_t>::max());
  Parts parts;
  if (h.schema != 0) *parts.Next() += fmt::format("schema:{}", h.schema);
  parts.Number("count:", h.count);
  parts.Number("sum:", h.sum);
  parts.Number("z_bucket:", h.zero_count);
  parts.Number("z_bucket_w:", h.zero_threshold);
  if (h.uses_custom_bounds()) AppendList(parts.Next(), "custom_values", h.custom_bounds);
  switch (h.reset_hint) {
    case CounterResetHint::kUnknown: break;
    case CounterResetHint::kReset: *parts.Next() += "counter_reset_hint:reset"; break;
    case CounterResetHint::kNotReset: *parts.Next() += "counter_reset_hint:not_reset"; break;
    case CounterResetHint::kGauge: *parts.Next() += "counter_reset_hint:gauge"; break;
  }
  parts.Side("offset", "buckets", joined.positive_spans, joined.positive_buckets);
  parts.Side("n_offset", "n_buckets", joined.negative_spans, joined.negative_buckets);
  return "{{" + parts.text_ + "}}";
}

}  // namespace thermocline
