#include "model/number.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>

#include "base/check.h"
#include "model/sample.h"

namespace thermocline {
namespace {

// `lower` is lower-case.
bool EqualsIgnoringCase(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] + 32) : text[i];
    if (c != lower[i]) return false;
  }
  return true;
}

}  // namespace

bool ParseGoFloat(std::string_view text, double* value, bool* out_of_range) {
  if (out_of_range != nullptr) *out_of_range = false;
  std::string_view rest = text;
  bool negative = false;
  const bool is_signed = !rest.empty() && (rest[0] == '+' || rest[0] == '-');
  if (is_signed) {
    negative = rest[0] == '-';
    rest.remove_prefix(1);
  }
  if (rest.empty()) return false;
  if (EqualsIgnoringCase(rest, "inf") || EqualsIgnoringCase(rest, "infinity")) {
    const double infinity = std::numeric_limits<double>::infinity();
    *value = negative ? -infinity : infinity;
    return true;
  }
  if (EqualsIgnoringCase(rest, "nan")) {
    if (is_signed) return false;
    *value = NormalNan();
    return true;
  }
  auto format = std::chars_format::general;
  if (rest.size() > 2 && rest[0] == '0' && (rest[1] == 'x' || rest[1] == 'X')) {
    // Go wants the binary exponent in hexadecimal numbers.
    if (rest.find_first_of("pP") == std::string_view::npos) return false;
    format = std::chars_format::hex;
    rest.remove_prefix(2);
  }
  // from_chars would take another sign, "inf" or "nan" here.
  if (!(rest[0] == '.' || (rest[0] >= '0' && rest[0] <= '9') || format == std::chars_format::hex) ||
      rest[0] == '-') {
    return false;
  }
  double size = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), size, format);
  if (end != rest.data() + rest.size()) return false;
  if (error == std::errc::result_out_of_range) {
    // Too small is a number to Go, too large is not; from_chars calls both the same.
    size = std::strtod(std::string(text.substr(is_signed ? 1 : 0)).c_str(), nullptr);
    if (size == HUGE_VAL) {
      if (out_of_range != nullptr) *out_of_range = true;
      return false;
    }
  } else if (error != std::errc()) {
    return false;
  }
  *value = negative ? -size : size;
  return true;
}

void AppendFloatG(std::string* out, double value) {
  if (std::isnan(value) || std::isinf(value)) {
    *out += std::isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
    return;
  }
  const double size = std::fabs(value);
  const bool fixed = size == 0 || (size >= 1e-4 && size < 1e6);
  char buffer[48];
  const auto result =
      std::to_chars(buffer, buffer + sizeof(buffer), value,
                    fixed ? std::chars_format::fixed : std::chars_format::scientific);
  CHECK(result.ec == std::errc());
  out->append(buffer, result.ptr);
}

}  // namespace thermocline
