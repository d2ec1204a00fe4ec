#include "cold/side_tables.h"

#include <string_view>
#include <utility>
#include <vector>

#include "cold/exemplar_table.h"
#include "cold/metadata_table.h"

namespace thermocline {

Status WriteSideTables(const BlockRequest& request, std::span<const SeriesRow> rows,
                       std::span<const BlockLabel> labels, const LabelColumns& columns,
                       const BlockWriterOptions& options, Bucket& bucket, BlockEntry* entry) {
  if (request.exemplars != nullptr) {
    ASSIGN_OR_RETURN(auto file, WriteExemplarTable(*request.exemplars, labels, columns, options,
                                                   *entry, bucket));
    if (file.has_value()) entry->files.push_back(*std::move(file));
  }
  if (request.metadata != nullptr && !request.metadata->empty()) {
    std::vector<std::string_view> metrics;
    for (const SeriesRow& row : rows) {  // sorted by metric
      const std::string_view metric = row.labels.metric_name();
      if (metrics.empty() || metrics.back() != metric) metrics.push_back(metric);
    }
    ASSIGN_OR_RETURN(auto file, WriteMetadataTable(*request.metadata, metrics, columns, options,
                                                   *entry, bucket, request.metadata_stored));
    if (file.has_value()) entry->files.push_back(*std::move(file));
  }
  return Status::Ok();
}

}  // namespace thermocline
