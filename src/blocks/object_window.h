// Prometheus' files as bytes: big-endian integers, and a window that reads an object ahead.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "bucket/object.h"

namespace thermocline {

inline uint32_t BigEndianU32(ByteReader* reader) { return __builtin_bswap32(reader->U32()); }
inline uint64_t BigEndianU64(ByteReader* reader) { return __builtin_bswap64(reader->U64()); }

// Views of an object, read ahead in growing pieces as long as the offsets ascend without large
// gaps. One thread at a time; `object` outlives the window.
class ObjectWindow {
 public:
  static constexpr uint64_t kDefaultPieceBytes = uint64_t{1} << 20;
  // `end`: nothing at or after it is read.
  ObjectWindow(const Object& object, uint64_t end, uint64_t piece_bytes = kDefaultPieceBytes)
      : object_(object), end_(end), piece_bytes_(piece_bytes) {}

  // Bytes [offset, offset + size_bytes), or fewer where `end` comes first. Valid until the next
  // call. OutOfRange when `offset` is past the end.
  Result<std::string_view> AtMost(uint64_t offset, uint64_t size_bytes);
  // Exactly those bytes; Corruption when they reach past the end.
  Result<std::string_view> Exactly(uint64_t offset, uint64_t size_bytes);
  // What the window holds from `offset` on, at least `size_bytes` unless the end comes first.
  Result<std::string_view> From(uint64_t offset, uint64_t size_bytes);

  const Object& object() const { return object_; }
  uint64_t end() const { return end_; }
  uint64_t requests() const { return requests_; }
  uint64_t bytes_read() const { return bytes_read_; }

 private:
  const Object& object_;
  const uint64_t end_;
  const uint64_t piece_bytes_;
  uint64_t begin_ = 0;
  std::string bytes_;
  uint64_t read_ahead_ = 0;
  uint64_t requests_ = 0;
  uint64_t bytes_read_ = 0;
};

}  // namespace thermocline
