#include "base/duration.h"

#include <array>
#include <limits>

namespace thermocline {
namespace {

struct Unit {
  std::string_view name;
  int64_t ms;
  bool exact;  // printed only when it divides the rest
};

constexpr int64_t kDay = 24LL * 60 * 60 * 1000;
constexpr std::array<Unit, 7> kUnits = {{{"y", 365 * kDay, true},
                                         {"w", 7 * kDay, true},
                                         {"d", kDay, false},
                                         {"h", 60LL * 60 * 1000, false},
                                         {"m", 60LL * 1000, false},
                                         {"s", 1000, false},
                                         {"ms", 1, false}}};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

Status NotADuration(std::string_view text) {
  return Status::InvalidArgument("not a valid duration string: \"" + std::string(text) + "\"");
}

Status UnknownUnit(std::string_view unit, std::string_view text) {
  return Status::InvalidArgument("unknown unit \"" + std::string(unit) + "\" in duration \"" +
                                 std::string(text) + "\"");
}

// Takes a run of digits off the front; false when there is none or it does not fit 64 bits.
bool TakeNumber(std::string_view* rest, uint64_t* number) {
  if (rest->empty() || !IsDigit(rest->front())) return false;
  *number = 0;
  while (!rest->empty() && IsDigit(rest->front())) {
    const auto digit = static_cast<uint64_t>(rest->front() - '0');
    if (__builtin_mul_overflow(*number, uint64_t{10}, number) ||
        __builtin_add_overflow(*number, digit, number)) {
      return false;
    }
    rest->remove_prefix(1);
  }
  return true;
}

}  // namespace

Result<int64_t> ParseDurationMs(std::string_view text) {
  if (text.empty()) return Status::InvalidArgument("empty duration string");
  if (text == "0") return int64_t{0};
  // Go counts nanoseconds in 64 bits, which bounds every duration that Prometheus accepts.
  constexpr uint64_t kMaxMs = std::numeric_limits<int64_t>::max() / 1'000'000;
  std::string_view rest = text;
  uint64_t total = 0;
  size_t next_unit = 0;
  while (!rest.empty()) {
    uint64_t number = 0;
    if (!TakeNumber(&rest, &number)) return NotADuration(text);
    size_t letters = 0;
    while (letters < rest.size() && !IsDigit(rest[letters])) ++letters;
    const std::string_view name = rest.substr(0, letters);
    rest.remove_prefix(letters);
    size_t unit = 0;
    while (unit < kUnits.size() && kUnits[unit].name != name) ++unit;
    if (unit == kUnits.size() && !name.empty()) return UnknownUnit(name, text);
    if (unit == kUnits.size() || unit < next_unit) return NotADuration(text);
    next_unit = unit + 1;
    const auto ms = static_cast<uint64_t>(kUnits[unit].ms);
    if (number > kMaxMs / ms || number * ms > kMaxMs - total) {
      return Status::InvalidArgument("duration out of range");
    }
    total += number * ms;
  }
  return static_cast<int64_t>(total);
}

std::string FormatDurationMs(int64_t duration_ms) {
  if (duration_ms == 0) return "0s";
  std::string text;
  uint64_t rest = static_cast<uint64_t>(duration_ms);
  if (duration_ms < 0) {
    text = "-";
    rest = ~rest + 1;
  }
  for (const Unit& unit : kUnits) {
    const auto ms = static_cast<uint64_t>(unit.ms);
    if (unit.exact && rest % ms != 0) continue;
    if (const uint64_t count = rest / ms; count > 0) {
      text += std::to_string(count);
      text += unit.name;
      rest -= count * ms;
    }
  }
  return text;
}

}  // namespace thermocline
