#include <thermocline/samples.h>

#include <fmt/core.h>

#include "api/bridge.h"

namespace thermocline::api {
namespace {

static_assert(SampleBatch::kNoHistogram == SeriesBatch::kNoHistogram);
static_assert(std::bit_cast<uint64_t>(kCustomBoundsSchema + 0LL) ==
              std::bit_cast<uint64_t>(thermocline::kCustomBoundsSchema + 0LL));
static_assert(static_cast<int>(ResetHint::kGauge) == static_cast<int>(CounterResetHint::kGauge));

std::vector<thermocline::HistogramSpan> ToInner(const std::vector<HistogramSpan>& spans) {
  std::vector<thermocline::HistogramSpan> out;
  out.reserve(spans.size());
  for (const HistogramSpan& span : spans) out.push_back({span.offset, span.length});
  return out;
}

std::vector<HistogramSpan> ToApi(const std::vector<thermocline::HistogramSpan>& spans) {
  std::vector<HistogramSpan> out;
  out.reserve(spans.size());
  for (const thermocline::HistogramSpan& span : spans) out.push_back({span.offset, span.length});
  return out;
}

// The fields that both have under the same name.
template <typename From, typename To>
void MoveCounts(From* from, To* to) {
  to->schema = from->schema;
  to->zero_threshold = from->zero_threshold;
  to->sum = from->sum;
  to->count = from->count;
  to->zero_count = from->zero_count;
  to->float_count = from->float_count;
  to->float_zero_count = from->float_zero_count;
  to->positive_counts = std::move(from->positive_counts);
  to->negative_counts = std::move(from->negative_counts);
  to->positive_floats = std::move(from->positive_floats);
  to->negative_floats = std::move(from->negative_floats);
  to->custom_bounds = std::move(from->custom_bounds);
}

// The columns that both batches have under the same name.
template <typename From, typename To>
void SwapColumns(From* from, To* to) {
  to->offsets.swap(from->offsets);
  to->timestamps_ms.swap(from->timestamps_ms);
  to->values.swap(from->values);
  to->start_timestamps_ms.swap(from->start_timestamps_ms);
  to->histogram_index.swap(from->histogram_index);
}

}  // namespace

void SampleBatch::AddTo(int64_t time_ms, double value, int64_t start_ms) {
  if (start_ms != 0 && start_timestamps_ms.empty()) {
    start_timestamps_ms.resize(timestamps_ms.size(), 0);
  }
  if (start_ms != 0 || !start_timestamps_ms.empty()) start_timestamps_ms.push_back(start_ms);
  timestamps_ms.push_back(time_ms);
  values.push_back(value);
}

void SampleBatch::AddFloat(int64_t time_ms, double value, int64_t start_ms) {
  AddTo(time_ms, value, start_ms);
  if (!histogram_index.empty()) histogram_index.push_back(kNoHistogram);
}

void SampleBatch::AddHistogram(int64_t time_ms, Histogram histogram, int64_t start_ms) {
  histogram_index.resize(timestamps_ms.size(), kNoHistogram);
  AddTo(time_ms, histogram.sum, start_ms);
  histogram_index.push_back(static_cast<uint32_t>(histograms.size()));
  histograms.push_back(std::move(histogram));
}

void SampleBatch::Clear() {
  offsets.assign(1, 0);
  timestamps_ms.clear();
  values.clear();
  start_timestamps_ms.clear();
  histogram_index.clear();
  histograms.clear();
}

thermocline::Histogram ToInner(Histogram histogram) {
  thermocline::Histogram out;
  out.kind = histogram.is_float ? SampleKind::kFloatHistogram : SampleKind::kHistogram;
  out.reset_hint = static_cast<CounterResetHint>(histogram.reset_hint);
  out.positive_spans = ToInner(histogram.positive_spans);
  out.negative_spans = ToInner(histogram.negative_spans);
  MoveCounts(&histogram, &out);
  return out;
}

Histogram ToApi(thermocline::Histogram histogram) {
  Histogram out;
  out.is_float = histogram.is_float();
  out.reset_hint = static_cast<ResetHint>(histogram.reset_hint);
  out.positive_spans = ToApi(histogram.positive_spans);
  out.negative_spans = ToApi(histogram.negative_spans);
  MoveCounts(&histogram, &out);
  return out;
}

void MoveSamples(SeriesBatch* from, SampleBatch* to) {
  to->Clear();
  SwapColumns(from, to);
  to->histograms.reserve(from->histograms.size());
  for (auto& histogram : from->histograms) to->histograms.push_back(ToApi(std::move(histogram)));
  from->Clear();
}

void MoveSamples(SampleBatch* from, SeriesBatch* to) {
  to->Clear();
  SwapColumns(from, to);
  to->histograms.reserve(from->histograms.size());
  for (auto& histogram : from->histograms) to->histograms.push_back(ToInner(std::move(histogram)));
  from->Clear();
}

void MoveChunks(EncodedBatch* from, ChunkBatch* to) {
  to->offsets = std::move(from->offsets);
  to->owners = std::move(from->owners);
  to->chunks.clear();
  to->chunks.reserve(from->chunks.size());
  for (const EncodedChunk& chunk : from->chunks) {
    to->chunks.push_back(
        {static_cast<ChunkEncoding>(chunk.encoding), chunk.min_ms, chunk.max_ms, chunk.bytes});
  }
  from->Clear();
}

thermocline::Status CheckSeries(const SampleBatch& batch, size_t begin, size_t end) {
  using thermocline::Status;
  const size_t samples = batch.timestamps_ms.size();
  if (begin > end || end > samples || batch.values.size() != samples ||
      (!batch.start_timestamps_ms.empty() && batch.start_timestamps_ms.size() != samples) ||
      (!batch.histogram_index.empty() && batch.histogram_index.size() != samples)) {
    return Status::InvalidArgument("columns of samples differ in length");
  }
  for (size_t i = begin; i < end; ++i) {
    if (i > begin && batch.timestamps_ms[i] <= batch.timestamps_ms[i - 1]) {
      return Status::InvalidArgument(fmt::format("sample {}: its time {} does not follow {}",
                                                 i - begin, batch.timestamps_ms[i],
                                                 batch.timestamps_ms[i - 1]));
    }
    if (batch.histogram_index.empty()) continue;
    const uint32_t index = batch.histogram_index[i];
    if (index != SampleBatch::kNoHistogram && index >= batch.histograms.size()) {
      return Status::InvalidArgument(fmt::format("sample {}: no histogram {}", i - begin, index));
    }
  }
  return Status::Ok();
}

}  // namespace thermocline::api
