// What a block has beside samples: exemplars and metadata of its metrics.
#pragma once

#include <span>

#include "base/result.h"
#include "bucket/object.h"
#include "cold/block_writer.h"
#include "cold/series_writer.h"

namespace thermocline {

// Publishes the tables of what `request` gives for the block of `rows` and names them in `entry`.
// Before WriteSeriesFiles, which publishes the block.
Status WriteSideTables(const BlockRequest& request, std::span<const SeriesRow> rows,
                       std::span<const BlockLabel> labels, const LabelColumns& columns,
                       const BlockWriterOptions& options, Bucket& bucket, BlockEntry* entry);

}  // namespace thermocline
