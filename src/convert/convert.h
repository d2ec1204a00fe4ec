// Sources of any layout to one layout: merged by time, cut by days, checked, published whole.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cold/block_writer.h"
#include "convert/inputs.h"
#include "env/env.h"
#include "shards/shard_options.h"

namespace thermocline {

struct ConvertOptions {
  SourceLayout layout = SourceLayout::kParquetCommon;  // or kGateway, kSamples
  // parquet-common: the folder of the target that takes the shards; empty = the target itself.
  std::string name;
  // parquet-common: Cortex' parquet-converter-mark.json beside the shards, which go into the folder
  // of a block that may hold the block itself; with a name, its copy in <target>/parquet-markers.
  bool converter_mark = false;
  TimeRange range = {kMinTimestampMs, kMaxTimestampMs};  // samples outside are left out
  // The shard layouts; `layout`, `range` and `external` are set from day to day.
  shards::ShardWriterOptions shards;
  // The gateway: the one stream that all inputs are of; when not given, each input is of the stream
  // that its block's meta.json tells, or of the one without labels.
  std::optional<Labels> external;
  BlockWriterOptions samples;  // the samples layout
  // Reads back what was written and compares it with the inputs before it is published.
  bool verify = false;
};

// How far a conversion is. Pieces: the UTC days of each stream; of parquet-common one.
struct ConvertProgress {
  bool verifying = false;
  size_t pieces_done = 0;
  size_t pieces = 0;
  size_t series_done = 0;  // of the piece in work
  size_t series = 0;
  uint64_t samples = 0;  // read so far

  double part_done() const;  // 0 to 1
};
// Called after each read; an error ends the conversion with it.
using ConvertWatch = std::function<Status(const ConvertProgress&)>;

struct ConvertSummary {
  uint64_t series = 0;  // distinct, with samples
  uint64_t samples = 0;
  uint64_t pieces = 0;  // days of streams that hold samples
  uint64_t files = 0;
  uint64_t bytes_in = 0;
  uint64_t bytes_out = 0;
  // The shard layouts.
  uint64_t shards = 0;  // of parquet-common
  uint64_t chunks_passed = 0;
  uint64_t chunks_encoded = 0;
  uint64_t starts_dropped = 0;  // start timestamps, which they cannot hold
  uint64_t samples_verified = 0;
};

// Writes the samples of `inputs` (in any order: the outcome is the same) to the folder `target`.
// Encoded chunks pass through where the inputs have them. `target` must be absent or empty; a
// bucket of the gateway may hold other days and streams, but nothing else. A failed run leaves
// the target as it was; so does an interrupted one, but for what the next run takes back (see
// publish_journal.h).
// Memory: a row group of the output, and per series its labels.
// Errors: NotFound when there is no sample; AlreadyExists; Internal when `verify` finds a
// difference; what the sources, the files and `watch` return.
Result<ConvertSummary> Convert(Env env, std::vector<ConvertInput> inputs, const std::string& target,
                               const ConvertOptions& options, const ConvertWatch& watch);

}  // namespace thermocline
