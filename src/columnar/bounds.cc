#include "columnar/bounds.h"

#include <emmintrin.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace thermocline::columnar {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

bool IsContinuation(char c) { return (static_cast<uint8_t>(c) & 0xc0) == 0x80; }

// Where to cut `value` so that at most kBoundBytes stay and no character is torn.
size_t CutPlace(std::string_view value, bool utf8) {
  size_t place = kBoundBytes;
  while (utf8 && place > 0 && IsContinuation(value[place])) --place;
  return place == 0 ? kBoundBytes : place;
}

// Replaces the last character by the next code point; the order of UTF-8 bytes is the order of code
// points. False, and nothing changed, when the end is not UTF-8 or is the last code point.
bool RaiseLastCharacter(std::string* text) {
  size_t begin = text->size();
  while (begin > 0 && text->size() - begin < 4) {
    --begin;
    if (!IsContinuation((*text)[begin])) break;
  }
  const uint8_t lead = static_cast<uint8_t>((*text)[begin]);
  const size_t size = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 0;
  if (size == 0 || size != text->size() - begin) return false;
  uint32_t point = size == 1 ? lead : lead & (0xffu >> (size + 1));
  for (size_t i = 1; i < size; ++i) {
    point = point << 6 | (static_cast<uint8_t>((*text)[begin + i]) & 0x3f);
  }
  ++point;
  if (point >= 0xd800 && point < 0xe000) point = 0xe000;
  if (point > 0x10ffff) return false;
  text->resize(begin);
  if (point < 0x80) {
    text->push_back(static_cast<char>(point));
    return true;
  }
  const int tails = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  text->push_back(static_cast<char>((0xff00u >> (tails + 1) & 0xff) | point >> (6 * tails)));
  for (int i = tails - 1; i >= 0; --i) {
    text->push_back(static_cast<char>(0x80 | (point >> (6 * i) & 0x3f)));
  }
  return true;
}

}  // namespace

DoubleBounds BoundsOf(std::span<const double> values) {
  // minpd and maxpd give the second operand when one is NaN, so NaN never enters; `unordered`
  // remembers that there was one.
  __m128d least[4];
  __m128d greatest[4];
  __m128d unordered = _mm_setzero_pd();
  for (int k = 0; k < 4; ++k) {
    least[k] = _mm_set1_pd(kInfinity);
    greatest[k] = _mm_set1_pd(-kInfinity);
  }
  size_t i = 0;
  for (; i + 8 <= values.size(); i += 8) {
    for (int k = 0; k < 4; ++k) {
      const __m128d x = _mm_loadu_pd(values.data() + i + 2 * static_cast<size_t>(k));
      least[k] = _mm_min_pd(x, least[k]);
      greatest[k] = _mm_max_pd(x, greatest[k]);
      unordered = _mm_or_pd(unordered, _mm_cmpunord_pd(x, x));
    }
  }
  double lanes[16];
  for (int k = 0; k < 4; ++k) {
    _mm_storeu_pd(lanes + 2 * k, least[k]);
    _mm_storeu_pd(lanes + 8 + 2 * k, greatest[k]);
  }
  DoubleBounds bounds;
  bounds.min = *std::min_element(lanes, lanes + 8);
  bounds.max = *std::max_element(lanes + 8, lanes + 16);
  bounds.has_nan = _mm_movemask_pd(unordered) != 0;
  for (; i < values.size(); ++i) {
    if (std::isnan(values[i])) {
      bounds.has_nan = true;
      continue;
    }
    bounds.min = std::min(bounds.min, values[i]);
    bounds.max = std::max(bounds.max, values[i]);
  }
  bounds.any = bounds.min <= bounds.max;
  if (!bounds.any) {
    bounds.min = -kInfinity;
    bounds.max = kInfinity;
  }
  if (bounds.min == 0) bounds.min = -0.0;
  if (bounds.max == 0) bounds.max = 0.0;
  return bounds;
}

Int64Bounds BoundsOf(std::span<const int64_t> values) {
  int64_t least[4] = {values[0], values[0], values[0], values[0]};
  int64_t greatest[4] = {values[0], values[0], values[0], values[0]};
  size_t i = 0;
  for (; i + 4 <= values.size(); i += 4) {
    for (size_t k = 0; k < 4; ++k) {
      least[k] = std::min(least[k], values[i + k]);
      greatest[k] = std::max(greatest[k], values[i + k]);
    }
  }
  for (; i < values.size(); ++i) {
    least[0] = std::min(least[0], values[i]);
    greatest[0] = std::max(greatest[0], values[i]);
  }
  return {*std::min_element(least, least + 4), *std::max_element(greatest, greatest + 4)};
}

CutBound CutMin(std::string_view value, bool utf8) {
  if (value.size() <= kBoundBytes) return {std::string(value), true};
  return {std::string(value.substr(0, CutPlace(value, utf8))), false};
}

CutBound CutMax(std::string_view value, bool utf8) {
  if (value.size() <= kBoundBytes) return {std::string(value), true};
  std::string bytes(value.substr(0, CutPlace(value, utf8)));
  if (utf8 && RaiseLastCharacter(&bytes)) return {std::move(bytes), false};
  while (!bytes.empty() && static_cast<uint8_t>(bytes.back()) == 0xff) bytes.pop_back();
  if (bytes.empty()) return {std::string(value), true};
  bytes.back() = static_cast<char>(static_cast<uint8_t>(bytes.back()) + 1);
  return {std::move(bytes), false};
}

}  // namespace thermocline::columnar
