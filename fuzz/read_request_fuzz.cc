// Input: a remote read request, once as it comes (snappy around protobuf) and once as the bare
// message. An accepted request is within the limits, and its matchers can be asked.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "wire/read_request.h"

namespace thermocline {
namespace {

void CheckRequest(const Result<ReadRequest>& request, const ReadRequestLimits& limits) {
  if (!request.ok()) {
    CHECK(request.status().code() == Code::kInvalidArgument);
    return;
  }
  CHECK(request->queries.size() <= limits.max_queries);
  size_t matchers = 0;
  for (const ReadQuery& query : request->queries) {
    matchers += query.matchers.size();
    for (const Matcher& matcher : query.matchers) {
      CHECK(matcher.Matches("") == matcher.MatchesEmpty());
    }
  }
  CHECK(matchers <= limits.max_matchers);
}

}  // namespace
}  // namespace thermocline

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
  using namespace thermocline;  // NOLINT(google-build-using-namespace)
  const std::string_view input(reinterpret_cast<const char*>(data), size_bytes);
  ReadRequestLimits limits;
  limits.max_decoded_bytes = 1 << 20;
  limits.max_queries = 100;
  limits.max_matchers = 100;
  CheckRequest(DecodeReadRequest(input, limits), limits);
  CheckRequest(ParseReadRequest(input, limits), limits);
  return 0;
}
