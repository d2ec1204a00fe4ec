#include "blocks/tombstones.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/hash.h"
#include "blocks/object_window.h"

namespace thermocline {
namespace {

constexpr uint32_t kMagic = 0x0130BA30;
constexpr size_t kHeaderBytes = 5;
constexpr size_t kCrcBytes = 4;

// Sorts and joins what overlaps or touches.
void Normalise(std::vector<TimeRange>* ranges) {
  std::sort(ranges->begin(), ranges->end(),
            [](const TimeRange& a, const TimeRange& b) { return a.start_ms < b.start_ms; });
  size_t kept = 0;
  for (const TimeRange& range : *ranges) {
    if (kept > 0) {
      TimeRange& last = (*ranges)[kept - 1];
      if (last.end_ms == kMaxTimestampMs || range.start_ms <= last.end_ms + 1) {
        last.end_ms = std::max(last.end_ms, range.end_ms);
        continue;
      }
    }
    (*ranges)[kept++] = range;
  }
  ranges->resize(kept);
}

}  // namespace

Result<Tombstones> Tombstones::Parse(std::string_view bytes, std::string_view where) {
  const auto bad = [&](size_t offset, std::string_view what) {
    return Status::Corruption(fmt::format("{}: offset {}: {}", where, offset, what));
  };
  ByteReader head(bytes);
  const uint32_t magic = BigEndianU32(&head);
  const uint8_t version = head.U8();
  if (!head.ok() || head.remaining() < kCrcBytes) return bad(0, "shorter than an empty file");
  if (magic != kMagic) return bad(0, fmt::format("magic {:08x}, expected {:08x}", magic, kMagic));
  if (version != 1) return bad(4, fmt::format("version {}, only 1 is read", version));
  const std::string_view body = bytes.substr(kHeaderBytes, head.remaining() - kCrcBytes);
  ByteReader tail(bytes.substr(bytes.size() - kCrcBytes));
  const uint32_t crc = BigEndianU32(&tail);
  if (Crc32c(body) != crc) return bad(bytes.size() - kCrcBytes, "checksum mismatch");
  Tombstones tombstones;
  ByteReader reader(body);
  while (!reader.done()) {
    const size_t at = kHeaderBytes + reader.offset();
    const uint64_t series = reader.Varint();
    const TimestampMs start_ms = reader.SignedVarint();
    const TimestampMs end_ms = reader.SignedVarint();
    if (!reader.ok()) return bad(at, "torn entry");
    // Postings hold 32-bit numbers: a larger one names no series.
    if (series > UINT32_MAX || end_ms < start_ms) continue;
    tombstones.ranges_[SeriesRef(static_cast<uint32_t>(series))].push_back({start_ms, end_ms});
  }
  for (auto& [series, ranges] : tombstones.ranges_) Normalise(&ranges);
  return tombstones;
}

const std::vector<TimeRange>& Tombstones::of(SeriesRef series) const {
  static const std::vector<TimeRange> kNone;
  const auto found = ranges_.find(series);
  return found == ranges_.end() ? kNone : found->second;
}

bool CoveredBy(const std::vector<TimeRange>& deleted, const TimeRange& range) {
  return std::any_of(deleted.begin(), deleted.end(), [&](const TimeRange& d) {
    return d.start_ms <= range.start_ms && range.end_ms <= d.end_ms;
  });
}

bool TouchedBy(const std::vector<TimeRange>& deleted, const TimeRange& range) {
  return std::any_of(deleted.begin(), deleted.end(),
                     [&](const TimeRange& d) { return d.Overlaps(range); });
}

}  // namespace thermocline
