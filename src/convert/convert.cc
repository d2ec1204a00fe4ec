#include "convert/convert.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <utility>

#include "bucket/local_bucket.h"
#include "cold/cold_tier.h"
#include "convert/compare.h"
#include "convert/day_plan.h"
#include "convert/gateway_place.h"
#include "convert/series_views.h"
#include "convert/staging.h"
#include "model/exemplar.h"
#include "shards/gateway_days.h"
#include "shards/shard_queryable.h"
#include "shards/shard_writer.h"
#include "shards/stream_series.h"

namespace thermocline {
namespace {

// Inputs that go together, and when.
struct Stream {
  Labels external;
  std::vector<const ConvertInput*> inputs;
  std::unique_ptr<JoinedInputs> joined;
  std::vector<TimeRange> pieces;
  std::vector<shards::GatewayDay> written;  // the gateway's days that have samples
};

Labels StreamOf(const InputPlace& place) {
  return place.stream ? place.stream_labels : place.external;
}

class Converter {
 public:
  Converter(const Env& env, const std::vector<ConvertInput>& inputs, const ConvertOptions& options,
            const ConvertWatch& watch)
      : env_(env), inputs_(inputs), options_(options), watch_(watch) {}

  Result<ConvertSummary> Run(const std::string& target) {
    const bool gateway = options_.layout == SourceLayout::kGateway;
    if (gateway) RETURN_IF_ERROR(CheckGatewayTarget(env_.files, target));
    StagingOptions staged;
    staged.may_join = gateway || options_.converter_mark;
    if (options_.converter_mark && !options_.name.empty()) {
      // Cortex lists the marks of a tenant here; a block's name is that of its folder.
      staged.beside =
          fmt::format("parquet-markers/{}-{}", options_.name, shards::kConverterMarkName);
    }
    ASSIGN_OR_RETURN(const auto staging, Staging::Begin(env_.files, target, staged));
    bucket_ = std::make_unique<LocalBucket>(env_.files, staging->folder());
    RETURN_IF_ERROR(PlanStreams());
    if (options_.layout == SourceLayout::kSamples) RETURN_IF_ERROR(OpenTier(staging->folder()));
    for (Stream& stream : streams_) {
      for (const TimeRange& piece : stream.pieces) {
        RETURN_IF_ERROR(Write(piece, &stream));
        ++progress_.pieces_done;
      }
    }
    summary_.series = series_.size();
    if (summary_.samples == 0) return Status::NotFound("no samples in the range");
    if (tier_ != nullptr) RETURN_IF_ERROR(tier_->Install(std::move(blocks_)));
    if (options_.verify) {
      for (const Stream& stream : streams_) RETURN_IF_ERROR(Verify(stream));
    }
    tier_.reset();
    std::string mark;
    if (options_.converter_mark) {
      mark = shards::ConverterMark(summary_.shards);
      RETURN_IF_ERROR(bucket_->Put(std::string(shards::kConverterMarkName), mark));
    }
    ASSIGN_OR_RETURN(const auto objects, bucket_->List(""));
    for (const ObjectInfo& object : objects) summary_.bytes_out += object.size_bytes;
    summary_.files = objects.size();
    for (const ConvertInput& input : inputs_) summary_.bytes_in += input.place.bytes;
    RETURN_IF_ERROR(staging->Publish(mark));
    return summary_;
  }

 private:
  // --- plan ---
  Status PlanStreams() {
    const bool gateway = options_.layout == SourceLayout::kGateway;
    std::map<std::string, Stream> streams;
    for (const ConvertInput& input : inputs_) {
      const Labels external =
          gateway ? options_.external.value_or(StreamOf(input.place)) : Labels{};
      Stream& stream = streams[std::string(external.packed())];
      stream.external = external;
      stream.inputs.push_back(&input);
    }
    for (auto& [packed, stream] : streams) {
      std::vector<const Source*> sources;
      for (const ConvertInput* input : stream.inputs) sources.push_back(input->source);
      stream.joined = std::make_unique<JoinedInputs>(std::move(sources));
      ASSIGN_OR_RETURN(stream.pieces,
                       PlanDays(*stream.joined, stream.joined->range(), options_.range));
      if (options_.layout == SourceLayout::kParquetCommon && !stream.pieces.empty()) {
        stream.pieces = {Cover(stream.pieces)};
      }
      progress_.pieces += stream.pieces.size();
      streams_.push_back(std::move(stream));
    }
    return Status::Ok();
  }

