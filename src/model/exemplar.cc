#include "model/exemplar.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <tuple>
#include <utility>

namespace thermocline {
namespace {

// By what two exemplars of a series differ.
auto Key(const Exemplar& exemplar) {
  return std::tuple(exemplar.t_ms, std::bit_cast<uint64_t>(exemplar.value),
                    std::string_view(exemplar.labels.packed()));
}

}  // namespace

bool Exemplar::operator==(const Exemplar& other) const { return Key(*this) == Key(other); }

bool Accepts(const ExemplarRequest& request, LabelsView series) {
  return request.matcher_sets.empty() ||
         std::any_of(request.matcher_sets.begin(), request.matcher_sets.end(),
                     [&](const auto& matchers) { return MatchesAll(matchers, series); });
}

void LayOver(const Labels& labels, std::vector<SeriesExemplars>* all) {
  if (labels.empty()) return;
  for (SeriesExemplars& one : *all) {
    LabelsBuilder builder(one.series);
    for (const LabelPair& pair : labels) builder.Set(pair.name, pair.value);
    one.series = builder.Build();
  }
}

void PutInOrder(TimeRange range, std::vector<SeriesExemplars>* all) {
  std::stable_sort(all->begin(), all->end(), [](const SeriesExemplars& a, const auto& b) {
    return (a.series <=> b.series) < 0;
  });
  size_t kept = 0;
  for (size_t i = 0; i < all->size(); ++i) {
    SeriesExemplars& from = (*all)[i];
    if (kept > 0 && (*all)[kept - 1].series == from.series) {
      auto& to = (*all)[kept - 1].exemplars;
      to.insert(to.end(), std::make_move_iterator(from.exemplars.begin()),
                std::make_move_iterator(from.exemplars.end()));
    } else {
      if (kept != i) (*all)[kept] = std::move(from);
      ++kept;
    }
  }
  all->resize(kept);
  for (SeriesExemplars& one : *all) {
    auto& exemplars = one.exemplars;
    std::erase_if(exemplars, [&](const Exemplar& e) { return !range.Contains(e.t_ms); });
    std::sort(exemplars.begin(), exemplars.end(),
              [](const Exemplar& a, const Exemplar& b) { return Key(a) < Key(b); });
    exemplars.erase(std::unique(exemplars.begin(), exemplars.end()), exemplars.end());
  }
  std::erase_if(*all, [](const SeriesExemplars& one) { return one.exemplars.empty(); });
}

}  // namespace thermocline
