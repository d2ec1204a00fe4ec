// Regular expressions as label matchers use them. The only place that knows RE2.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace thermocline {

// A pattern compiled once, matched against whole values: anchored at both ends, dot matches a
// newline, RE2 syntax (which is Go's). Threads: safe after construction.
class CompiledRegex {
 public:
  static constexpr size_t kMaxPatternBytes = 4096;

  // InvalidArgument with Go's text, e.g. "error parsing regexp: missing closing ): `a(`", or when
  // the pattern is over kMaxPatternBytes.
  static Result<std::shared_ptr<const CompiledRegex>> Compile(std::string_view pattern);
  ~CompiledRegex();

  bool Matches(std::string_view value) const;
  // All values that match, ascending and distinct, when the pattern is a finite set of at most 256
  // literals; nullopt otherwise.
  const std::optional<std::vector<std::string>>& literals() const { return literals_; }
  // What every match starts with; may be empty.
  const std::string& prefix() const { return prefix_; }

 private:
  // How a value is decided; everything but kEngine avoids the automaton.
  enum class Way { kEngine, kLiterals, kAnything, kNonEmpty, kPrefix, kSuffix, kContains };
  struct Engine;

  CompiledRegex();
  void ChooseWay(std::string_view pattern);

  Way way_ = Way::kEngine;
  std::optional<std::vector<std::string>> literals_;
  std::string prefix_;
  std::string part_;  // of kPrefix, kSuffix, kContains
  std::unique_ptr<Engine> engine_;
};

// True when Go's strconv.IsPrint accepts the one character that `sequence` (well-formed UTF-8,
// not ASCII) encodes: letters, marks, numbers, punctuation and symbols.
bool IsPrintableSequence(std::string_view sequence);

}  // namespace thermocline
