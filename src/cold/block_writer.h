// From a SeriesSet to the files of cold blocks. Everything that makes cold data ends here.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "bucket/object.h"
#include "cold/label_columns.h"
#include "cold/manifest.h"
#include "env/executor.h"
#include "model/exemplar.h"
#include "model/queryable.h"

namespace thermocline {

struct BlockWriterOptions {
  int zstd_level = 3;                         // 3 at flush, 9 at compaction
  uint32_t page_rows = 32 << 10;              // samples; a power of two between 64 and 1 Mi
  uint32_t series_page_rows = 4 << 10;        // series and labels
  uint32_t row_group_rows = 1 << 20;          // a multiple of page_rows
  uint32_t dictionary_max_values = 64 << 10;  // above either, a label gets an index in `labels`
  uint64_t dictionary_max_bytes = 1 << 20;
  bool smallest_values = false;  // try both value encodings instead of sampling
  // Row groups of samples that are encoded at once, at most, the calling thread's among them.
  uint32_t threads = 4;

  Status Validate() const;
};

// What the new blocks are to the table.
struct BlockRequest {
  TenantId tenant;
  int64_t resolution_ms = 0;
  uint32_t generation = 0;
  std::vector<BlockId> replaces;
  std::vector<FlushMark> flushed;  // cut to each block's UTC day
  // Where all samples lie, when the caller knows: saves a pass over the samples. Empty = not known.
  // A sample outside is an error (Internal), never left out.
  TimeRange range;
  // What else is known of the series, borrowed; may be null. Of `exemplars` (in order, see
  // model/exemplar.h) a block takes those of its UTC day; days without samples have no block.
  const std::vector<SeriesExemplars>* exemplars = nullptr;
  // A block takes the entries of its metrics.
  const std::vector<BatchMetadata>* metadata = nullptr;
  // Gets the entries of `metadata` that a file holds now; may be null.
  std::vector<BatchMetadata>* metadata_stored = nullptr;
};

// Gives labels that are new to the table their columns and returns the table's map. Two writers at
// once must see one map grow.
using ReserveColumns = std::function<LabelColumns(const std::vector<std::string>& labels)>;

// Writes all samples of `series` as blocks, one per UTC day that has samples, each with its files
// `series` and, where they have something to hold, `samples`, `histograms` and `labels`. Nothing is
// visible before the entries are installed in a manifest; the `series` file is published last and
// names the others, so a block without one is not a block.
// Shape: any order, any time span. A sample that is stale becomes NULL; all others keep their bits,
//   native histograms every field. No samples: no blocks.
// Threads: reading, gathering and the bucket's calls on the calling thread; row groups are encoded
//   on it and on `executor`. The bytes written do not depend on how many there are.
// Memory: one row group (about 30 MB) for each thread and one more, one in all when the executor
//   runs one task at a time; one of histograms, if there are any (about 40 MB); and about 100
//   bytes per series.
// Errors: what `series` and `bucket` return; what was published of the unfinished blocks is
// removed,
//   best effort.
Result<std::vector<BlockEntry>> WriteBlocks(const SeriesSet& series, const BlockRequest& request,
                                            const BlockWriterOptions& options,
                                            const std::function<BlockId()>& new_id,
                                            Executor& executor, Bucket& bucket,
                                            const ReserveColumns& columns);

}  // namespace thermocline
