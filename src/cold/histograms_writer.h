// The `histograms` file of one block: rows of series, one native histogram each.
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
#include "cold/histogram_columns.h"
#include "cold/label_runs.h"
#include "cold/manifest.h"
#include "cold/samples_writer.h"
#include "columnar/file_writer.h"
#include "model/queryable.h"

namespace thermocline {

// One thread. Memory: one row group, about 40 MB of lists at most.
class HistogramsWriter {
 public:
  // `bucket` and the label strings outlive the writer. `with_starts`: has a start_timestamp column.
  static Result<std::unique_ptr<HistogramsWriter>> Open(Bucket& bucket, std::string key,
                                                        std::span<const BlockLabel> labels,
                                                        bool with_starts,
                                                        const BlockWriterOptions& options);

  // Appends rows of one series: the histograms at these places of `batch`. `labels` must stay valid
  // until Finish, or the writer is gone. InvalidArgument: see HistogramColumns::Add.
  Status Add(SeriesId id, LabelsView labels, const SeriesBatch& batch,
             std::span<const uint32_t> samples);
  uint64_t rows() const { return rows_; }
  // Publishes the file.
  Result<BlockFile> Finish(const columnar::KeyValues& key_values);

 private:
  HistogramsWriter(std::string key, std::span<const BlockLabel> labels, bool with_starts,
                   const BlockWriterOptions& options);
  Status WriteRowGroup();

  const std::string key_;
  const bool with_starts_;
  const uint64_t row_group_rows_;
  uint32_t first_leaf_ = 0;  // column of the struct's first
  columnar::FileSchema schema_;
  columnar::FileWriterOptions file_options_;
  std::unique_ptr<ObjectWriter> sink_;
  std::unique_ptr<columnar::FileWriter> file_;
  uint64_t rows_ = 0;
  // The row group that is being gathered.
  SeriesColumns series_;
  std::vector<TimestampMs> timestamps_;
  std::vector<TimestampMs> starts_;
  HistogramColumns histograms_;
};

}  // namespace thermocline
