// Puts the matchers of a selector in one order, each once: selectors that say the same become
// equal (and are selected once), and sources that try matchers one after another on each series
// meet the cheap and selective ones first.
#include <algorithm>
#include <iterator>
#include <tuple>

#include "promql/plan/plan.h"

namespace thermocline::promql {
namespace {

bool IsName(const Matcher& matcher) {
  return matcher.name() == kMetricNameLabel && matcher.type() == MatchType::kEqual;
}

// The smaller, the sooner: the metric, other literal values, patterns, what most series pass.
int Rank(const Matcher& matcher) {
  if (IsName(matcher)) return 0;
  if (matcher.negative() || matcher.MatchesEmpty()) {
    return matcher.type() == MatchType::kEqual || matcher.type() == MatchType::kNotEqual ? 4 : 5;
  }
  if (matcher.type() == MatchType::kEqual) return 1;
  return matcher.LiteralValues() ? 2 : 3;
}

bool Before(const Matcher& a, const Matcher& b) {
  const auto key = [](const Matcher& matcher) {
    return std::make_tuple(Rank(matcher), std::cref(matcher.name()), matcher.type(),
                           std::cref(matcher.value()));
  };
  return key(a) < key(b);
}

// The parser puts the metric's name last, which is no reason to tell of a change.
bool DifferInMoreThanTheName(const std::vector<Matcher>& a, const std::vector<Matcher>& b) {
  if (a.size() != b.size()) return true;
  const auto others = [](const std::vector<Matcher>& matchers) {
    std::vector<Matcher> list;
    std::remove_copy_if(matchers.begin(), matchers.end(), std::back_inserter(list), IsName);
    return list;
  };
  return others(a) != others(b);
}

}  // namespace

void SortMatchers(PlanNode& plan) {
  std::vector<Matcher> sorted = plan.matchers;
  std::sort(sorted.begin(), sorted.end(), Before);
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  if (DifferInMoreThanTheName(plan.matchers, sorted)) plan.Mark(Rewrite::kSortMatchers);
  plan.matchers = std::move(sorted);
  for (const PlanPtr& child : plan.children) SortMatchers(*child);
}

}  // namespace thermocline::promql
