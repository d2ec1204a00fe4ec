#include "shards/shard_writer.h"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>

#include "columnar/file_writer.h"
#include "shards/cell.h"
#include "shards/gateway_days.h"
#include "shards/row_group_buffer.h"
#include "shards/shard_plan.h"
#include "shards/stream_series.h"

namespace thermocline::shards {

namespace {

constexpr size_t kSeriesAtOnce = 1024;
constexpr int kGatewayVersion = 2;

// Series' chunks or samples, in any order of series.
class SeriesReader {
 public:
  SeriesReader(const SeriesSet& set, CellBuilder* cells) : set_(set), cells_(cells) {}

  Status Load(std::span<const uint32_t> series) {
    places_.resize(series.size());
    std::iota(places_.begin(), places_.end(), 0u);
    std::sort(places_.begin(), places_.end(),
              [&](uint32_t a, uint32_t b) { return series[a] < series[b]; });
    std::vector<uint32_t> ascending(series.size());
    slot_.resize(series.size());
    for (uint32_t i = 0; i < places_.size(); ++i) {
      ascending[i] = series[places_[i]];
      slot_[places_[i]] = i;
    }
    if (set_.has_encoded()) return set_.ReadEncoded(ascending, &encoded_);
    RETURN_IF_ERROR(set_.Read(ascending, &samples_));
    cells_->DropStarts(&samples_);
    return Status::Ok();
  }

  // The cells of series[i] of the last Load.
  Status Build(size_t i) {
    const uint32_t slot = slot_[i];
    if (set_.has_encoded()) return cells_->FromChunks(encoded_.of(slot));
    return cells_->FromSamples(samples_, samples_.offsets[slot], samples_.offsets[slot + 1]);
  }

 private:
  const SeriesSet& set_;
  CellBuilder* const cells_;
  std::vector<uint32_t> places_;
  std::vector<uint32_t> slot_;
  EncodedBatch encoded_;
  SeriesBatch samples_;
};

// One file on its way: what was written is not visible before Publish.
struct OpenFile {
  std::unique_ptr<ObjectWriter> object;
  std::unique_ptr<columnar::FileWriter> writer;

  static Result<OpenFile> Begin(Bucket& bucket, const std::string& key, columnar::FileSchema schema,
                                const columnar::FileWriterOptions& options) {
    OpenFile file;
    ASSIGN_OR_RETURN(file.object, bucket.NewWriter(key));
    ASSIGN_OR_RETURN(file.writer,
                     columnar::FileWriter::Open(file.object.get(), std::move(schema), options));
    return file;
  }
};

columnar::KeyValues FooterKeys(const ShardWriterOptions& options) {
  if (options.layout == ShardLayout::kGateway) return {};
  return {{std::string(kDurationKey), std::to_string(options.column_ms)},
          {std::string(kMaxTimeKey), std::to_string(options.range.end_ms)},
          {std::string(kMinTimeKey), std::to_string(options.range.start_ms)}};
}

class ShardSetWriter {
 public:
  ShardSetWriter(const SeriesSet& set, Bucket& bucket, const std::string& prefix,
                 const ShardWriterOptions& options, const ShardProgress& progress)
      : bucket_(bucket),
        prefix_(prefix),
        options_(options),
        progress_(progress),
        cells_(options_),
        reader_(set, &cells_) {}

  Status Write(const SeriesPlan& plan) {
    for (const PlannedShard& shard : plan.shards) {
      RETURN_IF_ERROR(WriteShard(plan, shard));
    }
    for (size_t i = finished_.size(); i-- > 0;) RETURN_IF_ERROR(finished_[i]->Finish());
    return Status::Ok();
  }
  ShardSummary& summary() {
    summary_.cells = cells_.counts();
    return summary_;
  }

 private:
  Status WriteShard(const SeriesPlan& plan, const PlannedShard& shard) {
    ASSIGN_OR_RETURN(rows_, RowGroupBuffer::Make(options_, shard.label_names));
    labels_ = {};
    chunks_ = {};
    for (size_t at = shard.first; at < shard.end; at += kSeriesAtOnce) {
      const size_t end = std::min(at + kSeriesAtOnce, shard.end);
      const auto series = std::span(plan.order).subspan(at, end - at);
      RETURN_IF_ERROR(reader_.Load(series));
      for (size_t i = 0; i < series.size(); ++i) {
        const Labels labels = plan.labels(series[i]);
        if (const Status built = reader_.Build(i); !built.ok()) {
          return built.WithContext(labels.ToString());
        }
        if (cells_.empty()) {
          ++summary_.series_without_samples;
          continue;
        }
        RETURN_IF_ERROR(rows_->Add(labels, cells_));
        ++summary_.series;
        if (rows_->full()) RETURN_IF_ERROR(EndRowGroup(shard));
      }
      if (progress_ != nullptr) RETURN_IF_ERROR(progress_(summary()));
    }
    if (rows_->rows() > 0) RETURN_IF_ERROR(EndRowGroup(shard));
    return FinishShard();
  }

