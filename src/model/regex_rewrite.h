// Rewriting a value by a regular expression and a template, as label_replace and relabelling do.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace thermocline {

// A pattern (anchored at both ends, dot matches a newline, RE2 syntax) with capturing groups.
// Threads: safe after construction.
class RegexRewriter {
 public:
  // InvalidArgument for a pattern that does not compile.
  static Result<RegexRewriter> Compile(std::string_view pattern);
  RegexRewriter(RegexRewriter&&) noexcept;
  ~RegexRewriter();

  // The template with its references filled in, or nullopt when `value` does not match. $1, ${1},
  // $name and ${name} are groups (the longest run of letters, digits and underscores is the name;
  // unknown groups are empty), $$ is a dollar sign: Go's regexp.Expand.
  std::optional<std::string> Rewrite(std::string_view value, std::string_view replacement) const;

 private:
  struct Engine;
  explicit RegexRewriter(std::unique_ptr<Engine> engine);
  std::unique_ptr<Engine> engine_;
};

}  // namespace thermocline
