// A sort that can be given up in the middle.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "base/status.h"

namespace thermocline {

// Sorts stably and calls `ask` (a Status) after every few thousand elements it has moved; the first
// error ends the sort and is returned, and what `values` holds is then of no use. Elements are
// moved, not copied; a second list of as many is made.
template <typename T, typename Less, typename Ask>
Status SortAsking(std::vector<T>* values, Less less, Ask ask) {
  constexpr size_t kRun = 1024;
  constexpr size_t kMovesPerQuestion = 4096;
  const size_t count = values->size();
  const auto at = [](std::vector<T>& list, size_t place) {
    return list.begin() + static_cast<std::ptrdiff_t>(place);
  };
  for (size_t begin = 0; begin < count; begin += kRun) {
    if (begin % kMovesPerQuestion == 0) RETURN_IF_ERROR(ask());
    std::stable_sort(at(*values, begin), at(*values, std::min(begin + kRun, count)), less);
  }
  std::vector<T> merged;
  for (size_t width = kRun; width < count; width *= 2) {
    merged.clear();
    merged.reserve(count);
    for (size_t begin = 0; begin < count; begin += 2 * width) {
      const size_t middle = std::min(begin + width, count);
      const size_t end = std::min(begin + 2 * width, count);
      size_t left = begin;
      size_t right = middle;
      while (left < middle || right < end) {
        if (merged.size() % kMovesPerQuestion == 0) RETURN_IF_ERROR(ask());
        const bool take_right =
            left == middle || (right < end && less((*values)[right], (*values)[left]));
        merged.push_back(std::move((*values)[take_right ? right++ : left++]));
      }
    }
    values->swap(merged);
  }
  return Status::Ok();
}

}  // namespace thermocline
