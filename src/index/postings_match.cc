// Questions to the index: matchers, names, values and the counts of the status page.
#include <algorithm>
#include <functional>
#include <optional>

#include "base/asking_sort.h"
#include "index/postings.h"
#include "index/set_operations.h"

namespace thermocline {
namespace {

using Refs = std::span<const SeriesRef>;

std::vector<SeriesRef> Copy(Refs refs) { return {refs.begin(), refs.end()}; }

// Asks a budget once for so much work: a value that a regex looks at, a list of series.
class Questions {
 public:
  explicit Questions(const QueryBudget* budget) : budget_(budget) {}
  Status Ask() const { return budget_ == nullptr ? Status::Ok() : budget_->Check(); }
  Status AskAfter(size_t work) {
    work_ += work;
    if (work_ < kWorkPerQuestion) return Status::Ok();
    work_ = 0;
    return Ask();
  }

 private:
  static constexpr size_t kWorkPerQuestion = 4096;
  const QueryBudget* const budget_;
  size_t work_ = 0;
};

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
Result<std::vector<SeriesRef>> Postings::UnionOf(const Name& name, Keep keep,
                                                 const QueryBudget* budget) const {
  Questions questions(budget);
  std::vector<Refs> lists;
  for (const PairId pair : name.pairs) {
    RETURN_IF_ERROR(questions.AskAfter(1));
    if (keep(ValueOf(pair))) lists.push_back(lists_[pair.number].view());
  }
  RETURN_IF_ERROR(questions.Ask());
  return Union(lists);
}

// For a matcher that refuses the empty string: the series that have the label with a value it
// accepts.
Result<std::vector<SeriesRef>> Postings::Accepted(const Matcher& matcher,
                                                  const QueryBudget* budget) const {
  if (const auto values = matcher.LiteralValues()) {
    std::vector<Refs> lists;
    for (const std::string& value : *values) lists.push_back(Find(matcher.name(), value));
    return Union(lists);
  }
  const Name* name = FindName(matcher.name());
  if (name == nullptr) return std::vector<SeriesRef>();
  return UnionOf(
      *name, [&matcher](std::string_view v) { return matcher.Matches(v); }, budget);
}

// For a matcher that accepts the empty string: the series that have the label with a value it
// refuses. Everything else, series without the label included, is accepted.
Result<std::vector<SeriesRef>> Postings::Refused(const Matcher& matcher,
                                                 const QueryBudget* budget) const {
  if (matcher.type() == MatchType::kNotEqual) return Copy(Find(matcher.name(), matcher.value()));
  const Name* name = FindName(matcher.name());
  if (name == nullptr) return std::vector<SeriesRef>();
  return UnionOf(
      *name, [&matcher](std::string_view v) { return !matcher.Matches(v); }, budget);
}

Result<std::vector<SeriesRef>> Postings::Match(const std::vector<Matcher>& matchers,
                                               const QueryBudget* budget) const {
  const Questions questions(budget);
  // Plain equality first: it is free, and an empty list ends the matter before any regex runs.
  std::vector<Refs> equal;
  for (const Matcher& matcher : matchers) {
    if (matcher.type() == MatchType::kEqual && !matcher.value().empty()) {
      equal.push_back(Find(matcher.name(), matcher.value()));
      if (equal.back().empty()) return std::vector<SeriesRef>();
    }
  }
  std::sort(equal.begin(), equal.end(), [](Refs a, Refs b) { return a.size() < b.size(); });
  std::optional<std::vector<SeriesRef>> found;
  if (equal.size() == 1) found = Copy(equal[0]);
  for (size_t i = 1; i < equal.size(); ++i) {
    RETURN_IF_ERROR(questions.Ask());
    found = Intersect(i == 1 ? equal[0] : Refs(*found), equal[i]);
    if (found->empty()) return std::vector<SeriesRef>();
  }
  for (const Matcher& matcher : matchers) {
    if (matcher.MatchesEmpty() || matcher.type() == MatchType::kEqual) continue;
    ASSIGN_OR_RETURN(std::vector<SeriesRef> accepted, Accepted(matcher, budget));
    RETURN_IF_ERROR(questions.Ask());
    found = found.has_value() ? Intersect(*found, accepted) : std::move(accepted);
    if (found->empty()) return std::vector<SeriesRef>();
  }
  if (!found.has_value()) found = Copy(All());
  for (const Matcher& matcher : matchers) {
    if (!matcher.MatchesEmpty() || found->empty()) continue;
    ASSIGN_OR_RETURN(const std::vector<SeriesRef> refused, Refused(matcher, budget));
    RETURN_IF_ERROR(questions.Ask());
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

Result<std::vector<std::string>> Postings::LabelValues(std::string_view name,
                                                       const QueryBudget* budget) const {
  Questions questions(budget);
  std::vector<std::string> values;
  if (const Name* found = FindName(name)) {
    values.reserve(found->pairs.size());
    for (const PairId pair : found->pairs) {
      RETURN_IF_ERROR(questions.AskAfter(1));
      values.emplace_back(ValueOf(pair));
    }
  }
  RETURN_IF_ERROR(SortAsking(&values, std::less<>(), [&] { return questions.Ask(); }));
  return values;
}

Result<std::vector<std::string>> Postings::LabelNames(Refs series,
                                                      const QueryBudget* budget) const {
  Questions questions(budget);
  std::vector<std::string> names;
  for (const auto& [text, name] : names_) {
    for (const PairId pair : name.pairs) {
      const Refs list = lists_[pair.number].view();
      RETURN_IF_ERROR(questions.AskAfter(1 + std::min(list.size(), series.size())));
      if (!Intersects(list, series)) continue;
      names.push_back(text);
      break;
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::vector<std::string>> Postings::LabelValues(std::string_view name, Refs series,
                                                       const QueryBudget* budget) const {
  Questions questions(budget);
  std::vector<std::string> values;
  if (const Name* found = FindName(name)) {
    for (const PairId pair : found->pairs) {
      const Refs list = lists_[pair.number].view();
      RETURN_IF_ERROR(questions.AskAfter(1 + std::min(list.size(), series.size())));
      if (Intersects(list, series)) values.emplace_back(ValueOf(pair));
    }
  }
  RETURN_IF_ERROR(SortAsking(&values, std::less<>(), [&] { return questions.Ask(); }));
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
