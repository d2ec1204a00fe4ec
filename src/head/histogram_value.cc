#include "head/histogram_value.h"

#include "head/value_bytes.h"

namespace thermocline {
namespace {

constexpr uint8_t kHintMask = 0x03;
constexpr uint8_t kFloatFlag = 0x04;
constexpr uint8_t kSameLayoutFlag = 0x08;
constexpr uint8_t kBoundsFlag = 0x10;
constexpr uint8_t kStaleFlag = 0x20;
constexpr uint8_t kAllFlags = 0x3f;

constexpr uint8_t kSameValueTag = 0xf0;

// Counts wrap modulo 2^64.
constexpr int64_t Minus(uint64_t a, uint64_t b) { return static_cast<int64_t>(a - b); }
constexpr uint64_t Plus(uint64_t a, int64_t b) { return a + static_cast<uint64_t>(b); }

// Zigzag integers in groups of three bits, two groups a byte.
class NibbleWriter {
 public:
  explicit NibbleWriter(std::string* out) : out_(out) {}

  void Put(int64_t value) {
    uint64_t v = ZigZag(value);
    for (; v >= 8; v >>= 3) Nibble(static_cast<uint8_t>(8 | (v & 7)));
    Nibble(static_cast<uint8_t>(v));
  }

 private:
  void Nibble(uint8_t nibble) {
    if (half_) {
      out_->back() = static_cast<char>(static_cast<uint8_t>(out_->back()) | nibble << 4);
    } else {
      out_->push_back(static_cast<char>(nibble));
    }
    half_ = !half_;
  }

  std::string* out_;
  bool half_ = false;
};

class NibbleReader {
 public:
  explicit NibbleReader(ByteReader& reader) : reader_(reader) {}

  int64_t Get() {
    uint64_t v = 0;
    for (int shift = 0; shift < 66; shift += 3) {
      const uint8_t nibble = Nibble();
      if (shift == 63 && nibble > 1) break;
      v |= uint64_t{nibble} % 8 << shift;
      if (nibble < 8) return UnZigZag(v);
    }
    reader_.Fail();
    return 0;
  }
  // Whether all went well and nothing is left in the last byte.
  bool Finish() const { return reader_.ok() && (!half_ || byte_ == 0); }

 private:
  uint8_t Nibble() {
    if (half_) {
      half_ = false;
      return byte_;
    }
    const uint8_t byte = reader_.U8();
    byte_ = byte >> 4;
    half_ = true;
    return byte & 15;
  }

  ByteReader& reader_;
  uint8_t byte_ = 0;  // the high nibble, when it is still to come
  bool half_ = false;
};

bool SameBounds(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!SameBits(a[i], b[i])) return false;
  }
  return true;
}

bool SameLayout(const Histogram& a, const Histogram& b) {
  return a.schema == b.schema && SameBits(a.zero_threshold, b.zero_threshold) &&
         a.positive_spans == b.positive_spans && a.negative_spans == b.negative_spans &&
         SameBounds(a.custom_bounds, b.custom_bounds);
}

void PutLayout(const Histogram& h, std::string* out) {
  ByteWriter writer(out);
  writer.SignedVarint(h.schema);
  AppendValue(h.zero_threshold, out);
  for (const auto* spans : {&h.positive_spans, &h.negative_spans}) {
    writer.Varint(spans->size());
    for (const HistogramSpan& span : *spans) {
      writer.SignedVarint(span.offset);
      writer.Varint(span.length);
    }
  }
  if (h.custom_bounds.empty()) return;
  writer.Varint(h.custom_bounds.size());
  for (const double bound : h.custom_bounds) AppendValue(bound, out);
}

void PutCounts(const Histogram& h, const Histogram* before, std::string* out) {
  NibbleWriter writer(out);
  writer.Put(Minus(h.count, before == nullptr ? 0 : before->count));
  writer.Put(Minus(h.zero_count, before == nullptr ? 0 : before->zero_count));
  const auto put_side = [&](const std::vector<int64_t>& counts, const std::vector<int64_t>* other) {
    uint64_t left = 0;
    for (size_t i = 0; i < counts.size(); ++i) {
      const auto count = static_cast<uint64_t>(counts[i]);
      writer.Put(Minus(count, other == nullptr ? left : static_cast<uint64_t>((*other)[i])));
      left = count;
    }
  };
  put_side(h.positive_counts, before == nullptr ? nullptr : &before->positive_counts);
  put_side(h.negative_counts, before == nullptr ? nullptr : &before->negative_counts);
}

void PutFloats(const Histogram& h, const Histogram* before, std::string* out) {
  const auto put = [&](double value, const double* other) {
    if (other != nullptr && SameBits(value, *other)) {
      out->push_back(static_cast<char>(kSameValueTag));
    } else {
      AppendValue(value, out);
    }
  };
  put(h.float_count, before == nullptr ? nullptr : &before->float_count);
  put(h.float_zero_count, before == nullptr ? nullptr : &before->float_zero_count);
  for (size_t i = 0; i < h.positive_floats.size(); ++i) {
    put(h.positive_floats[i], before == nullptr ? nullptr : &before->positive_floats[i]);
  }
  for (size_t i = 0; i < h.negative_floats.size(); ++i) {
    put(h.negative_floats[i], before == nullptr ? nullptr : &before->negative_floats[i]);
  }
}

