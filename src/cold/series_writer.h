// The files of one block that say which series it has: `labels`, the filter and, last, `series`.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "bucket/object.h"
#include "cold/block_writer.h"
#include "cold/label_columns.h"
#include "cold/manifest.h"
#include "cold/samples_writer.h"
#include "columnar/schema.h"
#include "model/labels.h"

namespace thermocline {

// One series of a block: where its samples are.
struct SeriesRow {
  SeriesId id;
  LabelsView labels;
  TimeRange range;
  uint64_t samples = 0;
  int64_t slice_ms = 0;
  columnar::RowRange first;  // rows of `samples` in the first slice that has any
  // Rows in the later slices, ascending; mostly there are none, and there may be a million series.
  std::unique_ptr<std::vector<columnar::RowRange>> more;
  // Rows of `histograms`, ascending; null when there are none.
  std::unique_ptr<std::vector<columnar::RowRange>> histograms;

  columnar::RowRange first_histograms() const {
    return histograms == nullptr ? columnar::RowRange() : histograms->front();
  }
};

// What `more_rows` holds: the row ranges after the first, as varints (gap to the end of the range
// before, count).
std::string EncodeMoreRows(columnar::RowRange first, std::span<const columnar::RowRange> more);
// Appends to `rows`, which holds the first range. Corruption when malformed, or beyond `limit` rows
// of the file.
Status DecodeMoreRows(std::string_view bytes, uint64_t limit,
                      std::vector<columnar::RowRange>* rows);

// Writes the files for `rows` (in file order) and completes `entry`, which names the files of
// samples and of histograms and all else about the block. The series file is published last.
Status WriteSeriesFiles(std::span<const SeriesRow> rows, std::span<const BlockLabel> labels,
                        const LabelColumns& columns, const BlockWriterOptions& options,
                        Bucket& bucket, BlockEntry* entry);

}  // namespace thermocline
