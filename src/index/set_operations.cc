#include "index/set_operations.h"

#include <algorithm>
#include <bit>

namespace thermocline {
namespace {

using Refs = std::span<const SeriesRef>;

// From here on a binary search per member of the short list beats a walk through the long one.
constexpr size_t kSkewed = 16;

// The first position at or after `from` whose member is not below `wanted`: doubling steps, then a
// binary search, so that a run of near neighbours stays cheap.
size_t Gallop(Refs list, size_t from, SeriesRef wanted) {
  size_t step = 1;
  size_t low = from;
  while (low + step < list.size() && list[low + step] < wanted) {
    low += step;
    step *= 2;
  }
  const size_t high = std::min(low + step + 1, list.size());
  return static_cast<size_t>(std::lower_bound(list.begin() + static_cast<ptrdiff_t>(low),
                                              list.begin() + static_cast<ptrdiff_t>(high), wanted) -
                             list.begin());
}

// Calls `found` for each common member until it returns false.
template <typename Found>
void WalkCommon(Refs a, Refs b, Found found) {
  if (a.size() > b.size()) std::swap(a, b);
  const bool skewed = b.size() / kSkewed > a.size();
  size_t j = 0;
  for (const SeriesRef member : a) {
    if (skewed) {
      j = Gallop(b, j, member);
    } else {
      while (j < b.size() && b[j] < member) ++j;
    }
    if (j == b.size()) return;
    if (b[j] == member && !found(member)) return;
  }
}

// Marks members in a bit set as wide as the largest number: linear, whatever the count of lists.
std::vector<SeriesRef> UnionByBits(std::span<const Refs> lists, SeriesRef largest) {
  std::vector<uint64_t> bits(largest.number / 64 + 1, 0);
  for (const Refs list : lists) {
    for (const SeriesRef member : list)
      bits[member.number / 64] |= uint64_t{1} << member.number % 64;
  }
  size_t count = 0;
  for (const uint64_t word : bits) count += static_cast<size_t>(std::popcount(word));
  std::vector<SeriesRef> all;
  all.reserve(count);
  for (size_t i = 0; i < bits.size(); ++i) {
    for (uint64_t word = bits[i]; word != 0; word &= word - 1) {
      all.emplace_back(static_cast<uint32_t>(i * 64 + static_cast<size_t>(std::countr_zero(word))));
    }
  }
  return all;
}

}  // namespace

std::vector<SeriesRef> Intersect(Refs a, Refs b) {
  std::vector<SeriesRef> both;
  both.reserve(std::min(a.size(), b.size()));
  WalkCommon(a, b, [&both](SeriesRef member) {
    both.push_back(member);
    return true;
  });
  return both;
}

bool Intersects(Refs a, Refs b) {
  bool any = false;
  WalkCommon(a, b, [&any](SeriesRef) {
    any = true;
    return false;
  });
  return any;
}

std::vector<SeriesRef> Without(Refs from, Refs taken) {
  std::vector<SeriesRef> rest;
  rest.reserve(from.size());
  const bool skewed = taken.size() / kSkewed > from.size();
  size_t j = 0;
  for (const SeriesRef member : from) {
    if (skewed) {
      j = Gallop(taken, j, member);
    } else {
      while (j < taken.size() && taken[j] < member) ++j;
    }
    if (j == taken.size() || taken[j] != member) rest.push_back(member);
  }
  return rest;
}

std::vector<SeriesRef> Union(std::span<const Refs> lists) {
  size_t total = 0;
  SeriesRef largest;
  for (const Refs list : lists) {
    total += list.size();
    if (!list.empty()) largest = std::max(largest, list.back());
  }
  if (lists.size() > 2 && total > largest.number / 64) return UnionByBits(lists, largest);
  std::vector<SeriesRef> all;
  all.reserve(total);
  for (const Refs list : lists) all.insert(all.end(), list.begin(), list.end());
  if (lists.size() > 1) {
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
  }
  return all;
}

}  // namespace thermocline
