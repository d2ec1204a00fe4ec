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
#include "columnar/byte_arrays.h"
#include "columnar/byte_buffer.h"
#include "columnar/delta.h"
#include "columnar/file_reader.h"
#include "columnar/hybrid.h"
#include "columnar/page_header.h"
#include "columnar/plain_pages.h"

namespace thermocline::columnar {
namespace {

constexpr size_t kCount = 300;
constexpr uint64_t kMaxRows = 1 << 20;

class BytesObject : public Object {
 public:
  explicit BytesObject(std::string_view bytes) : bytes_(bytes) {}
  const std::string& key() const override { return key_; }
  uint64_t size_bytes() const override { return bytes_.size(); }
  Status ReadRanges(std::span<const ByteRange> ranges,
                    std::vector<std::string>* out) const override {
    out->clear();
    for (const ByteRange& range : ranges) {
      if (range.offset > bytes_.size() || range.size_bytes > bytes_.size() - range.offset) {
        return Status::OutOfRange("beyond the end");
      }
      out->push_back(bytes_.substr(range.offset, range.size_bytes));
    }
    return Status::Ok();
  }
  Result<std::string> Version() const override { return std::string("1"); }

 private:
  const std::string key_ = "input";
  const std::string bytes_;
};

void ReadFile(std::string_view bytes) {
  ReadStats stats;
  const auto reader = FileReader::Open(std::make_shared<BytesObject>(bytes), {}, &stats);
  if (!reader.ok() || reader->index().rows() > kMaxRows) return;
  const RowRange all{0, reader->index().rows()};
  for (uint32_t column = 0; column < reader->index().schema().columns.size(); ++column) {
    const FetchColumn wanted{column, 0};
    const auto got = reader->ReadRows({&wanted, 1}, {&all, 1}, {}, &stats);
    if (got.ok()) CHECK((*got)[0].rows == all.count);
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
  for (const std::string_view value : values) {
    total += value.size() + (value.empty() ? 0 : static_cast<size_t>(value.back() == 'x'));
  }
  CHECK(total <= 2 * kLimit + 2 * bytes.size());
}

void Run(std::string_view input) {
  if (input.empty()) return;
  const int choice = static_cast<uint8_t>(input[0]) % 8;
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
    default:
      if (const auto pages = ParsePlainPages(rest)) {
        CHECK(ParsePlainPages(FormatPlainPages(*pages)) == pages);
      }
  }
}

}  // namespace
}  // namespace thermocline::columnar

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
  thermocline::columnar::Run({reinterpret_cast<const char*>(data), size_bytes});
  return 0;
}
