// Input: a remote write request, once as it comes (snappy around protobuf) and once as the bare
// message. An accepted batch is consistent in itself and within the limits.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "wire/remote_write.h"

namespace thermocline {
namespace {

void CheckBatch(const WriteBatch& batch, const RemoteWriteLimits& limits) {
  CHECK(batch.series.size() <= limits.max_series);
  CHECK(batch.samples.size() <= limits.max_samples);
  CHECK(batch.histograms.size() <= limits.max_histograms);
  CHECK(batch.histogram_index.empty() || batch.histogram_index.size() == batch.samples.size());
  CHECK(batch.start_timestamps_ms.empty() ||
        batch.start_timestamps_ms.size() == batch.samples.size());
  uint64_t buckets = 0;
  for (const auto& h : batch.histograms) {
    CHECK(IsWellFormed(h));
    buckets += h.positive_counts.size() + h.negative_counts.size() + h.positive_floats.size() +
               h.negative_floats.size();
  }
  CHECK(buckets <= limits.max_buckets);
  for (const auto& series : batch.series) {
    CHECK(batch.labels(series).size() <= limits.max_labels);
    CHECK(uint64_t{series.first_sample} + series.sample_count <= batch.samples.size());
  }
}

}  // namespace
}  // namespace thermocline

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
  using namespace thermocline;  // NOLINT(google-build-using-namespace)
  const std::string_view input(reinterpret_cast<const char*>(data), size_bytes);
  RemoteWriteLimits limits;
  limits.max_decoded_bytes = 1 << 20;
  limits.max_series = 1000;
  limits.max_samples = 1000;
  limits.max_histograms = 100;
  limits.max_buckets = 1000;
  std::string scratch;
  WriteBatch batch;
  RemoteWriteSkipped skipped;
  if (DecompressRemoteWrite(input, limits, &scratch).ok() &&
      ParseWriteRequest1(scratch, limits, &batch, &skipped).ok()) {
    CheckBatch(batch, limits);
  }
  if (ParseWriteRequest1(input, limits, &batch, &skipped).ok()) CheckBatch(batch, limits);
  return 0;
}
