#include "cold/metadata_table.h"

#include <algorithm>
#include <array>
#include <string>
#include <unordered_set>

#include "cold/block_footer.h"
#include "cold/series_file.h"
#include "columnar/file_writer.h"
#include "model/metadata.h"

namespace thermocline {
namespace {

constexpr std::array<std::string_view, 4> kColumns = {"metric", "type", "help", "unit"};
constexpr int kLevel = 9;  // few rows, all text

// A family is looked for by the metrics that it may have.
bool HasMetric(const std::unordered_set<std::string_view>& metrics, const std::string& family) {
  for (const std::string_view ending : kFamilyEndings) {
    if (metrics.contains(family + std::string(ending))) return true;
  }
  return false;
}

}  // namespace

Result<std::optional<BlockFile>> WriteMetadataTable(const std::vector<BatchMetadata>& all,
                                                    const std::vector<std::string_view>& metrics,
                                                    const LabelColumns& columns,
                                                    const BlockWriterOptions& options,
                                                    const BlockEntry& entry, Bucket& bucket,
                                                    std::vector<BatchMetadata>* stored) {
  const std::unordered_set<std::string_view> known(metrics.begin(), metrics.end());
  std::vector<BatchMetadata> rows;
  for (const BatchMetadata& one : all) {
    const bool text = IsValidUtf8(one.help) && IsValidUtf8(one.unit) && IsValidUtf8(one.type);
    if (text && HasMetric(known, one.family)) rows.push_back(one);
  }
  PutInOrder(MetadataRequest(), &rows);
  if (rows.empty()) return std::optional<BlockFile>();
  if (stored != nullptr) stored->insert(stored->end(), rows.begin(), rows.end());
  columnar::FileSchema schema;
  for (const std::string_view name : kColumns) {
    schema.columns.push_back({std::string(name), columnar::ColumnType::kString,
                              columnar::ColumnEncoding::kDeltaStrings});
  }
  schema.sorting.push_back({0, false, true});
  columnar::FileWriterOptions file_options;
  file_options.zstd_level = std::max(options.zstd_level, kLevel);
  file_options.page_rows = options.series_page_rows;
  std::string key = BlockFileKey(BlockFileKind::kMetadata, entry.id, entry.range.start_ms);
  ASSIGN_OR_RETURN(const std::unique_ptr<ObjectWriter> sink, bucket.NewWriter(key));
  ASSIGN_OR_RETURN(const std::unique_ptr<columnar::FileWriter> file,
                   columnar::FileWriter::Open(sink.get(), std::move(schema), file_options));
  RETURN_IF_ERROR(file->BeginRowGroup(rows.size()));
  uint32_t column = 0;
  for (const auto field :
       {&BatchMetadata::family, &BatchMetadata::type, &BatchMetadata::help, &BatchMetadata::unit}) {
    std::vector<std::string_view> texts;
    for (const BatchMetadata& row : rows) texts.push_back(row.*field);
    RETURN_IF_ERROR(file->WriteStrings(column++, texts));
  }
  RETURN_IF_ERROR(file->EndRowGroup());
  ASSIGN_OR_RETURN(const columnar::FileSummary summary,
                   file->Finish(BlockKeyValues(entry, BlockFileKind::kMetadata, columns)));
  RETURN_IF_ERROR(sink->Finish());
  return std::optional<BlockFile>({BlockFileKind::kMetadata, std::move(key), summary.size_bytes,
                                   summary.rows, summary.file_hash, summary.tail});
}

Status ReadMetadataTable(const columnar::FileReader& file, std::string_view family,
                         uint64_t limit_bytes, columnar::ReadStats* stats,
                         std::vector<BatchMetadata>* out) {
  const columnar::FileIndex& index = file.index();
  std::vector<columnar::FetchColumn> columns;
  for (const std::string_view name : kColumns) {
    const auto column = index.schema().Find(name);
    if (!column) return Status::Corruption("metadata without column " + std::string(name));
    columns.push_back({*column, 0});
  }
  const std::vector<columnar::RowRange> rows =
      family.empty() ? AllRows(index) : index.RowsWhereString(columns[0].column, family, family);
  return ForEachPage(
      file, columns, rows, limit_bytes, nullptr, stats, [&](const columnar::PageBatch& page) {
        std::vector<BatchMetadata> entries(page.rows.count);
        for (size_t c = 0; c < kColumns.size(); ++c) {
          page.columns[c].ForEachString([&](uint64_t row, uint32_t count, std::string_view text) {
            for (uint64_t i = row; i < row + count; ++i) {
              BatchMetadata& entry = entries[i];
              (c == 0   ? entry.family
               : c == 1 ? entry.type
               : c == 2 ? entry.help
                        : entry.unit) = text;
            }
          });
        }
        for (BatchMetadata& entry : entries) {
          if (family.empty() || entry.family == family) out->push_back(std::move(entry));
        }
        return Status::Ok();
      });
}

}  // namespace thermocline
