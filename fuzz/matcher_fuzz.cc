// Input: one byte for the type, the pattern up to a newline, then values, one a line. What a
// matcher promises about itself must hold for every value.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "model/matcher.h"

namespace thermocline {
namespace {

void CheckPromises(const Matcher& matcher, std::string_view value) {
  const bool matches = matcher.Matches(value);
  if (value.empty()) CHECK(matches == matcher.MatchesEmpty());
  if (matcher.negative()) return;
  if (matches) CHECK(value.starts_with(matcher.prefix()));
  const auto literals = matcher.LiteralValues();
  if (literals) CHECK(matches == std::binary_search(literals->begin(), literals->end(), value));
}

void Run(std::string_view input) {
  if (input.empty()) return;
  const auto type = static_cast<MatchType>(static_cast<uint8_t>(input[0]) & 3);
  input.remove_prefix(1);
  const std::string pattern(input.substr(0, input.find('\n')));
  const auto matcher = Matcher::Make(type, "label", pattern);
  if (!matcher.ok()) return;
  CHECK(!matcher->ToString().empty());
  CheckPromises(*matcher, "");
  CheckPromises(*matcher, pattern);
  input.remove_prefix(std::min(input.size(), pattern.size()));
  while (!input.empty()) {
    input.remove_prefix(1);
    const std::string_view value = input.substr(0, input.find('\n'));
    CheckPromises(*matcher, value);
    input.remove_prefix(value.size());
  }
}

}  // namespace
}  // namespace thermocline

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
  thermocline::Run({reinterpret_cast<const char*>(data), size_bytes});
  return 0;
}