  // --- write ---
  Result<std::unique_ptr<WatchedSeries>> Select(const Stream& stream, TimeRange range) {
    SelectRequest request;
    request.range = range;
    request.hints.sorted = true;
    ASSIGN_OR_RETURN(auto set, stream.joined->Select(request));
    progress_.series = set->series_count();
    progress_.series_done = 0;
    return std::make_unique<WatchedSeries>(std::move(set), [this](size_t series, uint64_t samples) {
      progress_.series_done = series;
      progress_.samples += samples;
      return watch_ == nullptr ? Status::Ok() : watch_(progress_);
    });
  }

  Status Write(TimeRange piece, Stream* stream) {
    ASSIGN_OR_RETURN(const auto set, Select(*stream, piece));
    if (set->series_count() == 0) return Status::Ok();
    const uint64_t before = summary_.samples;
    RETURN_IF_ERROR(tier_ != nullptr ? WriteCold(*set, piece, *stream)
                                     : WriteShards(*set, piece, stream));
    if (summary_.samples > before) ++summary_.pieces;
    set->AddWithSamples(&series_);
    return Status::Ok();
  }

  Status WriteShards(const SeriesSet& set, TimeRange piece, Stream* stream) {
    shards::ShardWriterOptions options = options_.shards;
    options.range = piece;
    shards::ShardSummary written;
    if (options_.layout == SourceLayout::kParquetCommon) {
      options.layout = shards::ShardLayout::kParquetCommon;
      ASSIGN_OR_RETURN(written, shards::WriteShards(set, *bucket_, "", options));
      summary_.shards = written.shards;
    } else {
      options.layout = shards::ShardLayout::kGateway;
      options.external = stream->external;
      std::vector<std::string> blocks;
      for (const ConvertInput* input : stream->inputs) {
        // A reader takes a day for complete by these blocks: partial views say nothing about that.
        if (!input->source->range().Overlaps(piece)) continue;
        const auto before = input->place.day_blocks.find(FloorTo(piece.start_ms, kDayMs));
        if (before != input->place.day_blocks.end()) {
          blocks.insert(blocks.end(), before->second.begin(), before->second.end());
        }
        if (input->place.block.empty() || input->place.partial_view) continue;
        blocks.push_back(input->place.block);
      }
      ASSIGN_OR_RETURN(written, shards::WriteGatewayDay(set, *bucket_, options, blocks));
      const shards::GatewayDay day =
          shards::DayOf(shards::StreamHash(stream->external), FloorTo(piece.start_ms, kDayMs));
      if (written.shards > 0) {
        stream->written.push_back(day);
      } else {
        RETURN_IF_ERROR(RemoveEmptyDay(day, stream->written.empty()));
      }
    }
    summary_.samples += written.cells.samples;
    summary_.chunks_passed += written.cells.chunks_passed;
    summary_.chunks_encoded += written.cells.chunks_encoded;
    summary_.starts_dropped += written.cells.starts_dropped;
    return Status::Ok();
  }

  // Series were listed, but none had a sample.
  Status RemoveEmptyDay(const shards::GatewayDay& day, bool whole_stream) {
    RETURN_IF_ERROR(bucket_->Remove(day.meta_key));
    if (whole_stream && !day.stream_key.empty()) return bucket_->Remove(day.stream_key);
    return Status::Ok();
  }

  Status OpenTier(const std::string& folder) {
    ColdTierOptions options;
    ASSIGN_OR_RETURN(options.directory, ColdDirectory(folder, TenantId()));
    options.writer = options_.samples;
    ColdOpenSummary summary;
    ASSIGN_OR_RETURN(tier_, ColdTier::Open(options, env_, /*writable=*/true, &summary));
    return Status::Ok();
  }

  Status WriteCold(const SeriesSet& set, TimeRange piece, const Stream& stream) {
    BlockRequest request;
    request.range = piece;
    ExemplarRequest of_piece;
    of_piece.range = WholeDays(piece, options_.range);
    ASSIGN_OR_RETURN(const auto exemplars, stream.joined->Exemplars(of_piece));
    ASSIGN_OR_RETURN(const auto metadata, stream.joined->Metadata({}));
    request.exemplars = &exemplars;
    request.metadata = &metadata;
    ASSIGN_OR_RETURN(auto blocks, tier_->WriteBlocks(set, request));
    for (BlockEntry& block : blocks) {
      summary_.samples += block.samples;
      blocks_.push_back(std::move(block));
    }
    return Status::Ok();
  }

