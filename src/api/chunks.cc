#include <thermocline/chunks.h>

#include <fmt/core.h>

#include <optional>
#include <utility>

#include "api/bridge.h"
#include "codec/chunk.h"

namespace thermocline::api {
namespace {

constexpr uint32_t kMostSamples = 65535;

static_assert(static_cast<int>(ChunkEncoding::kFloatHistogramSt) ==
              static_cast<int>(thermocline::ChunkEncoding::kFloatHistogramSt));

thermocline::Result<SampleBatch> Decode(ChunkEncoding encoding, std::string_view bytes,
                                        const TimeRange& range) {
  SeriesBatch decoded;
  decoded.Clear();
  RETURN_IF_ERROR(DecodeChunk(static_cast<thermocline::ChunkEncoding>(encoding), bytes,
                              ToInner(range), &decoded));
  decoded.offsets.push_back(static_cast<uint32_t>(decoded.timestamps_ms.size()));
  SampleBatch out;
  MoveSamples(&decoded, &out);
  return out;
}

thermocline::Result<ChunkBatch> Encode(SampleBatch batch, size_t series,
                                       const EncodeOptions& options) {
  using thermocline::Status;
  if (options.max_samples < 1 || options.max_samples > kMostSamples) {
    return Status::InvalidArgument(
        fmt::format("max_samples: expected 1 to {}, found {}", kMostSamples, options.max_samples));
  }
  if (batch.offsets.empty() || series >= batch.series_count()) {
    return Status::InvalidArgument(fmt::format("no series {} in the batch", series));
  }
  size_t begin = batch.offsets[series];
  const size_t end = batch.offsets[series + 1];
  RETURN_IF_ERROR(CheckSeries(batch, begin, end));
  SeriesBatch samples;
  MoveSamples(&batch, &samples);
  auto bytes = std::make_shared<std::string>();
  std::vector<size_t> ends;
  ChunkBatch out;
  std::optional<CounterResetHint> header;
  while (begin < end) {
    std::optional<CounterResetHint> next_header;
    const size_t cut = FirstChunkEnd(samples, begin, end, options.max_samples, &next_header);
    const auto encoding = ChunkEncodingFor(samples, begin, cut);
    RETURN_IF_ERROR(EncodeChunk(encoding, samples, begin, cut, bytes.get(), header));
    out.chunks.push_back({static_cast<ChunkEncoding>(encoding),
                          samples.timestamps_ms[begin],
                          samples.timestamps_ms[cut - 1],
                          {}});
    ends.push_back(bytes->size());
    header = next_header;
    begin = cut;
  }
  size_t at = 0;
  for (size_t i = 0; i < ends.size(); ++i) {
    out.chunks[i].bytes = std::string_view(*bytes).substr(at, ends[i] - at);
    at = ends[i];
  }
  out.offsets.push_back(static_cast<uint32_t>(out.chunks.size()));
  out.owners.push_back(std::move(bytes));
  return out;
}

}  // namespace

Result<uint32_t> ChunkSampleCount(ChunkEncoding encoding, std::string_view bytes) {
  return ToApi(
      thermocline::ChunkSampleCount(static_cast<thermocline::ChunkEncoding>(encoding), bytes));
}

Result<SampleBatch> DecodeChunk(ChunkEncoding encoding, std::string_view bytes, TimeRange range) {
  return ToApi(Decode(encoding, bytes, range));
}

Result<ChunkBatch> EncodeChunks(const SampleBatch& batch, size_t series,
                                const EncodeOptions& options) {
  return ToApi(Encode(batch, series, options));
}

}  // namespace thermocline::api
