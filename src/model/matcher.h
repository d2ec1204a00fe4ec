// Label matchers with Prometheus' meaning: a missing label is the empty string; regexes are
// anchored at both ends and their dot matches a newline.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/labels.h"

namespace thermocline {

// Stored in requests; the values are Thanos' and remote read's.
enum class MatchType { kEqual = 0, kNotEqual = 1, kRegex = 2, kNotRegex = 3 };

class CompiledRegex;  // model/regex.h; the only place that knows RE2

class Matcher {
 public:
  // InvalidArgument with Go's text ("error parsing regexp: ...") for a bad pattern, or a pattern
  // over 4 KiB.
  static Result<Matcher> Make(MatchType type, std::string name, std::string value);
  // For equality matchers, which cannot fail.
  static Matcher Equal(std::string name, std::string value);

  MatchType type() const { return type_; }
  const std::string& name() const { return name_; }
  const std::string& value() const { return value_; }

  bool Matches(std::string_view value) const;
  bool MatchesEmpty() const { return matches_empty_; }
  bool negative() const { return type_ == MatchType::kNotEqual || type_ == MatchType::kNotRegex; }

  // Values that can match when they can be listed (=, or a regex that is an alternation of
  // literals), ascending; nullopt otherwise. Only for positive matchers.
  std::optional<std::vector<std::string>> LiteralValues() const;
  // Literal prefix that every match starts with; "" when none is known. Only for positive matchers.
  std::string_view prefix() const;

  // job="x", job!~"a.*" with Go quoting; a name that is not a legacy name is quoted.
  std::string ToString() const;
  bool operator==(const Matcher& other) const {
    return type_ == other.type_ && name_ == other.name_ && value_ == other.value_;
  }

 private:
  Matcher() = default;
  MatchType type_ = MatchType::kEqual;
  std::string name_;
  std::string value_;
  bool matches_empty_ = false;
  std::shared_ptr<const CompiledRegex> regex_;
};

// True when every matcher accepts the label set.
bool MatchesAll(const std::vector<Matcher>& matchers, LabelsView labels);

}  // namespace thermocline
