#include "generate/write_request.h"

#include "base/bytes.h"

namespace thermocline {
namespace {

// Keys of protobuf fields: number and wire type.
constexpr uint8_t kSeriesKey = 1 << 3 | 2;  // WriteRequest.timeseries
constexpr uint8_t kLabelKey = 1 << 3 | 2;   // TimeSeries.labels
constexpr uint8_t kSampleKey = 2 << 3 | 2;  // TimeSeries.samples
constexpr uint8_t kNameKey = 1 << 3 | 2;
constexpr uint8_t kLabelValueKey = 2 << 3 | 2;
constexpr uint8_t kValueKey = 1 << 3 | 1;
constexpr uint8_t kTimestampKey = 2 << 3;

size_t VarintSize(uint64_t value) {
  size_t size = 1;
  for (; value >= 0x80; value >>= 7) ++size;
  return size;
}

size_t FieldSize(std::string_view bytes) { return 1 + VarintSize(bytes.size()) + bytes.size(); }

}  // namespace

std::string EncodeSeriesLabels(LabelsView labels) {
  std::string encoded;
  ByteWriter writer(&encoded);
  for (const LabelPair& label : labels) {
    writer.U8(kLabelKey);
    writer.Varint(FieldSize(label.name) + FieldSize(label.value));
    writer.U8(kNameKey);
    writer.LengthPrefixed(label.name);
    writer.U8(kLabelValueKey);
    writer.LengthPrefixed(label.value);
  }
  return encoded;
}

void AppendTimeSeries(std::string_view encoded_labels, TimestampMs time_ms, double value,
                      std::string* message) {
  const auto time = static_cast<uint64_t>(time_ms);
  const size_t sample_size = 1 + sizeof(double) + 1 + VarintSize(time);
  ByteWriter writer(message);
  writer.U8(kSeriesKey);
  writer.Varint(encoded_labels.size() + 1 + VarintSize(sample_size) + sample_size);
  writer.Bytes(encoded_labels);
  writer.U8(kSampleKey);
  writer.Varint(sample_size);
  writer.U8(kValueKey);
  writer.F64(value);
  writer.U8(kTimestampKey);
  writer.Varint(time);
}

}  // namespace thermocline
