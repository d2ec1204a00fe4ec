// Least and greatest values of pages, in the form the page index keeps them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace thermocline::columnar {

// String bounds are cut to this many bytes.
inline constexpr size_t kBoundBytes = 64;

// Of the values that are not NaN; a zero minimum is -0 and a zero maximum is +0, as Parquet wants.
// With nothing but NaN (or nothing): any = false, minimum = -infinity and maximum = +infinity, so
// that the bounds exclude no page.
struct DoubleBounds {
  double min = 0;
  double max = 0;
  bool any = false;
  bool has_nan = false;
};
DoubleBounds BoundsOf(std::span<const double> values);

struct Int64Bounds {
  int64_t min = 0;
  int64_t max = 0;
};
// `values` is not empty.
Int64Bounds BoundsOf(std::span<const int64_t> values);

// A string not above (not below) every string that has the first kBoundBytes of `value`, and
// `value` itself when it is no longer than that. With `utf8` no character is torn. Where no shorter
// upper bound exists (all bytes 0xff) it is `value` whole.
struct CutBound {
  std::string bytes;
  bool exact = true;
};
CutBound CutMin(std::string_view value, bool utf8);
CutBound CutMax(std::string_view value, bool utf8);

}  // namespace thermocline::columnar
