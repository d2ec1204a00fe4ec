#include "codec/sample_block.h"

#include "base/check.h"
#include "model/sample.h"

namespace thermocline {
namespace {

constexpr uint8_t kVersion = 1;

Status Malformed(const char* what) {
  return Status::Corruption(std::string("decoding a sample block: ") + what);
}

struct Parts {
  SampleBlockInfo info;
  std::string_view times;
  std::string_view values;
};

Result<Parts> Split(std::string_view bytes) {
  ByteReader reader(bytes);
  if (reader.U8() != kVersion) return Malformed("unknown version");
  const uint8_t shape = reader.U8();
  if (shape > static_cast<uint8_t>(FloatShape::kLinear)) return Malformed("unknown shape");
  Parts parts;
  parts.info.shape = static_cast<FloatShape>(shape);
  parts.info.range.start_ms = reader.SignedVarint();
  parts.info.range.end_ms =
      static_cast<int64_t>(static_cast<uint64_t>(parts.info.range.start_ms) + reader.Varint());
  parts.info.last_value = reader.F64();
  parts.times = reader.LengthPrefixed();
  parts.values = reader.Bytes(reader.remaining());
  if (!reader.ok()) return Malformed("bytes are missing");
  ASSIGN_OR_RETURN(parts.info.count, TimeBlockCount(parts.times));
  return parts;
}

}  // namespace

IntForm EncodeTimeBlock(std::span<const TimestampMs> times_ms, std::string* out) {
  ByteWriter(out).Varint(times_ms.size());
  return EncodeIntBlock(times_ms, out);
}

Result<size_t> TimeBlockCount(std::string_view bytes) {
  ByteReader reader(bytes);
  const uint64_t count = reader.Varint();
  if (!reader.ok() || count == 0 || count > kMaxBlockItems) {
    return Status::Corruption("decoding a time block: the count is out of range");
  }
  return static_cast<size_t>(count);
}

Status DecodeTimeBlock(std::string_view bytes, std::span<TimestampMs> out) {
  ByteReader reader(bytes);
  const uint64_t count = reader.Varint();
  if (!reader.ok() || count != out.size() || count == 0 || count > kMaxBlockItems) {
    return Status::Corruption("decoding a time block: the count is not the expected one");
  }
  RETURN_IF_ERROR(DecodeIntBlock(reader, out));
  if (!reader.done()) return Status::Corruption("decoding a time block: bytes are left over");
  return Status::Ok();
}

SampleBlockInfo EncodeSampleBlock(std::span<const TimestampMs> times_ms,
                                  std::span<const double> values, std::string* out) {
  CHECK(times_ms.size() == values.size() && !values.empty());
  std::string times;
  std::string floats;
  const IntForm time_form = EncodeTimeBlock(times_ms, &times);
  SampleBlockInfo info;
  info.count = values.size();
  info.range = {times_ms.front(), times_ms.back()};
  info.last_value = values.back();
  info.shape = EncodeFloatBlock(values, &floats);
  if (info.shape == FloatShape::kLinear && time_form != IntForm::kLinear) {
    info.shape = FloatShape::kNeither;
  }
  ByteWriter writer(out);
  writer.U8(kVersion);
  writer.U8(static_cast<uint8_t>(info.shape));
  writer.SignedVarint(info.range.start_ms);
  writer.Varint(static_cast<uint64_t>(info.range.end_ms) -
                static_cast<uint64_t>(info.range.start_ms));
  writer.F64(info.last_value);
  writer.LengthPrefixed(times);
  writer.Bytes(floats);
  return info;
}

Result<SampleBlockInfo> ReadSampleBlockInfo(std::string_view bytes) {
  ASSIGN_OR_RETURN(const Parts parts, Split(bytes));
  return parts.info;
}

Status DecodeSampleBlock(std::string_view bytes, std::span<TimestampMs> times_ms,
                         std::span<double> values) {
  ASSIGN_OR_RETURN(const Parts parts, Split(bytes));
  if (parts.info.count != times_ms.size() || times_ms.size() != values.size()) {
    return Malformed("the count is not the expected one");
  }
  RETURN_IF_ERROR(DecodeTimeBlock(parts.times, times_ms));
  RETURN_IF_ERROR(DecodeFloatBlock(parts.values, values));
  bool ascending = true;
  for (size_t i = 1; i < times_ms.size(); ++i) ascending &= times_ms[i - 1] < times_ms[i];
  if (!ascending || times_ms.front() != parts.info.range.start_ms ||
      times_ms.back() != parts.info.range.end_ms ||
      !SameBits(values.back(), parts.info.last_value)) {
    return Malformed("the samples do not match the head");
  }
  return Status::Ok();
}

}  // namespace thermocline
