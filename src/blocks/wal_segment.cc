#include "blocks/wal_segment.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/hash.h"
#include "codec/compression.h"

namespace thermocline {
namespace {

constexpr size_t kHeaderBytes = 7;
constexpr uint8_t kTypeMask = 7;
constexpr uint8_t kSnappy = 8;
constexpr uint8_t kZstd = 16;

enum FragmentType : uint8_t { kRestIsZero = 0, kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4 };

// A record may decode to so much more than it takes.
constexpr uint64_t kExpansion = 256;
constexpr uint64_t kExpansionFloor = uint64_t{1} << 20;

}  // namespace

WalSegmentReader::WalSegmentReader(const Object& object)
    : object_(object), window_(object, object.size_bytes()) {}

Status WalSegmentReader::Bad(std::string_view why) const {
  return Status::Corruption(object_.key() + ": offset " + std::to_string(page_ + at_) + ": " +
                            std::string(why));
}

Result<bool> WalSegmentReader::LoadPage() {
  if (next_page_ >= window_.end()) return false;
  ASSIGN_OR_RETURN(const std::string_view bytes, window_.AtMost(next_page_, kWalPageBytes));
  page_bytes_.assign(bytes);
  page_bytes_.resize(kWalPageBytes, '\0');
  page_ = next_page_;
  next_page_ += kWalPageBytes;
  at_ = 0;
  return true;
}

Result<bool> WalSegmentReader::NextFragment(Fragment* fragment) {
  for (;;) {
    if (at_ == kWalPageBytes) {
      ASSIGN_OR_RETURN(const bool more, LoadPage());
      if (!more) return false;
    }
    const auto head = static_cast<uint8_t>(page_bytes_[at_]);
    if ((head & kTypeMask) != kRestIsZero) break;
    const std::string_view rest = std::string_view(page_bytes_).substr(at_ + 1);
    if (rest.find_first_not_of('\0') != std::string_view::npos) {
      return Bad("a page's padding is not zero");
    }
    at_ = kWalPageBytes;
  }
  if (kWalPageBytes - at_ < kHeaderBytes) return Bad("a fragment's head crosses the page");
  ByteReader in(std::string_view(page_bytes_).substr(at_));
  const uint8_t head = in.U8();
  const uint16_t size = __builtin_bswap16(in.U16());
  const uint32_t crc = BigEndianU32(&in);
  fragment->type = head & kTypeMask;
  fragment->compression = head & (kSnappy | kZstd);
  fragment->bytes = in.Bytes(size);
  if (!in.ok()) return Bad("a fragment of " + std::to_string(size) + " bytes crosses the page");
  if (Crc32c(fragment->bytes) != crc) return Bad("checksum of a fragment");
  return true;
}

Result<std::string_view> WalSegmentReader::Decompress(uint8_t compression) {
  const uint64_t limit = kExpansionFloor + kExpansion * stored_.size();
  Status status;
  if (compression == 0) return std::string_view(stored_);
  status = compression & kSnappy ? SnappyDecode(stored_, limit, &record_)
                                 : ZstdDecode(stored_, limit, &record_);
  if (!status.ok()) return Bad("a compressed record: " + status.ToString());
  return std::string_view(record_);
}

Result<std::optional<std::string_view>> WalSegmentReader::Next() {
  stored_.clear();
  bool begun = false;
  for (;;) {
    Fragment fragment;
    ASSIGN_OR_RETURN(const bool more, NextFragment(&fragment));
    if (!more) {
      if (begun) return Bad("the last record is torn");
      return std::optional<std::string_view>();
    }
    const bool opens = fragment.type == kFull || fragment.type == kFirst;
    if (fragment.type > kLast) return Bad("unknown fragment type");
    if (opens == begun) return Bad("fragments out of order");
    if (opens) record_offset_ = page_ + at_;
    stored_.append(fragment.bytes);
    at_ += kHeaderBytes + fragment.bytes.size();
    if (fragment.type == kFull || fragment.type == kLast) {
      ASSIGN_OR_RETURN(const std::string_view record, Decompress(fragment.compression));
      return std::optional<std::string_view>(record);
    }
    begun = true;
  }
}

}  // namespace thermocline
