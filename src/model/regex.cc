#include "model/regex.h"

#include <re2/re2.h>

#include <algorithm>

#include "model/labels.h"
#include "model/regex_literals.h"

namespace thermocline {
namespace {

// Go's texts (regexp/syntax ErrorCode) for RE2's codes.
std::string_view GoErrorText(RE2::ErrorCode code) {
  switch (code) {
    case RE2::ErrorBadEscape: return "invalid escape sequence";
    case RE2::ErrorBadCharClass: return "invalid character class";
    case RE2::ErrorBadCharRange: return "invalid character class range";
    case RE2::ErrorMissingBracket: return "missing closing ]";
    case RE2::ErrorMissingParen: return "missing closing )";
    case RE2::ErrorUnexpectedParen: return "unexpected )";
    case RE2::ErrorTrailingBackslash: return "trailing backslash at end of expression";
    case RE2::ErrorRepeatArgument: return "missing argument to repetition operator";
    case RE2::ErrorRepeatSize: return "invalid repeat count";
    case RE2::ErrorRepeatOp: return "invalid nested repetition operator";
    case RE2::ErrorBadPerlOp: return "invalid or unsupported Perl syntax";
    case RE2::ErrorBadUTF8: return "invalid UTF-8";
    case RE2::ErrorBadNamedCapture: return "invalid named capture";
    case RE2::ErrorPatternTooLarge: return "expression too large";
    default: return "regexp/syntax: internal error";
  }
}

RE2::Options MatcherOptions() {
  RE2::Options options;
  options.set_dot_nl(true);
  options.set_log_errors(false);
  options.set_never_capture(true);
  return options;
}

Status ParseError(std::string_view text, std::string_view argument) {
  std::string message = "error parsing regexp: ";
  message += text;
  if (text == "trailing backslash at end of expression") {
    argument = "";
  }
  message += ": `";
  message += argument;
  message += '`';
  return Status::InvalidArgument(std::move(message));
}

bool IsPlainText(std::string_view text) {
  return text.find_first_of("\\.+*?()|[]{}^$") == std::string_view::npos;
}

}  // namespace

struct CompiledRegex::Engine {
  explicit Engine(std::string_view pattern)
      : re(re2::StringPiece(pattern.data(), pattern.size()), MatcherOptions()) {}
  RE2 re;
};

CompiledRegex::CompiledRegex() = default;
CompiledRegex::~CompiledRegex() = default;

Result<std::shared_ptr<const CompiledRegex>> CompiledRegex::Compile(std::string_view pattern) {
  if (pattern.size() > kMaxPatternBytes) {
    return Status::InvalidArgument(
        "error parsing regexp: expression too large: " + std::to_string(pattern.size()) +
        " bytes, at most " + std::to_string(kMaxPatternBytes) + " are allowed");
  }
  if (!IsValidUtf8(pattern)) return ParseError("invalid UTF-8", pattern);
  std::shared_ptr<CompiledRegex> regex(new CompiledRegex());
  regex->engine_ = std::make_unique<Engine>(pattern);
  const RE2& re = regex->engine_->re;
  if (!re.ok()) return ParseError(GoErrorText(re.error_code()), re.error_arg());
  regex->ChooseWay(pattern);
  if (regex->way_ != Way::kEngine) regex->engine_.reset();
  return std::shared_ptr<const CompiledRegex>(std::move(regex));
}

void CompiledRegex::ChooseWay(std::string_view pattern) {
  literals_ = ExpandLiterals(pattern);
  prefix_ = LiteralPrefix(pattern);
  if (literals_.has_value()) {
    way_ = Way::kLiterals;
    return;
  }
  const bool open_start = pattern.starts_with(".*");
  const bool open_end = pattern.ends_with(".*") && !pattern.ends_with("\\.*");
  if (pattern == ".*") {
    way_ = Way::kAnything;
  } else if (pattern == ".+") {
    way_ = Way::kNonEmpty;
  } else if (open_start && open_end && pattern.size() > 4 &&
             IsPlainText(pattern.substr(2, pattern.size() - 4))) {
    way_ = Way::kContains;
    part_ = pattern.substr(2, pattern.size() - 4);
  } else if (open_end && IsPlainText(pattern.substr(0, pattern.size() - 2))) {
    way_ = Way::kPrefix;
    part_ = pattern.substr(0, pattern.size() - 2);
  } else if (open_start && IsPlainText(pattern.substr(2))) {
    way_ = Way::kSuffix;
    part_ = pattern.substr(2);
  }
}

bool CompiledRegex::Matches(std::string_view value) const {
  switch (way_) {
    case Way::kLiterals: return std::binary_search(literals_->begin(), literals_->end(), value);
    case Way::kAnything: return true;
    case Way::kNonEmpty: return !value.empty();
    case Way::kPrefix: return value.starts_with(part_);
    case Way::kSuffix: return value.ends_with(part_);
    case Way::kContains: return value.find(part_) != std::string_view::npos;
    case Way::kEngine: break;
  }
  if (!value.starts_with(prefix_)) return false;
  return RE2::FullMatch(re2::StringPiece(value.data(), value.size()), engine_->re);
}

bool IsPrintableSequence(std::string_view sequence) {
  static const RE2& printable = *new RE2("[\\pL\\pM\\pN\\pP\\pS]");
  return RE2::FullMatch(re2::StringPiece(sequence.data(), sequence.size()), printable);
}

}  // namespace thermocline
