// Input: a query. What parses must print as a text that parses to the same text again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "promql/parser.h"
#include "promql/printer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
  using namespace thermocline;  // NOLINT(google-build-using-namespace)
  const std::string_view query(reinterpret_cast<const char*>(data), size_bytes);
  const auto tree = promql::Parse(query);
  if (!tree.ok()) {
    CHECK(!tree.status().message().empty());
    return 0;
  }
  const std::string printed = promql::Print(**tree);
  const auto again = promql::Parse(printed);
  CHECK(again.ok());
  CHECK(promql::Print(**again) == printed);
  return 0;
}
