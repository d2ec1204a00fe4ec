// CPU time of the query engine alone: 2,000 series of 2,880 samples at 15 s, asked over 717 steps
// of a minute, and an instant query over 100,000 series. The source hands out plain arrays; what it
// costs by itself is measured and shown. Answers are checked before anything is timed.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <span>
#include <string>
#include <vector>

#include "base/check.h"
#include "env/simulated/manual_clock.h"
#include "env/simulated/seeded_executor.h"
#include "promql/engine.h"

namespace thermocline {
namespace {

constexpr int64_t kIntervalMs = 15'000;

// Series m{job=,instance=,i=}, each a counter that grows by (number % 7 + 1) a sample.
class ArraySource : public Queryable {
 public:
  ArraySource(uint32_t series, uint32_t samples) : series_(series), samples_(samples) {
    for (uint32_t i = 0; i < series; ++i) {
      labels_.push_back(Labels{{"__name__", "m_total"},
                               {"i", std::to_string(i)},
                               {"instance", "host-" + std::to_string(i % 200) + ":9100"},
                               {"job", "job-" + std::to_string(i % 10)}});
      for (uint32_t s = 0; s < samples; ++s) {
        times_.push_back(s * kIntervalMs);
        values_.push_back(static_cast<double>(s) * (i % 7 + 1));
      }
    }
  }

  Result<std::unique_ptr<SeriesSet>> Select(const SelectRequest& request) const override {
    return std::unique_ptr<SeriesSet>(std::make_unique<Set>(*this, request.range));
  }
  Result<std::vector<std::string>> LabelNames(const LabelRequest&) const override {
    return std::vector<std::string>();
  }
  Result<std::vector<std::string>> LabelValues(std::string_view,
                                               const LabelRequest&) const override {
    return std::vector<std::string>();
  }
  Result<std::vector<BatchMetadata>> Metadata(const MetadataRequest&) const override {
    return std::vector<BatchMetadata>();
  }

 private:
  class Set : public SeriesSet {
   public:
    Set(const ArraySource& source, TimeRange range) : source_(source), range_(range) {}
    size_t series_count() const override { return source_.series_; }
    SeriesId id(size_t series) const override { return SeriesId(series); }
    Labels labels(size_t series) const override { return source_.labels_[series]; }
    Status Read(std::span<const uint32_t> series, SeriesBatch* out) const override {
      out->Clear();
      for (const uint32_t i : series) {
        const auto first = source_.times_.begin() + static_cast<int64_t>(i) * source_.samples_;
        const auto begin = std::lower_bound(first, first + source_.samples_, range_.start_ms);
        const auto end = std::upper_bound(begin, first + source_.samples_, range_.end_ms);
        out->timestamps_ms.insert(out->timestamps_ms.end(), begin, end);
        out->values.insert(out->values.end(),
                           source_.values_.begin() + (begin - source_.times_.begin()),
                           source_.values_.begin() + (end - source_.times_.begin()));
        out->offsets.push_back(static_cast<uint32_t>(out->values.size()));
      }
      return Status::Ok();
    }
    const std::vector<std::string>& warnings() const override { return none_; }

   private:
    const ArraySource& source_;
    TimeRange range_;
    std::vector<std::string> none_;
  };

