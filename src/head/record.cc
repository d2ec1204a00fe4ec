#include "head/record.h"

#include "base/bytes.h"
#include "base/check.h"
#include "codec/compression.h"
#include "head/histogram_value.h"
#include "head/value_bytes.h"

namespace thermocline {
namespace {

constexpr uint8_t kVersion = 1;
constexpr uint8_t kTenantFlag = 0x01;
constexpr uint8_t kResolutionFlag = 0x02;
constexpr uint8_t kDefinitionsFlag = 0x04;
constexpr uint8_t kMetadataFlag = 0x08;
constexpr uint8_t kSamplesFlag = 0x10;
constexpr uint8_t kPackedMetadataFlag = 0x20;
constexpr uint8_t kAllFlags = 0x3f;
// Metadata entries of fewer bytes stay as they are; of more, too, since a reader unpacks no more.
constexpr size_t kLeastPackedBytes = 1 << 10;
constexpr size_t kMostPackedBytes = 256 << 20;

constexpr uint8_t kKindMask = 0x07;
constexpr uint8_t kStartFlag = 0x08;

// Times may lie 2^64 apart: differences wrap.
constexpr int64_t Minus(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
constexpr int64_t Plus(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
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

Status ReadPackedMetadata(ByteReader& reader, RecordVisitor& visitor) {
  std::string bytes;
  const std::string_view packed = reader.LengthPrefixed();
  if (!reader.ok()) return Malformed("metadata cut short", reader);
  const Status status = ZstdDecode(packed, kMostPackedBytes, &bytes);
  if (!status.ok()) return status.WithContext("reading a head record: metadata");
  ByteReader entries(bytes);
  RETURN_IF_ERROR(ReadMetadata(entries, visitor));
  return entries.done() ? Status::Ok() : Malformed("metadata are left over", entries);
}

// Appends the section of metadata; returns the flags that tell of it.
uint8_t PutMetadata(uint64_t count, const std::string& entries, std::string* payload) {
  ByteWriter writer(payload);
  if (entries.size() >= kLeastPackedBytes && entries.size() + 10 <= kMostPackedBytes) {
    std::string section;
    ByteWriter(&section).Varint(count);
    section += entries;
    std::string packed;
    ZstdEncode(section, 3, &packed);
    writer.LengthPrefixed(packed);
    return kMetadataFlag | kPackedMetadataFlag;
  }
  writer.Varint(count);
  writer.Bytes(entries);
  return kMetadataFlag;
}

uint8_t KindByte(const SampleExtra& extra) {
  return static_cast<uint8_t>(static_cast<uint8_t>(extra.kind()) |
                              (extra.start_ms != 0 ? kStartFlag : 0));
}

class SamplesReader {
 public:
  SamplesReader(ByteReader& reader, RecordVisitor& visitor) : reader_(reader), visitor_(visitor) {}

  Status Run() {
    time_ms_ = reader_.SignedVarint();
    const uint64_t entries = reader_.Varint();
    for (uint64_t i = 0; i < entries && reader_.ok(); ++i) RETURN_IF_ERROR(ReadEntry());
    return reader_.ok() ? Status::Ok() : Malformed("samples cut short", reader_);
  }

 private:
  Status ReadEntry() {
    const uint64_t head = reader_.Varint();
    ref_ = Plus(Plus(ref_, 1), UnZigZag(head >> 1));
    const bool extended = (head & 1) != 0;
    const uint8_t kind = extended ? reader_.U8() : 0;
    const uint64_t count = extended ? reader_.Varint() : 1;
    if ((kind & ~(kKindMask | kStartFlag)) != 0) return Malformed("unknown kind flags", reader_);
    if (!reader_.ok() || ref_ < 0 || ref_ > int64_t{UINT32_MAX} || count == 0) {
      return Malformed("bad samples entry", reader_);
    }
    if (kind != 0) return ReadExtended(kind, count);
    for (uint64_t k = 0; k < count; ++k) {
      time_ms_ = Plus(time_ms_, reader_.SignedVarint());
      const double value = ReadValue(reader_);
      if (!reader_.ok()) return Malformed("bad sample", reader_);
      RETURN_IF_ERROR(visitor_.OnSample(ref(), Sample{time_ms_, value}, {}));
    }
    return Status::Ok();
  }

  Status ReadExtended(uint8_t kind_byte, uint64_t count) {
    const auto kind = static_cast<SampleKind>(kind_byte & kKindMask);
    const bool histograms = kind != SampleKind::kFloat;
    if (kind > SampleKind::kFloatHistogram) {
      return Status::Unimplemented("reading a head record: aggregates");
    }
    HistogramSequence sequence(kind);
    for (uint64_t k = 0; k < count; ++k) {
      time_ms_ = Plus(time_ms_, reader_.SignedVarint());
      const double value = ReadValue(reader_);
      SampleExtra extra;
      if (histograms) {
        Histogram* const h = sequence.Next(reader_);
        if (h == nullptr || IsStale(h->sum) != IsStale(value)) {
          return Malformed("bad histogram", reader_);
        }
        h->sum = value;
        extra.histogram = h;
      }
      if ((kind_byte & kStartFlag) != 0) extra.start_ms = Minus(time_ms_, reader_.SignedVarint());
      if (!reader_.ok()) return Malformed("bad sample", reader_);
      RETURN_IF_ERROR(visitor_.OnSample(ref(), Sample{time_ms_, value}, extra));
    }
    return Status::Ok();
  }

  SeriesRef ref() const { return SeriesRef(static_cast<uint32_t>(ref_)); }

  ByteReader& reader_;
  RecordVisitor& visitor_;
  TimestampMs time_ms_ = 0;
  int64_t ref_ = -1;
};

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

void RecordWriter::AddSamples(SeriesRef ref, std::span<const Sample> samples,
                              std::span<const SampleExtra> extras) {
  CHECK(!samples.empty() && samples.size() == extras.size());
  if (series_ == 0) base_ms_ = previous_ms_ = samples[0].timestamp_ms;
  for (size_t begin = 0; begin < samples.size();) {
    size_t end = begin + 1;
    while (end < samples.size() && KindByte(extras[end]) == KindByte(extras[begin])) ++end;
    AddEntry(ref, samples.subspan(begin, end - begin), extras.subspan(begin, end - begin));
    begin = end;
  }
}

// Samples of one kind, all with a start timestamp or all without.
void RecordWriter::AddEntry(SeriesRef ref, std::span<const Sample> samples,
                            std::span<const SampleExtra> extras) {
  if (!extras[0].any()) return AddSamples(ref, samples);
  ByteWriter writer(&sample_bytes_);
  writer.Varint(ZigZag(int64_t{ref.number} - previous_ref_ - 1) << 1 | 1);
  writer.U8(KindByte(extras[0]));
  writer.Varint(samples.size());
  for (size_t i = 0; i < samples.size(); ++i) {
    writer.SignedVarint(Minus(samples[i].timestamp_ms, previous_ms_));
    previous_ms_ = samples[i].timestamp_ms;
    AppendValue(samples[i].value, &sample_bytes_);
    if (extras[i].histogram != nullptr) {
      PutHistogram(*extras[i].histogram, i == 0 ? nullptr : extras[i - 1].histogram,
                   &sample_bytes_);
    }
    if (extras[i].start_ms != 0) {
      writer.SignedVarint(Minus(samples[i].timestamp_ms, extras[i].start_ms));
    }
  }
  previous_ref_ = ref.number;
  ++series_;
}

std::string RecordWriter::Finish() const {
  std::string payload;
  payload.reserve(size());
  ByteWriter writer(&payload);
  writer.U8(kVersion);
  const size_t flags_at = payload.size();
  writer.U8(0);
  uint8_t flags = static_cast<uint8_t>((definitions_ > 0 ? kDefinitionsFlag : 0) |
                                       (series_ > 0 ? kSamplesFlag : 0));
  if (definitions_ > 0) {
    writer.Varint(definitions_);
    writer.Bytes(definition_bytes_);
  }
  if (metadata_ > 0) flags |= PutMetadata(metadata_, metadata_bytes_, &payload);
  payload[flags_at] = static_cast<char>(flags);
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
  if ((flags & kPackedMetadataFlag) != 0) {
    if ((flags & kMetadataFlag) == 0) return Malformed("unknown version or flags", reader);
    RETURN_IF_ERROR(ReadPackedMetadata(reader, visitor));
  } else if ((flags & kMetadataFlag) != 0) {
    RETURN_IF_ERROR(ReadMetadata(reader, visitor));
  }
  if ((flags & kSamplesFlag) != 0) RETURN_IF_ERROR(SamplesReader(reader, visitor).Run());
  if (!reader.ok()) return Malformed("bytes are missing", reader);
  if (!reader.done()) return Malformed("bytes are left over", reader);
  return Status::Ok();
}

}  // namespace thermocline
