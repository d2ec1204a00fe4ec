#include "columnar/file_writer.h"

#include <arrow/io/memory.h>
#include <arrow/memory_pool.h>
#include <arrow/util/key_value_metadata.h>
#include <fmt/core.h>
#include <parquet/bloom_filter.h>
#include <parquet/bloom_filter_writer.h>
#include <parquet/file_writer.h>
#include <parquet/metadata.h>
#include <parquet/page_index.h>
#include <parquet/properties.h>

#include <algorithm>
#include <map>

#include "columnar/arrow_wall.h"
#include "columnar/chunk_writer.h"
#include "columnar/null_pages.h"
#include "columnar/page_codec.h"
#include "columnar/parquet_schema.h"
#include "columnar/plain_pages.h"
#include "columnar/run_pages.h"
#include "columnar/sink_stream.h"
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

// libparquet counts row groups in 16 bits.
constexpr uint64_t kMaxRowGroups = 32767;
constexpr uint64_t kMaxRowGroupRows = uint64_t{1} << 30;

std::shared_ptr<::parquet::WriterProperties> MakeProperties(const FileSchema& schema,
                                                            const FileWriterOptions& options) {
  ::parquet::WriterProperties::Builder builder;
  builder.memory_pool(::arrow::system_memory_pool());
  builder.version(::parquet::ParquetVersion::PARQUET_2_6);
  builder.data_page_version(::parquet::ParquetDataPageVersion::V2);
  builder.compression(::parquet::Compression::ZSTD);
  builder.compression_level(options.zstd_level);
  builder.created_by(options.created_by);
  builder.disable_dictionary();
  builder.enable_write_page_index();
  builder.enable_page_checksum();
  std::vector<::parquet::SortingColumn> sorting;
  for (const SortingColumn& column : schema.sorting) {
    ::parquet::SortingColumn declared;
    declared.column_idx = static_cast<int32_t>(column.column);
    declared.descending = column.descending;
    declared.nulls_first = column.nulls_first;
    sorting.push_back(declared);
  }
  builder.set_sorting_columns(std::move(sorting));
  for (const ColumnSpec& column : schema.columns) {
    if (!column.bloom_filter) continue;
    ::parquet::BloomFilterOptions bloom;
    bloom.fpp = 0.01;
    bloom.ndv = options.dictionary_max_values;
    builder.enable_bloom_filter(column.name, bloom);
  }
  return builder.build();
}

class PagedFileWriter : public FileWriter {
 public:
  PagedFileWriter(ObjectWriter* sink, FileSchema schema, FileWriterOptions options,
                  std::unique_ptr<PageCompressor> compressor)
      : schema_(std::move(schema)),
        options_(std::move(options)),
        compressor_(std::move(compressor)),
        sink_(std::make_shared<SinkStream>(sink)),
        runs_(options_),
        values_(options_, compressor_.get()) {}

  Status Begin() {
    return Wall("beginning a file", [&]() -> Status {
      descriptor_.Init(ToParquet(schema_));
      properties_ = MakeProperties(schema_, options_);
      metadata_ = ::parquet::FileMetaDataBuilder::Make(&descriptor_, properties_);
      indexes_ = ::parquet::PageIndexBuilder::Make(&descriptor_);
      blooms_ = ::parquet::BloomFilterBuilder::Make(&descriptor_, properties_.get());
      return FromArrow(Code::kIo, "writing a file", sink_->Write("PAR1", 4));
    });
  }

  Status BeginRowGroup(uint64_t rows) override;
  Status WriteStringRuns(uint32_t column, std::span<const std::string_view> dictionary,
                         std::span<const CodeRun> runs) override;
  Status WriteInt64Runs(uint32_t column, std::span<const int64_t> dictionary,
                        std::span<const CodeRun> runs) override;
  Status WriteInt64(uint32_t column, std::span<const int64_t> values) override;
  Status WriteDoubles(uint32_t column, std::span<const double> values) override;
  Status WriteStrings(uint32_t column, std::span<const std::string_view> values) override;
  Status EndRowGroup() override;
  Result<FileSummary> Finish(const KeyValues& key_values) override;

