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
};

// Writes all samples of `series` as blocks, one per UTC day that has samples, each with its files
// `samples`, `series` and, when some label needs it, `labels`. Nothing is visible before the
// entries are installed in a manifest; the `series` file is published last and names the others, so
// a block without one is not a block. `columns` grows by labels that are new to the table.
// Shape: any order, any time span. A sample that is stale becomes NULL; all others keep their bits.
//   No samples: no blocks.
// Memory: one row group (about 30 MB) and about 100 bytes per series.
// Errors: what `series` and `bucket` return; what was published of the unfinished blocks is
// removed,
//   best effort.
Result<std::vector<BlockEntry>> WriteBlocks(const SeriesSet& series, const BlockRequest& request,
                                            const BlockWriterOptions& options,
                                            const std::function<BlockId()>& new_id, Bucket& bucket,
                                            LabelColumns* columns);

}  // namespace thermocline
