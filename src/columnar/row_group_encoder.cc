#include "columnar/row_group_encoder.h"

#include <fmt/core.h>
#include <parquet/bloom_filter.h>

#include <algorithm>
#include <map>
#include <optional>

#include "columnar/arrow_wall.h"
#include "columnar/chunk_writer.h"
#include "columnar/page_codec.h"
#include "columnar/run_pages.h"
#include "columnar/value_pages.h"

namespace thermocline::columnar {

Status FileWriterOptions::Validate() const {
  if (zstd_level < 1 || zstd_level > 19) {
    return Status::InvalidArgument(fmt::format("zstd level {} is not in 1 .. 19", zstd_level));
  }
  if (page_rows < 64 || page_rows > (1u << 20)) {
    return Status::InvalidArgument(fmt::format("{} rows a page are not in 64 .. 1 Mi", page_rows));
  }
  return Status::Ok();
}

namespace {

constexpr uint64_t kMaxRowGroupRows = uint64_t{1} << 30;

// Keeps the hashes, for a filter whose size the file's writer knows.
class BloomHashes : public ::parquet::BlockSplitBloomFilter {
 public:
  explicit BloomHashes(std::vector<uint64_t>* hashes) : hashes_(hashes) {
    Init(kMinimumBloomFilterBytes);  // makes the hasher
  }
  void InsertHash(uint64_t hash) override { hashes_->push_back(hash); }

 private:
  std::vector<uint64_t>* const hashes_;
};

Status CheckOffsets(const ColumnSpec& spec, std::span<const uint32_t> offsets, size_t values) {
  if (!offsets.empty() && std::is_sorted(offsets.begin(), offsets.end()) &&
      offsets.back() <= values) {
    return Status::Ok();
  }
  return Status::InvalidArgument(
      fmt::format("column '{}': {} offsets that do not ascend to at most {} values", spec.path(),
                  offsets.size(), values));
}

class ColumnEncoder : public RowGroupEncoder {
 public:
  ColumnEncoder(FileSchema schema, const FileWriterOptions& options,
                std::unique_ptr<PageCompressor> compressor)
      : schema_(std::move(schema)),
        compressor_(std::move(compressor)),
        runs_(options),
        values_(options, compressor_.get()) {
    group_.chunks.resize(schema_.columns.size());
  }

  Status BeginRowGroup(uint64_t rows) override;
  Status WriteStringRuns(uint32_t column, std::span<const std::string_view> dictionary,
                         std::span<const CodeRun> runs) override;
  Status WriteInt64Runs(uint32_t column, std::span<const int64_t> dictionary,
                        std::span<const CodeRun> runs) override;
  Status WriteInt64(uint32_t column, std::span<const int64_t> values) override;
  Status WriteDoubles(uint32_t column, std::span<const double> values) override;
  Status WriteInt64Lists(uint32_t column, std::span<const uint32_t> offsets,
                         std::span<const int64_t> values) override;
  Status WriteDoubleLists(uint32_t column, std::span<const uint32_t> offsets,
                          std::span<const double> values) override;
  Status WriteStrings(uint32_t column, std::span<const std::string_view> values) override;
  Status EndRowGroup() override;
  const EncodedRowGroup& row_group() const override { return group_; }

 private:
  // Checks that `column` is the next one and of the type, then runs write(chunk, spec, bloom).
  template <typename Write>
  Status WriteColumn(uint32_t column, bool type_fits, uint64_t rows, const Write& write);
  std::vector<std::string_view> Expand(std::span<const std::string_view> dictionary,
                                       std::span<const CodeRun> runs) const;
  bool IsDue(uint32_t column) const {
    return !failed_ && open_ && column == next_column_ && column < schema_.columns.size();
  }
  bool IsNext(uint32_t column) const {
    return IsDue(column) && schema_.columns[column].list.empty();
  }
  bool IsNextList(uint32_t column) const {
    return IsDue(column) && !schema_.columns[column].list.empty();
  }

