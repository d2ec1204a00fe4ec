// The rows of one row group of a shard, until they are written to its two files.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "columnar/row_group_encoder.h"
#include "model/labels.h"
#include "shards/cell_builder.h"
#include "shards/column_pages.h"
#include "shards/shard_options.h"

namespace thermocline::shards {

// The schemas of a shard's files, as the layout has them: columns in byte order of their names.
columnar::FileSchema LabelsSchema(const ShardWriterOptions& options,
                                  const std::vector<std::string>& label_names);
columnar::FileSchema ChunksSchema(const ShardWriterOptions& options);

class RowGroupBuffer {
 public:
  // `label_names` ascending; they and the options outlive the buffer.
  static Result<std::unique_ptr<RowGroupBuffer>> Make(const ShardWriterOptions& options,
                                                      const std::vector<std::string>& label_names);

  // All names of `labels` are among `label_names`.
  Status Add(const Labels& labels, const CellBuilder& cells);
  uint32_t rows() const { return rows_; }
  bool full() const {
    return rows_ >= options_.row_group_rows || chunk_bytes_ >= options_.row_group_bytes;
  }
  // Ends the row group; its two halves stay until Clear.
  Status Finish();
  const columnar::EncodedRowGroup& labels() const { return labels_group_; }
  const columnar::EncodedRowGroup& chunks() const { return chunks_group_; }
  void Clear();

 private:
  explicit RowGroupBuffer(const ShardWriterOptions& options) : options_(options) {}
  Status EndLabelPage();
  Status EndChunkPage();

  const ShardWriterOptions& options_;
  std::unique_ptr<PageWriter> pages_;
  std::unordered_map<std::string_view, uint32_t> label_columns_;
  std::vector<bool> bloom_;                // by label column
  std::vector<uint32_t> leaves_;           // of each label column
  std::vector<LabelColumnBuffer> labels_;  // by label column
  BytesColumnBuffer lists_;
  BytesColumnBuffer hash_cells_;      // parquet-common
  std::vector<int64_t> hash_values_;  // gateway
  std::vector<BytesColumnBuffer> data_;
  std::vector<uint32_t> data_leaves_;  // of each data column
  PageEnds label_pages_;
  PageEnds chunk_pages_;
  columnar::EncodedRowGroup labels_group_;
  columnar::EncodedRowGroup chunks_group_;
  uint64_t chunk_bytes_ = 0;
  uint32_t rows_ = 0;
  std::vector<uint32_t> row_leaves_;
  std::string scratch_;
};

}  // namespace thermocline::shards
