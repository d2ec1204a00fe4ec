// Bounds of pages and chunks as the page index and the footer store them.
#pragma once

#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "columnar/bounds.h"
#include "columnar/chunk_writer.h"

namespace thermocline::columnar {

template <typename T>
std::string RawBytes(T value) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

inline PageBounds ToPageBounds(const Int64Bounds& bounds) {
  return {RawBytes(bounds.min), RawBytes(bounds.max), true, true};
}

inline PageBounds ToPageBounds(const DoubleBounds& bounds) {
  return {RawBytes(bounds.min), RawBytes(bounds.max), bounds.any, bounds.any};
}

inline PageBounds ToPageBounds(std::string_view min, std::string_view max, bool utf8) {
  CutBound low = CutMin(min, utf8);
  CutBound high = CutMax(max, utf8);
  return {std::move(low.bytes), std::move(high.bytes), low.exact, high.exact};
}

// Least and greatest of a stream of values (int64_t or string_view, which must stay valid).
template <typename Value>
struct Extent {
  Value min{};
  Value max{};
  bool any = false;
  void Add(const Value& value) {
    if (!any) {
      min = max = value;
      any = true;
    } else if (value < min) {
      min = value;
    } else if (max < value) {
      max = value;
    }
  }
  void Add(const Extent& other) {
    if (!other.any) return;
    Add(other.min);
    Add(other.max);
  }
};

inline std::optional<PageBounds> ToPageBounds(const Extent<int64_t>& extent, bool /*utf8*/) {
  if (!extent.any) return std::nullopt;
  return ToPageBounds(Int64Bounds{extent.min, extent.max});
}

inline std::optional<PageBounds> ToPageBounds(const Extent<std::string_view>& extent, bool utf8) {
  if (!extent.any) return std::nullopt;
  return ToPageBounds(extent.min, extent.max, utf8);
}

}  // namespace thermocline::columnar