 private:
  // The sink's own error where it is the cause.
  template <typename Work>
  Status Wall(std::string_view what, Work&& work) {
    Status status = AtWall(Code::kInternal, what, std::forward<Work>(work));
    if (!status.ok()) failed_ = true;
    return sink_->first_error().ok() ? status : sink_->first_error().WithContext(what);
  }
  // Checks that `column` is the next one and of the type, then runs write(chunk, spec, bloom).
  template <typename Write>
  Status WriteColumn(uint32_t column, bool type_fits, uint64_t rows, const Write& write);
  Status WriteIndexes();
  std::vector<std::string_view> Expand(std::span<const std::string_view> dictionary,
                                       std::span<const CodeRun> runs) const;
  bool IsNext(uint32_t column) const {
    return !failed_ && row_group_ != nullptr && column == next_column_ &&
           column < schema_.columns.size();
  }

  const FileSchema schema_;
  const FileWriterOptions options_;
  const std::unique_ptr<PageCompressor> compressor_;
  const std::shared_ptr<SinkStream> sink_;
  RunPages runs_;
  ValuePages values_;
  ::parquet::SchemaDescriptor descriptor_;
  std::shared_ptr<::parquet::WriterProperties> properties_;
  std::unique_ptr<::parquet::FileMetaDataBuilder> metadata_;
  std::unique_ptr<::parquet::PageIndexBuilder> indexes_;
  std::unique_ptr<::parquet::BloomFilterBuilder> blooms_;
  ::parquet::RowGroupMetaDataBuilder* row_group_ = nullptr;  // null between row groups
  uint64_t row_group_rows_ = 0;
  uint64_t row_group_bytes_ = 0;
  uint32_t next_column_ = 0;
  uint64_t rows_ = 0;
  uint64_t row_groups_ = 0;
  PlainPages plain_pages_;
  bool failed_ = false;
};

Status PagedFileWriter::BeginRowGroup(uint64_t rows) {
  if (failed_ || row_group_ != nullptr || rows == 0 || rows > kMaxRowGroupRows ||
      row_groups_ == kMaxRowGroups) {
    return Status::InvalidArgument(
        fmt::format("row group {} of {} rows cannot begin: {}", row_groups_, rows,
                    failed_ ? "the writer has failed" : "out of order, empty or too many"));
  }
  return Wall("beginning a row group", [&]() -> Status {
    row_group_ = metadata_->AppendRowGroup();
    row_group_->set_num_rows(static_cast<int64_t>(rows));
    indexes_->AppendRowGroup();
    blooms_->AppendRowGroup();
    row_group_rows_ = rows;
    row_group_bytes_ = 0;
    next_column_ = 0;
    return Status::Ok();
  });
}

template <typename Write>
Status PagedFileWriter::WriteColumn(uint32_t column, bool type_fits, uint64_t rows,
                                    const Write& write) {
  if (!IsNext(column) || !type_fits || rows != row_group_rows_) {
    failed_ = true;
    return Status::InvalidArgument(
        fmt::format("column {} with {} rows: expected column {} with {} rows{}", column, rows,
                    next_column_, row_group_rows_, type_fits ? "" : "; the type differs"));
  }
  const ColumnSpec& spec = schema_.columns[column];
  return Wall("column '" + spec.name + "'", [&]() -> Status {
    ChunkWriter::Place place;
    place.sink = sink_;
    place.metadata = row_group_->NextColumnChunk();
    place.column_index = indexes_->GetColumnIndexBuilder(static_cast<int32_t>(column));
    place.offset_index = indexes_->GetOffsetIndexBuilder(static_cast<int32_t>(column));
    place.row_group = static_cast<int16_t>(row_groups_);
    place.column = static_cast<int16_t>(column);
    place.zstd_level = options_.zstd_level;
    place.compressor = compressor_.get();
    ChunkWriter chunk(place);
    ::parquet::BloomFilter* bloom =
        spec.bloom_filter ? blooms_->CreateBloomFilter(static_cast<int32_t>(column)) : nullptr;
    RETURN_IF_ERROR(write(&chunk, spec, bloom));
    CHECK(chunk.rows() == row_group_rows_);
    row_group_bytes_ += chunk.full_bytes();
    const std::vector<bool>& plain = chunk.plain_pages();
    const size_t count = static_cast<size_t>(std::count(plain.begin(), plain.end(), true));
    if (count != 0 && count != plain.size()) {
      plain_pages_[{static_cast<uint32_t>(row_groups_), column}] = plain;
    }
    ++next_column_;
    return Status::Ok();
  });
}

