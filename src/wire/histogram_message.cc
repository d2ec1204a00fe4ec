#include "wire/histogram_message.h"

#include <string>
#include <vector>

#include "base/result.h"
#include "codec/histogram_layout.h"
#include "model/histogram_check.h"

namespace thermocline {
namespace {

constexpr uint32_t kLastKnownField = 16;

constexpr int64_t UnZigZag(uint64_t v) { return static_cast<int64_t>((v >> 1) ^ (~(v & 1) + 1)); }
// Of a 32-bit field: what is above is cut off.
constexpr int32_t UnZigZag32(uint64_t v) {
  const auto low = static_cast<uint32_t>(v);
  return static_cast<int32_t>((low >> 1) ^ (~(low & 1) + 1));
}

class HistogramParser {
 public:
  HistogramParser(std::string_view message, uint64_t* room, HistogramMessage* out)
      : in_(message), room_(*room), out_(*out), h_(out->histogram) {}

  bool Run(ProtoFault* fault) {
    while (!in_.done()) Field(in_.Tag());
    *fault = in_.fault();
    if (!has_room_ || in_.fault() != ProtoFault::kNone) return false;
    Settle();
    return true;
  }

 private:
  void Field(uint32_t tag) {
    switch (tag) {
      case VarintField(1):
        h_.count = in_.Varint();
        is_float_ = false;
        break;
      case Fixed64Field(2):
        h_.float_count = in_.Double();
        is_float_ = true;
        break;
      case Fixed64Field(3): h_.sum = in_.Double(); break;
      case VarintField(4): h_.schema = UnZigZag32(in_.Varint()); break;
      case Fixed64Field(5): h_.zero_threshold = in_.Double(); break;
      case VarintField(6):
        h_.zero_count = in_.Varint();
        zero_is_float_ = false;
        break;
      case Fixed64Field(7):
        h_.float_zero_count = in_.Double();
        zero_is_float_ = true;
        break;
      case BytesField(8): Span(in_.Bytes(), &h_.negative_spans); break;
      case BytesField(11): Span(in_.Bytes(), &h_.positive_spans); break;
      case VarintField(14): hint_ = in_.Varint(); break;
      case VarintField(15): out_.timestamp_ms = static_cast<int64_t>(in_.Varint()); break;
      case VarintField(17): out_.start_ms = static_cast<int64_t>(in_.Varint()); break;
      default: Bucket(tag);
    }
  }

  // The repeated scalars, packed or not.
  void Bucket(uint32_t tag) {
    switch (tag) {
      case BytesField(9): Deltas(in_.Bytes(), &h_.negative_counts); break;
      case VarintField(9): Delta(in_.Varint(), &h_.negative_counts); break;
      case BytesField(12): Deltas(in_.Bytes(), &h_.positive_counts); break;
      case VarintField(12): Delta(in_.Varint(), &h_.positive_counts); break;
      case BytesField(10): Doubles(in_.Bytes(), &h_.negative_floats); break;
      case Fixed64Field(10): Double(in_.Double(), &h_.negative_floats); break;
      case BytesField(13): Doubles(in_.Bytes(), &h_.positive_floats); break;
      case Fixed64Field(13): Double(in_.Double(), &h_.positive_floats); break;
      case BytesField(16): Doubles(in_.Bytes(), &h_.custom_bounds); break;
      case Fixed64Field(16): Double(in_.Double(), &h_.custom_bounds); break;
      default:
        // A known field in another wire type is an error, not an unknown field.
        if (tag >> 3 <= kLastKnownField) in_.Fail(ProtoFault::kMalformed);
        in_.Skip(tag);
    }
  }

  bool Take() {
    if (room_ == 0) {
      has_room_ = false;
      in_.Fail(ProtoFault::kMalformed);
      return false;
    }
    --room_;
    return true;
  }
  void Note(const ProtoCursor& in) {
    if (in.fault() != ProtoFault::kNone) in_.Fail(in.fault());
  }