  Status BeginShard(const PlannedShard& shard) {
    columnar::FileWriterOptions file;
    file.zstd_level = options_.zstd_level;
    file.dictionary_max_values = shard.bloom_values;
    file.tail_check = true;
    const std::string name = fmt::format("{}{}", prefix_, summary_.shards);
    ASSIGN_OR_RETURN(labels_, OpenFile::Begin(bucket_, name + ".labels.parquet",
                                              LabelsSchema(options_, shard.label_names), file));
    ASSIGN_OR_RETURN(
        chunks_, OpenFile::Begin(bucket_, name + ".chunks.parquet", ChunksSchema(options_), file));
    return Status::Ok();
  }

  Status EndRowGroup(const PlannedShard& shard) {
    if (labels_.writer == nullptr) RETURN_IF_ERROR(BeginShard(shard));
    RETURN_IF_ERROR(rows_->Finish());
    RETURN_IF_ERROR(labels_.writer->WriteRowGroup(rows_->labels()));
    RETURN_IF_ERROR(chunks_.writer->WriteRowGroup(rows_->chunks()));
    rows_->Clear();
    return Status::Ok();
  }

  Status FinishShard() {
    if (labels_.writer == nullptr) return Status::Ok();  // no series had samples
    ASSIGN_OR_RETURN(const auto labels, labels_.writer->Finish(FooterKeys(options_)));
    ASSIGN_OR_RETURN(const auto chunks, chunks_.writer->Finish(FooterKeys(options_)));
    summary_.labels_bytes += labels.size_bytes;
    summary_.chunks_bytes += chunks.size_bytes;
    ++summary_.shards;
    labels_.writer.reset();
    chunks_.writer.reset();
    finished_.push_back(std::move(labels_.object));
    finished_.push_back(std::move(chunks_.object));
    return Status::Ok();
  }

  Bucket& bucket_;
  const std::string prefix_;
  const ShardWriterOptions options_;
  const ShardProgress& progress_;
  CellBuilder cells_;
  SeriesReader reader_;
  ShardSummary summary_;
  std::unique_ptr<RowGroupBuffer> rows_;
  OpenFile labels_;
  OpenFile chunks_;
  std::vector<std::unique_ptr<ObjectWriter>> finished_;  // labels and chunks of shard 0, 1 ...
};

}  // namespace

Result<ShardSummary> WriteShards(const SeriesSet& set, Bucket& bucket, const std::string& prefix,
                                 const ShardWriterOptions& options, const ShardProgress& progress) {
  RETURN_IF_ERROR(options.Validate());
  if (!options.external.empty()) {
    const std::shared_ptr<const SeriesSet> borrowed(std::shared_ptr<void>(), &set);
    const StreamSeries stream(borrowed, options.external);
    ShardWriterOptions of_stream = options;
    of_stream.external = Labels();
    return WriteShards(stream, bucket, prefix, of_stream, progress);
  }
  ASSIGN_OR_RETURN(const SeriesPlan plan, PlanShards(set, options));
  ShardSetWriter writer(set, bucket, prefix, options, progress);
  RETURN_IF_ERROR(writer.Write(plan));
  return writer.summary();
}

Result<ShardSummary> WriteGatewayDay(const SeriesSet& set, Bucket& bucket,
                                     const ShardWriterOptions& options,
                                     const std::vector<std::string>& blocks,
                                     const ShardProgress& progress) {
  if (options.layout != ShardLayout::kGateway) {
    return Status::InvalidArgument("a day of the gateway is written in its layout");
  }
  RETURN_IF_ERROR(options.Validate());
  const GatewayDay day =
      DayOf(StreamHash(options.external), FloorTo(options.range.start_ms, kDayMs));
  if (!day.stream_key.empty()) {
    const auto held = bucket.Get(day.stream_key);
    if (!held.ok() && held.status().code() != Code::kNotFound) return held.status();
    if (held.ok()) {
      ASSIGN_OR_RETURN(const Labels labels, ParseStream(*held));
      if (labels != options.external) {
        return Status::AlreadyExists(day.stream_key + " stands for " + labels.ToString() +
                                     ", not " + options.external.ToString());
      }
    }
  }
  ASSIGN_OR_RETURN(const ShardSummary summary,
                   WriteShards(set, bucket, day.data_path, options, progress));
  GatewayMeta meta;
  meta.min_ms = day.day_ms;
  meta.max_ms = day.day_ms + kDayMs;
  meta.shards = static_cast<int64_t>(summary.shards);
  meta.version = kGatewayVersion;
  meta.converted_blocks = blocks;
  RETURN_IF_ERROR(bucket.Put(day.meta_key, EncodeGatewayMeta(meta)));
  if (!day.stream_key.empty()) {
    RETURN_IF_ERROR(bucket.Put(day.stream_key, EncodeStream(options.external)));
  }
  return summary;
}

std::string ConverterMark(uint64_t shards) {
  return fmt::format(R"({{"version":2,"shards":{}}})", shards);
}

}  // namespace thermocline::shards