  uint32_t series_;
  uint32_t samples_;
  std::vector<Labels> labels_;
  std::vector<TimestampMs> times_;
  std::vector<double> values_;
};

double CpuMs() { return 1e3 * static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

// The least of several runs, in ms of CPU.
template <typename Work>
double Least(Work work) {
  double least = 1e9;
  for (int run = 0; run < 7; ++run) {
    const double start = CpuMs();
    work();
    least = std::min(least, CpuMs() - start);
  }
  return least;
}

// What reading everything once costs without an engine.
double SourceMs(const Queryable& source, TimeRange range, size_t run) {
  return Least([&] {
    SelectRequest request;
    request.range = range;
    const auto set = source.Select(request);
    CHECK_OK(set.status());
    SeriesBatch batch;
    std::vector<uint32_t> indexes(run);
    for (size_t first = 0; first < (*set)->series_count(); first += run) {
      const size_t count = std::min(run, (*set)->series_count() - first);
      for (size_t i = 0; i < count; ++i) indexes[i] = static_cast<uint32_t>(first + i);
      CHECK_OK((*set)->Read(std::span(indexes).first(count), &batch));
    }
  });
}

struct RangeCase {
  const char* query;
  size_t series;  // of the answer
  double at_2h;   // the first series' value two hours in
  double tolerance;
};
constexpr RangeCase kRangeCases[] = {
    {"count(m_total)", 1, 2000, 0},
    {"sum(m_total)", 1, 3837600, 0},
    {"sum by (job) (m_total)", 10, 383520, 0},
    {"sum by (instance) (rate(m_total[5m]))", 200, 0, 1e9},
    {"max by (job) (max_over_time(m_total[5m]))", 10, 3360, 0},
    {"avg(avg_over_time(m_total[5m]))", 1, 0, 1e9},
    {"topk(5, m_total)", 0, 0, 1e9},
    {"sum by (job) (m_total) / on (job) count by (job) (m_total)", 10, 1917.6, 1e-9},
    {"m_total / on (i) m_total", 2000, 1, 0},
    {"rate(m_total[5m])", 2000, 0, 1e9},
};

double ValueAt(const promql::ResultSeries& series, TimestampMs at_ms) {
  for (size_t i = 0; i < series.values.size(); ++i) {
    if (series.timestamps_ms[i] == at_ms) return series.values[i];
  }
  return NAN;
}

void RunRange(const promql::Engine& engine) {
  const ArraySource source(2000, 2880);
  const TimestampMs start_ms = 4 * kMinuteMs;
  const TimestampMs end_ms = start_ms + 716 * kMinuteMs;
  const double source_ms = SourceMs(source, {0, end_ms}, 16);
  std::printf("2,000 series x 2,880 samples, 717 steps; source alone %.1f ms\n", source_ms);
  for (const RangeCase& one : kRangeCases) {
    const auto ask = [&] {
      auto result = engine.Range(source, one.query, start_ms, end_ms, kMinuteMs, {});
      CHECK_OK(result.status());
      return std::move(result).value();
    };
    const promql::QueryResult result = ask();
    if (one.series != 0) CHECK(result.series.size() == one.series);
    const double at_2h = ValueAt(result.series[0], start_ms + 116 * kMinuteMs);
    if (!(std::fabs(at_2h - one.at_2h) <= one.tolerance)) {
      std::printf("%s: %.17g, expected %.17g\n", one.query, at_2h, one.at_2h);
      CHECK(false);
    }
    const double ms = Least([&] { (void)ask(); });
    std::printf("  %-62s %7.1f ms, less source %7.1f ms\n", one.query, ms, ms - source_ms);
  }
}

void RunInstant(const promql::Engine& engine) {
  const ArraySource source(100'000, 20);
  const TimestampMs at_ms = 19 * kIntervalMs;
  const double source_ms = SourceMs(source, {0, at_ms}, 256);
  std::printf("100,000 series, instant; source alone %.1f ms\n", source_ms);
  for (const char* query : {"count(m_total)", "sum by (job) (m_total)", "sum(rate(m_total[5m]))",
                            "m_total + on (i) m_total"}) {
    const auto ask = [&] {
      auto result = engine.Instant(source, query, at_ms, {});
      CHECK_OK(result.status());
      return std::move(result).value();
    };
    CHECK(!ask().series.empty());
    const double ms = Least([&] { (void)ask(); });
    std::printf("  %-62s %7.1f ms, less source %7.1f ms\n", query, ms, ms - source_ms);
  }
}

}  // namespace
}  // namespace thermocline

int main() {
  thermocline::SeededExecutor executor;
  thermocline::ManualClock clock;
  const thermocline::promql::Engine engine({}, executor, clock);
  thermocline::RunRange(engine);
  thermocline::RunInstant(engine);
  return 0;
}
