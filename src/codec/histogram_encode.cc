#include "codec/histogram_append.h"
#include "codec/histogram_chunk.h"
#include "codec/start_times.h"

namespace thermocline {
namespace {

class HistogramWriter {
 public:
  HistogramWriter(const HistogramLayout& layout, bool is_float, BitWriter* bits)
      : layout_(layout), bits_(*bits), is_float_(is_float) {
    for (size_t side = 0; side < 2; ++side) {
      const uint64_t buckets = BucketCount(layout.spans[side]);
      if (is_float) {
        xors_[side].assign(buckets, {0, XorState::kNoWindow, 0});
      } else {
        last_[side].resize(buckets);
        deltas_[side].resize(buckets);
      }
    }
    WriteHistogramLayout(layout, bits);
  }

  void Next(bool first, TimestampMs t, const Histogram& h) {
    const auto time = static_cast<uint64_t>(t);
    const bool stale = IsStale(h.sum);
    if (first) {
      bits_.VarbitInt(t);
    } else {
      bits_.VarbitInt(static_cast<int64_t>(time - t_ - t_delta_));
      t_delta_ = time - t_;
    }
    t_ = time;
    is_float_ ? Float(first, stale, h) : Integer(first, stale, h);
  }

 private:
  void Integer(bool first, bool stale, const Histogram& h) {
    const uint64_t count = stale ? 0 : h.count;
    const uint64_t zero = stale ? 0 : h.zero_count;
    if (first) {
      bits_.VarbitUint(count);
      bits_.VarbitUint(zero);
      sum_.bits = std::bit_cast<uint64_t>(h.sum);
      bits_.Bits(sum_.bits, 64);
    } else {
      // Of a stale sample these fields say nothing.
      bits_.VarbitInt(stale ? 0 : static_cast<int64_t>(count - count_ - count_delta_));
      bits_.VarbitInt(stale ? 0 : static_cast<int64_t>(zero - zero_ - zero_delta_));
      count_delta_ = count - count_;
      zero_delta_ = zero - zero_;
      bits_.Xor(h.sum, &sum_);
    }
    count_ = count;
    zero_ = zero;
    if (stale) return;
    Buckets(first, h.positive_spans, h.positive_counts, 0);
    Buckets(first, h.negative_spans, h.negative_counts, 1);
  }
  void Buckets(bool first, const std::vector<HistogramSpan>& spans,
               const std::vector<int64_t>& counts, size_t side) {
    Respread(spans, counts, layout_.spans[side], &spread_);
    uint64_t left = 0;  // the bucket before: its difference is what is stored
    for (size_t i = 0; i < spread_.size(); ++i) {
      const auto count = static_cast<uint64_t>(spread_[i]);
      const uint64_t v = count - left;
      left = count;
      const uint64_t delta = v - last_[side][i];
      bits_.VarbitInt(static_cast<int64_t>(first ? v : delta - deltas_[side][i]));
      last_[side][i] = v;
      deltas_[side][i] = first ? 0 : delta;
    }
  }
  void Float(bool first, bool stale, const Histogram& h) {
    Field(first, stale ? 0 : h.float_count, &float_count_);
    Field(first, stale ? 0 : h.float_zero_count, &float_zero_);
    Field(first, h.sum, &sum_);
    if (stale) return;
    for (size_t side = 0; side < 2; ++side) {
      Respread(side == 0 ? h.positive_spans : h.negative_spans,
               side == 0 ? h.positive_floats : h.negative_floats, layout_.spans[side],
               &spread_floats_);
      for (size_t i = 0; i < spread_floats_.size(); ++i) {
        Field(first, spread_floats_[i], &xors_[side][i]);
      }
    }
  }
  void Field(bool first, double v, XorState* state) {
    if (!first) return bits_.Xor(v, state);
    state->bits = std::bit_cast<uint64_t>(v);
    bits_.Bits(state->bits, 64);
  }

  const HistogramLayout& layout_;
  BitWriter& bits_;
  const bool is_float_;
  uint64_t t_ = 0, t_delta_ = 0;
  uint64_t count_ = 0, count_delta_ = 0, zero_ = 0, zero_delta_ = 0;
  XorState sum_{0, XorState::kNoWindow, 0};
  XorState float_count_{0, XorState::kNoWindow, 0};
  XorState float_zero_{0, XorState::kNoWindow, 0};
  std::vector<uint64_t> last_[2];
  std::vector<uint64_t> deltas_[2];
  std::vector<XorState> xors_[2];
  std::vector<int64_t> spread_;
  std::vector<double> spread_floats_;
};

}  // namespace

void EncodeHistograms(ChunkEncoding encoding, const SeriesBatch& batch, size_t begin, size_t end,
                      const HistogramLayout& layout, CounterResetHint header, std::string* out) {
  static constexpr uint8_t kHeaderBits[4] = {0x00, 0x80, 0x40, 0xc0};  // by CounterResetHint
  const size_t count = end - begin;
  const uint8_t flags = kHeaderBits[static_cast<size_t>(header)];
  const bool with_starts = KeepsHistogramStarts(encoding);
  const size_t at = out->size();
  out->push_back(static_cast<char>((count >> 8) | (with_starts ? flags : 0)));
  out->push_back(static_cast<char>(count));
  out->push_back(static_cast<char>(with_starts ? 0 : flags));
  BitWriter bits(out);
  HistogramWriter writer(layout, KeepsFloatHistograms(encoding), &bits);
  StartTimeWriter start;
  for (size_t i = 0; i < count; ++i) {
    const TimestampMs t = batch.timestamps_ms[begin + i];
    writer.Next(i == 0, t, *batch.histogram(begin + i));
    if (!with_starts) continue;
    const TimestampMs start_ms =
        batch.start_timestamps_ms.empty() ? 0 : batch.start_timestamps_ms[begin + i];
    start.Next(static_cast<uint32_t>(i), t, i == 0 ? 0 : batch.timestamps_ms[begin + i - 1],
               start_ms, &bits);
  }
  bits.Finish();
  if (with_starts) (*out)[at + 2] = static_cast<char>(start.header());
}

}  // namespace thermocline
