// The `exemplars` file of a block: one row per exemplar of its day. FORMAT.md 2.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "bucket/object.h"
#include "cold/block_writer.h"
#include "cold/label_columns.h"
#include "cold/manifest.h"
#include "cold/samples_writer.h"
#include "columnar/file_reader.h"
#include "model/exemplar.h"

namespace thermocline {

// Publishes the exemplars of `all` (in order, see PutInOrder) that lie in the UTC day of `entry`,
// which holds all about the block but its later files. nullopt: there are none.
Result<std::optional<BlockFile>> WriteExemplarTable(const std::vector<SeriesExemplars>& all,
                                                    std::span<const BlockLabel> labels,
                                                    const LabelColumns& columns,
                                                    const BlockWriterOptions& options,
                                                    const BlockEntry& entry, Bucket& bucket);

// Appends those that are asked for; rows of one series together. Corruption when a column is
// missing or a label set is malformed.
Status ReadExemplarTable(const columnar::FileReader& file, const ExemplarRequest& request,
                         uint64_t limit_bytes, columnar::ReadStats* stats,
                         std::vector<SeriesExemplars>* out);

}  // namespace thermocline
