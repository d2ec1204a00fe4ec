// Input: a form body of an API request. Whatever it says, steps stay within bounds.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "wire/parameters.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
  using namespace thermocline;  // NOLINT(google-build-using-namespace)
  const std::string_view form(reinterpret_cast<const char*>(data), size_bytes);
  Parameters parameters;
  (void)parameters.Add(form);  // the pairs before a bad one stay, and are checked
  CHECK(parameters.pairs().size() <= Parameters::kMaxCount);
  for (const auto& [name, value] : parameters.pairs()) {
    CHECK(parameters.Has(name));
    const auto time = ParseTime(value);
    if (time.ok()) CHECK(*time >= kApiMinTimeMs && *time <= kApiMaxTimeMs);
  }
  const auto steps = StepsParameters(parameters);
  if (steps.ok()) {
    CHECK(steps->step_ms > 0 && steps->end_ms >= steps->start_ms);
    const auto length_ms =
        static_cast<uint64_t>(steps->end_ms) - static_cast<uint64_t>(steps->start_ms);
    CHECK(length_ms / static_cast<uint64_t>(steps->step_ms) <= 11'000);
  }
  const auto absent = TimeParameter(parameters, "no such name", 7);
  if (!parameters.Has("no such name")) CHECK(absent.ok() && *absent == 7);
  (void)LimitParameter(parameters);
  (void)DurationParameter(parameters, "timeout");
  (void)DecodePathSegment(form);
  (void)LabelNameFromPath(form);
  return 0;
}
