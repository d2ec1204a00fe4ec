// A SeriesSet to shards in a bucket.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "bucket/object.h"
#include "model/queryable.h"
#include "shards/cell_builder.h"
#include "shards/shard_options.h"

namespace thermocline::shards {

struct ShardSummary {
  uint64_t shards = 0;
  uint64_t series = 0;
  uint64_t series_without_samples = 0;  // in the range; they have no row
  CellCounts cells;
  uint64_t labels_bytes = 0;
  uint64_t chunks_bytes = 0;
};

// Called between batches of series with how many are done; a failure ends the work.
using ShardProgress = std::function<Status(const ShardSummary&)>;

// Writes all series of `set` as <prefix>0.labels.parquet, <prefix>0.chunks.parquet and so on.
// Encoded chunks are passed through where the set has them. The files are published when all are
// written: last shard first and a shard's chunks before its labels, so that shard 0, without which
// readers see nothing, comes last. Nothing is published on an error before that. A set without
// samples in the range publishes nothing: 0 shards. What other objects lie below the prefix is the
// caller's business.
Result<ShardSummary> WriteShards(const SeriesSet& set, Bucket& bucket, const std::string& prefix,
                                 const ShardWriterOptions& options,
                                 const ShardProgress& progress = nullptr);

// A day of a stream: the shards, then meta.pb, then stream.pb where there is none. `blocks` are the
// ULIDs of the blocks that were converted. AlreadyExists when the stream's hash stands for other
// labels.
Result<ShardSummary> WriteGatewayDay(const SeriesSet& set, Bucket& bucket,
                                     const ShardWriterOptions& options,
                                     const std::vector<std::string>& blocks,
                                     const ShardProgress& progress = nullptr);

// Cortex' file which says that a block's shards are whole.
inline constexpr std::string_view kConverterMarkName = "parquet-converter-mark.json";
std::string ConverterMark(uint64_t shards);

}  // namespace thermocline::shards
