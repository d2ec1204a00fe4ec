#include "shards/row_group_buffer.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/check.h"
#include "shards/cell.h"

namespace thermocline::shards {

using columnar::ColumnEncoding;
using columnar::ColumnSpec;
using columnar::ColumnType;
using columnar::FileSchema;

namespace {

bool IsGateway(const ShardWriterOptions& options) {
  return options.layout == ShardLayout::kGateway;
}

ColumnSpec BytesColumn(std::string name, ColumnEncoding encoding) {
  ColumnSpec spec;
  spec.name = std::move(name);
  spec.type = ColumnType::kBytes;
  spec.encoding = encoding;
  spec.bounds = false;
  return spec;
}

// The label columns' first leaf: the gateway's list of columns stands before them.
uint32_t FirstLabelLeaf(const ShardWriterOptions& options) { return IsGateway(options) ? 1 : 0; }

bool Contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Data columns in byte order of their names: 0, 1, 10, 2 ...
std::vector<uint32_t> DataOrder(const ShardWriterOptions& options) {
  std::vector<std::string> names;
  for (uint32_t i = 0; i < options.data_columns(); ++i) names.push_back(std::to_string(i));
  std::sort(names.begin(), names.end());
  std::vector<uint32_t> order;
  for (const std::string& name : names) {
    order.push_back(static_cast<uint32_t>(std::strtoul(name.c_str(), nullptr, 10)));
  }
  return order;
}

}  // namespace

FileSchema LabelsSchema(const ShardWriterOptions& options,
                        const std::vector<std::string>& label_names) {
  FileSchema schema;
  if (IsGateway(options)) {
    schema.columns.push_back(
        BytesColumn(std::string(kGatewayIndexName), ColumnEncoding::kDeltaLengths));
  }
  const std::string_view prefix = IsGateway(options) ? kGatewayLabelPrefix : kLabelPrefix;
  for (const std::string& name : label_names) {
    ColumnSpec spec;
    spec.name = std::string(prefix) + name;
    spec.type = ColumnType::kString;
    spec.encoding = ColumnEncoding::kDictionary;
    spec.optional = true;
    spec.bloom_filter = Contains(options.bloom_labels, name);
    schema.columns.push_back(std::move(spec));
  }
  if (!IsGateway(options)) {
    schema.columns.push_back(
        BytesColumn(std::string(kColumnListName), ColumnEncoding::kDeltaStrings));
    schema.columns.push_back(
        BytesColumn(std::string(kSeriesHashName), ColumnEncoding::kDeltaLengths));
  }
  // Rows are in this order, NULLs first. A sort label that no row has orders nothing.
  for (const std::string& name : options.sort_labels) {
    const auto at = std::lower_bound(label_names.begin(), label_names.end(), name);
    if (at == label_names.end() || *at != name) continue;
    const auto leaf = FirstLabelLeaf(options) + static_cast<uint32_t>(at - label_names.begin());
    schema.sorting.push_back({leaf, false, true});
  }
  return schema;
}

FileSchema ChunksSchema(const ShardWriterOptions& options) {
  FileSchema schema;
  const std::string_view prefix = IsGateway(options) ? kGatewayDataPrefix : kDataPrefix;
  for (const uint32_t column : DataOrder(options)) {
    schema.columns.push_back(
        BytesColumn(fmt::format("{}{}", prefix, column), ColumnEncoding::kDeltaLengths));
  }
  if (IsGateway(options)) {
    ColumnSpec hash;
    hash.name = kGatewayHashName;
    hash.type = ColumnType::kInt64;
    schema.columns.push_back(std::move(hash));
  }
  return schema;
}

Result<std::unique_ptr<RowGroupBuffer>> RowGroupBuffer::Make(
    const ShardWriterOptions& options, const std::vector<std::string>& label_names) {
  auto buffer = std::unique_ptr<RowGroupBuffer>(new RowGroupBuffer(options));
  ASSIGN_OR_RETURN(buffer->pages_, PageWriter::Make(options.zstd_level));
  for (const std::string& name : label_names) {
    const auto column = static_cast<uint32_t>(buffer->leaves_.size());
    buffer->label_columns_.emplace(name, column);
    buffer->bloom_.push_back(Contains(options.bloom_labels, name));
    buffer->leaves_.push_back(FirstLabelLeaf(options) + column);
  }
  buffer->labels_.resize(label_names.size());
  buffer->data_.resize(options.data_columns());
  buffer->data_leaves_.resize(options.data_columns());
  const std::vector<uint32_t> order = DataOrder(options);
  for (uint32_t leaf = 0; leaf < order.size(); ++leaf) buffer->data_leaves_[order[leaf]] = leaf;
  buffer->labels_group_.chunks.resize(label_names.size() + (IsGateway(options) ? 1 : 2));
  buffer->chunks_group_.chunks.resize(order.size() + (IsGateway(options) ? 1 : 0));
  return buffer;
}

Status RowGroupBuffer::Add(const Labels& labels, const CellBuilder& cells) {
  row_leaves_.clear();
  for (const LabelPair& pair : labels) {
    const auto column = label_columns_.find(pair.name);
    CHECK(column != label_columns_.end());
    labels_[column->second].Add(rows_, pair.value);
    row_leaves_.push_back(leaves_[column->second]);
  }
  scratch_.clear();
  AppendColumnList(row_leaves_, &scratch_);
  lists_.Add(scratch_);
  if (IsGateway(options_)) {
    hash_values_.push_back(static_cast<int64_t>(PackedHash(labels)));
  } else {
    hash_cells_.Add(HashCell(SeparatedHash(labels)));
  }
  uint64_t most = 0;
  for (uint32_t column = 0; column < data_.size(); ++column) {
    const std::string_view cell = cells.cell(column);
    data_[column].Add(cell);
    chunk_bytes_ += cell.size();
    most = std::max(most, data_[column].size_bytes());
  }
  ++rows_;
  if (rows_ % options_.label_page_rows == 0) RETURN_IF_ERROR(EndLabelPage());
  const uint32_t open = rows_ - (chunk_pages_.empty() ? 0 : chunk_pages_.back());
  if (most >= options_.chunk_page_bytes || open >= options_.label_page_rows) {
    RETURN_IF_ERROR(EndChunkPage());
  }
  return Status::Ok();
}

Status RowGroupBuffer::EndLabelPage() {
  std::vector<columnar::EncodedChunk>& chunks = labels_group_.chunks;
  label_pages_.push_back(rows_);
  if (IsGateway(options_)) {
    return lists_.EndPage(false, ChunkCompression::kZstd, pages_.get(), &chunks[0]);
  }
  RETURN_IF_ERROR(
      lists_.EndPage(true, ChunkCompression::kZstd, pages_.get(), &chunks[labels_.size()]));
  // Hashes do not shrink.
  return hash_cells_.EndPage(false, ChunkCompression::kNone, pages_.get(), &chunks.back());
}

Status RowGroupBuffer::EndChunkPage() {
  chunk_pages_.push_back(rows_);
  for (size_t column = 0; column < data_.size(); ++column) {
    RETURN_IF_ERROR(data_[column].EndPage(false, options_.chunk_compression, pages_.get(),
                                          &chunks_group_.chunks[data_leaves_[column]]));
  }
  return Status::Ok();
}

Status RowGroupBuffer::Finish() {
  if (label_pages_.empty() || label_pages_.back() != rows_) RETURN_IF_ERROR(EndLabelPage());
  if (chunk_pages_.empty() || chunk_pages_.back() != rows_) RETURN_IF_ERROR(EndChunkPage());
  labels_group_.rows = rows_;
  chunks_group_.rows = rows_;
  for (size_t i = 0; i < labels_.size(); ++i) {
    RETURN_IF_ERROR(labels_[i].Encode(label_pages_, bloom_[i], pages_.get(),
                                      &labels_group_.chunks[leaves_[i]]));
  }
  if (!IsGateway(options_)) return Status::Ok();
  return EncodeIntegers(hash_values_, chunk_pages_, pages_.get(), &chunks_group_.chunks.back());
}

void RowGroupBuffer::Clear() {
  for (LabelColumnBuffer& column : labels_) column.Clear();
  for (columnar::EncodedChunk& chunk : labels_group_.chunks) chunk.Clear();
  for (columnar::EncodedChunk& chunk : chunks_group_.chunks) chunk.Clear();
  hash_values_.clear();
  label_pages_.clear();
  chunk_pages_.clear();
  chunk_bytes_ = 0;
  rows_ = 0;
}

}  // namespace thermocline::shards
