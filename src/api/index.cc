#include <thermocline/index.h>

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "api/bridge.h"
#include "api/schemas.h"
#include "bucket/local_bucket.h"
#include "env/posix/posix_file_system.h"
#include "index/postings.h"
#include "shards/shard.h"

namespace thermocline::api {

struct LabelIndex::State {
  Postings postings;
  std::vector<std::vector<PairId>> pairs;  // by number
};

struct ParquetFile::State {
  std::shared_ptr<const columnar::FileIndex> index;
  TableSchema schema;
};

struct ShardIndex::State {
  State(std::string folder) : bucket(files, std::move(folder)) {}  // NOLINT

  PosixFileSystem files;
  LocalBucket bucket;
  std::shared_ptr<const shards::Shard> shard;
};

namespace {

std::vector<RowRange> RangesOf(const std::vector<columnar::RowRange>& rows) {
  std::vector<RowRange> out;
  out.reserve(rows.size());
  for (const columnar::RowRange& range : rows) out.push_back({range.first, range.count});
  return out;
}

thermocline::Result<std::shared_ptr<const ParquetFile::State>> OpenFile(const std::string& path) {
  PosixFileSystem files;
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash);
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  LocalBucket bucket(files, folder.empty() ? "/" : folder);
  ASSIGN_OR_RETURN(const auto object, bucket.Open(name));
  auto state = std::make_shared<ParquetFile::State>();
  columnar::ReadStats stats;
  ASSIGN_OR_RETURN(state->index, columnar::FileReader::ReadIndex(*object, {}, &stats));
  state->schema = ToApi(name, state->index->schema());
  return std::shared_ptr<const ParquetFile::State>(std::move(state));
}

// The column of that name and of one of the types that `fits` accepts.
thermocline::Result<uint32_t> FindColumn(const ParquetFile::State& file, std::string_view name,
                                         bool (*fits)(columnar::ColumnType)) {
  const columnar::FileSchema& schema = file.index->schema();
  const auto column = schema.Find(name);
  if (!column) {
    return thermocline::Status::NotFound(fmt::format("{}: no column {}", file.schema.table, name));
  }
  if (fits != nullptr && !fits(schema.columns[*column].type)) {
    return thermocline::Status::InvalidArgument(
        fmt::format("{}: the column {} is of another type", file.schema.table, name));
  }
  return *column;
}

thermocline::Result<std::shared_ptr<const ShardIndex::State>> OpenShard(const std::string& folder,
                                                                        uint32_t number,
                                                                        const TimeRange& day) {
  auto state = std::make_shared<ShardIndex::State>(folder);
  shards::Shard::Place place;
  place.labels_key = fmt::format("{}.labels.parquet", number);
  place.chunks_key = fmt::format("{}.chunks.parquet", number);
  if (day.start_ms != kMinTimeMs || day.end_ms != kMaxTimeMs) place.day = ToInner(day);
  columnar::ReadStats stats;
  ASSIGN_OR_RETURN(state->shard, shards::Shard::Open(state->bucket, place, {}, &stats));
  return std::shared_ptr<const ShardIndex::State>(std::move(state));
}

thermocline::Result<std::vector<RowRange>> MatchRows(const shards::Shard& shard,
                                                     const std::vector<Matcher>& matchers) {
  ASSIGN_OR_RETURN(const auto compiled, CompileMatchers(matchers));
  shards::ShardReads reads;
  ASSIGN_OR_RETURN(const auto rows, shard.Match(compiled, &reads));
  return RangesOf(rows);
}

thermocline::Result<std::vector<Labels>> LabelsOfRows(const shards::Shard& shard,
                                                      const std::vector<uint64_t>& rows) {
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] >= shard.rows() || (i > 0 && rows[i] <= rows[i - 1])) {
      return thermocline::Status::InvalidArgument(
          fmt::format("row {}: rows ascend, and the shard has {}", rows[i], shard.rows()));
    }
  }
  shards::ShardReads reads;
  ASSIGN_OR_RETURN(const auto labels, shard.ReadLabels(rows, {}, &reads));
  std::vector<Labels> out;
  out.reserve(labels.size());
  for (size_t i = 0; i < labels.size(); ++i) out.push_back(LabelBytes::Of(labels[i]));
  return out;
}

}  // namespace

LabelIndex::LabelIndex() : state_(std::make_unique<State>()) {}
LabelIndex::~LabelIndex() = default;
LabelIndex::LabelIndex(LabelIndex&&) noexcept = default;
LabelIndex& LabelIndex::operator=(LabelIndex&&) noexcept = default;

