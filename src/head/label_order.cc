#include "head/label_order.h"

#include <algorithm>
#include <numeric>
#include <string_view>

#include "base/asking_sort.h"

namespace thermocline {

Result<std::vector<uint32_t>> LabelOrder(const SeriesTable& table, std::span<const SeriesRef> refs,
                                         const QueryBudget* budget) {
  const auto ask = [budget] { return budget == nullptr ? Status::Ok() : budget->Check(); };
  const Postings& postings = table.postings();
  // The pairs of all series, one after another.
  std::vector<uint32_t> ranks;
  std::vector<uint32_t> ends;
  ends.reserve(refs.size());
  uint32_t max_pair = 0;
  for (const SeriesRef ref : refs) {
    if (ends.size() % 4096 == 0) RETURN_IF_ERROR(ask());
    for (const PairId pair : table.At(ref)->pair_ids()) {
      ranks.push_back(pair.number);
      max_pair = std::max(max_pair, pair.number);
    }
    ends.push_back(static_cast<uint32_t>(ranks.size()));
  }
  struct Pair {
    std::string_view name;
    std::string_view value;
    uint32_t number;
  };
  std::vector<uint32_t> rank_of(size_t{max_pair} + 1, UINT32_MAX);
  std::vector<Pair> pairs;
  for (const uint32_t number : ranks) {
    if (rank_of[number] != UINT32_MAX) continue;
    rank_of[number] = 0;
    pairs.push_back({postings.NameOf(PairId(number)), postings.ValueOf(PairId(number)), number});
  }
  const auto before = [](const Pair& a, const Pair& b) {
    const int by_name = a.name.compare(b.name);
    return by_name != 0 ? by_name < 0 : a.value < b.value;
  };
  RETURN_IF_ERROR(SortAsking(&pairs, before, ask));
  for (size_t i = 0; i < pairs.size(); ++i) rank_of[pairs[i].number] = static_cast<uint32_t>(i);
  for (uint32_t& rank : ranks) rank = rank_of[rank];
  std::vector<uint32_t> order(refs.size());
  std::iota(order.begin(), order.end(), 0);
  const auto key = [&](uint32_t i) {
    const uint32_t start = i == 0 ? 0 : ends[i - 1];
    return std::span(ranks).subspan(start, ends[i] - start);
  };
  const auto earlier = [&](uint32_t a, uint32_t b) {
    const auto left = key(a);
    const auto right = key(b);
    return std::lexicographical_compare(left.begin(), left.end(), right.begin(), right.end());
  };
  RETURN_IF_ERROR(SortAsking(&order, earlier, ask));
  return order;
}

}  // namespace thermocline
