#include "wal/format.h"

#include <algorithm>
#include <charconv>

#include "base/bytes.h"
#include "base/hash.h"

namespace thermocline::wal {
namespace {

constexpr std::string_view kSegmentMagic = "TCWALSEG";
constexpr uint32_t kVersion = 1;
constexpr uint16_t kFragmentMagic = 0x4357;
constexpr std::string_view kSegmentPrefix = "segment-";
constexpr std::string_view kSparePrefix = "spare-";
constexpr std::string_view kSuffix = ".wal";
constexpr size_t kDigits = 20;

// The upper half of the range is never reached, so that the next number never wraps.
bool IsLsn(Lsn lsn) { return lsn.number > 0 && lsn.number < uint64_t{1} << 63; }

std::string NumberedName(std::string_view prefix, uint64_t number) {
  const std::string digits = std::to_string(number);
  std::string name(prefix);
  name.append(kDigits - digits.size(), '0');
  name += digits;
  name += kSuffix;
  return name;
}

std::optional<uint64_t> ParseNumbered(std::string_view prefix, std::string_view name) {
  if (name.size() != prefix.size() + kDigits + kSuffix.size()) return std::nullopt;
  if (name.substr(0, prefix.size()) != prefix) return std::nullopt;
  if (name.substr(prefix.size() + kDigits) != kSuffix) return std::nullopt;
  const std::string_view digits = name.substr(prefix.size(), kDigits);
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + kDigits, number);
  if (error != std::errc() || end != digits.data() + kDigits) return std::nullopt;
  return number;
}

}  // namespace

std::string EncodeSegmentHeader(const SegmentHeader& header) {
  std::string bytes;
  ByteWriter out(&bytes);
  out.Bytes(kSegmentMagic);
  out.U32(kVersion);
  out.U32(0);
  out.U64(header.id.number);
  out.U64(header.epoch);
  out.U64(header.first_lsn.number);
  out.U64(header.previous_lsn.number);
  out.U32(0);
  out.U32(Crc32c(bytes));
  return bytes;
}

std::optional<SegmentHeader> DecodeSegmentHeader(std::string_view bytes, bool check_crc) {
  ByteReader in(bytes);
  const std::string_view magic = in.Bytes(kSegmentMagic.size());
  const uint32_t version = in.U32();
  in.U32();
  SegmentHeader header;
  header.id = SegmentId(in.U64());
  header.epoch = in.U64();
  header.first_lsn = Lsn(in.U64());
  header.previous_lsn = Lsn(in.U64());
  in.U32();
  const size_t covered = in.offset();
  const uint32_t crc = in.U32();
  if (!in.ok() || magic != kSegmentMagic || version != kVersion) return std::nullopt;
  if (check_crc && crc != Crc32c(bytes.substr(0, covered))) return std::nullopt;
  if (header.previous_lsn >= header.first_lsn || !IsLsn(header.first_lsn) ||
      !EpochFits(header.epoch, header.id)) {
    return std::nullopt;
  }
  return header;
}

bool EpochFits(uint64_t epoch, SegmentId id) {
  return static_cast<uint32_t>(epoch) == static_cast<uint32_t>(id.number);
}

uint64_t MakeEpoch(SegmentId id, uint64_t random) {
  return (random << 32) | static_cast<uint32_t>(id.number);
}

void EncodeFragment(const Fragment& fragment, std::string* out) {
  const size_t start = out->size();
  ByteWriter writer(out);
  writer.U16(kFragmentMagic);
  writer.U8(static_cast<uint8_t>(fragment.kind));
  writer.U8(static_cast<uint8_t>(fragment.type));
  writer.U16(static_cast<uint16_t>(fragment.payload.size()));
  writer.U16(fragment.number);
  writer.U64(fragment.lsn.number);
  writer.U64(fragment.epoch);
  writer.U32(fragment.unsynced);
  const uint32_t crc = Crc32c(fragment.payload, Crc32c(std::string_view(*out).substr(start)));
  writer.U32(crc);
  writer.Bytes(fragment.payload);
}

std::optional<Fragment> DecodeFragment(std::string_view bytes, bool check_crc) {
  ByteReader in(bytes);
  if (in.U16() != kFragmentMagic) return std::nullopt;
  Fragment fragment;
  const uint8_t kind = in.U8();
  fragment.kind = static_cast<FragmentKind>(kind);
  fragment.type = static_cast<RecordType>(in.U8());
  const uint16_t size = in.U16();
  fragment.number = in.U16();
  fragment.lsn = Lsn(in.U64());
  fragment.epoch = in.U64();
  fragment.unsynced = in.U32();
  const size_t covered = in.offset();
  const uint32_t crc = in.U32();
  fragment.payload = in.Bytes(size);
  if (!in.ok() || kind < 1 || kind > 4 || !IsLsn(fragment.lsn)) return std::nullopt;
  if (check_crc && crc != Crc32c(fragment.payload, Crc32c(bytes.substr(0, covered)))) {
    return std::nullopt;
  }
  return fragment;
}

uint64_t EncodedSize(uint64_t position, uint64_t payload_bytes) {
  uint64_t size = 0;
  do {
    const uint64_t room = kBlockBytes - (position + size) % kBlockBytes;
    if (room < kMinFragmentRoom) {
      size += room;
      continue;
    }
    const uint64_t part = std::min(payload_bytes, room - kFragmentHeaderBytes);
    payload_bytes -= part;
    size += kFragmentHeaderBytes + part;
    if (payload_bytes == 0) break;
  } while (true);
  return size;
}

std::string SegmentName(SegmentId id) { return NumberedName(kSegmentPrefix, id.number); }
std::string SpareName(uint64_t number) { return NumberedName(kSparePrefix, number); }

std::optional<SegmentId> ParseSegmentName(std::string_view name) {
  const auto number = ParseNumbered(kSegmentPrefix, name);
  if (!number) return std::nullopt;
  return SegmentId(*number);
}

std::optional<uint64_t> ParseSpareName(std::string_view name) {
  return ParseNumbered(kSparePrefix, name);
}

}  // namespace thermocline::wal
