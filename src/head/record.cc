#include "head/record.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/bytes.h"
#include "base/check.h"

namespace thermocline {
namespace {

constexpr uint8_t kVersion = 1;
constexpr uint8_t kTenantFlag = 0x01;
constexpr uint8_t kResolutionFlag = 0x02;
constexpr uint8_t kDefinitionsFlag = 0x04;
constexpr uint8_t kMetadataFlag = 0x08;
constexpr uint8_t kSamplesFlag = 0x10;
constexpr uint8_t kAllFlags = 0x1f;

constexpr uint8_t kKindMask = 0x07;
constexpr uint8_t kStartFlag = 0x08;

constexpr std::array<double, 10> kPowers = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
constexpr double kMantissaLimit = 9007199254740992.0;  // 2^53

constexpr uint64_t ZigZag(int64_t v) {
  return (static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63);
}
constexpr int64_t UnZigZag(uint64_t v) { return static_cast<int64_t>((v >> 1) ^ (~(v & 1) + 1)); }

// Times may lie 2^64 apart: differences wrap.
constexpr int64_t Minus(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
constexpr int64_t Plus(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

char* PutVarint(char* to, uint64_t v) {
  while (v >= 0x80) {
    *to++ = static_cast<char>(v | 0x80);
    v >>= 7;
  }
  *to++ = static_cast<char>(v);
  return to;
}

// Writes the tag and the `count` low bytes of `bytes`; up to 9 bytes are touched.
char* PutTagged(char* to, int nibble, uint64_t bytes, int count) {
  *to = static_cast<char>(nibble << 4 | count);
  std::memcpy(to + 1, &bytes, 8);
  return to + 1 + count;
}

char* PutValue(char* to, double value) {
  // Whole numbers and thousandths are nearly all that decimals are used for.
  for (const int exponent : {0, 3}) {
    const double scaled = value * kPowers[static_cast<size_t>(exponent)];
    if (!(std::fabs(scaled) < kMantissaLimit)) break;
    const auto mantissa = static_cast<int64_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    const double back = static_cast<double>(mantissa) / kPowers[static_cast<size_t>(exponent)];
    if (!SameBits(back, value)) continue;
    const uint64_t zigzag = ZigZag(mantissa);
    return PutTagged(to, 1 + exponent, zigzag, (static_cast<int>(std::bit_width(zigzag)) + 7) / 8);
  }
  const auto bits = std::bit_cast<uint64_t>(value);
  const int zero_bytes = bits == 0 ? 8 : std::countr_zero(bits) / 8;
  return PutTagged(to, 0, zero_bytes == 8 ? 0 : bits >> (8 * zero_bytes), 8 - zero_bytes);
}

double ReadValue(ByteReader& reader) {
  const uint8_t tag = reader.U8();
  const int nibble = tag >> 4;
  const int count = tag & 15;
  if (nibble > 10 || count > 8) {
    reader.Fail();
    return 0;
  }
  const std::string_view bytes = reader.Bytes(static_cast<uint64_t>(count));
  uint64_t v = 0;
  if (!bytes.empty()) std::memcpy(&v, bytes.data(), bytes.size());
  if (nibble == 0) return std::bit_cast<double>(count == 0 ? 0 : v << (8 * (8 - count)));
  return static_cast<double>(UnZigZag(v)) / kPowers[static_cast<size_t>(nibble - 1)];
}

Status Malformed(const char* what, const ByteReader& reader) {
  return Status::Corruption("reading a head record: " + std::string(what) + " at offset " +
                            std::to_string(reader.offset()));
}

Status ReadDefinitions(ByteReader& reader, RecordVisitor& visitor) {
  const uint64_t count = reader.Varint();
  for (uint64_t i = 0; i < count && reader.ok(); ++i) {
    const uint64_t ref = reader.Varint();
    const uint64_t id_offset = reader.Varint();
    const std::string_view packed = reader.LengthPrefixed();
    if (!reader.ok() || ref > UINT32_MAX) return Malformed("bad series definition", reader);
    auto labels = Labels::FromPacked(std::string(packed));
    if (!labels.ok()) return labels.status().WithContext("reading a head record");
    RETURN_IF_ERROR(
        visitor.OnDefinition(SeriesRef(static_cast<uint32_t>(ref)), id_offset, labels->view()));
  }
  return reader.ok() ? Status::Ok() : Malformed("definitions cut short", reader);
}

Status ReadMetadata(ByteReader& reader, RecordVisitor& visitor) {
  const uint64_t count = reader.Varint();
  for (uint64_t i = 0; i < count && reader.ok(); ++i) {
    BatchMetadata metadata;
    metadata.family = reader.LengthPrefixed();
    metadata.type = reader.LengthPrefixed();
    metadata.help = reader.LengthPrefixed();
    metadata.unit = reader.LengthPrefixed();
    if (!reader.ok()) break;
    RETURN_IF_ERROR(visitor.OnMetadata(std::move(metadata)));
  }
  return reader.ok() ? Status::Ok() : Malformed("metadata cut short", reader);
}

Status ReadSamples(ByteReader& reader, RecordVisitor& visitor) {
  TimestampMs time_ms = reader.SignedVarint();
  const uint64_t entries = reader.Varint();
  int64_t ref = -1;
  for (uint64_t i = 0; i < entries && reader.ok(); ++i) {
    const uint64_t head = reader.Varint();
    ref = Plus(Plus(ref, 1), UnZigZag(head >> 1));
    uint64_t count = 1;
    if ((head & 1) != 0) {
      const uint8_t kind = reader.U8();
      count = reader.Varint();
      if ((kind & ~(kKindMask | kStartFlag)) != 0) return Malformed("unknown kind flags", reader);
      if (kind != static_cast<uint8_t>(SampleKind::kFloat)) {
        return Status::Unimplemented("reading a head record: samples other than plain floats");
      }
    }
    if (!reader.ok() || ref < 0 || ref > int64_t{UINT32_MAX} || count == 0) {
      return Malformed("bad samples entry", reader);
    }
    for (uint64_t k = 0; k < count; ++k) {
      time_ms = Plus(time_ms, reader.SignedVarint());
      const double value = ReadValue(reader);
      if (!reader.ok()) return Malformed("bad sample", reader);
      RETURN_IF_ERROR(
          visitor.OnSample(SeriesRef(static_cast<uint32_t>(ref)), Sample{time_ms, value}));
    }
  }
  return reader.ok() ? Status::Ok() : Malformed("samples cut short", reader);
}

}  // namespace

void RecordWriter::Clear() {
  definition_bytes_.clear();
  metadata_bytes_.clear();
  sample_bytes_.clear();
  definitions_ = metadata_ = series_ = 0;
  previous_ref_ = -1;
}

void RecordWriter::AddDefinition(SeriesRef ref, uint64_t id_offset, LabelsView labels) {
  ByteWriter writer(&definition_bytes_);
  writer.Varint(ref.number);
  writer.Varint(id_offset);
  writer.LengthPrefixed(labels.packed());
  ++definitions_;
}

void RecordWriter::AddMetadata(const BatchMetadata& metadata) {
  ByteWriter writer(&metadata_bytes_);
  writer.LengthPrefixed(metadata.family);
  writer.LengthPrefixed(metadata.type);
  writer.LengthPrefixed(metadata.help);
  writer.LengthPrefixed(metadata.unit);
  ++metadata_;
}

void RecordWriter::AddSamples(SeriesRef ref, std::span<const Sample> samples) {
  CHECK(!samples.empty());
  if (series_ == 0) base_ms_ = previous_ms_ = samples[0].timestamp_ms;
  const size_t start = sample_bytes_.size();
  sample_bytes_.resize(start + 24 + samples.size() * 24);
  char* to = sample_bytes_.data() + start;
  const bool extended = samples.size() > 1;
  const int64_t step = int64_t{ref.number} - previous_ref_ - 1;
  to = PutVarint(to, ZigZag(step) << 1 | (extended ? 1 : 0));
  if (extended) {
    *to++ = static_cast<char>(SampleKind::kFloat);
    to = PutVarint(to, samples.size());
  }
  for (const Sample& sample : samples) {
    to = PutVarint(to, ZigZag(Minus(sample.timestamp_ms, previous_ms_)));
    previous_ms_ = sample.timestamp_ms;
    to = PutValue(to, sample.value);
  }
  sample_bytes_.resize(static_cast<size_t>(to - sample_bytes_.data()));
  previous_ref_ = ref.number;
  ++series_;
}

std::string RecordWriter::Finish() const {
  std::string payload;
  payload.reserve(size());
  ByteWriter writer(&payload);
  writer.U8(kVersion);
  writer.U8(static_cast<uint8_t>((definitions_ > 0 ? kDefinitionsFlag : 0) |
                                 (metadata_ > 0 ? kMetadataFlag : 0) |
                                 (series_ > 0 ? kSamplesFlag : 0)));
  if (definitions_ > 0) {
    writer.Varint(definitions_);
    writer.Bytes(definition_bytes_);
  }
  if (metadata_ > 0) {
    writer.Varint(metadata_);
    writer.Bytes(metadata_bytes_);
  }
  if (series_ > 0) {
    writer.SignedVarint(base_ms_);
    writer.Varint(series_);
    writer.Bytes(sample_bytes_);
  }
  return payload;
}

Status ReadRecord(std::string_view payload, RecordVisitor& visitor) {
  ByteReader reader(payload);
  const uint8_t version = reader.U8();
  const uint8_t flags = reader.U8();
  if (!reader.ok() || version != kVersion || (flags & ~kAllFlags) != 0) {
    return Malformed("unknown version or flags", reader);
  }
  if ((flags & kTenantFlag) != 0 && !reader.LengthPrefixed().empty()) {
    return Status::Unimplemented("reading a head record: a tenant other than the default");
  }
  if ((flags & kResolutionFlag) != 0 && reader.Varint() != 0) {
    return Status::Unimplemented("reading a head record: downsampled data");
  }
  if ((flags & kDefinitionsFlag) != 0) RETURN_IF_ERROR(ReadDefinitions(reader, visitor));
  if ((flags & kMetadataFlag) != 0) RETURN_IF_ERROR(ReadMetadata(reader, visitor));
  if ((flags & kSamplesFlag) != 0) RETURN_IF_ERROR(ReadSamples(reader, visitor));
  if (!reader.ok()) return Malformed("bytes are missing", reader);
  if (!reader.done()) return Malformed("bytes are left over", reader);
  return Status::Ok();
}

}  // namespace thermocline
