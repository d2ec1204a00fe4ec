// Opens each layout.
#include "convert/source.h"

#include <fmt/core.h>

#include <functional>
#include <utility>

#include "blocks/data_directory.h"
#include "bucket/local_bucket.h"
#include "convert/gateway_place.h"
#include "convert/named_files.h"
#include "convert/publish_journal.h"
#include "convert/skip_damaged.h"
#include "convert/text_file.h"
#include "model/exemplar.h"
#include "shards/shard_queryable.h"

namespace thermocline {
namespace {

struct Opened {
  std::shared_ptr<const Queryable> data;
  TimeRange range;
  std::string description;
  std::function<SourceDamage()> damage;
};

class OpenedSource final : public Source {
 public:
  OpenedSource(SourceLayout layout, Opened opened) : layout_(layout), opened_(std::move(opened)) {}

  Result<std::unique_ptr<SeriesSet>> Select(const SelectRequest& request) const override {
    return opened_.data->Select(request);
  }
  Result<std::vector<std::string>> LabelNames(const LabelRequest& request) const override {
    return opened_.data->LabelNames(request);
  }
  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               const LabelRequest& request) const override {
    return opened_.data->LabelValues(name, request);
  }
  Result<std::vector<BatchMetadata>> Metadata(const MetadataRequest& request) const override {
    return opened_.data->Metadata(request);
  }
  Result<std::vector<SeriesExemplars>> Exemplars(const ExemplarRequest& request) const override {
    return opened_.data->Exemplars(request);
  }
  Result<std::optional<uint64_t>> TryCount(const SelectRequest& request, TimestampMs at_ms,
                                           int64_t lookback_ms) const override {
    return opened_.data->TryCount(request, at_ms, lookback_ms);
  }
  SourceLayout layout() const override { return layout_; }
  TimeRange range() const override { return opened_.range; }
  std::string Describe() const override { return opened_.description; }
  SourceDamage damage() const override {
    return opened_.damage ? opened_.damage() : SourceDamage{};
  }

