// Remote write 1.0 requests into a WriteBatch.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/write_batch.h"

namespace thermocline {

struct RemoteWriteLimits {
  uint64_t max_decoded_bytes = 32ull << 20;
  uint32_t max_series = 100'000;
  uint32_t max_samples = 1'000'000;  // floats and histograms
  uint32_t max_histograms = 100'000;
  uint32_t max_buckets = 4'000'000;  // of all histograms, with their spans and bounds
  // Of one series; a series over one of these is skipped and counted.
  uint32_t max_labels = 64;
  uint32_t max_name_bytes = 512;
  uint32_t max_value_bytes = 4096;
  uint32_t max_label_set_bytes = 16 << 10;
};

// What a request held that is not in the batch.
struct RemoteWriteSkipped {
  uint64_t invalid_series = 0;  // no metric name, bad UTF-8, a name twice: as Prometheus, silently
  uint64_t over_limit_series = 0;  // label limits
  uint64_t series_without_samples = 0;
  uint64_t exemplars = 0;
};

// Takes one request body out of its snappy block; `message` is replaced, its memory reused.
// InvalidArgument with Prometheus' texts: "s2: corrupt input", "decoded size exceeds the 33554432
// bytes limit".
Status DecompressRemoteWrite(std::string_view body, const RemoteWriteLimits& limits,
                             std::string* message);

// Decodes a prometheus.WriteRequest. Replaces `batch`, whose policy becomes kWholeBatch; labels are
// sorted, empty values dropped. Reuse the batch, and a request costs no allocation. InvalidArgument
// with Prometheus' text ("unexpected EOF", what is wrong with a histogram), or when the request has
// more series, samples or buckets than allowed.
// Source: reference of remote write 1.0; Prometheus' storage/remote/write_handler.go.
Status ParseWriteRequest1(std::string_view message, const RemoteWriteLimits& limits,
                          WriteBatch* batch, RemoteWriteSkipped* skipped);

}  // namespace thermocline
