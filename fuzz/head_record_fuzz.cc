// Input: the payload of one of the head's log records. It is replayed into a head, which is then
// read whole; what a record holds is what a head can hold.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "env/simulated/simulated_env.h"
#include "head/head.h"
#include "head/record.h"

namespace thermocline {
namespace {

void ReadAll(const Head& head) {
  SelectRequest request;
  request.range = {kMinTimestampMs, kMaxTimestampMs};
  const auto set = head.Select(request);
  CHECK_OK(set.status());
  SeriesBatch batch;
  for (uint32_t i = 0; i < (*set)->series_count(); ++i) {
    CHECK_OK((*set)->Read({&i, 1}, &batch));
    const size_t samples = batch.timestamps_ms.size();
    CHECK(batch.values.size() == samples);
    CHECK(batch.histogram_index.empty() || batch.histogram_index.size() == samples);
    CHECK(batch.start_timestamps_ms.empty() || batch.start_timestamps_ms.size() == samples);
    for (size_t s = 0; s < samples; ++s) {
      CHECK(s == 0 || batch.timestamps_ms[s] > batch.timestamps_ms[s - 1]);
      const Histogram* const h = batch.histogram(s);
      CHECK(h == nullptr || (IsWellFormed(*h) && SameBits(h->sum, batch.values[s])));
    }
  }
}

}  // namespace
}  // namespace thermocline

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
  using namespace thermocline;  // NOLINT(google-build-using-namespace)
  const std::string_view payload(reinterpret_cast<const char*>(data), size_bytes);
  SimulatedEnv env;
  const auto head = Head::Create({}, env.env());
  CHECK_OK(head.status());
  (void)(*head)->Replay(Lsn(1), kSamplesRecord, payload);
  ReadAll(**head);
  return 0;
}
