#include <algorithm>

#include "codec/histogram_chunk.h"
#include "codec/start_times.h"

namespace thermocline {
namespace {

// Grows ahead of `count` more, without losing the vector's geometric growth.
void Prepare(size_t count, std::vector<Histogram>* histograms) {
  const size_t needed = histograms->size() + count;
  if (needed <= histograms->capacity()) return;
  histograms->reserve(std::max(needed, 2 * histograms->capacity()));
}

// Histograms of a chunk share its layout on disk but each has its own in memory: what a chunk may
// ask for is bounded by its size.
constexpr uint64_t kMemoryFloor = uint64_t{4} << 20;
constexpr uint64_t kMemoryFactor = 256;

class HistogramReader {
 public:
  HistogramReader(BitReader* bits, bool is_float) : bits_(*bits), is_float_(is_float) {}

  bool Start(uint64_t memory) {
    if (!ReadHistogramLayout(&bits_, &layout_)) return false;
    memory_ = memory;
    for (size_t side = 0; side < 2; ++side) {
      const uint64_t buckets = BucketCount(layout_.spans[side]);
      // The first sample has a field for each, of 64 bits or at least one.
      if (buckets > bits_.remaining_bits() / (is_float_ ? 64 : 1)) return false;
      buckets_[side] = buckets;
      if (is_float_) {
        floats_[side].resize(buckets);
      } else {
        counts_[side].resize(buckets);
      }
    }
    per_sample_ = sizeof(Histogram) + (buckets_[0] + buckets_[1]) * 8 +
                  (layout_.spans[0].size() + layout_.spans[1].size()) * sizeof(HistogramSpan) +
                  layout_.custom_bounds.size() * 8;
    return true;
  }

  bool Next(bool first) {
    if (is_float_) {
      first ? FirstFloat() : NextFloat();
    } else {
      first ? FirstInteger() : NextInteger();
    }
    return bits_.ok();
  }

  TimestampMs t_ms() const { return static_cast<int64_t>(t_); }

  // Appends the current sample; false when the chunk has used up its memory.
  bool Emit(CounterResetHint hint, std::vector<Histogram>* out) {
    Histogram& h = out->emplace_back();
    h.kind = is_float_ ? SampleKind::kFloatHistogram : SampleKind::kHistogram;
    h.sum = std::bit_cast<double>(sum_.bits);
    if (IsStale(h.sum)) return Charge(sizeof(Histogram));
    if (!Charge(per_sample_)) return false;
    h.reset_hint = hint;
    h.schema = layout_.schema;
    h.zero_threshold = layout_.zero_threshold;
    h.positive_spans = layout_.spans[0];
    h.negative_spans = layout_.spans[1];
    h.custom_bounds = layout_.custom_bounds;
    if (is_float_) {
      h.float_count = std::bit_cast<double>(float_count_.bits);
      h.float_zero_count = std::bit_cast<double>(float_zero_.bits);
      Floats(floats_[0], &h.positive_floats);
      Floats(floats_[1], &h.negative_floats);
    } else {
      h.count = count_.value;
      h.zero_count = zero_.value;
      Sums(counts_[0], &h.positive_counts);
      Sums(counts_[1], &h.negative_counts);
    }
    return h.schema <= kMaxSchema || ReduceResolution(&h);
  }

 private:
  // An integer field that is kept as delta of deltas, modulo 2^64.
  struct Counter {
    uint64_t value = 0;
    uint64_t delta = 0;
    void Add(int64_t dod) {
      delta += static_cast<uint64_t>(dod);
      value += delta;
    }
  };

  bool stale() const { return sum_.bits == kStaleBits; }