  const FileSchema schema_;
  const std::unique_ptr<PageCompressor> compressor_;
  RunPages runs_;
  ValuePages values_;
  EncodedRowGroup group_;
  uint32_t next_column_ = 0;
  bool open_ = false;
  bool failed_ = false;
};

Status ColumnEncoder::BeginRowGroup(uint64_t rows) {
  if (failed_ || open_ || rows == 0 || rows > kMaxRowGroupRows) {
    return Status::InvalidArgument(
        fmt::format("a row group of {} rows cannot begin: {}", rows,
                    failed_ ? "the encoder has failed" : "out of order, empty or too large"));
  }
  group_.rows = rows;
  for (EncodedChunk& chunk : group_.chunks) chunk.Clear();
  next_column_ = 0;
  open_ = true;
  return Status::Ok();
}

Status ColumnEncoder::EndRowGroup() {
  if (failed_ || !open_ || next_column_ != schema_.columns.size()) {
    return Status::InvalidArgument(fmt::format("a row group ends after {} of {} columns",
                                               next_column_, schema_.columns.size()));
  }
  open_ = false;
  return Status::Ok();
}

template <typename Write>
Status ColumnEncoder::WriteColumn(uint32_t column, bool type_fits, uint64_t rows,
                                  const Write& write) {
  if (!IsDue(column) || !type_fits || rows != group_.rows) {
    failed_ = true;
    return Status::InvalidArgument(
        fmt::format("column {} with {} rows: expected column {} with {} rows{}", column, rows,
                    next_column_, group_.rows, type_fits ? "" : "; the type differs"));
  }
  const ColumnSpec& spec = schema_.columns[column];
  const Status status = AtWall(Code::kInternal, "column '" + spec.path() + "'", [&]() -> Status {
    EncodedChunk& encoded = group_.chunks[column];
    ChunkWriter chunk(compressor_.get(), &encoded);
    std::optional<BloomHashes> bloom;
    if (spec.bloom_filter) bloom.emplace(&encoded.bloom_hashes);
    RETURN_IF_ERROR(write(&chunk, spec, bloom ? &*bloom : nullptr));
    CHECK(encoded.rows == group_.rows);
    return Status::Ok();
  });
  if (!status.ok()) failed_ = true;
  ++next_column_;
  return status;
}

std::vector<std::string_view> ColumnEncoder::Expand(std::span<const std::string_view> dictionary,
                                                    std::span<const CodeRun> runs) const {
  std::vector<std::string_view> values;
  values.reserve(group_.rows);
  for (const CodeRun& run : runs) {
    std::string_view value = run.code == kNullCode ? std::string_view() : dictionary[run.code];
    // An empty value must not look like NULL.
    if (run.code != kNullCode && value.data() == nullptr) value = "";
    values.insert(values.end(), run.count, value);
  }
  return values;
}

Status ColumnEncoder::WriteStringRuns(uint32_t column, std::span<const std::string_view> dictionary,
                                      std::span<const CodeRun> runs) {
  const bool fits = IsNext(column) && IsByteArray(schema_.columns[column].type);
  if (fits) {
    RETURN_IF_ERROR(CheckRuns(schema_.columns[column], runs, dictionary.size(), group_.rows));
  }
  return WriteColumn(
      column, fits, group_.rows,
      [&](ChunkWriter* chunk, const ColumnSpec& spec, ::parquet::BloomFilter* bloom) -> Status {
        if (spec.encoding == ColumnEncoding::kDictionary) {
          ASSIGN_OR_RETURN(const bool written,
                           runs_.WriteStrings(spec, dictionary, runs, bloom, chunk));
          if (written) return Status::Ok();
        }
        return values_.WriteStrings(spec, Expand(dictionary, runs), bloom, chunk);
      });
}

Status ColumnEncoder::WriteInt64Runs(uint32_t column, std::span<const int64_t> dictionary,
                                     std::span<const CodeRun> runs) {
  const bool fits = IsNext(column) && IsInt64(schema_.columns[column].type);
  if (fits) {
    RETURN_IF_ERROR(CheckRuns(schema_.columns[column], runs, dictionary.size(), group_.rows));
  }
  return WriteColumn(
      column, fits, group_.rows,
      [&](ChunkWriter* chunk, const ColumnSpec& spec, ::parquet::BloomFilter*) -> Status {
        if (spec.encoding == ColumnEncoding::kDictionary) {
          ASSIGN_OR_RETURN(const bool written, runs_.WriteInt64s(spec, dictionary, runs, chunk));
          if (written) return Status::Ok();
        }
        std::vector<int64_t> values;
        values.reserve(group_.rows);
        const int64_t null = static_cast<int64_t>(spec.null_bits);
        for (const CodeRun& run : runs) {
          values.insert(values.end(), run.count,
                        run.code == kNullCode ? null : dictionary[run.code]);
        }
        return values_.WriteInt64s(spec, values, chunk);
      });
}

Status ColumnEncoder::WriteInt64(uint32_t column, std::span<const int64_t> values) {
  const bool fits = IsNext(column) && IsInt64(schema_.columns[column].type) &&
                    schema_.columns[column].encoding != ColumnEncoding::kDictionary;
  return WriteColumn(column, fits, values.size(),
                     [&](ChunkWriter* chunk, const ColumnSpec& spec, ::parquet::BloomFilter*) {
                       return values_.WriteInt64s(spec, values, chunk);
                     });
}

Status ColumnEncoder::WriteDoubles(uint32_t column, std::span<const double> values) {
  const bool fits = IsNext(column) && schema_.columns[column].type == ColumnType::kDouble;
  return WriteColumn(column, fits, values.size(),
                     [&](ChunkWriter* chunk, const ColumnSpec& spec, ::parquet::BloomFilter*) {
                       return values_.WriteDoubles(spec, values, chunk);
                     });
}

Status ColumnEncoder::WriteInt64Lists(uint32_t column, std::span<const uint32_t> offsets,
                                      std::span<const int64_t> values) {
  const bool fits = IsNextList(column) && IsInt64(schema_.columns[column].type);
  if (fits) RETURN_IF_ERROR(CheckOffsets(schema_.columns[column], offsets, values.size()));
  return WriteColumn(column, fits, offsets.size() - 1,
                     [&](ChunkWriter* chunk, const ColumnSpec& spec, ::parquet::BloomFilter*) {
                       return values_.WriteInt64Lists(spec, offsets, values, chunk);
                     });
}

Status ColumnEncoder::WriteDoubleLists(uint32_t column, std::span<const uint32_t> offsets,
                                       std::span<const double> values) {
  const bool fits = IsNextList(column) && schema_.columns[column].type == ColumnType::kDouble;
  if (fits) RETURN_IF_ERROR(CheckOffsets(schema_.columns[column], offsets, values.size()));
  return WriteColumn(column, fits, offsets.size() - 1,
                     [&](ChunkWriter* chunk, const ColumnSpec& spec, ::parquet::BloomFilter*) {
                       return values_.WriteDoubleLists(spec, offsets, values, chunk);
                     });
}

Status ColumnEncoder::WriteStrings(uint32_t column, std::span<const std::string_view> values) {
  const bool fits = IsNext(column) && IsByteArray(schema_.columns[column].type);
  if (fits && !schema_.columns[column].optional) {
    for (const std::string_view value : values) {
      if (value.data() != nullptr) continue;
      return Status::InvalidArgument("column '" + schema_.columns[column].path() +
                                     "' is required and got a NULL");
    }
  }
  if (fits && schema_.columns[column].encoding == ColumnEncoding::kDictionary &&
      values.size() == group_.rows) {
    std::map<std::string_view, uint32_t> codes;
    std::vector<std::string_view> dictionary;
    std::vector<CodeRun> runs;
    for (const std::string_view value : values) {
      uint32_t code = kNullCode;
      if (value.data() != nullptr) {
        const auto [at, fresh] = codes.emplace(value, static_cast<uint32_t>(dictionary.size()));
        if (fresh) dictionary.push_back(value);
        code = at->second;
      }
      if (runs.empty() || runs.back().code != code) runs.push_back({code, 0});
      ++runs.back().count;
    }
    return WriteStringRuns(column, dictionary, runs);
  }
  return WriteColumn(
      column, fits, values.size(),
      [&](ChunkWriter* chunk, const ColumnSpec& spec, ::parquet::BloomFilter* bloom) {
        return values_.WriteStrings(spec, values, bloom, chunk);
      });
}

}  // namespace

Result<std::unique_ptr<RowGroupEncoder>> RowGroupEncoder::Make(FileSchema schema,
                                                               const FileWriterOptions& options) {
  RETURN_IF_ERROR(schema.Validate());
  RETURN_IF_ERROR(options.Validate());
  ASSIGN_OR_RETURN(auto compressor, PageCompressor::Make(options.zstd_level));
  return std::unique_ptr<RowGroupEncoder>(
      std::make_unique<ColumnEncoder>(std::move(schema), options, std::move(compressor)));
}

}  // namespace thermocline::columnar