uint32_t LabelIndex::Add(const Labels& labels) {
  const uint32_t number = size();
  state_->postings.Add(SeriesRef(number), LabelBytes::View(labels), &state_->pairs.emplace_back());
  return number;
}

uint32_t LabelIndex::size() const { return static_cast<uint32_t>(state_->pairs.size()); }

Labels LabelIndex::labels(uint32_t number) const {
  return LabelBytes::Of(state_->postings.LabelsOf(state_->pairs.at(number)));
}

Result<std::vector<uint32_t>> LabelIndex::Match(const std::vector<Matcher>& matchers) const {
  const auto compiled = CompileMatchers(matchers);
  if (!compiled.ok()) return ToApi(compiled.status());
  std::vector<uint32_t> out;
  for (const SeriesRef series : state_->postings.Match(*compiled)) out.push_back(series.number);
  return out;
}

std::vector<std::string> LabelIndex::LabelNames() const { return state_->postings.LabelNames(); }

std::vector<std::string> LabelIndex::LabelValues(std::string_view name) const {
  return state_->postings.LabelValues(name);
}

ParquetFile::ParquetFile(std::shared_ptr<const State> state) : state_(std::move(state)) {}

Result<ParquetFile> ParquetFile::Open(const std::string& path) {
  auto state = OpenFile(path);
  if (!state.ok()) return ToApi(state.status());
  return ParquetFile(*std::move(state));
}

uint64_t ParquetFile::rows() const { return state_->index->rows(); }
uint32_t ParquetFile::row_groups() const { return state_->index->row_groups(); }
const TableSchema& ParquetFile::schema() const { return state_->schema; }
const std::string& ParquetFile::created_by() const { return state_->index->created_by(); }
const std::vector<std::pair<std::string, std::string>>& ParquetFile::key_values() const {
  return state_->index->key_values();
}

Result<std::vector<Page>> ParquetFile::Pages(std::string_view column) const {
  const auto found = FindColumn(*state_, column, nullptr);
  if (!found.ok()) return ToApi(found.status());
  std::vector<Page> pages;
  for (size_t i = 0; i < state_->index->page_count(*found); ++i) {
    const columnar::PageInfo page = state_->index->page(*found, i);
    pages.push_back({page.offset, page.size_bytes, page.first_row, page.row_count, page.row_group,
                     page.null_count});
  }
  return pages;
}

Result<std::vector<RowRange>> ParquetFile::RowsWhere(std::string_view column, std::string_view min,
                                                     std::string_view max) const {
  const auto found = FindColumn(*state_, column, columnar::IsByteArray);
  if (!found.ok()) return ToApi(found.status());
  return RangesOf(state_->index->RowsWhereString(*found, min, max));
}

Result<std::vector<RowRange>> ParquetFile::RowsWhere(std::string_view column, int64_t min,
                                                     int64_t max) const {
  const auto found = FindColumn(*state_, column, columnar::IsInt64);
  if (!found.ok()) return ToApi(found.status());
  return RangesOf(state_->index->RowsWhereInt64(*found, min, max));
}

Result<std::vector<RowRange>> ParquetFile::RowsWithPrefix(std::string_view column,
                                                          std::string_view prefix) const {
  const auto found = FindColumn(*state_, column, columnar::IsByteArray);
  if (!found.ok()) return ToApi(found.status());
  return RangesOf(state_->index->RowsWithPrefix(*found, prefix));
}

ShardIndex::ShardIndex(std::shared_ptr<const State> state) : state_(std::move(state)) {}

Result<ShardIndex> ShardIndex::Open(const std::string& folder, uint32_t number, TimeRange day) {
  auto state = OpenShard(folder, number, day);
  if (!state.ok()) return ToApi(state.status());
  return ShardIndex(*std::move(state));
}

uint64_t ShardIndex::rows() const { return state_->shard->rows(); }
TimeRange ShardIndex::range() const { return ToApi(state_->shard->range()); }

std::pair<uint32_t, uint32_t> ShardIndex::DataColumns(TimeRange range) const {
  const auto columns = state_->shard->columns().DataColumns(ToInner(range));
  return {columns.first, columns.end};
}

Result<std::vector<RowRange>> ShardIndex::Match(const std::vector<Matcher>& matchers) const {
  return ToApi(MatchRows(*state_->shard, matchers));
}

Result<std::vector<Labels>> ShardIndex::ReadLabels(const std::vector<uint64_t>& rows) const {
  return ToApi(LabelsOfRows(*state_->shard, rows));
}

}  // namespace thermocline::api
