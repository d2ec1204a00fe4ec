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
#include <span>

#include "columnar/arrow_wall.h"
#include "columnar/chunk_writer.h"
#include "columnar/null_pages.h"
#include "columnar/parquet_schema.h"
#include "columnar/plain_pages.h"
#include "columnar/sink_stream.h"
#include "columnar/tail_check.h"

namespace thermocline::columnar {

namespace {

// libparquet counts row groups in 16 bits.
constexpr uint64_t kMaxRowGroups = 32767;

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
    builder.enable_bloom_filter(column.path(), bloom);
  }
  return builder.build();
}

class PagedFileWriter : public FileWriter {
 public:
  PagedFileWriter(ObjectWriter* sink, FileSchema schema, FileWriterOptions options,
                  std::unique_ptr<RowGroupEncoder> encoder)
      : schema_(std::move(schema)),
        options_(std::move(options)),
        encoder_(std::move(encoder)),
        sink_(std::make_shared<SinkStream>(sink)) {}

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

  Status BeginRowGroup(uint64_t rows) override {
    if (failed_) return Status::InvalidArgument("a row group begins after the writer has failed");
    RETURN_IF_ERROR(encoder_->BeginRowGroup(rows));
    open_ = true;
    return Status::Ok();
  }
  Status WriteStringRuns(uint32_t column, std::span<const std::string_view> dictionary,
                         std::span<const CodeRun> runs) override {
    return Keep(encoder_->WriteStringRuns(column, dictionary, runs));
  }
  Status WriteInt64Runs(uint32_t column, std::span<const int64_t> dictionary,
                        std::span<const CodeRun> runs) override {
    return Keep(encoder_->WriteInt64Runs(column, dictionary, runs));
  }
  Status WriteInt64(uint32_t column, std::span<const int64_t> values) override {
    return Keep(encoder_->WriteInt64(column, values));
  }
  Status WriteDoubles(uint32_t column, std::span<const double> values) override {
    return Keep(encoder_->WriteDoubles(column, values));
  }
  Status WriteInt64Lists(uint32_t column, std::span<const uint32_t> offsets,
                         std::span<const int64_t> values) override {
    return Keep(encoder_->WriteInt64Lists(column, offsets, values));
  }
  Status WriteDoubleLists(uint32_t column, std::span<const uint32_t> offsets,
                          std::span<const double> values) override {
    return Keep(encoder_->WriteDoubleLists(column, offsets, values));
  }
  Status WriteStrings(uint32_t column, std::span<const std::string_view> values) override {
    return Keep(encoder_->WriteStrings(column, values));
  }
  Status EndRowGroup() override {
    RETURN_IF_ERROR(Keep(encoder_->EndRowGroup()));
    open_ = false;
    return WriteRowGroup(encoder_->row_group());
  }
  Status WriteRowGroup(const EncodedRowGroup& group) override;
  Result<FileSummary> Finish(const KeyValues& key_values) override;

 private:
  Status Keep(Status status) {
    if (!status.ok()) failed_ = true;
    return status;
  }
  // The sink's own error where it is the cause.
  template <typename Work>
  Status Wall(std::string_view what, Work&& work) {
    const Status status = Keep(AtWall(Code::kInternal, what, std::forward<Work>(work)));
    return sink_->first_error().ok() ? status : sink_->first_error().WithContext(what);
  }
  uint64_t WriteChunk(uint32_t column, const EncodedChunk& chunk,
                      ::parquet::RowGroupMetaDataBuilder* row_group);
  // The checks of the filters; the bytes of the indexes.
  Status WriteBlooms(std::string* checks);
  Status WriteIndexes(std::string* written);
  Status WriteFooter(const KeyValues& key_values, std::string_view indexes);

  const FileSchema schema_;
  const FileWriterOptions options_;
  const std::unique_ptr<RowGroupEncoder> encoder_;  // of row groups given column by column
  const std::shared_ptr<SinkStream> sink_;
  ::parquet::SchemaDescriptor descriptor_;
  std::shared_ptr<::parquet::WriterProperties> properties_;
  std::unique_ptr<::parquet::FileMetaDataBuilder> metadata_;
  std::unique_ptr<::parquet::PageIndexBuilder> indexes_;
  std::unique_ptr<::parquet::BloomFilterBuilder> blooms_;
  uint64_t rows_ = 0;
  uint64_t row_groups_ = 0;
  PlainPages plain_pages_;
  bool open_ = false;  // between BeginRowGroup and EndRowGroup
  bool failed_ = false;
};

