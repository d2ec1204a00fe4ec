#include "blocks/head_chunks.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/hash.h"
#include "blocks/object_window.h"

namespace thermocline {
namespace {

constexpr uint32_t kMagic = 0x0130BC91;
constexpr uint64_t kFileHeadBytes = 8;
constexpr uint64_t kFixedBytes = 8 + 8 + 8 + 1;
constexpr uint64_t kMaxHeadBytes = kFixedBytes + 5;  // a length of at most 32 bits follows
constexpr uint64_t kCrcBytes = 4;
constexpr uint8_t kOutOfOrderBit = 0x80;

class HeadChunkFile {
 public:
  HeadChunkFile(const Object& object, uint64_t number)
      : object_(object), number_(number), window_(object, object.size_bytes()) {}

  Status Read(const std::function<void(const HeadChunk&)>& take) {
    ASSIGN_OR_RETURN(const std::string_view head, window_.AtMost(0, kFileHeadBytes));
    ByteReader in(head);
    // A file that was cut but not yet written to.
    if (head.find_first_not_of('\0') == std::string_view::npos) return Status::Ok();
    if (BigEndianU32(&in) != kMagic || in.U8() != 1 || !in.ok()) return Bad("no head chunk file");
    at_ = kFileHeadBytes;
    while (at_ < window_.end()) {
      ASSIGN_OR_RETURN(const bool more, Next(take));
      if (!more) break;
    }
    return Status::Ok();
  }

 private:
  Result<bool> Next(const std::function<void(const HeadChunk&)>& take) {
    ASSIGN_OR_RETURN(const std::string_view head, window_.AtMost(at_, kMaxHeadBytes));
    if (head.find_first_not_of('\0') == std::string_view::npos) return false;
    if (head.size() < kMaxHeadBytes) return Bad("a chunk's head is cut off");
    ByteReader in(head);
    HeadChunk chunk;
    chunk.series = BigEndianU64(&in);
    chunk.min_ms = static_cast<int64_t>(BigEndianU64(&in));
    chunk.max_ms = static_cast<int64_t>(BigEndianU64(&in));
    if (chunk.series == 0 && chunk.min_ms == 0 && chunk.max_ms == 0) return false;
    const uint8_t encoding = in.U8();
    const uint64_t size = in.Varint();
    const uint64_t body = in.offset();
    if (!in.ok() || size > window_.end()) return Bad("a chunk's length");
    auto whole = window_.Exactly(at_, body + size + kCrcBytes);
    if (!whole.ok()) return Bad("a chunk is cut off");
    ByteReader crc(whole->substr(body + size));
    if (BigEndianU32(&crc) != Crc32c(whole->substr(0, body + size))) return Bad("checksum");
    chunk.position = number_ << 32 | at_;
    chunk.out_of_order = (encoding & kOutOfOrderBit) != 0;
    chunk.encoding = static_cast<ChunkEncoding>(encoding & ~kOutOfOrderBit);
    chunk.bytes = whole->substr(body, size);
    take(chunk);
    at_ += body + size + kCrcBytes;
    return true;
  }
  Status Bad(std::string_view why) const {
    return Status::Corruption(object_.key() + ": offset " + std::to_string(at_) + ": " +
                              std::string(why));
  }

  const Object& object_;
  const uint64_t number_;
  ObjectWindow window_;
  uint64_t at_ = 0;
};

}  // namespace

Status ReadHeadChunks(const Object& object, uint64_t file_number,
                      const std::function<void(const HeadChunk&)>& take) {
  return HeadChunkFile(object, file_number).Read(take);
}

}  // namespace thermocline
