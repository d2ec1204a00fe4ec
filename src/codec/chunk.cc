#include "codec/chunk.h"

#include <algorithm>

#include "codec/histogram_append.h"
#include "codec/histogram_chunk.h"
#include "codec/xor_chunk.h"

namespace thermocline {
namespace {

constexpr size_t kMaxSamples = 65'535;
constexpr size_t kMaxSamplesWithReset = 0x3fff;  // 14 bits: the header shares their two bytes

bool IsKnown(ChunkEncoding encoding) {
  return encoding >= ChunkEncoding::kXor && encoding <= ChunkEncoding::kFloatHistogramSt;
}
bool KeepsFloats(ChunkEncoding encoding) {
  return encoding == ChunkEncoding::kXor || encoding == ChunkEncoding::kXor2;
}
bool KeepsStarts(ChunkEncoding encoding) {
  return encoding == ChunkEncoding::kXor2 || KeepsHistogramStarts(encoding);
}
size_t HeadBytes(ChunkEncoding encoding) { return encoding == ChunkEncoding::kXor ? 2 : 3; }
size_t Capacity(ChunkEncoding encoding) {
  return KeepsHistogramStarts(encoding) ? kMaxSamplesWithReset : kMaxSamples;
}

std::string Name(ChunkEncoding encoding, std::string_view bytes) {
  return "chunk of encoding " + std::to_string(static_cast<int>(encoding)) + ", " +
         std::to_string(bytes.size()) + " bytes: ";
}

// The sizes of a batch's columns, to go back to when a chunk turns out to be bad.
struct Mark {
  explicit Mark(const SeriesBatch& batch)
      : samples(batch.timestamps_ms.size()),
        histograms(batch.histograms.size()),
        had_starts(!batch.start_timestamps_ms.empty()),
        had_index(!batch.histogram_index.empty()) {}
  void Restore(SeriesBatch* batch) const {
    batch->timestamps_ms.resize(samples);
    batch->values.resize(samples);
    batch->histograms.resize(histograms);
    batch->start_timestamps_ms.resize(had_starts ? samples : 0);
    batch->histogram_index.resize(had_index ? samples : 0);
  }
  size_t samples;
  size_t histograms;
  bool had_starts;
  bool had_index;
};

template <typename T>
void Keep(size_t base, size_t from, size_t to, std::vector<T>* column) {
  if (column->empty()) return;
  column->resize(base + to);
  column->erase(column->begin() + static_cast<ptrdiff_t>(base),
                column->begin() + static_cast<ptrdiff_t>(base + from));
}

// Drops the samples outside `range` from those that were appended after `base`.
void Trim(size_t base, TimeRange range, SeriesBatch* out) {
  const auto first = out->timestamps_ms.begin() + static_cast<ptrdiff_t>(base);
  const auto last = out->timestamps_ms.end();
  if (first == last || (*first >= range.start_ms && *(last - 1) <= range.end_ms)) return;
  const auto begin = std::lower_bound(first, last, range.start_ms);
  const auto end = std::max(begin, std::upper_bound(first, last, range.end_ms));
  const auto from = static_cast<size_t>(begin - first);
  const auto to = static_cast<size_t>(end - first);
  Keep(base, from, to, &out->timestamps_ms);
  Keep(base, from, to, &out->values);
  Keep(base, from, to, &out->start_timestamps_ms);
}

// `range`: nothing for every sample in whatever order.
using Wanted = std::optional<TimeRange>;
constexpr TimeRange kAllTime{kMinTimestampMs, kMaxTimestampMs};

bool DecodeFloats(ChunkEncoding encoding, std::string_view bytes, size_t count, Wanted range,
                  SeriesBatch* out) {
  const Mark mark(*out);
  const size_t size = mark.samples + count;
  out->timestamps_ms.resize(size);
  out->values.resize(size);
  const auto times = std::span(out->timestamps_ms).subspan(mark.samples);
  const auto values = std::span(out->values).subspan(mark.samples);
  bool ok;
  if (encoding == ChunkEncoding::kXor) {
    if (mark.had_starts) out->start_timestamps_ms.resize(size);
    ok = DecodeXor(bytes, times, values, !range);
  } else {
    const bool starts = bytes[2] != 0;
    bool any_start = false;
    if (starts || mark.had_starts) out->start_timestamps_ms.resize(size);
    ok = DecodeXor2(
        bytes, times, values,
        starts ? std::span(out->start_timestamps_ms).subspan(mark.samples) : std::span<int64_t>(),
        &any_start);
    if (!any_start && !mark.had_starts) out->start_timestamps_ms.clear();
  }
  if (!ok) {
    mark.Restore(out);
    return false;
  }
  if (range) Trim(mark.samples, *range, out);
  if (mark.had_index) {
    out->histogram_index.resize(out->timestamps_ms.size(), SeriesBatch::kNoHistogram);
  }
  return true;
}

bool DecodeHistogramColumns(ChunkEncoding encoding, std::string_view bytes, size_t count,
                            Wanted range, SeriesBatch* out) {
  const Mark mark(*out);
  if (!mark.had_index) out->histogram_index.resize(mark.samples, SeriesBatch::kNoHistogram);
  std::vector<TimestampMs> starts;
  if (!DecodeHistograms(encoding, bytes, count, range.value_or(kAllTime), out, &starts, !range)) {
    mark.Restore(out);
    return false;
  }
  const bool any_start = std::any_of(starts.begin(), starts.end(), [](auto s) { return s != 0; });
  if (any_start || mark.had_starts) {
    out->start_timestamps_ms.resize(mark.samples);
    starts.resize(out->timestamps_ms.size() - mark.samples);
    out->start_timestamps_ms.insert(out->start_timestamps_ms.end(), starts.begin(), starts.end());
  }
  return true;
}

Status Refused(ChunkEncoding encoding, size_t sample, std::string_view why) {
  return Status::InvalidArgument("encode chunk of encoding " +
                                 std::to_string(static_cast<int>(encoding)) + ": sample " +
                                 std::to_string(sample) + " " + std::string(why));
}

Status CheckSamples(ChunkEncoding encoding, const SeriesBatch& batch, size_t begin, size_t end) {
  const bool floats = KeepsFloats(encoding);
  const SampleKind kind =
      KeepsFloatHistograms(encoding) ? SampleKind::kFloatHistogram : SampleKind::kHistogram;
  for (size_t i = begin; i < end; ++i) {
    if (i > begin && batch.timestamps_ms[i] <= batch.timestamps_ms[i - 1]) {
      return Refused(encoding, i - begin, "is not later than the one before");
    }
    const Histogram* h = batch.histogram(i);
    if (floats ? h != nullptr : h == nullptr || h->kind != kind) {
      return Refused(encoding, i - begin, "is of another kind");
    }
    if (h != nullptr && !WellFormed(*h)) {
      return Refused(encoding, i - begin, "has other buckets than its spans");
    }
    if (!KeepsStarts(encoding) && !batch.start_timestamps_ms.empty() &&
        batch.start_timestamps_ms[i] != 0) {
      return Refused(encoding, i - begin, "has a start timestamp");
    }
  }
  return Status::Ok();
}

}  // namespace

Result<uint32_t> ChunkSampleCount(ChunkEncoding encoding, std::string_view bytes) {
  if (!IsKnown(encoding)) return Status::Corruption(Name(encoding, bytes) + "unknown encoding");
  if (bytes.size() < HeadBytes(encoding)) {
    return Status::Corruption(Name(encoding, bytes) + "shorter than its head");
  }
  const uint32_t count =
      uint32_t{static_cast<uint8_t>(bytes[0])} << 8 | static_cast<uint8_t>(bytes[1]);
  return KeepsHistogramStarts(encoding) ? count & kMaxSamplesWithReset : count;
}

CounterResetHint ChunkResetHint(ChunkEncoding encoding, std::string_view bytes) {
  if (!IsKnown(encoding) || KeepsFloats(encoding) || bytes.size() < HeadBytes(encoding)) {
    return CounterResetHint::kUnknown;
  }
  switch (static_cast<uint8_t>(bytes[KeepsHistogramStarts(encoding) ? 0 : 2]) >> 6) {
    case 1: return CounterResetHint::kNotReset;
    case 2: return CounterResetHint::kReset;
    case 3: return CounterResetHint::kGauge;
    default: return CounterResetHint::kUnknown;
  }
}

namespace {

Status Decode(ChunkEncoding encoding, std::string_view bytes, Wanted range, SeriesBatch* out) {
  ASSIGN_OR_RETURN(const uint32_t count, ChunkSampleCount(encoding, bytes));
  // From the third sample on: two bits in XOR chunks, one in XOR2, four at least in the others.
  const size_t bits = (bytes.size() - HeadBytes(encoding)) * 8;
  const size_t least = encoding == ChunkEncoding::kXor2  ? 1
                       : encoding == ChunkEncoding::kXor ? 2
                                                         : 4;
  if (count > bits / least + 2) {
    return Status::Corruption(Name(encoding, bytes) + "claims " + std::to_string(count) +
                              " samples");
  }
  if (KeepsFloats(encoding) ? DecodeFloats(encoding, bytes, count, range, out)
                            : DecodeHistogramColumns(encoding, bytes, count, range, out)) {
    return Status::Ok();
  }
  return Status::Corruption(Name(encoding, bytes) + "its " + std::to_string(count) +
                            " samples do not decode");
}

}  // namespace

Status DecodeChunk(ChunkEncoding encoding, std::string_view bytes, TimeRange range,
                   SeriesBatch* out) {
  return Decode(encoding, bytes, range, out);
}

Status DecodeUnordered(ChunkEncoding encoding, std::string_view bytes, SeriesBatch* out) {
  return Decode(encoding, bytes, std::nullopt, out);
}

Status EncodeChunk(ChunkEncoding encoding, const SeriesBatch& batch, size_t begin, size_t end,
                   std::string* out, std::optional<CounterResetHint> header) {
  if (!IsKnown(encoding) || begin >= end || end - begin > Capacity(encoding)) {
    return Status::InvalidArgument("encode chunk of encoding " +
                                   std::to_string(static_cast<int>(encoding)) + " with " +
                                   std::to_string(end - begin) + " samples");
  }
  RETURN_IF_ERROR(CheckSamples(encoding, batch, begin, end));
  if (KeepsFloats(encoding)) {
    const auto times = std::span(batch.timestamps_ms).subspan(begin, end - begin);
    const auto values = std::span(batch.values).subspan(begin, end - begin);
    const std::span<const TimestampMs> starts =
        batch.start_timestamps_ms.empty()
            ? std::span<const TimestampMs>()
            : std::span(batch.start_timestamps_ms).subspan(begin, end - begin);
    encoding == ChunkEncoding::kXor ? EncodeXor(times, values, out)
                                    : EncodeXor2(times, values, starts, out);
    return Status::Ok();
  }
  const Histogram& first = *batch.histogram(begin);
  HistogramChunkState state(first);
  for (size_t i = begin + 1; i < end; ++i) {
    if (!state.Append(*batch.histogram(i))) {
      return Refused(encoding, i - begin, "does not fit the chunk");
    }
  }
  const bool told =
      first.reset_hint == CounterResetHint::kReset || first.reset_hint == CounterResetHint::kGauge;
  EncodeHistograms(encoding, batch, begin, end, state.layout(),
                   header.value_or(told ? first.reset_hint : CounterResetHint::kUnknown), out);
  return Status::Ok();
}

ChunkEncoding ChunkEncodingFor(const SeriesBatch& batch, size_t begin, size_t end) {
  const auto& starts = batch.start_timestamps_ms;
  const bool with_start =
      !starts.empty() && std::any_of(starts.begin() + static_cast<ptrdiff_t>(begin),
                                     starts.begin() + static_cast<ptrdiff_t>(end),
                                     [](TimestampMs start) { return start != 0; });
  const Histogram* h = batch.histogram(begin);
  if (h == nullptr) return with_start ? ChunkEncoding::kXor2 : ChunkEncoding::kXor;
  if (h->is_float()) {
    return with_start ? ChunkEncoding::kFloatHistogramSt : ChunkEncoding::kFloatHistogram;
  }
  return with_start ? ChunkEncoding::kHistogramSt : ChunkEncoding::kHistogram;
}

size_t FirstChunkEnd(const SeriesBatch& batch, size_t begin, size_t end, size_t max_samples,
                     std::optional<CounterResetHint>* next_header) {
  if (next_header != nullptr) next_header->reset();
  const Histogram* first = batch.histogram(begin);
  const size_t capacity = first == nullptr ? kMaxSamples : kMaxSamplesWithReset;
  const size_t limit =
      begin + std::min(end - begin, std::max<size_t>(1, std::min(max_samples, capacity)));
  size_t i = begin + 1;
  if (first == nullptr) {
    while (i < limit && batch.histogram(i) == nullptr) ++i;
    return i;
  }
  HistogramChunkState state(*first);
  for (; i < limit; ++i) {
    const Histogram* h = batch.histogram(i);
    if (h == nullptr || h->kind != first->kind) break;
    if (!state.Append(*h)) {
      if (next_header != nullptr) *next_header = state.next_hint();
      break;
    }
  }
  return i;
}

}  // namespace thermocline