Status PagedFileWriter::WriteRowGroup(const EncodedRowGroup& group) {
  if (failed_ || open_ || group.rows == 0 || group.chunks.size() != schema_.columns.size() ||
      row_groups_ == kMaxRowGroups) {
    failed_ = true;
    return Status::InvalidArgument(
        fmt::format("row group {} of {} rows in {} of {} columns cannot be written", row_groups_,
                    group.rows, group.chunks.size(), schema_.columns.size()));
  }
  return Wall("writing a row group", [&]() -> Status {
    ::parquet::RowGroupMetaDataBuilder* const row_group = metadata_->AppendRowGroup();
    row_group->set_num_rows(static_cast<int64_t>(group.rows));
    indexes_->AppendRowGroup();
    blooms_->AppendRowGroup();
    uint64_t full_bytes = 0;
    for (uint32_t column = 0; column < group.chunks.size(); ++column) {
      CHECK(group.chunks[column].rows == group.rows);
      full_bytes += WriteChunk(column, group.chunks[column], row_group);
      RETURN_IF_ERROR(sink_->first_error());
    }
    row_group->Finish(static_cast<int64_t>(full_bytes), static_cast<int16_t>(row_groups_));
    rows_ += group.rows;
    ++row_groups_;
    return Status::Ok();
  });
}

uint64_t PagedFileWriter::WriteChunk(uint32_t column, const EncodedChunk& chunk,
                                     ::parquet::RowGroupMetaDataBuilder* row_group) {
  ChunkPlace place;
  place.sink = sink_;
  place.metadata = row_group->NextColumnChunk();
  place.column_index = indexes_->GetColumnIndexBuilder(static_cast<int32_t>(column));
  place.offset_index = indexes_->GetOffsetIndexBuilder(static_cast<int32_t>(column));
  place.row_group = static_cast<int16_t>(row_groups_);
  place.column = static_cast<int16_t>(column);
  place.zstd_level = options_.zstd_level;
  if (schema_.columns[column].bloom_filter) {
    ::parquet::BloomFilter* const bloom = blooms_->CreateBloomFilter(static_cast<int32_t>(column));
    for (const uint64_t hash : chunk.bloom_hashes) bloom->InsertHash(hash);
  }
  std::vector<bool> plain;
  for (const EncodedPage& page : chunk.pages) {
    plain.push_back(page.encoding == PageEncoding::kPlain);
  }
  const auto count = static_cast<size_t>(std::count(plain.begin(), plain.end(), true));
  if (count != 0 && count != plain.size()) {
    plain_pages_[{static_cast<uint32_t>(row_groups_), column}] = std::move(plain);
  }
  return StoreChunk(chunk, place);
}

// What `write` writes to a stream of its own.
template <typename Write>
Result<std::shared_ptr<::arrow::Buffer>> Buffered(std::string_view what, Write&& write) {
  auto opened = ::arrow::io::BufferOutputStream::Create(1 << 16, ::arrow::system_memory_pool());
  RETURN_IF_ERROR(FromArrow(Code::kInternal, what, opened.status()));
  write(opened->get());
  auto finished = (*opened)->Finish();
  RETURN_IF_ERROR(FromArrow(Code::kInternal, what, finished.status()));
  return std::move(finished).ValueUnsafe();
}

Status PagedFileWriter::WriteBlooms(std::string* checks) {
  ::parquet::IndexLocations places;
  ASSIGN_OR_RETURN(const auto buffer, Buffered("writing bloom filters",
                                               [&](auto* to) { places = blooms_->WriteTo(to); }));
  std::sort(places.begin(), places.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first.row_group_index, a.first.column_index) <
           std::pair(b.first.row_group_index, b.first.column_index);
  });
  const std::string_view bytes(*buffer);
  const auto base = static_cast<int64_t>(sink_->size_bytes());
  for (auto& [chunk, place] : places) {
    const auto filter =
        bytes.substr(static_cast<size_t>(place.offset), static_cast<size_t>(place.length));
    *checks += fmt::format("{:08x}", Crc32c(filter));
    place.offset += base;
  }
  metadata_->SetIndexLocations(::parquet::IndexKind::kBloomFilter, places);
  return FromArrow(Code::kIo, "writing bloom filters", sink_->Write(bytes.data(), buffer->size()));
}

