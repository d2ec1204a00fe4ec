// Label sets and matchers, with Prometheus' meaning: a missing label is the empty string.
#pragma once

#include <compare>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <thermocline/export.h>
#include <thermocline/status.h>

namespace thermocline::api {

inline constexpr std::string_view kMetricName = "__name__";

using LabelPairs = std::vector<std::pair<std::string, std::string>>;

// An immutable set of labels, ascending by name; cheap to copy. Ordered as Prometheus orders
// series.
class THERMOCLINE_API Labels {
 public:
  Labels() = default;
  // In any order; empty values are left out, of a name given twice the last value stays.
  Labels(std::initializer_list<std::pair<std::string_view, std::string_view>> pairs);
  explicit Labels(const LabelPairs& pairs);

  LabelPairs pairs() const;
  size_t size() const;
  bool empty() const { return packed_.empty(); }
  // Empty when absent. The view lives as long as this set.
  std::string_view Get(std::string_view name) const;
  std::string_view metric_name() const { return Get(kMetricName); }
  // This set with one label changed; an empty value removes it.
  Labels With(std::string_view name, std::string_view value) const;
  // {__name__="up", job="x"}, as Prometheus prints it.
  std::string ToString() const;
  // The same on every machine and in every version.
  uint64_t Hash() const;

  bool operator==(const Labels& other) const { return packed_ == other.packed_; }
  std::strong_ordering operator<=>(const Labels& other) const;

 private:
  friend struct LabelBytes;
  std::string packed_;
};

enum class MatchType { kEqual = 0, kNotEqual = 1, kRegex = 2, kNotRegex = 3 };

// What to select; regexes are RE2's, anchored at both ends, and a dot matches a newline.
struct Matcher {
  MatchType type = MatchType::kEqual;
  std::string name;
  std::string value;
};

// Of a selector as PromQL writes it: up{job=~"a|b"}. InvalidArgument names the position.
THERMOCLINE_API Result<std::vector<Matcher>> ParseSelector(std::string_view text);

// Whether all `matchers` accept `labels`. InvalidArgument for a bad regex.
THERMOCLINE_API Result<bool> Matches(const std::vector<Matcher>& matchers, const Labels& labels);

}  // namespace thermocline::api
