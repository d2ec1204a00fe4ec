// Input: one byte that chooses a parser, then its bytes: a whole file (footer, indexes and every
// page that they name), or, since checksums stop most damage there, one of the page-body decoders
// alone. What the fast kernels accept, the simple ones decode to the same values.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "bucket/memory_object.h"
#include "columnar/bloom_filter.h"
#include "columnar/byte_arrays.h"
#include "columnar/byte_buffer.h"
#include "columnar/delta.h"
#include "columnar/file_reader.h"
#include "columnar/hybrid.h"
#include "columnar/list_levels.h"
#include "columnar/page_header.h"
#include "columnar/plain_pages.h"

namespace thermocline::columnar {
namespace {

constexpr size_t kCount = 300;
constexpr uint64_t kMaxRows = 1 << 20;

void ReadFile(std::string_view bytes) {
  ReadStats stats;
  const auto object = std::make_shared<MemoryObject>(bytes);
  const auto reader = FileReader::Open(object, {}, &stats);
  if (!reader.ok() || reader->index().rows() > kMaxRows) return;
  const RowRange all{0, reader->index().rows()};
  for (uint32_t column = 0; column < reader->index().schema().columns.size(); ++column) {
    const FetchColumn wanted{column, 0};
    const std::string_view value = "pod-1";
    for (uint32_t group = 0; group < reader->index().row_groups(); ++group) {
      (void)MayContain(*object, reader->index(), column, group, {&value, 1}, &stats).ok();
    }
    const auto got = reader->ReadRows({&wanted, 1}, {&all, 1}, {}, &stats);
    if (!got.ok()) continue;
    const ColumnVector& values = (*got)[0];
    CHECK(values.rows == all.count);
    const bool list = !reader->index().schema().columns[column].list.empty();
    CHECK(values.offsets.size() == (list ? all.count + 1 : 0));
    CHECK(std::is_sorted(values.offsets.begin(), values.offsets.end()));
    CHECK(values.int64s.size() + values.doubles.size() >= (list ? values.element_count() : 0));
  }
}

void DecodeDeltas(std::span<const uint8_t> bytes) {
  std::vector<int64_t> fast(kCount + kSlack);
  std::vector<int64_t> simple(kCount + kSlack);
  const int64_t used = DecodeDelta(bytes, kCount, fast.data());
  CHECK(DecodeDeltaPortable(bytes, kCount, simple.data()) == used);
  if (used >= 0) CHECK(std::equal(fast.begin(), fast.begin() + kCount, simple.begin()));
}

void DecodeRuns(std::span<const uint8_t> bytes) {
  if (bytes.empty()) return;
  std::vector<CodeRun> runs;
  if (DecodeHybrid(bytes.subspan(1), bytes[0], kCount, 1 << 20, &runs) < 0) return;
  uint64_t rows = 0;
  for (const CodeRun& run : runs) rows += run.count;
  CHECK(rows == kCount);
}

// Input: the rows, the entries, and the bytes of repetition levels before their bytes.
void DecodeLists(std::span<const uint8_t> bytes) {
  if (bytes.size() < 3 || bytes[2] > bytes.size() - 3) return;
  const auto levels = bytes.subspan(3);
  ListLevelScratch scratch;
  std::vector<uint32_t> offsets;
  const uint64_t rows = bytes[0];
  const uint64_t entries = bytes[1];
  if (!DecodeListLevels(levels.first(bytes[2]), levels.subspan(bytes[2]), entries, rows, &scratch,
                        &offsets)) {
    return;
  }
  CHECK(offsets.size() == rows + 1 && offsets.front() == 0 && offsets.back() <= entries);
  // Written again they are the same lists.
  ByteBuffer written;
  const ListLevels made = EncodeListLevels(offsets, &written);
  CHECK(made.entries == entries);
  std::vector<uint32_t> again;
  CHECK(DecodeListLevels(written.bytes().first(made.repetition_bytes),
                         written.bytes().subspan(made.repetition_bytes), entries, rows, &scratch,
                         &again));
  CHECK(again == offsets);
}

void DecodeStrings(std::span<const uint8_t> bytes, int encoding) {
  constexpr uint64_t kLimit = 1 << 20;
  std::vector<std::string_view> values;
  std::vector<char> arena;
  const bool ok = encoding == 0   ? DecodePlainStrings(bytes, kCount, &values)
                  : encoding == 1 ? DecodeDeltaLengths(bytes, kCount, &values)
                                  : DecodeDeltaStrings(bytes, kCount, kLimit, &values, &arena);
  if (!ok) return;
  CHECK(values.size() == kCount);
  size_t total = 0;
  const char* before = nullptr;
  for (const std::string_view value : values) {
    if (value.data() == before) continue;  // equal neighbours may be the same bytes
    before = value.data();
    total += value.size() + (value.empty() ? 0 : static_cast<size_t>(value.back() == 'x'));
  }
  CHECK(total <= 2 * kLimit + 2 * bytes.size());
}

void Run(std::string_view input) {
  if (input.empty()) return;
  const int choice = static_cast<uint8_t>(input[0]) % 9;
  const std::string_view rest = input.substr(1);
  ByteBuffer padded;  // kernels may read kSlack bytes beyond
  padded.Append(rest.data(), rest.size());
  const std::span<const uint8_t> bytes = padded.bytes();
  PageHeader header;
  switch (choice) {
    case 0: ReadFile(rest); break;
    case 1: DecodeDeltas(bytes); break;
    case 2: DecodeRuns(bytes); break;
    case 3:
    case 4:
    case 5: DecodeStrings(bytes, choice - 3); break;
    case 6:
      if (ParsePageHeader(bytes, &header)) {
        CHECK(uint64_t{header.header_bytes} + header.body_bytes <= bytes.size());
      }
      break;
    case 7:
      if (const auto pages = ParsePlainPages(rest)) {
        CHECK(ParsePlainPages(FormatPlainPages(*pages)) == pages);
      }
      break;
    default: DecodeLists(bytes);
  }
}

}  // namespace
}  // namespace thermocline::columnar

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
  thermocline::columnar::Run({reinterpret_cast<const char*>(data), size_bytes});
  return 0;
}