  // --- verify ---
  Result<std::unique_ptr<SeriesSet>> SelectWritten(const Stream& stream,
                                                   const SelectRequest& request) {
    if (tier_ != nullptr) return tier_->Select(request);
    std::vector<shards::Shard::Place> places;
    if (options_.layout == SourceLayout::kParquetCommon) {
      ASSIGN_OR_RETURN(places, shards::FindShards(*bucket_, ""));
    }
    for (const shards::GatewayDay& day : stream.written) {
      ASSIGN_OR_RETURN(auto of_day, shards::FindDayShards(*bucket_, day));
      places.insert(places.end(), std::make_move_iterator(of_day.begin()),
                    std::make_move_iterator(of_day.end()));
    }
    columnar::ReadStats stats;
    ASSIGN_OR_RETURN(auto opened, shards::OpenShards(*bucket_, places, {}, &stats));
    return shards::ShardQueryable(std::move(opened), &env_.executor).Select(request);
  }

  Status Verify(const Stream& stream) {
    SelectRequest request;
    request.range = options_.range;
    request.hints.sorted = true;
    progress_.verifying = true;
    progress_.pieces_done = 0;
    progress_.pieces = 1;
    ASSIGN_OR_RETURN(std::unique_ptr<SeriesSet> read, Select(stream, options_.range));
    ASSIGN_OR_RETURN(auto written, SelectWritten(stream, request));
    // The tier answers without its damaged files.
    for (const std::string& warning : written->warnings()) {
      return Status::Corruption("what was written cannot be read, nothing was published: " +
                                warning);
    }
    if (!stream.external.empty()) {
      auto rows = std::make_unique<shards::StreamSeries>(std::move(read), stream.external);
      ASSIGN_OR_RETURN(read, LabelledSeries::Make(std::move(rows), stream.external));
    }
    if (summary_.starts_dropped > 0) read = std::make_unique<StartlessSeries>(std::move(read));
    ASSIGN_OR_RETURN(const Comparison found,
                     CompareSets(std::move(read), std::move(written), {.differences_kept = 1}));
    if (!found.equal()) {
      return Status::Internal(fmt::format(
          "what was written (B) differs from what was read (A), nothing was published: {}",
          found.differences.front()));
    }
    summary_.samples_verified += found.samples;
    return Status::Ok();
  }

  const Env env_;
  const std::vector<ConvertInput>& inputs_;
  const ConvertOptions& options_;
  const ConvertWatch& watch_;
  std::vector<Stream> streams_;
  std::unique_ptr<LocalBucket> bucket_;
  std::unique_ptr<ColdTier> tier_;
  std::vector<BlockEntry> blocks_;
  std::vector<SeriesId> series_;  // with samples, ascending
  ConvertProgress progress_;
  ConvertSummary summary_;
};

}  // namespace

double ConvertProgress::part_done() const {
  if (pieces == 0) return 0;
  const double of_piece =
      series == 0 ? 0 : static_cast<double>(series_done) / static_cast<double>(series);
  return std::min(1.0, (static_cast<double>(pieces_done) + of_piece) / static_cast<double>(pieces));
}

Result<ConvertSummary> Convert(Env env, std::vector<ConvertInput> inputs, const std::string& target,
                               const ConvertOptions& options, const ConvertWatch& watch) {
  if (options.converter_mark && options.name.find('/') != std::string::npos) {
    return Status::InvalidArgument("a converter mark is of one block, not of " + options.name);
  }
  if (options.name.starts_with('/') || options.name.find("..") != std::string::npos) {
    return Status::InvalidArgument("a name of shards stays below the target: " + options.name);
  }
  if (options.converter_mark && options.layout != SourceLayout::kParquetCommon) {
    return Status::InvalidArgument("a converter mark stands beside shards of parquet-common only");
  }
  OrderInputs(&inputs);
  return Converter(env, inputs, options, watch)
      .Run(options.name.empty() ? target : JoinPath(target, options.name));
}

}  // namespace thermocline
