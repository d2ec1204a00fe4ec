#include "model/matcher.h"

#include <algorithm>

#include "model/regex.h"

namespace thermocline {
namespace {

std::string_view OperatorText(MatchType type) {
  switch (type) {
    case MatchType::kEqual: return "=";
    case MatchType::kNotEqual: return "!=";
    case MatchType::kRegex: return "=~";
    case MatchType::kNotRegex: return "!~";
  }
  return "";
}

}  // namespace

Result<Matcher> Matcher::Make(MatchType type, std::string name, std::string value) {
  Matcher matcher;
  matcher.type_ = type;
  matcher.name_ = std::move(name);
  matcher.value_ = std::move(value);
  if (type == MatchType::kRegex || type == MatchType::kNotRegex) {
    ASSIGN_OR_RETURN(matcher.regex_, CompiledRegex::Compile(matcher.value_));
  }
  matcher.matches_empty_ = matcher.Matches("");
  return matcher;
}

Matcher Matcher::Equal(std::string name, std::string value) {
  return Make(MatchType::kEqual, std::move(name), std::move(value)).value();
}

bool Matcher::Matches(std::string_view value) const {
  switch (type_) {
    case MatchType::kEqual: return value == value_;
    case MatchType::kNotEqual: return value != value_;
    case MatchType::kRegex: return regex_->Matches(value);
    case MatchType::kNotRegex: return !regex_->Matches(value);
  }
  return false;
}

std::optional<std::vector<std::string>> Matcher::LiteralValues() const {
  if (type_ == MatchType::kEqual) return std::vector<std::string>{value_};
  if (type_ == MatchType::kRegex) return regex_->literals();
  return std::nullopt;
}

std::string_view Matcher::prefix() const {
  if (type_ == MatchType::kEqual) return value_;
  if (type_ == MatchType::kRegex) return regex_->prefix();
  return {};
}

std::string Matcher::ToString() const {
  std::string text = IsLegacyLabelName(name_) ? name_ : GoQuote(name_);
  text += OperatorText(type_);
  text += GoQuote(value_);
  return text;
}

bool MatchesAll(const std::vector<Matcher>& matchers, LabelsView labels) {
  return std::all_of(matchers.begin(), matchers.end(), [labels](const Matcher& matcher) {
    return matcher.Matches(labels.Get(matcher.name()));
  });
}

}  // namespace thermocline