 private:
  const SourceLayout layout_;
  const Opened opened_;
};

std::string DescribeBlock(const Block& block) {
  const BlockMeta& meta = block.meta();
  std::string text = fmt::format("block {} level {}: {} to {}, {} series, {} samples, {} chunks",
                                 meta.id.ToString(), meta.level, meta.min_ms, meta.max_ms,
                                 meta.series_count, meta.sample_count, meta.chunk_count);
  if (meta.tombstone_count > 0) text += fmt::format(", {} tombstones", meta.tombstone_count);
  if (meta.out_of_order()) text += ", out of order";
  if (meta.partial_view()) text += ", partial view";
  for (const auto& [name, value] : meta.external_labels) {
    text += fmt::format(" {}={}", name, value);
  }
  return text + "\n";
}

void AddDamage(const BlockDamage& damage, SourceDamage* sum) {
  sum->chunks += damage.chunks();
  sum->series += damage.series();
  sum->blocks += damage.blocks();
  for (std::string& message : damage.messages()) sum->messages.push_back(std::move(message));
}

void AddDamage(const BlockSet& set, SourceDamage* sum) {
  AddDamage(set.damage(), sum);
  for (const auto& block : set.blocks()) AddDamage(block->damage(), sum);
}

Result<Opened> OpenBlock(Bucket& bucket, const SourceOptions& options) {
  ASSIGN_OR_RETURN(auto block, Block::Open(bucket, "", {.skip_damaged = options.skip_damaged}));
  Opened opened;
  opened.range = block->meta().range();
  opened.description = DescribeBlock(*block);
  opened.damage = [raw = block.get()] {
    SourceDamage sum;
    AddDamage(raw->damage(), &sum);
    return sum;
  };
  opened.data = std::move(block);
  return opened;
}

Result<Opened> OpenBlocks(Bucket& bucket, const SourceOptions& options) {
  ASSIGN_OR_RETURN(const auto names, FindBlocks(bucket, ""));
  if (names.empty()) return Status::NotFound("holds no blocks");
  ASSIGN_OR_RETURN(auto set, BlockSet::Open(bucket, "", {.skip_damaged = options.skip_damaged}));
  Opened opened;
  opened.range = set->range();
  for (const auto& block : set->blocks()) opened.description += DescribeBlock(*block);
  opened.damage = [raw = set.get()] {
    SourceDamage sum;
    AddDamage(*raw, &sum);
    return sum;
  };
  opened.data = std::move(set);
  return opened;
}

TimeRange RangeOf(const DataDirectory& directory) {
  TimeRange range = directory.blocks().range();
  const auto cover = [&range](const std::vector<WalHead::Chunk>& chunks) {
    for (const WalHead::Chunk& chunk : chunks) {
      range.Extend(chunk.min_ms);
      range.Extend(chunk.max_ms);
    }
  };
  for (const WalHead::Series& series : directory.head().series()) {
    cover(series.in_order);
    cover(series.out_of_order);
  }
  return range;
}

Result<Opened> OpenPrometheus(Bucket& bucket, const SourceOptions& options) {
  ASSIGN_OR_RETURN(auto directory,
                   DataDirectory::Open(bucket, "", {.skip_damaged = options.skip_damaged}));
  Opened opened;
  opened.range = RangeOf(*directory);
  for (const auto& block : directory->blocks().blocks()) {
    opened.description += DescribeBlock(*block);
  }
  const WalHead& head = directory->head();
  opened.description +=
      fmt::format("head: {} series, {} log records\n", head.series().size(), head.counts().records);
  opened.damage = [raw = directory.get()] {
    SourceDamage sum;
    AddDamage(raw->blocks(), &sum);
    AddDamage(raw->head().damage(), &sum);
    const HeadDamage& head_damage = raw->damage();
    if (const uint64_t bad = raw->head().counts().bad_chunks; bad > 0) {
      sum.chunks += bad;
      sum.messages.push_back(
          fmt::format("chunks_head: {} chunks of unknown encoding or out of sequence", bad));
    }
    if (const uint64_t bad = raw->head().counts().bad_histograms; bad > 0) {
      sum.messages.push_back(fmt::format(
          "wal: {} histograms of unknown schema or with buckets unlike their spans", bad));
    }
    for (const std::string* message :
         {&head_damage.log, &head_damage.out_of_order_log, &head_damage.chunks}) {
      if (message->empty()) continue;
      ++sum.log_ends;
      sum.messages.push_back(*message);
    }
    return sum;
  };
  opened.data = std::move(directory);
  return opened;
}

Result<Opened> OpenPlaces(Bucket& bucket, Executor* executor,
                          const std::vector<shards::Shard::Place>& places) {
  columnar::ReadStats stats;
  ASSIGN_OR_RETURN(auto opened_shards, shards::OpenShards(bucket, places, {}, &stats, executor));
  Opened opened;
  for (const auto& shard : opened_shards) {
    if (!shard->range().empty()) {
      opened.range.Extend(shard->range().start_ms);
      opened.range.Extend(shard->range().end_ms);
    }
    opened.description +=
        fmt::format("shard {}: {} to {}, {} series", shard->name(), shard->range().start_ms,
                    shard->range().end_ms, shard->rows());
    if (!shard->external().empty()) opened.description += " " + shard->external().ToString();
    opened.description += "\n";
  }
  opened.data = std::make_unique<shards::ShardQueryable>(std::move(opened_shards), executor);
  return opened;
}

Result<Opened> OpenParquetCommon(Bucket& bucket, Executor* executor) {
  ASSIGN_OR_RETURN(const auto places, shards::FindShards(bucket, ""));
  return OpenPlaces(bucket, executor, places);
}

Result<Opened> OpenGateway(Bucket& bucket, Executor* executor, const SourceOptions& options) {
  ASSIGN_OR_RETURN(const std::vector<shards::GatewayDay> days, DaysOf(bucket, options.stream));
  std::vector<shards::Shard::Place> places;
  for (const shards::GatewayDay& day : days) {
    ASSIGN_OR_RETURN(auto of_day, shards::FindDayShards(bucket, day));
    places.insert(places.end(), std::make_move_iterator(of_day.begin()),
                  std::make_move_iterator(of_day.end()));
  }
  return OpenPlaces(bucket, executor, places);
}

Result<Opened> OpenText(FileSystem& files, const std::string& path, TextFormat format,
                        const SourceOptions& options) {
  TextFileOptions text;
  text.format = format;
  text.scratch = options.scratch;
  text.watch = options.watch;
  ASSIGN_OR_RETURN(auto file, TextFile::Open(files, path, text));
  Opened opened;
  opened.range = file->range();
  opened.description =
      fmt::format("text: {} series, {} samples\n", file->series().size(), file->samples());
  opened.data = std::move(file);
  return opened;
}

Result<Opened> OpenLayout(FileSystem& files, Executor* executor, const std::string& path,
                          SourceLayout layout, const SourceOptions& options) {
  LocalBucket bucket(files, path);
  switch (layout) {
    case SourceLayout::kBlock: return OpenBlock(bucket, options);
    case SourceLayout::kBlocks: return OpenBlocks(bucket, options);
    case SourceLayout::kPrometheus: return OpenPrometheus(bucket, options);
    case SourceLayout::kParquetCommon: return OpenParquetCommon(bucket, executor);
    case SourceLayout::kGateway: return OpenGateway(bucket, executor, options);
    case SourceLayout::kOpenMetrics:
      return OpenText(files, path, TextFormat::kOpenMetrics, options);
    case SourceLayout::kText: return OpenText(files, path, TextFormat::kClassic, options);
    case SourceLayout::kSamples: break;
  }
  return Status::Unimplemented(path + ": a data folder of ours is opened by the store");
}

}  // namespace

Result<std::unique_ptr<Source>> OpenSource(FileSystem& files, Executor* executor,
                                           const std::string& path, SourceLayout layout,
                                           const SourceOptions& options) {
  GatewayPlace place{path, options.stream};
  if (layout == SourceLayout::kGateway && !options.stream) {
    ASSIGN_OR_RETURN(place, GatewayAt(files, path));
  }
  SourceOptions of_place = options;
  of_place.stream = place.stream;
  const bool shards = layout == SourceLayout::kParquetCommon || layout == SourceLayout::kGateway;
  if (shards) RETURN_IF_ERROR(CheckPublished(files, place.bucket));
  auto opened = OpenLayout(files, executor, place.bucket, layout, of_place);
  // Texts name themselves, with the line.
  const bool text = layout == SourceLayout::kOpenMetrics || layout == SourceLayout::kText;
  if (!opened.ok()) {
    const Status& status = opened.status();
    if (text) return status;
    return Status(status.code(), WithPath(files, place.bucket, status.message()));
  }
  std::unique_ptr<Source> source = std::make_unique<OpenedSource>(layout, *std::move(opened));
  if (!text) source = NameFiles(files, place.bucket, std::move(source));
  if (shards && options.skip_damaged) source = SkipDamagedSeries(std::move(source));
  return source;
}

}  // namespace thermocline
