// A growable byte array that is not zeroed, for page bodies. Kernels read and write in whole
// vectors, so kSlack bytes beyond the capacity asked for always exist.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace thermocline::columnar {

inline constexpr size_t kSlack = 64;

class ByteBuffer {
 public:
  ByteBuffer() = default;
  ~ByteBuffer() { std::free(data_); }
  ByteBuffer(const ByteBuffer&) = delete;
  ByteBuffer& operator=(const ByteBuffer&) = delete;
  ByteBuffer(ByteBuffer&& other) noexcept { Swap(other); }
  ByteBuffer& operator=(ByteBuffer&& other) noexcept {
    Swap(other);
    return *this;
  }

  // Makes room for `more` bytes after size() and returns where they go; size() stays.
  uint8_t* Reserve(size_t more) {
    const size_t wanted = size_ + more + kSlack;
    if (wanted > capacity_) Grow(wanted);
    return data_ + size_;
  }
  // The size becomes `size`, bytes beyond the old one are unspecified.
  void Resize(size_t size) {
    if (size > size_) Reserve(size - size_);
    size_ = size;
  }
  void Advance(size_t written) { size_ += written; }
  void Clear() { size_ = 0; }
  void Append(const void* bytes, size_t count) {
    uint8_t* at = Reserve(count);
    if (count > 0) std::memcpy(at, bytes, count);
    size_ += count;
  }
  void Append(std::span<const uint8_t> bytes) { Append(bytes.data(), bytes.size()); }
  void Push(uint8_t byte) {
    *Reserve(1) = byte;
    ++size_;
  }
  void Varint(uint64_t v) {
    uint8_t* at = Reserve(10);
    while (v >= 0x80) {
      *at++ = static_cast<uint8_t>(v | 0x80);
      v >>= 7;
    }
    *at++ = static_cast<uint8_t>(v);
    size_ = static_cast<size_t>(at - data_);
  }
  void SignedVarint(int64_t v) {
    Varint((static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63));
  }
  // The low `bytes` (at most 8) of `v`, little-endian.
  void Fixed(uint64_t v, size_t bytes) {
    std::memcpy(Reserve(8), &v, 8);
    size_ += bytes;
  }

  uint8_t* data() { return data_; }
  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  std::span<const uint8_t> bytes() const { return {data_, size_}; }
  std::string_view view() const { return {reinterpret_cast<const char*>(data_), size_}; }

 private:
  void Grow(size_t wanted) {
    const size_t capacity = wanted < 2 * capacity_ ? 2 * capacity_ : wanted;
    data_ = static_cast<uint8_t*>(std::realloc(data_, capacity));
    CHECK(data_ != nullptr);  // out of memory ends the process
    capacity_ = capacity;
  }
  void Swap(ByteBuffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace thermocline::columnar