  void FirstInteger() {
    t_ = static_cast<uint64_t>(bits_.VarbitInt());
    count_.value = bits_.VarbitUint();
    zero_.value = bits_.VarbitUint();
    sum_.bits = bits_.Bits(64);
    for (auto& side : counts_) {
      for (Counter& bucket : side) bucket.value = static_cast<uint64_t>(bits_.VarbitInt());
    }
  }
  void NextInteger() {
    NextTime();
    count_.Add(bits_.VarbitInt());
    zero_.Add(bits_.VarbitInt());
    bits_.Xor(&sum_);
    if (stale()) return;
    for (auto& side : counts_) {
      for (Counter& bucket : side) bucket.Add(bits_.VarbitInt());
    }
  }
  void FirstFloat() {
    t_ = static_cast<uint64_t>(bits_.VarbitInt());
    float_count_.bits = bits_.Bits(64);
    float_zero_.bits = bits_.Bits(64);
    sum_.bits = bits_.Bits(64);
    for (auto& side : floats_) {
      for (XorState& bucket : side) bucket.bits = bits_.Bits(64);
    }
  }
  void NextFloat() {
    NextTime();
    bits_.Xor(&float_count_);
    bits_.Xor(&float_zero_);
    bits_.Xor(&sum_);
    if (stale()) return;
    for (auto& side : floats_) {
      for (XorState& bucket : side) bits_.Xor(&bucket);
    }
  }
  void NextTime() {
    t_delta_ += static_cast<uint64_t>(bits_.VarbitInt());
    t_ += t_delta_;
  }

  bool Charge(uint64_t bytes) {
    if (bytes > memory_) return false;
    memory_ -= bytes;
    return true;
  }
  // Stored are the differences between neighbouring buckets.
  static void Sums(const std::vector<Counter>& from, std::vector<int64_t>* to) {
    to->resize(from.size());
    uint64_t sum = 0;
    for (size_t i = 0; i < from.size(); ++i) {
      sum += from[i].value;
      (*to)[i] = static_cast<int64_t>(sum);
    }
  }
  static void Floats(const std::vector<XorState>& from, std::vector<double>* to) {
    to->resize(from.size());
    for (size_t i = 0; i < from.size(); ++i) (*to)[i] = std::bit_cast<double>(from[i].bits);
  }

  BitReader& bits_;
  const bool is_float_;
  HistogramLayout layout_;
  uint64_t buckets_[2] = {0, 0};
  uint64_t per_sample_ = 0;
  uint64_t memory_ = 0;
  uint64_t t_ = 0;
  uint64_t t_delta_ = 0;
  XorState sum_;
  Counter count_, zero_;
  std::vector<Counter> counts_[2];
  XorState float_count_, float_zero_;
  std::vector<XorState> floats_[2];
};

}  // namespace

bool DecodeHistograms(ChunkEncoding encoding, std::string_view bytes, size_t count, TimeRange range,
                      SeriesBatch* out, std::vector<TimestampMs>* starts, bool any_order) {
  if (count == 0) return true;
  const PaddedChunk padded(bytes);
  BitReader bits(padded, 3);
  const bool with_starts = KeepsHistogramStarts(encoding);
  StartTimeReader start(with_starts ? static_cast<uint8_t>(bytes[2]) : 0);
  const bool gauge = ChunkResetHint(encoding, bytes) == CounterResetHint::kGauge;
  HistogramReader reader(&bits, KeepsFloatHistograms(encoding));
  if (!reader.Start(kMemoryFloor + kMemoryFactor * bytes.size())) return false;
  // A count that lies is bounded like the samples themselves.
  if (count * sizeof(Histogram) <= kMemoryFloor) Prepare(count, &out->histograms);
  TimestampMs previous = 0;
  for (size_t i = 0; i < count; ++i) {
    if (!reader.Next(i == 0)) return false;
    const TimestampMs t = reader.t_ms();
    if (i > 0 && t <= previous && !any_order) return false;
    const TimestampMs start_ms = start.Next(static_cast<uint32_t>(i), t, previous, &bits);
    if (!bits.ok()) return false;
    previous = t;
    if (!range.Contains(t)) continue;
    const CounterResetHint hint = gauge    ? CounterResetHint::kGauge
                                  : i == 0 ? CounterResetHint::kUnknown
                                           : CounterResetHint::kNotReset;
    if (!reader.Emit(hint, &out->histograms)) return false;
    out->timestamps_ms.push_back(t);
    out->values.push_back(out->histograms.back().sum);
    out->histogram_index.push_back(static_cast<uint32_t>(out->histograms.size() - 1));
    if (with_starts) starts->push_back(start_ms);
  }
  return true;
}

}  // namespace thermocline