Status PagedFileWriter::WriteIndexes(std::string* written) {
  indexes_->Finish();
  ::parquet::PageIndexBuilder::WriteResult places;
  ASSIGN_OR_RETURN(const auto buffer, Buffered("writing page indexes",
                                               [&](auto* to) { places = indexes_->WriteTo(to); }));
  const int64_t base = static_cast<int64_t>(sink_->size_bytes());
  for (auto& [chunk, location] : places.column_index_locations) {
    uint8_t* at = buffer->mutable_data() + location.offset;
    CHECK(NormalizeNullPages({at, static_cast<size_t>(location.length)}));
    location.offset += base;
  }
  for (auto& [chunk, location] : places.offset_index_locations) location.offset += base;
  metadata_->SetIndexLocations(::parquet::IndexKind::kColumnIndex, places.column_index_locations);
  metadata_->SetIndexLocations(::parquet::IndexKind::kOffsetIndex, places.offset_index_locations);
  *written = buffer->ToString();
  return FromArrow(Code::kIo, "writing page indexes", sink_->Write(buffer->data(), buffer->size()));
}

Status PagedFileWriter::WriteFooter(const KeyValues& key_values, std::string_view indexes) {
  std::vector<std::string> keys;
  std::vector<std::string> values;
  for (const auto& [key, value] : key_values) {
    keys.push_back(key);
    values.push_back(value);
  }
  const auto footer = metadata_->Finish(::arrow::key_value_metadata(keys, values));
  if (!options_.tail_check) {
    ::parquet::WriteFileMetaData(*footer, sink_.get());
    return Status::Ok();
  }
  std::string bytes = footer->SerializeToString();
  const auto digits = FindTailDigits(bytes);
  CHECK(digits.has_value());
  bytes.replace(*digits, kTailDigits, TailDigits(indexes, bytes, *digits));
  const auto size = static_cast<uint32_t>(bytes.size());
  bytes.append(reinterpret_cast<const char*>(&size), sizeof(size)).append("PAR1");
  return FromArrow(Code::kIo, "writing a footer",
                   sink_->Write(bytes.data(), static_cast<int64_t>(bytes.size())));
}

Result<FileSummary> PagedFileWriter::Finish(const KeyValues& key_values) {
  if (failed_ || open_) {
    return Status::InvalidArgument("finish of a file that failed or has an open row group");
  }
  for (const auto& [key, value] : key_values) {
    if (key.starts_with("thermocline.page")) {
      return Status::InvalidArgument("footer key '" + key + "' is the writer's own");
    }
  }
  KeyValues pairs = key_values;
  if (!plain_pages_.empty()) pairs.emplace_back(kPlainPagesKey, FormatPlainPages(plain_pages_));
  uint64_t tail_begin = 0;
  const Status status = Wall("finishing a file", [&]() -> Status {
    std::string bloom_checks;
    std::string indexes;
    RETURN_IF_ERROR(WriteBlooms(&bloom_checks));
    tail_begin = sink_->size_bytes();
    sink_->BeginTail();
    RETURN_IF_ERROR(WriteIndexes(&indexes));
    if (options_.tail_check) {
      if (!bloom_checks.empty()) pairs.emplace_back(kBloomCheckKey, bloom_checks);
      pairs.emplace_back(kTailCheckKey, std::string(kTailDigits, '0'));
    }
    return WriteFooter(pairs, indexes);
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
  ASSIGN_OR_RETURN(auto encoder, RowGroupEncoder::Make(schema, options));
  auto writer = std::make_unique<PagedFileWriter>(sink, std::move(schema), std::move(options),
                                                  std::move(encoder));
  RETURN_IF_ERROR(writer->Begin());
  return std::unique_ptr<FileWriter>(std::move(writer));
}

}  // namespace thermocline::columnar