bool ReadSpans(ByteReader& reader, std::vector<HistogramSpan>* spans, uint64_t* buckets) {
  const uint64_t count = reader.Varint();
  if (!reader.ok() || count > reader.remaining() / 2) return false;
  spans->clear();
  spans->reserve(count);
  *buckets = 0;
  for (uint64_t i = 0; i < count; ++i) {
    const int64_t offset = reader.SignedVarint();
    const uint64_t length = reader.Varint();
    if (!reader.ok() || offset < INT32_MIN || offset > INT32_MAX || length > UINT32_MAX) {
      return false;
    }
    spans->push_back({static_cast<int32_t>(offset), static_cast<uint32_t>(length)});
    *buckets += length;
  }
  return true;
}

}  // namespace

void PutHistogram(const Histogram& h, const Histogram* before, std::string* out) {
  const uint8_t kind_flag = h.is_float() ? kFloatFlag : 0;
  if (IsStale(h.sum)) {
    out->push_back(static_cast<char>(kind_flag | kStaleFlag));
    return;
  }
  const bool same = before != nullptr && !IsStale(before->sum) && before->kind == h.kind &&
                    SameLayout(*before, h);
  const auto hint = static_cast<uint8_t>(h.reset_hint);
  const uint8_t layout_flag = same ? kSameLayoutFlag : h.custom_bounds.empty() ? 0 : kBoundsFlag;
  out->push_back(static_cast<char>(hint | kind_flag | layout_flag));
  if (!same) PutLayout(h, out);
  h.is_float() ? PutFloats(h, same ? before : nullptr, out)
               : PutCounts(h, same ? before : nullptr, out);
}

bool HistogramSequence::ReadLayout(bool with_bounds, ByteReader& reader) {
  const int64_t schema = reader.SignedVarint();
  if (schema < INT32_MIN || schema > INT32_MAX) return false;
  current_.schema = static_cast<int32_t>(schema);
  current_.zero_threshold = ReadValue(reader);
  uint64_t positive = 0;
  uint64_t negative = 0;
  if (!ReadSpans(reader, &current_.positive_spans, &positive) ||
      !ReadSpans(reader, &current_.negative_spans, &negative)) {
    return false;
  }
  current_.custom_bounds.clear();
  if (with_bounds) {
    const uint64_t count = reader.Varint();
    if (!reader.ok() || count == 0 || count > reader.remaining()) return false;
    current_.custom_bounds.reserve(count);
    for (uint64_t i = 0; i < count; ++i) current_.custom_bounds.push_back(ReadValue(reader));
  }
  // A count takes half a byte at least, a float a whole one.
  const uint64_t room = reader.remaining() * (current_.is_float() ? 1 : 2);
  if (!reader.ok() || positive > room || negative > room - positive) return false;
  if (current_.is_float()) {
    current_.positive_floats.resize(positive);
    current_.negative_floats.resize(negative);
  } else {
    current_.positive_counts.resize(positive);
    current_.negative_counts.resize(negative);
  }
  return true;
}

bool HistogramSequence::ReadCounts(bool with_before, ByteReader& reader) {
  NibbleReader nibbles(reader);
  current_.count = Plus(with_before ? current_.count : 0, nibbles.Get());
  current_.zero_count = Plus(with_before ? current_.zero_count : 0, nibbles.Get());
  for (auto* counts : {&current_.positive_counts, &current_.negative_counts}) {
    uint64_t left = 0;
    for (int64_t& count : *counts) {
      left = Plus(with_before ? static_cast<uint64_t>(count) : left, nibbles.Get());
      count = static_cast<int64_t>(left);
      if (!reader.ok()) return false;
    }
  }
  return nibbles.Finish();
}

bool HistogramSequence::ReadFloats(bool with_before, ByteReader& reader) {
  const auto get = [&](double* value) {
    const uint8_t tag = reader.U8();
    if (!with_before || tag != kSameValueTag) *value = ReadTaggedValue(tag, reader);
  };
  get(&current_.float_count);
  get(&current_.float_zero_count);
  for (auto* floats : {&current_.positive_floats, &current_.negative_floats}) {
    for (double& value : *floats) {
      get(&value);
      if (!reader.ok()) return false;
    }
  }
  return reader.ok();
}

Histogram* HistogramSequence::Next(ByteReader& reader) {
  const uint8_t flags = reader.U8();
  const bool stale = (flags & kStaleFlag) != 0;
  const bool same = (flags & kSameLayoutFlag) != 0;
  const bool with_bounds = (flags & kBoundsFlag) != 0;
  const bool is_float = (flags & kFloatFlag) != 0;
  const bool good = (flags & ~kAllFlags) == 0 && is_float == current_.is_float() &&
                    !(same && with_bounds) && !(same && !has_before_) &&
                    !(stale && (flags & ~(kStaleFlag | kFloatFlag)) != 0);
  if (!reader.ok() || !good) {
    reader.Fail();
    return nullptr;
  }
  has_before_ = !stale;
  if (stale) {
    stale_.sum = StaleMarker();
    return &stale_;
  }
  current_.reset_hint = static_cast<CounterResetHint>(flags & kHintMask);
  current_.sum = 0;
  if ((!same && !ReadLayout(with_bounds, reader)) ||
      !(is_float ? ReadFloats(same, reader) : ReadCounts(same, reader))) {
    reader.Fail();
    return nullptr;
  }
  return &current_;
}

}  // namespace thermocline
