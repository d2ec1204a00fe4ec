// Remote read requests: what a client asks for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/matcher.h"

namespace thermocline {

struct ReadRequestLimits {
  uint64_t max_decoded_bytes = 32ull << 20;
  uint32_t max_queries = 1'000;
  uint32_t max_matchers = 10'000;  // of all queries
};

// The values are the protocol's.
enum class ReadResponseType { kSamples = 0, kStreamedChunks = 1 };

struct ReadQuery {
  TimeRange range;  // inclusive; when the hints name a range, what both have in common
  std::vector<Matcher> matchers;
  int64_t step_ms = 0;
  int64_t range_ms = 0;
  std::string function;  // "series" asks for label sets alone
};

struct ReadRequest {
  std::vector<ReadQuery> queries;
  ReadResponseType response_type = ReadResponseType::kSamples;
};

// Takes one request body out of its snappy block and decodes it. InvalidArgument: not a snappy
// block, larger than allowed once decoded, no prometheus.ReadRequest, a regular expression that
// does not compile, or nothing among the accepted response types that is served.
// Source: Prometheus' storage/remote/codec.go and prompb/remote.proto.
Result<ReadRequest> DecodeReadRequest(std::string_view body, const ReadRequestLimits& limits);

// The same of the message alone.
Result<ReadRequest> ParseReadRequest(std::string_view message, const ReadRequestLimits& limits);

}  // namespace thermocline
