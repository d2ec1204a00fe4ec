#include "columnar/tail_check.h"

#include <fmt/core.h>

#include "base/hash.h"

namespace thermocline::columnar {

std::optional<size_t> FindTailDigits(std::string_view footer) {
  // Compact thrift: field 1 is a string of the key's length, field 2 one of the digits'.
  constexpr char kString = 0x18;
  for (size_t at = footer.rfind(kTailCheckKey); at != std::string_view::npos && at >= 2;
       at = footer.rfind(kTailCheckKey, at - 1)) {
    const size_t end = at + kTailCheckKey.size();
    if (footer.size() - end < 2 + kTailDigits) continue;
    const int framed = (footer[at - 2] == kString ? 1 : 0) +
                       (footer[at - 1] == static_cast<char>(kTailCheckKey.size()) ? 1 : 0) +
                       (footer[end] == kString ? 1 : 0) +
                       (footer[end + 1] == static_cast<char>(kTailDigits) ? 1 : 0);
    if (framed >= 3) return end + 2;
  }
  return std::nullopt;
}

std::string TailDigits(std::string_view indexes, std::string_view footer, size_t digits_at) {
  Hash64Stream hash;
  hash.Update(indexes);
  hash.Update(footer.substr(0, digits_at));
  hash.Update(std::string(kTailDigits, '0'));
  hash.Update(footer.substr(digits_at + kTailDigits));
  return fmt::format("{:016x}", hash.Digest());
}

}  // namespace thermocline::columnar
