#include "model/regex_rewrite.h"

#include <re2/re2.h>

#include <algorithm>
#include <map>
#include <vector>

namespace thermocline {
namespace {

RE2::Options RewriteOptions() {
  RE2::Options options;
  options.set_dot_nl(true);
  options.set_log_errors(false);
  return options;
}

bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// The group name after a dollar sign, braces included; empty when there is no valid one.
// `*length` is what it takes up.
std::string_view TakeName(std::string_view text, size_t* length) {
  *length = 0;
  const bool braced = text.starts_with('{');
  const size_t begin = braced ? 1 : 0;
  size_t end = begin;
  while (end < text.size() && IsNameByte(text[end])) ++end;
  if (end == begin || (braced && (end == text.size() || text[end] != '}'))) return {};
  *length = braced ? end + 1 : end;
  return text.substr(begin, end - begin);
}

}  // namespace

struct RegexRewriter::Engine {
  explicit Engine(std::string_view pattern)
      : re(re2::StringPiece(pattern.data(), pattern.size()), RewriteOptions()) {}

  // The number of the group called `name`, or -1.
  int GroupOf(std::string_view name) const {
    if (std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; })) {
      int group = 0;
      for (const char c : name) {
        group = group * 10 + (c - '0');
        if (group > re.NumberOfCapturingGroups()) return -1;
      }
      return group;
    }
    const auto& names = re.NamedCapturingGroups();
    const auto found = names.find(std::string(name));
    return found == names.end() ? -1 : found->second;
  }

  RE2 re;
};

RegexRewriter::RegexRewriter(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
RegexRewriter::RegexRewriter(RegexRewriter&&) noexcept = default;
RegexRewriter::~RegexRewriter() = default;

Result<RegexRewriter> RegexRewriter::Compile(std::string_view pattern) {
  auto engine = std::make_unique<Engine>(pattern);
  if (!engine->re.ok()) {
    return Status::InvalidArgument("error parsing regexp: " + engine->re.error());
  }
  return RegexRewriter(std::move(engine));
}

std::optional<std::string> RegexRewriter::Rewrite(std::string_view value,
                                                  std::string_view replacement) const {
  const RE2& re = engine_->re;
  std::vector<re2::StringPiece> groups(static_cast<size_t>(re.NumberOfCapturingGroups()) + 1);
  const re2::StringPiece text(value.data(), value.size());
  if (!re.Match(text, 0, value.size(), RE2::ANCHOR_BOTH, groups.data(),
                static_cast<int>(groups.size()))) {
    return std::nullopt;
  }
  std::string out;
  while (!replacement.empty()) {
    const size_t dollar = std::min(replacement.find('$'), replacement.size());
    out += replacement.substr(0, dollar);
    replacement.remove_prefix(dollar);
    if (replacement.empty()) break;
    replacement.remove_prefix(1);
    if (replacement.starts_with('$')) {
      out += '$';
      replacement.remove_prefix(1);
      continue;
    }
    size_t length = 0;
    const std::string_view name = TakeName(replacement, &length);
    if (length == 0) {
      out += '$';
      continue;
    }
    replacement.remove_prefix(length);
    const int group = engine_->GroupOf(name);
    if (group < 0) continue;
    const re2::StringPiece& piece = groups[static_cast<size_t>(group)];
    if (piece.data() != nullptr) out.append(piece.data(), piece.size());
  }
  return out;
}

}  // namespace thermocline
