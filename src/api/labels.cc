#include <thermocline/labels.h>

#include "api/bridge.h"
#include "promql/parser.h"

namespace thermocline::api {
namespace {

static_assert(static_cast<int>(MatchType::kNotRegex) ==
              static_cast<int>(thermocline::MatchType::kNotRegex));

thermocline::Result<bool> AllMatch(const std::vector<Matcher>& matchers, const Labels& labels) {
  ASSIGN_OR_RETURN(const auto compiled, CompileMatchers(matchers));
  return MatchesAll(compiled, LabelBytes::View(labels));
}

thermocline::Result<std::vector<Matcher>> SelectorOf(std::string_view text) {
  ASSIGN_OR_RETURN(const auto matchers, promql::ParseMetricSelector(text));
  return ToApi(matchers);
}

}  // namespace

Labels::Labels(std::initializer_list<std::pair<std::string_view, std::string_view>> pairs)
    : packed_(thermocline::Labels(pairs).packed()) {}

Labels::Labels(const LabelPairs& pairs) : packed_(thermocline::Labels(pairs).packed()) {}

LabelPairs Labels::pairs() const {
  LabelPairs pairs;
  for (const LabelPair& pair : LabelsView(packed_)) pairs.emplace_back(pair.name, pair.value);
  return pairs;
}

size_t Labels::size() const { return LabelsView(packed_).size(); }

std::string_view Labels::Get(std::string_view name) const { return LabelsView(packed_).Get(name); }

Labels Labels::With(std::string_view name, std::string_view value) const {
  return LabelBytes::Of(LabelsBuilder(LabelsView(packed_)).Set(name, value).Build());
}

std::string Labels::ToString() const { return LabelsView(packed_).ToString(); }

uint64_t Labels::Hash() const { return LabelsView(packed_).Hash(); }

std::strong_ordering Labels::operator<=>(const Labels& other) const {
  return LabelsView(packed_) <=> LabelsView(other.packed_);
}

Result<std::vector<Matcher>> ParseSelector(std::string_view text) {
  return ToApi(SelectorOf(text));
}

Result<bool> Matches(const std::vector<Matcher>& matchers, const Labels& labels) {
  return ToApi(AllMatch(matchers, labels));
}

thermocline::Result<std::vector<thermocline::Matcher>> CompileMatchers(
    const std::vector<Matcher>& matchers) {
  std::vector<thermocline::Matcher> compiled;
  for (const Matcher& matcher : matchers) {
    const auto type = static_cast<thermocline::MatchType>(matcher.type);
    ASSIGN_OR_RETURN(auto made, thermocline::Matcher::Make(type, matcher.name, matcher.value));
    compiled.push_back(std::move(made));
  }
  return compiled;
}

std::vector<Matcher> ToApi(const std::vector<thermocline::Matcher>& matchers) {
  std::vector<Matcher> out;
  for (const thermocline::Matcher& matcher : matchers) {
    out.push_back({static_cast<MatchType>(matcher.type()), matcher.name(), matcher.value()});
  }
  return out;
}

}  // namespace thermocline::api
