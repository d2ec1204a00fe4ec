// The log's replay: the input is the bytes of one or two segment files. The first byte says whether
// CRCs are checked (a fuzzer does not guess them) and where the input is split.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "env/simulated/simulated_env.h"
#include "wal/replay.h"

namespace thermocline {
namespace {

void ReplayBytes(std::string_view input) {
  if (input.empty()) return;
  const auto choice = static_cast<uint8_t>(input.front());
  input.remove_prefix(1);
  const size_t split = (choice >> 1) == 0 ? input.size() : input.size() * (choice >> 1) / 128;
  SimulatedEnv simulated;
  simulated.files.PutFile("/wal/" + wal::SegmentName(SegmentId(1)), input.substr(0, split));
  if (split < input.size()) {
    simulated.files.PutFile("/wal/" + wal::SegmentName(SegmentId(2)), input.substr(split));
  }
  wal::ReplayOptions options;
  options.directory = "/wal";
  options.reader.check_crc = (choice & 1) != 0;
  options.reader.max_record_bytes = 1 << 20;
  Lsn previous;
  uint64_t records = 0;
  ReplaySummary summary;
  const auto replayed = wal::ReplaySegments(
      options, simulated.files, simulated.logger,
      [&](const LogRecord& record) {
        CHECK(record.lsn > previous);
        CHECK(record.payload.size() <= options.reader.max_record_bytes);
        previous = record.lsn;
        ++records;
        return Status::Ok();
      },
      &summary);
  CHECK_OK(replayed.status());
  CHECK(records == summary.records && replayed->last >= previous);
}

}  // namespace
}  // namespace thermocline

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  thermocline::ReplayBytes({reinterpret_cast<const char*>(data), size});
  return 0;
}
