#include "wire/histogram_message.h"
#include "wire/proto_writer.h"

namespace thermocline {
namespace {

void AppendSpans(uint32_t field, const std::vector<HistogramSpan>& spans, ProtoWriter* out) {
  std::string text;
  for (const HistogramSpan& span : spans) {
    text.clear();
    ProtoWriter message(&text);
    message.VarintIfSet(1, ZigZag(span.offset) & UINT32_MAX);
    message.VarintIfSet(2, span.length);
    out->Bytes(field, text);
  }
}

// Sent is the difference from the left neighbour.
void AppendDeltas(uint32_t field, const std::vector<int64_t>& counts, ProtoWriter* out) {
  std::string packed;
  ByteWriter bytes(&packed);
  uint64_t left = 0;
  for (const int64_t count : counts) {
    bytes.SignedVarint(static_cast<int64_t>(static_cast<uint64_t>(count) - left));
    left = static_cast<uint64_t>(count);
  }
  out->BytesIfSet(field, packed);
}

void AppendDoubles(uint32_t field, const std::vector<double>& values, ProtoWriter* out) {
  std::string packed;
  ByteWriter bytes(&packed);
  for (const double value : values) bytes.F64(value);
  out->BytesIfSet(field, packed);
}

}  // namespace

void AppendHistogramMessage(TimestampMs t_ms, const Histogram& h, std::string* out) {
  ProtoWriter message(out);
  // The counts tell the kind, and are there when they are zero.
  if (h.is_float()) {
    message.Double(2, h.float_count);
  } else {
    message.Varint(1, h.count);
  }
  message.DoubleIfSet(3, h.sum);
  message.VarintIfSet(4, ZigZag(h.schema) & UINT32_MAX);
  message.DoubleIfSet(5, h.zero_threshold);
  if (h.is_float()) {
    message.Double(7, h.float_zero_count);
  } else {
    message.Varint(6, h.zero_count);
  }
  AppendSpans(8, h.negative_spans, &message);
  AppendDeltas(9, h.negative_counts, &message);
  AppendDoubles(10, h.negative_floats, &message);
  AppendSpans(11, h.positive_spans, &message);
  AppendDeltas(12, h.positive_counts, &message);
  AppendDoubles(13, h.positive_floats, &message);
  message.VarintIfSet(14, static_cast<uint64_t>(h.reset_hint));
  message.VarintIfSet(15, static_cast<uint64_t>(t_ms));
  AppendDoubles(16, h.custom_bounds, &message);
}

}  // namespace thermocline
