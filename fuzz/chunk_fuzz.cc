// Input: one byte that chooses the encoding (1 to 6), then a chunk. What decodes is encoded again,
// cut as an appender would, and decodes to the same samples.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "codec/chunk.h"

namespace thermocline {
namespace {

constexpr TimeRange kAll{kMinTimestampMs, kMaxTimestampMs};

void CheckSame(const SeriesBatch& a, const SeriesBatch& b) {
  CHECK(a.timestamps_ms == b.timestamps_ms);
  CHECK(a.start_timestamps_ms == b.start_timestamps_ms);
  for (size_t i = 0; i < a.timestamps_ms.size(); ++i) {
    CHECK(SameBits(a.values[i], b.values[i]));
    const Histogram* h = a.histogram(i);
    CHECK((h == nullptr) == (b.histogram(i) == nullptr));
    if (h == nullptr) continue;
    // Minus zero as a threshold or bound is stored as zero.
    Histogram expected = *h;
    if (expected.zero_threshold == 0) expected.zero_threshold = 0;
    for (double& bound : expected.custom_bounds) {
      if (bound == 0) bound = 0;
    }
    CHECK(SameBuckets(expected, *b.histogram(i)));
  }
}

void Run(std::string_view input) {
  if (input.empty()) return;
  const auto encoding = static_cast<ChunkEncoding>(1 + static_cast<uint8_t>(input[0]) % 6);
  const std::string_view bytes = input.substr(1);
  SeriesBatch first;
  if (!DecodeChunk(encoding, bytes, kAll, &first).ok()) {
    CHECK(first.timestamps_ms.empty() && first.histograms.empty());
    return;
  }
  const size_t count = first.timestamps_ms.size();
  CHECK(ChunkSampleCount(encoding, bytes).value() == count);
  SeriesBatch second;
  for (size_t at = 0; at < count;) {
    const size_t end = FirstChunkEnd(first, at, count, 240);
    CHECK(end > at && end <= count);
    std::string chunk;
    CHECK_OK(EncodeChunk(encoding, first, at, end, &chunk));
    CHECK_OK(DecodeChunk(encoding, chunk, kAll, &second));
    at = end;
  }
  CheckSame(first, second);
}

}  // namespace
}  // namespace thermocline

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
  thermocline::Run({reinterpret_cast<const char*>(data), size_bytes});
  return 0;
}
