// Prometheus' logs. Input: one byte that chooses, then a segment file, a record, a file of head
// chunks, or (3) records with a byte of length before each, replayed into a head that is then read
// whole. Segments and head chunks are read as they are and with their checksums put right.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/check.h"
#include "blocks/head_chunks.h"
#include "blocks/wal_head.h"
#include "blocks/wal_records.h"
#include "blocks/wal_segment.h"
#include "bucket/memory_object.h"
#include "checksums.h"

namespace thermocline {
namespace {

void ReadSegment(std::string_view bytes) {
  const MemoryObject object(bytes);
  WalSegmentReader reader(object);
  uint64_t before = 0;
  for (bool first = true;; first = false) {
    const auto record = reader.Next();
    if (!record.ok() || !record->has_value()) break;
    CHECK(first || reader.record_offset() > before);
    before = reader.record_offset();
  }
}

void ReadAll(const std::shared_ptr<const WalHead>& head) {
  SelectRequest request;
  request.range = {kMinTimestampMs, kMaxTimestampMs};
  const auto set = WalHead::Select(head, request);
  CHECK_OK(set.status());
  SeriesBatch batch;
  EncodedBatch encoded;
  for (uint32_t i = 0; i < (*set)->series_count(); ++i) {
    const Status read = (*set)->Read({&i, 1}, &batch);
    CHECK(read.ok() || read.code() == Code::kCorruption);
    for (size_t s = 1; s < batch.timestamps_ms.size(); ++s) {
      CHECK(batch.timestamps_ms[s] > batch.timestamps_ms[s - 1]);
    }
    CHECK_OK((*set)->ReadEncoded({&i, 1}, &encoded));
  }
}

void Replay(std::string_view bytes) {
  WalHeadBuilder builder(0);
  WalRecord record;
  while (bytes.size() > 1) {
    const auto choice = static_cast<uint8_t>(bytes[0]);
    const std::string_view one = bytes.substr(1, choice & 0x7f);
    bytes.remove_prefix(1 + one.size());
    if (!DecodeWalRecord(one, &record).ok()) continue;
    (choice & 0x80) != 0 ? builder.ReplayOutOfOrder(&record) : builder.Replay(&record);
  }
  const auto head = builder.Finish();
  CHECK_OK(head.status());
  ReadAll(*head);
}

void Run(std::string_view input) {
  if (input.empty()) return;
  const std::string_view rest = input.substr(1);
  WalRecord record;
  switch (static_cast<uint8_t>(input[0]) % 4) {
    case 0: {
      ReadSegment(rest);
      std::string sealed(rest);
      SealWalSegment(&sealed);
      ReadSegment(sealed);
      break;
    }
    case 1:
      if (!DecodeWalRecord(rest, &record).ok()) CHECK(record.size() == 0);
      break;
    case 2: {
      const MemoryObject object(rest);
      (void)ReadHeadChunks(object, 1, [](const HeadChunk& chunk) { CHECK(chunk.position != 0); });
      break;
    }
    default: Replay(rest);
  }
}

}  // namespace
}  // namespace thermocline

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
  thermocline::Run({reinterpret_cast<const char*>(data), size_bytes});
  return 0;
}
