#include "search/name_search.h"

#include <algorithm>
#include <utility>

#include "search/runes.h"
#include "search/similarity.h"

namespace thermocline {
namespace {

// Character comparisons between two looks at the budget: a few milliseconds.
constexpr uint64_t kWorkPerCheck = 1 << 22;

bool BetterFirst(const FoundName& a, const FoundName& b) {
  return a.score != b.score ? a.score > b.score : a.name < b.name;
}

}  // namespace

NameFilter::NameFilter(NameFilterOptions options) : options_(std::move(options)) {
  std::erase(options_.terms, "");
  for (std::string& term : options_.terms) {
    if (!options_.case_sensitive) term = LowerCase(term);
    term_bytes_ += term.size();
  }
}

std::optional<double> NameFilter::TermScore(const std::string& term, std::string_view name) const {
  double score = 0;
  if (options_.algorithm == FuzzAlgorithm::kSubsequence) {
    if (name.starts_with(term)) return 1;
    score = SubsequenceScore(term, name);
    if (score <= 0) return std::nullopt;
  } else {
    if (const auto found = SubstringScore(term, name)) return found;
    if (options_.threshold <= 0) return std::nullopt;
    score = JaroWinklerScore(term, name);
  }
  if (score < options_.threshold) return std::nullopt;
  return score;
}

std::optional<double> NameFilter::Score(std::string_view name) const {
  if (passes_all()) return 1;
  std::string lower;
  if (!options_.case_sensitive) {
    lower = LowerCase(name);
    name = lower;
  }
  std::optional<double> best;
  for (const std::string& term : options_.terms) {
    const std::optional<double> score = TermScore(term, name);
    if (score && (!best || *score > *best)) best = score;
    if (best && *best >= 1) break;
  }
  return best;
}

Result<std::vector<FoundName>> SearchNames(std::vector<std::string> names, const NameFilter& filter,
                                           NameOrder order, uint64_t limit,
                                           const QueryBudget* budget) {
  if (order == NameOrder::kDescending) std::ranges::reverse(names);
  std::vector<FoundName> found;
  uint64_t work = 0;
  for (std::string& name : names) {
    work += name.size() * (1 + filter.term_bytes());
    if (work > kWorkPerCheck && budget != nullptr) {
      RETURN_IF_ERROR(budget->Check());
      work = 0;
    }
    const std::optional<double> score = filter.Score(name);
    if (!score) continue;
    found.push_back({std::move(name), *score});
    if (order != NameOrder::kBestFirst && limit != 0 && found.size() == limit) break;
  }
  if (order == NameOrder::kBestFirst) {
    const size_t kept =
        limit == 0 ? found.size() : static_cast<size_t>(std::min<uint64_t>(limit, found.size()));
    std::partial_sort(found.begin(), found.begin() + static_cast<ptrdiff_t>(kept), found.end(),
                      BetterFirst);
    found.resize(kept);
  }
  return found;
}

}  // namespace thermocline
