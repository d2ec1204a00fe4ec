#include "columnar/page_decode.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>

#include "columnar/byte_arrays.h"
#include "columnar/chunk_writer.h"
#include "columnar/crc32.h"
#include "columnar/decode_limits.h"
#include "columnar/delta.h"
#include "columnar/hybrid.h"
#include "columnar/split.h"
#include "columnar/stock_decode.h"

namespace thermocline::columnar {

namespace {

std::span<const uint8_t> AsBytes(std::string_view bytes) {
  return {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
}

// A page body with its header, both inside the fetched bytes.
struct Stored {
  PageHeader header;
  std::span<const uint8_t> body;
};

// Parses the header and checks that header and body are exactly `bytes`, and the checksum.
Status Open(std::string_view bytes, Stored* page) {
  if (!ParsePageHeader(AsBytes(bytes), &page->header)) {
    return Status::Corruption("malformed page header");
  }
  page->body = AsBytes(bytes).subspan(page->header.header_bytes);
  if (page->body.size() != page->header.body_bytes) {
    return Status::Corruption(fmt::format("page body of {} bytes, the index says {}",
                                          page->header.body_bytes, page->body.size()));
  }
  if (page->header.has_crc) {
    if (const uint32_t crc = Crc32(page->body); crc != page->header.crc) {
      return Status::Corruption(
          fmt::format("page checksum {:08x}, expected {:08x}", crc, page->header.crc));
    }
  }
  return Status::Ok();
}

Status TooLarge(std::string_view what, uint64_t claimed, uint64_t stored, uint64_t limit) {
  return Status::Corruption(
      fmt::format("page of {} bytes claims {} {}, limit {}", stored, claimed, what, limit));
}

// The most that a page of so many bytes and rows can honestly decompress to: checked before
// allocation.
Status CheckFullSize(const PageHeader& header, const ColumnSpec& spec, uint64_t rows) {
  const bool codes = header.encoding == PageEncoding::kRleDictionary ||
                     header.encoding == PageEncoding::kPlainDictionary;
  const bool lists = !spec.list.empty();
  const bool strings = IsByteArray(spec.type) && !codes && !lists;
  const uint64_t stored = header.body_bytes;
  const uint64_t limit =
      lists     ? std::min(kMaxPageBytes, 8 * ListElementsLimit(stored) + kDecodedFloorBytes)
      : strings ? std::min(kMaxPageBytes, DecodedLimit(stored))
                : rows * 16 + (64 << 10);
  if (header.full_bytes > limit) return TooLarge("bytes", header.full_bytes, stored, limit);
  if (strings && rows > StringRowsLimit(stored)) {
    return TooLarge("rows", rows, stored, StringRowsLimit(stored));
  }
  return Status::Ok();
}

// Values of a page after decompression.
class Values {
 public:
  Values(const Stored& page, PageCodec codec, PageDecoder::State& state)
      : header_(page.header), codec_(codec), state_(state) {
    const uint32_t levels = header_.definition_bytes + header_.repetition_bytes;
    stored_ = page.body.subspan(levels);
    full_ = header_.full_bytes - levels;
    // Some writers store nothing, not even an empty frame, where there are no values.
    compressed_ =
        header_.compressed && codec != PageCodec::kNone && !(full_ == 0 && stored_.empty());
  }

  size_t size() const { return full_; }

  // Exactly size() bytes to `out`.
  Status Into(void* out) {
    if (compressed_) {
      return state_.decompressor.Decompress(codec_, stored_, static_cast<uint8_t*>(out), full_);
    }
    if (stored_.size() != full_) return SizeError();
    if (full_ > 0) std::memcpy(out, stored_.data(), full_);
    return Status::Ok();
  }
  // Somewhere with kSlack readable bytes behind; valid until the decoder's next page.
  Result<std::span<const uint8_t>> Padded() {
    state_.body.Clear();
    state_.body.Resize(full_);
    RETURN_IF_ERROR(Into(state_.body.data()));
    return state_.body.bytes();
  }
  // Without the slack: where they are when they are stored as they are.
  Result<std::span<const uint8_t>> Anywhere() {
    if (compressed_) return Padded();
    if (stored_.size() != full_) return SizeError();
    return stored_;
  }

 private:
  Status SizeError() const {
    return Status::Corruption(
        fmt::format("stored page of {} bytes, header says {}", stored_.size(), full_));
  }
  const PageHeader& header_;
  const PageCodec codec_;
  PageDecoder::State& state_;
  std::span<const uint8_t> stored_;
  size_t full_ = 0;
  bool compressed_ = false;
};

Status Malformed(std::string_view what) {
  return Status::Corruption(fmt::format("malformed {}", what));
}

// Fills state.level_runs and checks them against the header.
Status DecodeLevels(const Stored& page, bool optional, uint64_t rows, PageDecoder::State& state) {
  const PageHeader& header = page.header;
  state.level_runs.clear();
  if (!optional) {
    if (header.definition_bytes != 0 || header.nulls != 0) return Malformed("levels");
    state.level_runs.push_back({1, static_cast<uint32_t>(rows)});
    return Status::Ok();
  }
  state.levels.Clear();
  state.levels.Append(page.body.first(header.definition_bytes));
  const int64_t used = DecodeHybrid(state.levels.bytes(), 1, rows, 2, &state.level_runs);
  if (used != static_cast<int64_t>(header.definition_bytes)) return Malformed("levels");
  uint64_t nulls = 0;
  for (const CodeRun& run : state.level_runs) nulls += run.code == 0 ? run.count : 0;
  if (nulls != header.nulls) {
    return Status::Corruption(fmt::format("levels have {} nulls, header {}", nulls, header.nulls));
  }
  return Status::Ok();
}

// Puts `null_bits` between the present values.
template <typename T>
void Spread(const std::vector<CodeRun>& levels, const T* present, uint64_t null_bits, T* out) {
  T null;
  std::memcpy(&null, &null_bits, sizeof(T));
  for (const CodeRun& run : levels) {
    if (run.code == 1) {
      std::memcpy(out, present, run.count * sizeof(T));
      present += run.count;
    } else {
      std::fill_n(out, run.count, null);
    }
    out += run.count;
  }
}

// Codes of a dictionary page body into state.code_runs: one width byte, then the hybrid.
Status DecodeCodes(std::span<const uint8_t> bytes, uint64_t count, size_t dictionary_size,
                   PageDecoder::State& state) {
  state.code_runs.clear();
  if (count == 0) return Status::Ok();
  if (bytes.empty()) return Malformed("dictionary codes");
  const auto codes = bytes.subspan(1);
  const int64_t used = DecodeHybrid(codes, bytes[0], count, dictionary_size, &state.code_runs);
  if (used != static_cast<int64_t>(codes.size())) return Malformed("dictionary codes");
  return Status::Ok();
}

// Decodes the body of a page that is not PLAIN: `count` integers to `out`, which has room for
// kSlack more.
Status DecodeInt64Bytes(const PageHeader& header, const PageTask& task,
                        std::span<const uint8_t> bytes, uint64_t count, PageDecoder::State& state,
                        int64_t* out) {
  if (header.encoding == PageEncoding::kDeltaBinaryPacked) {
    const int64_t used = DecodeDelta(bytes, count, out);
    return used == static_cast<int64_t>(bytes.size()) ? Status::Ok() : Malformed("delta integers");
  }
  if (task.dictionary == nullptr) return Status::Corruption("dictionary codes, no dictionary");
  RETURN_IF_ERROR(DecodeCodes(bytes, count, task.dictionary->int64s.size(), state));
  for (const CodeRun& run : state.code_runs) {
    std::fill_n(out, run.count, task.dictionary->int64s[run.code]);
    out += run.count;
  }
  return Status::Ok();
}

// The same of any body.
Status DecodeInt64s(const PageHeader& header, const PageTask& task, Values& values, uint64_t count,
                    PageDecoder::State& state, int64_t* out) {
  if (header.encoding == PageEncoding::kPlain) {
    return values.size() == 8 * count ? values.Into(out) : Malformed("integers");
  }
  ASSIGN_OR_RETURN(const auto bytes, values.Padded());
  return DecodeInt64Bytes(header, task, bytes, count, state, out);
}

Status DecodeDoubles(PageEncoding encoding, Values& values, uint64_t count, double* out) {
  if (values.size() != 8 * count) return Malformed("doubles");
  if (encoding == PageEncoding::kPlain) return values.Into(out);
  ASSIGN_OR_RETURN(const auto bytes, values.Anywhere());
  UnsplitBytes(bytes.data(), count, reinterpret_cast<uint8_t*>(out));
  return Status::Ok();
}

// Rows of lists. Nothing is allocated for elements that the levels or the header only claim.
Status DecodeLists(const Stored& page, const PageTask& task, Values& values, uint64_t rows,
                   PageDecoder::State& state, ColumnVector* out) {
  const PageHeader& header = page.header;
  if (const uint64_t most = ListElementsLimit(header.body_bytes); header.values > most) {
    return TooLarge("list elements", header.values, header.body_bytes, most);
  }
  const size_t level_bytes = header.repetition_bytes + header.definition_bytes;
  state.levels.Clear();
  state.levels.Append(page.body.first(level_bytes));
  const auto levels = state.levels.bytes();
  if (!DecodeListLevels(levels.first(header.repetition_bytes),
                        levels.subspan(header.repetition_bytes), header.values, rows,
                        &state.list_levels, &out->offsets)) {
    return Malformed("list levels");
  }
  const uint64_t elements = out->offsets.back();
  if (header.values - elements != header.nulls) return Malformed("number of empty lists");
  const bool raw =
      header.encoding == PageEncoding::kPlain || header.encoding == PageEncoding::kByteStreamSplit;
  if (raw && values.size() != 8 * elements) return Malformed("list elements");
  if (out->type == ColumnType::kDouble) {
    if (out->doubles.size() < elements + kSlack) out->doubles.resize(elements + kSlack);
    return DecodeDoubles(header.encoding, values, elements, out->doubles.data());
  }
  if (raw) {
    if (out->int64s.size() < elements + kSlack) out->int64s.resize(elements + kSlack);
    return values.Into(out->int64s.data());
  }
  ASSIGN_OR_RETURN(const auto bytes, values.Padded());
  if (header.encoding == PageEncoding::kDeltaBinaryPacked && !DeltaMayHold(bytes, elements)) {
    return Malformed("delta integers");
  }
  if (out->int64s.size() < elements + kSlack) out->int64s.resize(elements + kSlack);
  return DecodeInt64Bytes(header, task, bytes, elements, state, out->int64s.data());
}

// Joins the runs of levels with those of the present values' codes.
void MergeRuns(const std::vector<CodeRun>& levels, const std::vector<CodeRun>& codes,
               std::vector<CodeRun>* out) {
  out->clear();
  size_t next = 0;
  uint32_t used = 0;
  for (const CodeRun& level : levels) {
    if (level.code == 0) {
      out->push_back({kNullCode, level.count});
      continue;
    }
    for (uint32_t left = level.count; left > 0;) {
      const uint32_t count = std::min(left, codes[next].count - used);
      out->push_back({codes[next].code, count});
      left -= count;
      used += count;
      if (used == codes[next].count) {
        ++next;
        used = 0;
      }
    }
  }
}

// The codes of strings that stand one by one: equal neighbours are one run of one value.
void RunsOfValues(std::vector<std::string_view>* values, std::vector<CodeRun>* runs) {
  runs->clear();
  size_t kept = 0;
  for (const std::string_view value : *values) {
    if (kept > 0 && value == (*values)[kept - 1]) {
      ++runs->back().count;
      continue;
    }
    runs->push_back({static_cast<uint32_t>(kept), 1});
    (*values)[kept++] = value;
  }
  values->resize(kept);
}

Status DecodeStrings(const PageHeader& header, const PageTask& task, Values& values, uint64_t count,
                     PageDecoder::State& state, ColumnVector* out) {
  const PageEncoding encoding = header.encoding;
  if (encoding == PageEncoding::kRleDictionary || encoding == PageEncoding::kPlainDictionary) {
    if (task.dictionary == nullptr && count > 0) {
      return Status::Corruption("dictionary codes, no dictionary");
    }
    ASSIGN_OR_RETURN(const auto bytes, values.Padded());
    const size_t size = task.dictionary == nullptr ? 0 : task.dictionary->strings.size();
    RETURN_IF_ERROR(DecodeCodes(bytes, count, size, state));
    out->values = size == 0 ? std::span<const std::string_view>() : task.dictionary->strings;
    MergeRuns(state.level_runs, state.code_runs, &out->runs);
    return Status::Ok();
  }
  bool ok = false;
  if (encoding == PageEncoding::kDeltaByteArray) {
    ASSIGN_OR_RETURN(const auto bytes, values.Padded());
    ok = DecodeDeltaStrings(bytes, count, DecodedLimit(header.body_bytes), &out->own_values,
                            &out->arena);
  } else {
    out->arena.resize(values.size() + kSlack);
    RETURN_IF_ERROR(values.Into(out->arena.data()));
    const auto bytes = AsBytes({out->arena.data(), values.size()});
    ok = encoding == PageEncoding::kPlain ? DecodePlainStrings(bytes, count, &out->own_values)
                                          : DecodeDeltaLengths(bytes, count, &out->own_values);
  }
  if (!ok) return Malformed("strings");
  RunsOfValues(&out->own_values, &state.code_runs);
  out->values = out->own_values;
  MergeRuns(state.level_runs, state.code_runs, &out->runs);
  return Status::Ok();
}

// Whether our kernels take the encoding for the type; the rest goes to the stock reader.
bool IsOurs(ColumnType type, PageEncoding encoding) {
  switch (encoding) {
    case PageEncoding::kPlain: return true;
    case PageEncoding::kRleDictionary:
    case PageEncoding::kPlainDictionary: return type != ColumnType::kDouble;
    case PageEncoding::kDeltaBinaryPacked: return IsInt64(type);
    case PageEncoding::kByteStreamSplit: return type == ColumnType::kDouble;
    case PageEncoding::kDeltaLengthByteArray:
    case PageEncoding::kDeltaByteArray: return IsByteArray(type);
    default: return false;
  }
}

// The header of a V2 page against the index.
Status CheckHeader(const PageHeader& header, const ColumnEntry& entry, bool lists, size_t page,
                   uint64_t rows) {
  const bool levels_fit =
      lists ? header.values >= rows : header.values == rows && header.repetition_bytes == 0;
  if (header.rows != rows || !levels_fit || header.nulls > rows) {
    return Status::Corruption(
        fmt::format("page header has {} rows, {} values, {} nulls; the index "
                    "has {} rows",
                    header.rows, header.values, header.nulls, rows));
  }
  const uint32_t nulls = entry.pages[page].nulls;
  if (nulls != kUnknownNulls && nulls != header.nulls) {
    return Status::Corruption(
        fmt::format("page header has {} nulls, the index {}", header.nulls, nulls));
  }
  return Status::Ok();
}

}  // namespace

PageDecoder::PageDecoder() : state_(std::make_unique<State>()) {}
PageDecoder::~PageDecoder() = default;
PageDecoder::PageDecoder(PageDecoder&&) noexcept = default;
PageDecoder& PageDecoder::operator=(PageDecoder&&) noexcept = default;

Status DecodeDictionary(ColumnType type, PageCodec codec, std::string_view bytes,
                        uint64_t limit_bytes, PageDecoder::State& state, Dictionary* out) {
  Stored page;
  RETURN_IF_ERROR(Open(bytes, &page));
  const PageHeader& header = page.header;
  if (header.kind != PageKind::kDictionary || (header.encoding != PageEncoding::kPlain &&
                                               header.encoding != PageEncoding::kPlainDictionary)) {
    return Malformed("dictionary page header");
  }
  const uint64_t full = header.full_bytes + 16 * uint64_t{header.values};
  if (full > std::min(limit_bytes, kMaxPageBytes)) {
    return Status::Corruption(fmt::format("dictionary of {} bytes claims {} in {} values, limit {}",
                                          bytes.size(), header.full_bytes, header.values,
                                          limit_bytes));
  }
  if (type == ColumnType::kDouble) return Status::Ok();
  Values values(page, codec, state);
  out->bytes.Resize(values.size());
  RETURN_IF_ERROR(values.Into(out->bytes.data()));
  if (IsInt64(type)) {
    if (values.size() != uint64_t{header.values} * 8) return Malformed("dictionary integers");
    out->int64s.resize(header.values);
    if (header.values > 0) std::memcpy(out->int64s.data(), out->bytes.data(), values.size());
    return Status::Ok();
  }
  return DecodePlainStrings(out->bytes.bytes(), header.values, &out->strings)
             ? Status::Ok()
             : Malformed("dictionary strings");
}

Status DecodePage(const PageTask& task, std::string_view bytes, PageDecoder::State& state,
                  ColumnVector* out) {
  const ColumnEntry& entry = task.index->entry(task.column);
  const ColumnSpec& spec = task.index->schema().columns[task.column];
  const uint64_t rows = entry.layout->rows(task.page);
  out->type = spec.type;
  out->rows = rows;
  Stored page;
  RETURN_IF_ERROR(Open(bytes, &page));
  const PageHeader& header = page.header;
  RETURN_IF_ERROR(CheckFullSize(header, spec, rows));
  const int8_t expected = entry.encodings[task.page];
  if (expected != kUnknownEncoding && expected != static_cast<int8_t>(header.encoding)) {
    return Status::Corruption(fmt::format("page header has encoding {}, the footer {}",
                                          static_cast<int>(header.encoding), expected));
  }
  const bool lists = !spec.list.empty();
  out->offsets.clear();
  if (header.kind == PageKind::kData && (lists ? header.values >= rows : header.values == rows)) {
    return StockDecode(task, bytes, rows, header.values, out);
  }
  if (header.kind != PageKind::kDataV2) return Malformed("data page kind");
  RETURN_IF_ERROR(CheckHeader(header, entry, lists, task.page, rows));
  if (!IsOurs(spec.type, header.encoding)) {
    return StockDecode(task, bytes, rows, header.values, out);
  }
  const PageCodec codec = entry.chunks[entry.layout->row_group(task.page)].codec;
  Values values(page, codec, state);
  if (lists) return DecodeLists(page, task, values, rows, state, out);
  RETURN_IF_ERROR(DecodeLevels(page, spec.optional, rows, state));
  const uint64_t present = rows - header.nulls;
  if (IsByteArray(spec.type)) {
    return DecodeStrings(header, task, values, present, state, out);
  }
  const bool direct = header.nulls == 0;
  if (!direct) {
    state.planes.Clear();
    state.planes.Resize(8 * (present + kSlack));
  }
  if (spec.type == ColumnType::kDouble) {
    if (out->doubles.size() < rows) out->doubles.resize(rows);
    auto* scratch = reinterpret_cast<double*>(state.planes.data());
    double* to = direct ? out->doubles.data() : scratch;
    RETURN_IF_ERROR(DecodeDoubles(header.encoding, values, present, to));
    if (!direct) Spread(state.level_runs, scratch, task.null_bits, out->doubles.data());
    return Status::Ok();
  }
  if (out->int64s.size() < rows + kSlack) out->int64s.resize(rows + kSlack);
  auto* scratch = reinterpret_cast<int64_t*>(state.planes.data());
  int64_t* to = direct ? out->int64s.data() : scratch;
  RETURN_IF_ERROR(DecodeInt64s(header, task, values, present, state, to));
  if (!direct) Spread(state.level_runs, scratch, task.null_bits, out->int64s.data());
  return Status::Ok();
}

}  // namespace thermocline::columnar