  void Span(std::string_view message, std::vector<HistogramSpan>* spans) {
    if (!Take()) return;
    ProtoCursor in(message);
    HistogramSpan span;
    while (!in.done()) {
      const uint32_t tag = in.Tag();
      if (tag == VarintField(1)) {
        span.offset = UnZigZag32(in.Varint());
      } else if (tag == VarintField(2)) {
        span.length = static_cast<uint32_t>(in.Varint());
      } else {
        if (tag >> 3 <= 2) in.Fail(ProtoFault::kMalformed);
        in.Skip(tag);
      }
    }
    Note(in);
    spans->push_back(span);
  }

  // Sent is the difference from the left neighbour, modulo 2^64.
  void Delta(uint64_t zigzag, std::vector<int64_t>* counts) {
    if (!Take()) return;
    const uint64_t left = counts->empty() ? 0 : static_cast<uint64_t>(counts->back());
    counts->push_back(static_cast<int64_t>(left + static_cast<uint64_t>(UnZigZag(zigzag))));
  }
  void Deltas(std::string_view packed, std::vector<int64_t>* counts) {
    ProtoCursor in(packed);
    while (!in.done() && has_room_) {
      const uint64_t zigzag = in.Varint();
      if (in.fault() == ProtoFault::kNone) Delta(zigzag, counts);
    }
    Note(in);
  }
  void Double(double value, std::vector<double>* values) {
    if (Take()) values->push_back(value);
  }
  void Doubles(std::string_view packed, std::vector<double>* values) {
    ProtoCursor in(packed);
    while (!in.done() && has_room_) {
      const double value = in.Double();
      if (in.fault() == ProtoFault::kNone) Double(value, values);
    }
    Note(in);
  }

  void Settle() {
    h_.reset_hint = hint_ <= static_cast<uint64_t>(CounterResetHint::kGauge)
                        ? static_cast<CounterResetHint>(hint_)
                        : CounterResetHint::kUnknown;
    if (is_float_) {
      h_.kind = SampleKind::kFloatHistogram;
      h_.count = h_.zero_count = 0;
      if (!zero_is_float_) h_.float_zero_count = 0;
      h_.positive_counts.clear();
      h_.negative_counts.clear();
    } else {
      h_.float_count = h_.float_zero_count = 0;
      if (zero_is_float_) h_.zero_count = 0;
      h_.positive_floats.clear();
      h_.negative_floats.clear();
    }
  }

  ProtoCursor in_;
  uint64_t& room_;
  HistogramMessage& out_;
  Histogram& h_;
  bool has_room_ = true;
  bool is_float_ = false;
  bool zero_is_float_ = false;
  uint64_t hint_ = 0;
};

// As Prometheus' reduceResolution words it: without the side.
Status CheckReducible(const std::vector<HistogramSpan>& spans, size_t buckets) {
  uint64_t needed = 0;
  const std::string other = "histogram spans specify different number of buckets than provided";
  for (size_t i = 0; i < spans.size(); ++i) {
    if (i > 0 && spans[i].offset < 0) {
      return Status::InvalidArgument("span number " + std::to_string(i + 1) + " with offset " +
                                     std::to_string(spans[i].offset) +
                                     ": histogram has a span whose offset is negative");
    }
    needed += spans[i].length;
    if (needed > buckets) {
      return Status::InvalidArgument("have " + std::to_string(buckets) +
                                     " buckets but spans need more: " + other);
    }
  }
  if (needed == buckets) return Status::Ok();
  return Status::InvalidArgument("spans need " + std::to_string(needed) + " buckets, have " +
                                 std::to_string(buckets) + " buckets: " + other);
}

}  // namespace

bool ReadHistogramMessage(std::string_view message, uint64_t* room, HistogramMessage* out,
                          ProtoFault* fault) {
  return HistogramParser(message, room, out).Run(fault);
}

Status AdmitHistogram(Histogram* h) {
  if (h->schema > kMaxSchema && h->schema <= kMaxKnownSchema) {
    const bool is_float = h->is_float();
    RETURN_IF_ERROR(CheckReducible(
        h->positive_spans, is_float ? h->positive_floats.size() : h->positive_counts.size()));
    RETURN_IF_ERROR(CheckReducible(
        h->negative_spans, is_float ? h->negative_floats.size() : h->negative_counts.size()));
    if (!ReduceResolution(h)) return Status::InvalidArgument("histogram cannot be reduced");
  }
  return CheckHistogram(*h);
}

}  // namespace thermocline
