#include "shards/shard_queryable.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "shards/shard_series.h"

namespace thermocline::shards {

namespace {

Status ForEach(Executor* executor, size_t count, const std::function<Status(size_t)>& work) {
  if (executor != nullptr) return ParallelFor(*executor, count, work);
  for (size_t i = 0; i < count; ++i) RETURN_IF_ERROR(work(i));
  return Status::Ok();
}

void RaiseTo(std::atomic<uint64_t>* most, uint64_t value) {
  uint64_t before = most->load();
  while (before < value && !most->compare_exchange_weak(before, value)) {
  }
}

}  // namespace

Result<std::unique_ptr<SeriesSet>> ShardQueryable::Select(const SelectRequest& request) const {
  std::vector<std::shared_ptr<const Shard>> asked;
  for (const auto& shard : shards_) {
    if (shard->range().Overlaps(request.range)) asked.push_back(shard);
  }
  if (request.counters != nullptr) {
    request.counters->blocks_considered += shards_.size();
    request.counters->blocks_skipped_by_time += shards_.size() - asked.size();
  }
  std::vector<std::unique_ptr<SeriesSet>> sets(asked.size());
  std::vector<ShardReads> reads(asked.size());
  RETURN_IF_ERROR(ForEach(executor_, asked.size(), [&](size_t i) -> Status {
    reads[i].budget = request.budget;
    reads[i].executor = executor_;
    ASSIGN_OR_RETURN(sets[i], ShardSeriesSet::Select(asked[i], request, executor_, &reads[i]));
    return Status::Ok();
  }));
  for (const ShardReads& one : reads) {
    CountReads(one.stats, request.counters);
    RaiseTo(&most_rounds_, one.rounds);
    if (request.counters != nullptr && one.stats.requests == 0) {
      ++request.counters->blocks_skipped_by_index;
    }
  }
  if (sets.size() == 1) return std::move(sets[0]);
  return MergeSeriesSets(std::move(sets), request);
}

template <typename Ask>
Result<std::vector<std::string>> ShardQueryable::Gather(const LabelRequest& request,
                                                        const Ask& ask) const {
  std::vector<std::vector<std::string>> parts(shards_.size());
  std::vector<ShardReads> reads(shards_.size());
  const Status status = ForEach(executor_, shards_.size(), [&](size_t i) -> Status {
    const Shard& shard = *shards_[i];
    if (!shard.range().Overlaps(request.range)) return Status::Ok();
    reads[i].budget = request.budget;
    reads[i].executor = executor_;
    if (request.matcher_sets.empty()) return ask(shard, nullptr, &reads[i], &parts[i]);
    std::vector<RowRange> rows;
    for (const std::vector<Matcher>& matchers : request.matcher_sets) {
      ASSIGN_OR_RETURN(const auto matched, shard.Match(matchers, &reads[i]));
      rows.insert(rows.end(), matched.begin(), matched.end());
    }
    rows = columnar::NormalizeRows(std::move(rows));
    if (rows.empty()) return Status::Ok();
    return ask(shard, &rows, &reads[i], &parts[i]);
  });
  for (const ShardReads& one : reads) CountReads(one.stats, request.counters);
  RETURN_IF_ERROR(status);
  std::vector<std::string> all;
  for (std::vector<std::string>& part : parts) {
    all.insert(all.end(), std::make_move_iterator(part.begin()),
               std::make_move_iterator(part.end()));
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  if (request.limit != 0 && all.size() > request.limit) all.resize(request.limit);
  return all;
}

Result<std::vector<std::string>> ShardQueryable::LabelNames(const LabelRequest& request) const {
  return Gather(request,
                [](const Shard& shard, const std::vector<RowRange>* rows, ShardReads* reads,
                   std::vector<std::string>* names) -> Status {
                  if (shard.rows() == 0) return Status::Ok();
                  ASSIGN_OR_RETURN(*names, shard.LabelNames(rows, reads));
                  for (const LabelPair& pair : shard.external()) names->emplace_back(pair.name);
                  return Status::Ok();
                });
}

Result<std::vector<std::string>> ShardQueryable::LabelValues(std::string_view name,
                                                             const LabelRequest& request) const {
  return Gather(request,
                [&](const Shard& shard, const std::vector<RowRange>* rows, ShardReads* reads,
                    std::vector<std::string>* values) -> Status {
                  if (const std::string_view external = shard.external().Get(name);
                      !external.empty()) {
                    if (shard.rows() > 0) values->emplace_back(external);
                    return Status::Ok();
                  }
                  const LabelColumn* column = shard.columns().FindLabel(name);
                  if (column == nullptr) return Status::Ok();
                  ASSIGN_OR_RETURN(*values, shard.LabelValues(*column, rows, reads));
                  return Status::Ok();
                });
}

Result<std::vector<BatchMetadata>> ShardQueryable::Metadata(const MetadataRequest&) const {
  return std::vector<BatchMetadata>();
}

Result<std::vector<Shard::Place>> FindShards(Bucket& bucket, const std::string& prefix) {
  ASSIGN_OR_RETURN(const auto objects, bucket.List(prefix));
  std::map<uint32_t, Shard::Place> found;
  for (const ObjectInfo& object : objects) {
    const std::string_view name = std::string_view(object.key).substr(prefix.size());
    const size_t dot = name.find('.');
    if (dot == std::string_view::npos) continue;
    uint32_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + dot, number);
    if (error != std::errc() || end != name.data() + dot ||
        fmt::format("{}", number) != name.substr(0, dot)) {
      continue;
    }
    const std::string_view kind = name.substr(dot + 1);
    if (kind == "labels.parquet") found[number].labels_key = object.key;
    if (kind == "chunks.parquet") found[number].chunks_key = object.key;
  }
  const auto first = found.find(0);
  if (first == found.end() || first->second.labels_key.empty() ||
      first->second.chunks_key.empty()) {
    return Status::NotFound("holds no shard 0 (0.labels.parquet and 0.chunks.parquet) in '" +
                            prefix + "'");
  }
  std::vector<Shard::Place> places;
  for (auto& [number, place] : found) {
    if (number != places.size() || place.labels_key.empty() || place.chunks_key.empty()) {
      return Status::Corruption(
          fmt::format("'{}': shard {} has not both its files", prefix, places.size()));
    }
    places.push_back(std::move(place));
  }
  return places;
}

Result<std::vector<std::shared_ptr<const Shard>>> OpenShards(
    Bucket& bucket, const std::vector<Shard::Place>& places, const ShardOptions& options,
    columnar::ReadStats* stats, Executor* executor) {
  std::vector<std::shared_ptr<const Shard>> shards(places.size());
  std::vector<columnar::ReadStats> reads(places.size());
  RETURN_IF_ERROR(ForEach(executor, places.size(), [&](size_t i) -> Status {
    ASSIGN_OR_RETURN(shards[i], Shard::Open(bucket, places[i], options, &reads[i], executor));
    return Status::Ok();
  }));
  for (const columnar::ReadStats& one : reads) stats->Add(one);
  return shards;
}

}  // namespace thermocline::shards
