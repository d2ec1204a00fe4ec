// Questions to the index: matchers, names, values and the counts of the status page.
#include <algorithm>
#include <optional>

#include "index/postings.h"
#include "index/set_operations.h"

namespace thermocline {
namespace {

using Refs = std::span<const SeriesRef>;

std::vector<SeriesRef> Copy(Refs refs) { return {refs.begin(), refs.end()}; }

// Keeps the largest `limit`, descending by count, then ascending by name.
void KeepTop(uint64_t limit, std::vector<NamedCount>* counts) {
  const auto before = [](const NamedCount& a, const NamedCount& b) {
    return a.count != b.count ? a.count > b.count : a.name < b.name;
  };
  const size_t kept = std::min<size_t>(limit, counts->size());
  std::partial_sort(counts->begin(), counts->begin() + static_cast<ptrdiff_t>(kept), counts->end(),
                    before);
  counts->resize(kept);
}

}  // namespace

const Postings::Name* Postings::FindName(std::string_view name) const {
  const auto it = names_.find(name);
  return it == names_.end() ? nullptr : &it->second;
}

Refs Postings::Find(std::string_view name, std::string_view value) const {
  std::string packed;
  AppendPackedLabel(&packed, name, value);
  const SymbolId found = symbols_.Find(packed);
  return found == kNoSymbol ? Refs() : lists_[found.number].view();
}

template <typename Keep>
std::vector<SeriesRef> Postings::UnionOf(const Name& name, Keep keep) const {
  std::vector<Refs> lists;
  for (const PairId pair : name.pairs) {
    if (keep(ValueOf(pair))) lists.push_back(lists_[pair.number].view());
  }
  return Union(lists);
}

// For a matcher that refuses the empty string: the series that have the label with a value it
// accepts.
std::vector<SeriesRef> Postings::Accepted(const Matcher& matcher) const {
  if (const auto values = matcher.LiteralValues()) {
    std::vector<Refs> lists;
    for (const std::string& value : *values) lists.push_back(Find(matcher.name(), value));
    return Union(lists);
  }
  const Name* name = FindName(matcher.name());
  if (name == nullptr) return {};
  return UnionOf(*name, [&matcher](std::string_view v) { return matcher.Matches(v); });
}

// For a matcher that accepts the empty string: the series that have the label with a value it
// refuses. Everything else, series without the label included, is accepted.
std::vector<SeriesRef> Postings::Refused(const Matcher& matcher) const {
  if (matcher.type() == MatchType::kNotEqual) return Copy(Find(matcher.name(), matcher.value()));
  const Name* name = FindName(matcher.name());
  if (name == nullptr) return {};
  return UnionOf(*name, [&matcher](std::string_view v) { return !matcher.Matches(v); });
}

std::vector<SeriesRef> Postings::Match(const std::vector<Matcher>& matchers) const {
  // Plain equality first: it is free, and an empty list ends the matter before any regex runs.
  std::vector<Refs> equal;
  for (const Matcher& matcher : matchers) {
    if (matcher.type() == MatchType::kEqual && !matcher.value().empty()) {
      equal.push_back(Find(matcher.name(), matcher.value()));
      if (equal.back().empty()) return {};
    }
  }
  std::sort(equal.begin(), equal.end(), [](Refs a, Refs b) { return a.size() < b.size(); });
  std::optional<std::vector<SeriesRef>> found;
  if (equal.size() == 1) found = Copy(equal[0]);
  for (size_t i = 1; i < equal.size(); ++i) {
    found = Intersect(i == 1 ? equal[0] : Refs(*found), equal[i]);
    if (found->empty()) return {};
  }
  for (const Matcher& matcher : matchers) {
    if (matcher.MatchesEmpty() || matcher.type() == MatchType::kEqual) continue;
    std::vector<SeriesRef> accepted = Accepted(matcher);
    found = found.has_value() ? Intersect(*found, accepted) : std::move(accepted);
    if (found->empty()) return {};
  }
  if (!found.has_value()) found = Copy(All());
  for (const Matcher& matcher : matchers) {
    if (!matcher.MatchesEmpty() || found->empty()) continue;
    const std::vector<SeriesRef> refused = Refused(matcher);
    if (!refused.empty()) found = Without(*found, refused);
  }
  return *std::move(found);
}

std::vector<std::string> Postings::LabelNames() const {
  std::vector<std::string> names;
  names.reserve(names_.size());
  for (const auto& [text, name] : names_) names.push_back(text);
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> Postings::LabelValues(std::string_view name) const {
  std::vector<std::string> values;
  if (const Name* found = FindName(name)) {
    values.reserve(found->pairs.size());
    for (const PairId pair : found->pairs) values.emplace_back(ValueOf(pair));
  }
  std::sort(values.begin(), values.end());
  return values;
}

std::vector<std::string> Postings::LabelNames(Refs series) const {
  std::vector<std::string> names;
  for (const auto& [text, name] : names_) {
    const bool any = std::any_of(name.pairs.begin(), name.pairs.end(), [&](PairId pair) {
      return Intersects(lists_[pair.number].view(), series);
    });
    if (any) names.push_back(text);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> Postings::LabelValues(std::string_view name, Refs series) const {
  std::vector<std::string> values;
  if (const Name* found = FindName(name)) {
    for (const PairId pair : found->pairs) {
      if (Intersects(lists_[pair.number].view(), series)) values.emplace_back(ValueOf(pair));
    }
  }
  std::sort(values.begin(), values.end());
  return values;
}

void Postings::FillStatus(uint64_t limit, HeadStatus* status) const {
  status->series = series_count();
  status->label_pairs = pair_count();
  status->series_by_metric.clear();
  status->values_by_label.clear();
  status->bytes_by_label.clear();
  status->series_by_label_pair.clear();
  for (const auto& [label, name] : names_) {
    uint64_t bytes = 0;
    // Pairs are cut as they come: there may be millions.
    std::vector<NamedCount> pairs;
    for (const PairId pair : name.pairs) {
      const uint64_t count = lists_[pair.number].size();
      const std::string_view value = ValueOf(pair);
      bytes += value.size() * count;
      if (label == kMetricNameLabel)
        status->series_by_metric.push_back({std::string(value), count});
      pairs.push_back({label + "=" + std::string(value), count});
      if (pairs.size() >= 2 * limit + 1024) KeepTop(limit, &pairs);
    }
    status->values_by_label.push_back({label, name.pairs.size()});
    status->bytes_by_label.push_back({label, bytes});
    KeepTop(limit, &pairs);
    status->series_by_label_pair.insert(status->series_by_label_pair.end(), pairs.begin(),
                                        pairs.end());
  }
  KeepTop(limit, &status->series_by_metric);
  KeepTop(limit, &status->values_by_label);
  KeepTop(limit, &status->bytes_by_label);
  KeepTop(limit, &status->series_by_label_pair);
}

}  // namespace thermocline
