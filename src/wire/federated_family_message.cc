#include "wire/federated_family.h"
#include "wire/proto_writer.h"

namespace thermocline {
namespace {

// io.prometheus.client.MetricType.
uint64_t TypeNumber(FamilyKind kind) {
  switch (kind) {
    case FamilyKind::kUntyped: return 3;
    case FamilyKind::kHistogram: return 4;
    case FamilyKind::kGaugeHistogram: return 5;
  }
  return 3;
}

void AppendLabelPair(std::string_view name, std::string_view value, ProtoWriter* metric) {
  std::string text;
  ProtoWriter pair(&text);
  pair.Bytes(1, name);
  pair.Bytes(2, value);
  metric->Bytes(1, text);
}

// The message is of proto2: what is set is there even when it is zero, and lists are not packed.
void AppendSide(uint32_t span_field, uint32_t count_field, const std::vector<HistogramSpan>& spans,
                const std::vector<int64_t>& counts, const std::vector<double>& floats,
                ProtoWriter* histogram) {
  std::string text;
  for (const HistogramSpan& span : spans) {
    text.clear();
    ProtoWriter message(&text);
    message.Varint(1, ZigZag(span.offset) & UINT32_MAX);
    message.Varint(2, span.length);
    histogram->Bytes(span_field, text);
  }
  for (const int64_t count : counts) histogram->Double(count_field, static_cast<double>(count));
  for (const double count : floats) histogram->Double(count_field, count);
}

std::string HistogramMessageOf(const Histogram& h) {
  const double count = h.is_float() ? h.float_count : static_cast<double>(h.count);
  std::string text;
  ProtoWriter message(&text);
  message.Double(2, h.sum);
  if (h.schema == kCustomBoundsSchema) {
    const std::vector<double> counts = CumulativeCounts(h);
    std::string bucket_text;
    for (size_t i = 0; i < counts.size(); ++i) {
      bucket_text.clear();
      ProtoWriter bucket(&bucket_text);
      bucket.Double(2, h.custom_bounds[i]);
      bucket.Double(4, counts[i]);
      message.Bytes(3, bucket_text);
    }
    message.Double(4, count);
    return text;
  }
  message.Double(4, count);
  message.Varint(5, ZigZag(h.schema) & UINT32_MAX);
  message.Double(6, h.zero_threshold);
  message.Double(8, h.is_float() ? h.float_zero_count : static_cast<double>(h.zero_count));
  AppendSide(9, 11, h.negative_spans, h.negative_counts, h.negative_floats, &message);
  AppendSide(12, 14, h.positive_spans, h.positive_counts, h.positive_floats, &message);
  return text;
}

std::string MetricMessage(const FamilyMember& member, NameEscaping escaping) {
  std::string text;
  ProtoWriter metric(&text);
  bool has_instance = false;
  for (const LabelPair& label : member.labels) {
    if (label.name == kMetricNameLabel) continue;
    has_instance = has_instance || label.name == "instance";
    AppendLabelPair(EscapeName(label.name, escaping), label.value, &metric);
  }
  if (!has_instance) AppendLabelPair("instance", "", &metric);
  if (member.histogram == nullptr) {
    std::string untyped;
    ProtoWriter(&untyped).Double(1, member.value);
    metric.Bytes(5, untyped);
  }
  metric.Varint(6, static_cast<uint64_t>(member.t_ms));
  if (member.histogram != nullptr) metric.Bytes(7, HistogramMessageOf(*member.histogram));
  return text;
}

}  // namespace

void AppendFamilyMessage(const FederatedFamily& family, NameEscaping escaping, std::string* out) {
  std::string text;
  ProtoWriter message(&text);
  message.Bytes(1, EscapeName(family.name, escaping));
  message.Varint(3, TypeNumber(family.kind));
  for (const FamilyMember& member : family.members) {
    message.Bytes(4, MetricMessage(member, escaping));
  }
  ByteWriter(out).LengthPrefixed(text);
}

}  // namespace thermocline
