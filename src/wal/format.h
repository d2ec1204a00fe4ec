// The bytes of FORMAT.md: segment header, fragment header, names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "wal/log.h"

namespace thermocline::wal {

inline constexpr std::string_view kFragmentMagicBytes = "WC";  // 0x4357
inline constexpr uint64_t kBlockBytes = 32 * 1024;
inline constexpr size_t kSegmentHeaderBytes = 56;
inline constexpr size_t kFragmentHeaderBytes = 32;
// Fewer bytes than this at the end of a block are left zero.
inline constexpr size_t kMinFragmentRoom = kFragmentHeaderBytes + 1;

struct SegmentHeader {
  SegmentId id;
  uint64_t epoch = 0;
  Lsn first_lsn;
  Lsn previous_lsn;
};

std::string EncodeSegmentHeader(const SegmentHeader& header);
// Nothing when magic, version or CRC is wrong.
std::optional<SegmentHeader> DecodeSegmentHeader(std::string_view bytes, bool check_crc = true);

// True when `epoch` can belong to segment `id`.
bool EpochFits(uint64_t epoch, SegmentId id);
uint64_t MakeEpoch(SegmentId id, uint64_t random);

// Stored on disk.
enum class FragmentKind : uint8_t { kWhole = 1, kFirst = 2, kMiddle = 3, kLast = 4 };

struct Fragment {
  FragmentKind kind = FragmentKind::kWhole;
  RecordType type = RecordType::kSamples;
  uint16_t number = 0;
  Lsn lsn;
  uint64_t epoch = 0;
  uint32_t unsynced = 0;
  std::string_view payload;

  bool starts_record() const {
    return kind == FragmentKind::kWhole || kind == FragmentKind::kFirst;
  }
  bool ends_record() const { return kind == FragmentKind::kWhole || kind == FragmentKind::kLast; }
  size_t size_bytes() const { return kFragmentHeaderBytes + payload.size(); }
};

// Appends header and payload.
void EncodeFragment(const Fragment& fragment, std::string* out);
// The fragment at the front of `bytes` (the rest of a block), any epoch. The payload views `bytes`.
std::optional<Fragment> DecodeFragment(std::string_view bytes, bool check_crc = true);

// Bytes that a record takes when its first fragment may start at `position` of a segment.
uint64_t EncodedSize(uint64_t position, uint64_t payload_bytes);

std::string SegmentName(SegmentId id);
std::string SpareName(uint64_t number);
std::optional<SegmentId> ParseSegmentName(std::string_view name);
std::optional<uint64_t> ParseSpareName(std::string_view name);

}  // namespace thermocline::wal