std::vector<std::string_view> PagedFileWriter::Expand(std::span<const std::string_view> dictionary,
                                                      std::span<const CodeRun> runs) const {
  std::vector<std::string_view> values;
  values.reserve(row_group_rows_);
  for (const CodeRun& run : runs) {
    std::string_view value = run.code == kNullCode ? std::string_view() : dictionary[run.code];
    // An empty value must not look like NULL.
    if (run.code != kNullCode && value.data() == nullptr) value = "";
    values.insert(values.end(), run.count, value);
  }
  return values;
}

Status PagedFileWriter::WriteStringRuns(uint32_t column,
                                        std::span<const std::string_view> dictionary,
                                        std::span<const CodeRun> runs) {
  const bool fits = IsNext(column) && IsByteArray(schema_.columns[column].type);
  if (fits) {
    RETURN_IF_ERROR(CheckRuns(schema_.columns[column], runs, dictionary.size(), row_group_rows_));
  }
  return WriteColumn(
      column, fits, row_group_rows_,
      [&](ChunkWriter* chunk, const ColumnSpec& spec, ::parquet::BloomFilter* bloom) -> Status {
        if (spec.encoding == ColumnEncoding::kDictionary) {
          ASSIGN_OR_RETURN(const bool written,
                           runs_.WriteStrings(spec, dictionary, runs, bloom, chunk));
          if (written) return Status::Ok();
        }
        return values_.WriteStrings(spec, Expand(dictionary, runs), bloom, chunk);
      });
}

Status PagedFileWriter::WriteInt64Runs(uint32_t column, std::span<const int64_t> dictionary,
                                       std::span<const CodeRun> runs) {
  const bool fits = IsNext(column) && IsInt64(schema_.columns[column].type);
  if (fits) {
    RETURN_IF_ERROR(CheckRuns(schema_.columns[column], runs, dictionary.size(), row_group_rows_));
  }
  return WriteColumn(
      column, fits, row_group_rows_,
      [&](ChunkWriter* chunk, const ColumnSpec& spec, ::parquet::BloomFilter*) -> Status {
        if (spec.encoding == ColumnEncoding::kDictionary) {
          ASSIGN_OR_RETURN(const bool written, runs_.WriteInt64s(spec, dictionary, runs, chunk));
          if (written) return Status::Ok();
        }
        std::vector<int64_t> values;
        values.reserve(row_group_rows_);
        const int64_t null = static_cast<int64_t>(spec.null_bits);
        for (const CodeRun& run : runs) {
          values.insert(values.end(), run.count,
                        run.code == kNullCode ? null : dictionary[run.code]);
        }
        return values_.WriteInt64s(spec, values, chunk);
      });
}

Status PagedFileWriter::WriteInt64(uint32_t column, std::span<const int64_t> values) {
  const bool fits = IsNext(column) && IsInt64(schema_.columns[column].type) &&
                    schema_.columns[column].encoding != ColumnEncoding::kDictionary;
  return WriteColumn(column, fits, values.size(),
                     [&](ChunkWriter* chunk, const ColumnSpec& spec, ::parquet::BloomFilter*) {
                       return values_.WriteInt64s(spec, values, chunk);
                     });
}

Status PagedFileWriter::WriteDoubles(uint32_t column, std::span<const double> values) {
  const bool fits = IsNext(column) && schema_.columns[column].type == ColumnType::kDouble;
  return WriteColumn(column, fits, values.size(),
                     [&](ChunkWriter* chunk, const ColumnSpec& spec, ::parquet::BloomFilter*) {
                       return values_.WriteDoubles(spec, values, chunk);
                     });
}

