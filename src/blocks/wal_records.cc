#include "blocks/wal_records.h"

#include <bit>
#include <limits>
#include <utility>

#include "base/bytes.h"
#include "blocks/object_window.h"
#include "codec/histogram_append.h"
#include "codec/histogram_layout.h"

namespace thermocline {
namespace {

int64_t Plus(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

double BigEndianF64(ByteReader* in) { return std::bit_cast<double>(BigEndianU64(in)); }

Labels ReadLabels(ByteReader* in) {
  const uint64_t count = in->Varint();
  if (count > in->remaining() / 2) {
    in->Fail();
    return {};
  }
  // The bytes of the pairs are those of our packed form when they are canonical.
  std::vector<std::pair<std::string, std::string>> pairs;
  std::string packed;
  for (uint64_t i = 0; i < count && in->ok(); ++i) {
    const std::string_view name = in->LengthPrefixed();
    const std::string_view value = in->LengthPrefixed();
    AppendPackedLabel(&packed, name, value);
    pairs.emplace_back(name, value);
  }
  if (!in->ok()) return {};
  auto labels = Labels::FromPacked(std::move(packed));
  return labels.ok() ? *std::move(labels) : Labels(std::move(pairs));
}

// Where an entry belongs, in the form of the first record types: differences to a base.
class FirstKeys {
 public:
  explicit FirstKeys(ByteReader* in) : in_(*in) {
    ref_ = BigEndianU64(in);
    t_ = static_cast<int64_t>(BigEndianU64(in));
  }
  template <typename Entry>
  void Next(Entry* entry) {
    entry->ref = ref_ + static_cast<uint64_t>(in_.SignedVarint());
    entry->t_ms = Plus(t_, in_.SignedVarint());
  }

 private:
  ByteReader& in_;
  WalRef ref_;
  TimestampMs t_;
};

// And of version 2: refs to the entry before, times to the first, starts by a marker byte.
class SecondKeys {
 public:
  explicit SecondKeys(ByteReader* in) : in_(*in) {}
  template <typename Entry>
  void Next(Entry* entry) {
    if (first_) {
      ref_ = static_cast<uint64_t>(in_.SignedVarint());
      first_t_ = in_.SignedVarint();
      first_start_ = in_.SignedVarint();
      entry->t_ms = first_t_;
      start_ = first_start_;
      first_ = false;
    } else {
      ref_ += static_cast<uint64_t>(in_.SignedVarint());
      entry->t_ms = Plus(first_t_, in_.SignedVarint());
      const uint8_t marker = in_.U8();
      if (marker == 0) start_ = 0;
      if (marker > 1) start_ = Plus(first_start_, in_.SignedVarint());
    }
    entry->ref = ref_;
    entry->start_ms = start_;
  }

 private:
  ByteReader& in_;
  bool first_ = true;
  WalRef ref_ = 0;
  TimestampMs first_t_ = 0;
  TimestampMs first_start_ = 0;
  TimestampMs start_ = 0;
};

void ReadSpans(ByteReader* in, std::vector<HistogramSpan>* spans) {
  const uint64_t count = in->Varint();
  if (count > in->remaining() / 2) return in->Fail();
  for (uint64_t i = 0; i < count && in->ok(); ++i) {
    const int64_t offset = in->SignedVarint();
    const uint64_t length = in->Varint();
    if (offset < std::numeric_limits<int32_t>::min() ||
        offset > std::numeric_limits<int32_t>::max() ||
        length > std::numeric_limits<uint32_t>::max()) {
      return in->Fail();
    }
    spans->push_back({static_cast<int32_t>(offset), static_cast<uint32_t>(length)});
  }
}

// Differences between neighbours, added up.
void ReadCounts(ByteReader* in, std::vector<int64_t>* counts) {
  const uint64_t count = in->Varint();
  if (count > in->remaining()) return in->Fail();
  int64_t sum = 0;
  for (uint64_t i = 0; i < count && in->ok(); ++i) {
    sum = Plus(sum, in->SignedVarint());
    counts->push_back(sum);
  }
}

void ReadFloats(ByteReader* in, std::vector<double>* floats) {
  const uint64_t count = in->Varint();
  if (count > in->remaining() / 8) return in->Fail();
  for (uint64_t i = 0; i < count; ++i) floats->push_back(BigEndianF64(in));
}

// False when the histogram is to be skipped.
bool ReadHistogram(ByteReader* in, bool is_float, Histogram* h) {
  h->kind = is_float ? SampleKind::kFloatHistogram : SampleKind::kHistogram;
  const uint8_t hint = in->U8();
  h->reset_hint = hint <= 3 ? static_cast<CounterResetHint>(hint) : CounterResetHint::kUnknown;
  const int64_t schema = in->SignedVarint();
  h->zero_threshold = BigEndianF64(in);
  if (is_float) {
    h->float_zero_count = BigEndianF64(in);
    h->float_count = BigEndianF64(in);
  } else {
    h->zero_count = in->Varint();
    h->count = in->Varint();
  }
  h->sum = BigEndianF64(in);
  ReadSpans(in, &h->positive_spans);
  ReadSpans(in, &h->negative_spans);
  if (is_float) {
    ReadFloats(in, &h->positive_floats);
    ReadFloats(in, &h->negative_floats);
  } else {
    ReadCounts(in, &h->positive_counts);
    ReadCounts(in, &h->negative_counts);
  }
  if (schema == kCustomBoundsSchema) ReadFloats(in, &h->custom_bounds);
  if (!in->ok()) return false;
  if (schema != kCustomBoundsSchema && (schema < kMinKnownSchema || schema > kMaxKnownSchema)) {
    return false;
  }
  h->schema = static_cast<int32_t>(schema);
  if (IsStale(h->sum)) {
    Histogram stale;
    stale.kind = h->kind;
    stale.sum = h->sum;
    *h = std::move(stale);
    return true;
  }
  return WellFormed(*h) && (h->schema <= kMaxSchema || ReduceResolution(h));
}

const char* TypeName(uint8_t code) {
  static constexpr const char* kTypes[] = {"unknown",        "counter", "gauge", "histogram",
                                           "gaugehistogram", "summary", "info",  "stateset"};
  return code < std::size(kTypes) ? kTypes[code] : kTypes[0];
}

WalMetadata ReadMetadata(ByteReader* in) {
  WalMetadata entry;
  entry.ref = in->Varint();
  entry.type = TypeName(in->U8());
  const uint64_t fields = in->Varint();
  for (uint64_t i = 0; i < fields && in->ok(); ++i) {
    const std::string_view name = in->LengthPrefixed();
    const std::string_view value = in->LengthPrefixed();
    if (name == "UNIT") entry.unit = value;
    if (name == "HELP") entry.help = value;
  }
  return entry;
}

template <typename Keys>
void ReadSamples(ByteReader* in, WalRecord* record) {
  if (in->done()) return;
  Keys keys(in);
  while (in->ok() && !in->done()) {
    WalSample& sample = record->samples.emplace_back();
    keys.Next(&sample);
    sample.value = BigEndianF64(in);
  }
}

template <typename Keys>
void ReadHistograms(ByteReader* in, bool is_float, WalRecord* record) {
  if (in->done()) return;
  Keys keys(in);
  while (in->ok() && !in->done()) {
    WalHistogram& entry = record->histograms.emplace_back();
    keys.Next(&entry);
    if (ReadHistogram(in, is_float, &entry.histogram)) continue;
    record->histograms.pop_back();
    ++record->skipped;
  }
}

void ReadExemplars(ByteReader* in, WalRecord* record) {
  if (in->done()) return;
  FirstKeys keys(in);
  while (in->ok() && !in->done()) {
    WalExemplar& entry = record->exemplars.emplace_back();
    keys.Next(&entry);
    entry.value = BigEndianF64(in);
    entry.labels = ReadLabels(in);
  }
}

void ReadSmallEntries(ByteReader* in, WalRecord* record) {
  while (in->ok() && !in->done()) {
    if (record->type == WalRecordType::kSeries) {
      WalSeries& entry = record->series.emplace_back();
      entry.ref = BigEndianU64(in);
      entry.labels = ReadLabels(in);
    } else if (record->type == WalRecordType::kTombstones) {
      WalTombstone& entry = record->tombstones.emplace_back();
      entry.ref = BigEndianU64(in);
      entry.range.start_ms = in->SignedVarint();
      entry.range.end_ms = in->SignedVarint();
    } else if (record->type == WalRecordType::kChunkMarkers) {
      WalChunkMarker& entry = record->markers.emplace_back();
      entry.ref = BigEndianU64(in);
      entry.chunk = BigEndianU64(in);
    } else {
      record->metadata.push_back(ReadMetadata(in));
    }
  }
}

}  // namespace

size_t WalRecord::size() const {
  return series.size() + samples.size() + histograms.size() + tombstones.size() + exemplars.size() +
         markers.size() + metadata.size() + skipped;
}

void WalRecord::Clear() {
  type = WalRecordType::kUnknown;
  series.clear();
  samples.clear();
  histograms.clear();
  tombstones.clear();
  exemplars.clear();
  markers.clear();
  metadata.clear();
  skipped = 0;
}

Status DecodeWalRecord(std::string_view bytes, WalRecord* record) {
  record->Clear();
  ByteReader in(bytes);
  const uint8_t code = in.U8();
  if (!in.ok()) return Status::Corruption("empty record");
  if (code > static_cast<uint8_t>(WalRecordType::kFloatHistogramsV2)) return Status::Ok();
  record->type = static_cast<WalRecordType>(code);
  switch (record->type) {
    case WalRecordType::kUnknown: return Status::Ok();
    case WalRecordType::kSamples: ReadSamples<FirstKeys>(&in, record); break;
    case WalRecordType::kSamplesV2: ReadSamples<SecondKeys>(&in, record); break;
    case WalRecordType::kHistograms:
    case WalRecordType::kCustomHistograms: ReadHistograms<FirstKeys>(&in, false, record); break;
    case WalRecordType::kFloatHistograms:
    case WalRecordType::kCustomFloatHistograms: ReadHistograms<FirstKeys>(&in, true, record); break;
    case WalRecordType::kHistogramsV2: ReadHistograms<SecondKeys>(&in, false, record); break;
    case WalRecordType::kFloatHistogramsV2: ReadHistograms<SecondKeys>(&in, true, record); break;
    case WalRecordType::kExemplars: ReadExemplars(&in, record); break;
    default: ReadSmallEntries(&in, record);
  }
  if (in.ok()) return Status::Ok();
  const size_t offset = in.offset();
  record->Clear();
  return Status::Corruption("record of type " + std::to_string(code) + ", " +
                            std::to_string(bytes.size()) + " bytes: bad at byte " +
                            std::to_string(offset));
}

}  // namespace thermocline
