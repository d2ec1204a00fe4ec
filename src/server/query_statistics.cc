#include "server/query_statistics.h"

#include <fmt/core.h>

#include <string_view>
#include <vector>

#include "wire/json.h"

namespace thermocline {
namespace {

double Seconds(int64_t ns) { return static_cast<double>(ns) / 1e9; }

void AppendPerStep(std::string_view name, const std::vector<uint64_t>& counts,
                   const promql::QueryResult& result, std::string* out) {
  fmt::format_to(std::back_inserter(*out), R"("{}":[)", name);
  for (size_t step = 0; step < counts.size(); ++step) {
    *out += step == 0 ? "[" : ",[";
    AppendJsonTimestamp(out, result.at_ms + static_cast<int64_t>(step) * result.step_ms);
    fmt::format_to(std::back_inserter(*out), ",{}]", counts[step]);
  }
  *out += "],";
}

}  // namespace

std::string StatisticsJson(const promql::QueryResult& result, const ServedNs& served,
                           bool per_step) {
  const promql::QueryTimings& timings = result.timings;
  std::string json = fmt::format(
      R"({{"timings":{{"evalTotalTime":{:.9f},"resultSortTime":{:.9f},)"
      R"("queryPreparationTime":{:.9f},"innerEvalTime":{:.9f},"execQueueTime":{:.9f},)"
      R"("execTotalTime":{:.9f}}},"samples":{{)",
      Seconds(result.elapsed_ns), Seconds(timings.sort_ns), Seconds(timings.preparation_ns),
      Seconds(timings.evaluation_ns), Seconds(served.queued), Seconds(served.queued + served.ran));
  const promql::SampleStatistics& samples = *result.statistics;
  if (per_step) {
    AppendPerStep("totalQueryableSamplesPerStep", samples.total_per_step, result, &json);
  }
  fmt::format_to(std::back_inserter(json), R"("totalQueryableSamples":{},)", samples.total);
  if (per_step) AppendPerStep("samplesReadPerStep", samples.read_per_step, result, &json);
  fmt::format_to(std::back_inserter(json), R"("samplesRead":{},"peakSamples":{}}}}})", samples.read,
                 samples.peak);
  return json;
}

std::string TiersJson(const ReadCounters& counters) {
  return fmt::format(
      R"({{"head":{{"series":{},"samples":{}}},)"
      R"("cold":{{"series":{},"samples":{},"blocksConsidered":{},"blocksSkippedByTime":{},)"
      R"("blocksSkippedByIndex":{},"pagesConsidered":{},"pagesSkipped":{},"pagesRead":{},)"
      R"("requests":{},"bytesRead":{},"rowsRead":{}}}}})",
      counters.head_series.load(), counters.head_samples.load(), counters.cold_series.load(),
      counters.cold_samples.load(), counters.blocks_considered.load(),
      counters.blocks_skipped_by_time.load(), counters.blocks_skipped_by_index.load(),
      counters.pages_considered.load(), counters.pages_skipped.load(), counters.pages_read.load(),
      counters.requests.load(), counters.bytes_read.load(), counters.rows_read.load());
}

}  // namespace thermocline