Status PagedFileWriter::WriteStrings(uint32_t column, std::span<const std::string_view> values) {
  const bool fits = IsNext(column) && IsByteArray(schema_.columns[column].type);
  if (fits && !schema_.columns[column].optional) {
    for (const std::string_view value : values) {
      if (value.data() != nullptr) continue;
      return Status::InvalidArgument("column '" + schema_.columns[column].name +
                                     "' is required and got a NULL");
    }
  }
  if (fits && schema_.columns[column].encoding == ColumnEncoding::kDictionary &&
      values.size() == row_group_rows_) {
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

Status PagedFileWriter::EndRowGroup() {
  if (failed_ || row_group_ == nullptr || next_column_ != schema_.columns.size()) {
    return Status::InvalidArgument(fmt::format("row group {} ends after {} of {} columns",
                                               row_groups_, next_column_, schema_.columns.size()));
  }
  return Wall("ending a row group", [&]() -> Status {
    row_group_->Finish(static_cast<int64_t>(row_group_bytes_), static_cast<int16_t>(row_groups_));
    row_group_ = nullptr;
    rows_ += row_group_rows_;
    ++row_groups_;
    return Status::Ok();
  });
}

Status PagedFileWriter::WriteIndexes() {
  indexes_->Finish();
  auto opened = ::arrow::io::BufferOutputStream::Create(1 << 16, ::arrow::system_memory_pool());
  RETURN_IF_ERROR(FromArrow(Code::kInternal, "writing page indexes", opened.status()));
  auto written = indexes_->WriteTo(opened->get());
  auto finished = (*opened)->Finish();
  RETURN_IF_ERROR(FromArrow(Code::kInternal, "writing page indexes", finished.status()));
  ::arrow::Buffer& buffer = **finished;
  const int64_t base = static_cast<int64_t>(sink_->size_bytes());
  for (auto& [chunk, location] : written.column_index_locations) {
    uint8_t* at = buffer.mutable_data() + location.offset;
    CHECK(NormalizeNullPages({at, static_cast<size_t>(location.length)}));
    location.offset += base;
  }
  for (auto& [chunk, location] : written.offset_index_locations) location.offset += base;
  metadata_->SetIndexLocations(::parquet::IndexKind::kColumnIndex, written.column_index_locations);
  metadata_->SetIndexLocations(::parquet::IndexKind::kOffsetIndex, written.offset_index_locations);
  return FromArrow(Code::kIo, "writing page indexes", sink_->Write(buffer.data(), buffer.size()));
}

Result<FileSummary> PagedFileWriter::Finish(const KeyValues& key_values) {
  if (failed_ || row_group_ != nullptr) {
    return Status::InvalidArgument("finish of a file that failed or has an open row group");
  }
  std::vector<std::string> keys;
  std::vector<std::string> values;
  for (const auto& [key, value] : key_values) {
    if (key.starts_with("thermocline.page")) {
      return Status::InvalidArgument("footer key '" + key + "' is the writer's own");
    }
    keys.push_back(key);
    values.push_back(value);
  }
  if (!plain_pages_.empty()) {
    keys.emplace_back(kPlainPagesKey);
    values.push_back(FormatPlainPages(plain_pages_));
  }
  uint64_t tail_begin = 0;
  const Status status = Wall("finishing a file", [&]() -> Status {
    const auto blooms = blooms_->WriteTo(sink_.get());
    metadata_->SetIndexLocations(::parquet::IndexKind::kBloomFilter, blooms);
    tail_begin = sink_->size_bytes();
    sink_->BeginTail();
    RETURN_IF_ERROR(WriteIndexes());
    const auto footer = metadata_->Finish(::arrow::key_value_metadata(keys, values));
    ::parquet::WriteFileMetaData(*footer, sink_.get());
    return Status::Ok();
  });
  RETURN_IF_ERROR(status);
  failed_ = true;  // spent
  FileSummary summary;
  summary.size_bytes = sink_->size_bytes();
  summary.rows = rows_;
  summary.row_groups = row_groups_;
  summary.file_hash = sink_->FileHash();
  summary.tail = {sink_->size_bytes() - tail_begin, sink_->TailHash()};
  return summary;
}

}  // namespace

Result<std::unique_ptr<FileWriter>> FileWriter::Open(ObjectWriter* sink, FileSchema schema,
                                                     FileWriterOptions options) {
  RETURN_IF_ERROR(schema.Validate());
  RETURN_IF_ERROR(options.Validate());
  ASSIGN_OR_RETURN(auto compressor, PageCompressor::Make(options.zstd_level));
  auto writer = std::make_unique<PagedFileWriter>(sink, std::move(schema), std::move(options),
                                                  std::move(compressor));
  RETURN_IF_ERROR(writer->Begin());
  return std::unique_ptr<FileWriter>(std::move(writer));
}

}  // namespace thermocline::columnar
