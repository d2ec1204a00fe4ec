// The small formats of shards: cells of both layouts, lists of columns, meta.pb, stream.pb. The
// first byte chooses. What is accepted must survive being written again.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "shards/cell.h"
#include "shards/gateway_days.h"
#include "shards/gateway_meta.h"

namespace thermocline::shards {
namespace {

void ReadCell(CellFormat format, std::string_view cell) {
  std::vector<CellChunk> chunks;
  if (!ParseCell(format, cell, &chunks).ok()) return;
  std::string again;
  for (const CellChunk& chunk : chunks) AppendCellChunk(format, chunk, &again);
  std::vector<CellChunk> second;
  CHECK_OK(ParseCell(format, again, &second));
  CHECK(second.size() == chunks.size());
  for (size_t i = 0; i < chunks.size(); ++i) {
    CHECK(chunks[i].bytes == second[i].bytes && chunks[i].min_ms == second[i].min_ms &&
          chunks[i].max_ms == second[i].max_ms);
  }
}

void ReadList(std::string_view cell) {
  std::vector<uint32_t> leaves;
  if (!ParseColumnList(cell, 1000, &leaves).ok()) return;
  CHECK(leaves.size() <= cell.size());
  std::string again;
  AppendColumnList(leaves, &again);
  std::vector<uint32_t> second;
  CHECK_OK(ParseColumnList(again, 1000, &second));
  CHECK(leaves == second);
}

void ReadMeta(std::string_view bytes) {
  const auto meta = ParseGatewayMeta(bytes);
  if (!meta.ok()) return;
  const std::string again = EncodeGatewayMeta(*meta);
  const auto second = ParseGatewayMeta(again);
  CHECK_OK(second.status());
  CHECK(EncodeGatewayMeta(*second) == again);
}

void ReadStream(std::string_view bytes) {
  const auto labels = ParseStream(bytes);
  if (!labels.ok()) return;
  const auto second = ParseStream(EncodeStream(*labels));
  CHECK_OK(second.status());
  CHECK(*second == *labels);
}

void ReadKey(std::string_view key) {
  const auto day = ParseMetaKey(key);
  if (day.ok() && day->data_path.find('-') != std::string::npos) {
    CHECK(DayOf(day->stream, day->day_ms).meta_key == key);
  }
}

}  // namespace
}  // namespace thermocline::shards

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace thermocline::shards;  // NOLINT(google-build-using-namespace)
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 6) {
    case 0: ReadCell(CellFormat::kVarint, rest); break;
    case 1: ReadCell(CellFormat::kFixed, rest); break;
    case 2: ReadList(rest); break;
    case 3: ReadMeta(rest); break;
    case 4: ReadStream(rest); break;
    default: ReadKey(rest); break;
  }
  return 0;
}
