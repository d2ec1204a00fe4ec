#include <thermocline/convert.h>

#include <optional>
#include <utility>

#include "api/bridge.h"
#include "api/convert_options.h"
#include "api/opened.h"
#include "api/store_source.h"
#include "convert/compare.h"
#include "convert/convert.h"

namespace thermocline::api {
namespace {

static_assert(static_cast<int>(Compression::kNone) ==
              static_cast<int>(shards::ChunkCompression::kNone));

thermocline::ConvertWatch WatchOf(const ConvertWatch& watch) {
  return [watch](const thermocline::ConvertProgress& now) {
    if (watch == nullptr) return thermocline::Status::Ok();
    return ToInner(watch({now.part_done(), now.samples, now.verifying}));
  };
}

thermocline::Result<ConvertSummary> Run(const Env& env, std::vector<ConvertInput> inputs,
                                        const std::string& target, const ConvertOptions& options,
                                        const ConvertWatch& watch) {
  ASSIGN_OR_RETURN(const auto wanted, InnerOptions(options));
  ASSIGN_OR_RETURN(const auto done,
                   thermocline::Convert(env, std::move(inputs), target, wanted, WatchOf(watch)));
  ConvertSummary out;
  out.series = done.series;
  out.samples = done.samples;
  out.files = done.files;
  out.bytes_in = done.bytes_in;
  out.bytes_out = done.bytes_out;
  out.chunks_passed = done.chunks_passed;
  out.chunks_encoded = done.chunks_encoded;
  out.starts_dropped = done.starts_dropped;
  out.samples_verified = done.samples_verified;
  return out;
}

thermocline::Result<ConvertSummary> RunPaths(const std::vector<std::string>& paths,
                                             std::optional<SourceLayout> layout,
                                             const std::string& target,
                                             const ConvertOptions& options,
                                             const ConvertWatch& watch) {
  ASSIGN_OR_RETURN(const auto machine, NewMachine(options.threads));
  const Env env = machine->env();
  ASSIGN_OR_RETURN(auto opened,
                   OpenPlaces(env, paths, layout, {.skip_damaged = options.skip_damaged}));
  return Run(env, std::move(opened.inputs), target, options, watch);
}

thermocline::Result<ConvertSummary> RunSource(const Source::State& source,
                                              const std::string& target,
                                              const ConvertOptions& options,
                                              const ConvertWatch& watch) {
  // These hold several places, each of a stream of its own.
  if (source.layout == Layout::kBlocks || source.layout == Layout::kGateway) {
    return RunPaths({source.path}, static_cast<SourceLayout>(source.layout), target, options,
                    watch);
  }
  ASSIGN_OR_RETURN(const auto machine, NewMachine(options.threads));
  const Env env = machine->env();
  InputPlace place;
  if (!source.path.empty()) {
    ASSIGN_OR_RETURN(auto places,
                     FindInputs(env.files, source.path, static_cast<SourceLayout>(source.layout)));
    if (!places.empty()) place = std::move(places[0]);
  }
  std::vector<ConvertInput> inputs(1);
  inputs[0].place = std::move(place);
  inputs[0].source = source.source.get();
  return Run(env, std::move(inputs), target, options, watch);
}

thermocline::Result<Comparison> RunCompare(const Source::State& a, const Source::State& b,
                                           const Selection& selection) {
  ASSIGN_OR_RETURN(const SelectRequest request, RequestOf(selection));
  ASSIGN_OR_RETURN(auto found, thermocline::Compare(*a.source, *b.source, request, {}));
  Comparison out;
  out.series = found.series;
  out.samples = found.samples;
  out.series_only_a = found.series_only_a;
  out.series_only_b = found.series_only_b;
  out.series_differing = found.series_differing;
  out.differences = std::move(found.differences);
  return out;
}

}  // namespace

thermocline::Result<thermocline::ConvertOptions> InnerOptions(const ConvertOptions& options) {
  if (options.layout != Layout::kParquetCommon && options.layout != Layout::kGateway &&
      options.layout != Layout::kSamples) {
    return thermocline::Status::InvalidArgument(
        std::string(LayoutName(options.layout)) +
        ": written are samples, parquet-common and gateway");
  }
  thermocline::ConvertOptions out;
  out.layout = static_cast<SourceLayout>(options.layout);
  out.name = options.name;
  out.range = ToInner(options.range);
  out.verify = options.verify;
  out.samples.threads = static_cast<uint32_t>(options.threads);
  if (options.external_labels) out.external = LabelBytes::Copy(*options.external_labels);
  shards::ShardWriterOptions& shards = out.shards;
  shards.column_ms = options.column_ms;
  shards.sort_labels = options.sort_labels;
  shards.bloom_labels = options.bloom_labels;
  shards.row_group_rows = options.row_group_rows;
  shards.row_groups_per_shard = options.row_groups_per_shard;
  shards.max_columns = options.max_columns;
  shards.samples_per_chunk = options.samples_per_chunk;
  shards.chunk_compression = static_cast<shards::ChunkCompression>(options.compression);
  return out;
}

Result<ConvertSummary> Convert(const std::vector<std::string>& inputs, const std::string& target,
                               const ConvertOptions& options, const ConvertWatch& watch) {
  return ToApi(RunPaths(inputs, std::nullopt, target, options, watch));
}

Result<ConvertSummary> Convert(const Source& input, const std::string& target,
                               const ConvertOptions& options, const ConvertWatch& watch) {
  return ToApi(RunSource(input.state(), target, options, watch));
}

Result<Comparison> Compare(const Source& a, const Source& b, const Selection& selection) {
  return ToApi(RunCompare(a.state(), b.state(), selection));
}

}  // namespace thermocline::api
