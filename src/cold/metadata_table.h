// The `metadata` file of a block: what is known of its metrics. FORMAT.md 2.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bucket/object.h"
#include "cold/block_writer.h"
#include "cold/label_columns.h"
#include "cold/manifest.h"
#include "columnar/file_reader.h"
#include "model/write_batch.h"

namespace thermocline {

// Publishes the entries of `all` whose family has one of the block's metrics (distinct). nullopt:
// there are none. They are appended to `stored`, which may be null.
Result<std::optional<BlockFile>> WriteMetadataTable(const std::vector<BatchMetadata>& all,
                                                    const std::vector<std::string_view>& metrics,
                                                    const LabelColumns& columns,
                                                    const BlockWriterOptions& options,
                                                    const BlockEntry& entry, Bucket& bucket,
                                                    std::vector<BatchMetadata>* stored);

// Appends all entries, or those of one family. Corruption when a column is missing.
Status ReadMetadataTable(const columnar::FileReader& file, std::string_view family,
                         uint64_t limit_bytes, columnar::ReadStats* stats,
                         std::vector<BatchMetadata>* out);

}  // namespace thermocline
