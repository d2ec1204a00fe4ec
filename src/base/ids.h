// Distinct id types: a SeriesRef cannot be passed where a SegmentId is meant.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace thermocline {

template <typename Tag, typename Number = uint64_t>
struct TypedId {
  Number number = 0;

  constexpr TypedId() = default;
  constexpr explicit TypedId(Number n) : number(n) {}
  constexpr auto operator<=>(const TypedId&) const = default;
};

// Stable 64-bit hash of a label set; the same in every block and tier. A collision within a tenant
// takes the next free value.
using SeriesId = TypedId<struct SeriesIdTag, uint64_t>;
// Number of a series within one head (dense, process-local).
using SeriesRef = TypedId<struct SeriesRefTag, uint32_t>;
// Number of a log segment; grows by one.
using SegmentId = TypedId<struct SegmentIdTag, uint64_t>;
// Log sequence number: the position of a record in the order of decisions; starts at 1.
using Lsn = TypedId<struct LsnTag, uint64_t>;

// Whose data. The empty name is the default tenant. Stored in every format and part of every cache
// key.
struct TenantId {
  std::string name;

  TenantId() = default;
  explicit TenantId(std::string n) : name(std::move(n)) {}
  bool is_default() const { return name.empty(); }
  auto operator<=>(const TenantId&) const = default;
};

// A ULID: 48 bits of milliseconds, then 80 random bits, big-endian; text is 26 characters of
// Crockford base32.
struct BlockId {
  std::array<uint8_t, 16> bytes{};

  // `random` supplies the low 80 bits (16 of `random_high`, 64 of `random_low`).
  static BlockId Make(int64_t unix_ms, uint16_t random_high, uint64_t random_low);
  // InvalidArgument unless `text` is 26 base32 characters within 128 bits.
  static Result<BlockId> Parse(std::string_view text);
  std::string ToString() const;
  int64_t unix_ms() const;
  auto operator<=>(const BlockId&) const = default;
};

}  // namespace thermocline

template <typename Tag, typename Number>
struct std::hash<thermocline::TypedId<Tag, Number>> {
  size_t operator()(thermocline::TypedId<Tag, Number> id) const noexcept {
    return static_cast<size_t>(id.number * 0x9E3779B97F4A7C15ull);
  }
};
