// Answers that leave the engine series by series: the same as whole ones, in memory that does not
// grow with them.
#include <gtest/gtest.h>

#include <atomic>

#include "env/posix/thread_pool.h"
#include "env/simulated/capturing_logger.h"
#include "env/simulated/manual_clock.h"
#include "promql/engine.h"
#include "promql/test_script/memory_storage.h"

namespace thermocline::promql {
namespace {

// Keeps what it is given.
class KeepingSink : public ResultSink {
 public:
  Status Begin(ResultKind kind) override {
    EXPECT_FALSE(begun_);
    begun_ = true;
    kind_ = kind;
    return Status::Ok();
  }
  Status Add(ResultSeries series) override {
    EXPECT_TRUE(begun_);
    series_.push_back(std::move(series));
    return Status::Ok();
  }
  bool begun_ = false;
  ResultKind kind_ = ResultKind::kString;
  std::vector<ResultSeries> series_;
};

bool Equal(const std::vector<ResultSeries>& a, const std::vector<ResultSeries>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.labels == y.labels && x.timestamps_ms == y.timestamps_ms && x.values == y.values;
  });
}

// `series` constant series m{i="..."}, listed backwards unless they are asked for in order.
class ConstantSource : public Queryable {
 public:
  explicit ConstantSource(uint32_t series) : series_(series) {}
  Result<std::unique_ptr<SeriesSet>> Select(const SelectRequest& request) const override {
    functions_.emplace_back(request.hints.function);
    return std::unique_ptr<SeriesSet>(std::make_unique<Set>(*this, request));
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

  uint32_t fail_at_ = UINT32_MAX;  // reading this series is an error
  mutable std::vector<std::string> functions_;

 private:
  class Set : public SeriesSet {
   public:
    Set(const ConstantSource& source, const SelectRequest& request)
        : source_(source), range_(request.range), sorted_(request.hints.sorted) {}
    size_t series_count() const override { return source_.series_; }
    SeriesId id(size_t series) const override { return SeriesId(Number(series)); }
    Labels labels(size_t series) const override {
      return Labels{{"__name__", "m"}, {"i", std::to_string(1'000'000 + Number(series))}};
    }
    Status Read(std::span<const uint32_t> series, SeriesBatch* out) const override {
      out->Clear();
      for (const uint32_t index : series) {
        if (Number(index) == source_.fail_at_) return Status::Io("disk on fire");
        for (TimestampMs t = range_.start_ms / 60'000 * 60'000; t <= range_.end_ms; t += 60'000) {
          if (t < range_.start_ms) continue;
          out->timestamps_ms.push_back(t);
          out->values.push_back(Number(index));
        }
        out->offsets.push_back(static_cast<uint32_t>(out->values.size()));
      }
      return Status::Ok();
    }
    const std::vector<std::string>& warnings() const override { return warnings_; }

   private:
    uint32_t Number(size_t series) const {
      const auto index = static_cast<uint32_t>(series);
      return sorted_ ? index : source_.series_ - 1 - index;
    }
    const ConstantSource& source_;
    TimeRange range_;
    bool sorted_;
    std::vector<std::string> warnings_;
  };
  uint32_t series_;
};

// Knows the most that its query held.
class PeakSink : public ResultSink {
 public:
  explicit PeakSink(const QueryBudget& budget) : budget_(budget) {}
  Status Begin(ResultKind) override { return Status::Ok(); }
  Status Add(ResultSeries series) override {
    EXPECT_LT(previous_, series.labels);
    previous_ = series.labels;
    ++series_;
    points_ += series.values.size();
    peak_bytes_ = std::max(peak_bytes_, budget_.used_bytes());
    return Status::Ok();
  }
  uint64_t series_ = 0;
  uint64_t points_ = 0;
  uint64_t peak_bytes_ = 0;

 private:
  const QueryBudget& budget_;
  Labels previous_;
};

class StreamTest : public testing::Test {
 protected:
  StreamTest() : pool_("query", 2, 64, logger_), engine_({}, pool_, clock_) {}
  CapturingLogger logger_;
  ThreadPool pool_;
  ManualClock clock_;
  Engine engine_;
};

TEST_F(StreamTest, GivesTheSameAnswerAsTheWholeOne) {
  MemoryStorage storage;
  for (int i = 0; i < 700; ++i) {
    const Labels labels{{"A", std::to_string(i % 3)},
                        {"__name__", i % 2 == 0 ? "m" : "n"},
                        {"i", std::to_string(i * 7919 % 700)}};
    for (int s = 0; s < 20; ++s) storage.Add(labels, s * 30'000, i * s);
  }
  for (const char* query : {"m", "m * 2", "-n", "rate(m[2m])", "{i=~\".+\"}", "sum by (A) (m)",
                            "m and m", "1 + 1", "vector(1)", "topk(3, m)", "sort_desc(m)",
                            "label_replace(m, \"i\", \"x$1\", \"i\", \"(.*)\")", "absent(nothing)",
                            "m @ 60", "max_over_time(m[5m:1m])", "nothing", "abs(-m)"}) {
    SCOPED_TRACE(query);
    KeepingSink range;
    const auto whole = engine_.Range(storage, query, 0, 600'000, 60'000, {});
    const auto streamed = engine_.StreamRange(storage, query, 0, 600'000, 60'000, {}, range);
    ASSERT_TRUE(whole.ok()) << whole.status().ToString();
    ASSERT_TRUE(streamed.ok()) << streamed.status().ToString();
    EXPECT_TRUE(range.begun_);
    EXPECT_EQ(range.kind_, whole->kind);
    EXPECT_TRUE(streamed->series.empty());
    EXPECT_TRUE(Equal(whole->series, range.series_));
    EXPECT_TRUE(std::is_sorted(range.series_.begin(), range.series_.end(),
                               [](const auto& a, const auto& b) { return a.labels < b.labels; }));
    EXPECT_EQ(whole->infos, streamed->infos);
    KeepingSink instant;
    const auto at = engine_.Instant(storage, query, 300'000, {});
    ASSERT_TRUE(engine_.StreamInstant(storage, query, 300'000, {}, instant).ok());
    EXPECT_EQ(instant.kind_, at->kind);
    EXPECT_TRUE(Equal(at->series, instant.series_));
  }
  KeepingSink matrix;
  const auto windows = engine_.Instant(storage, "{i=~\".+\"}[3m]", 300'000, {});
  ASSERT_TRUE(engine_.StreamInstant(storage, "{i=~\".+\"}[3m]", 300'000, {}, matrix).ok());
  EXPECT_EQ(matrix.series_.size(), 700u);
  EXPECT_TRUE(Equal(windows->series, matrix.series_));
  KeepingSink text;
  const auto string = engine_.StreamInstant(storage, "\"words\"", 0, {}, text);
  EXPECT_EQ(string->text, "words");
  EXPECT_EQ(text.kind_, ResultKind::kString);
}

TEST_F(StreamTest, MemoryDoesNotGrowWithTheNumberOfSeries) {
  constexpr uint64_t kLimit = 64 << 20;
  uint64_t small_peak = 0;
  for (const uint32_t series : {500u, 4'000u}) {
    for (const char* query : {"m", "rate(m[5m])", "m / 2"}) {
      SCOPED_TRACE(query);
      const ConstantSource source(series);
      QueryBudget budget({}, 0, nullptr, kLimit);
      QueryOptions options;
      options.budget = &budget;
      PeakSink sink(budget);
      const auto answer = engine_.StreamRange(source, query, 0, 999'000, 1'000, options, sink);
      ASSERT_TRUE(answer.ok()) << answer.status().ToString();
      EXPECT_EQ(sink.series_, series);
      EXPECT_GE(sink.points_, series * 900u);
      EXPECT_LT(answer->peak_samples, 1'200'000u);
      EXPECT_EQ(budget.used_bytes(), 0u);
      if (series == 500) small_peak = std::max(small_peak, sink.peak_bytes_);
      if (series != 500) {
        EXPECT_LT(sink.peak_bytes_, small_peak * 3 / 2);
      }
    }
  }
  // Whole, the same answer does not fit.
  const ConstantSource source(4'000);
  QueryBudget budget({}, 0, nullptr, kLimit);
  QueryOptions options;
  options.budget = &budget;
  EXPECT_EQ(engine_.Range(source, "m", 0, 1'999'000, 1'000, options).status().code(),
            Code::kResourceExhausted);
  EXPECT_EQ(budget.used_bytes(), 0u);
}

TEST_F(StreamTest, AnErrorInTheMiddleEndsIt) {
  ConstantSource source(2'000);
  source.fail_at_ = 1'900;
  QueryBudget budget({}, 0, nullptr, 64 << 20);
  QueryOptions options;
  options.budget = &budget;
  KeepingSink sink;
  const auto answer = engine_.StreamRange(source, "m", 0, 999'000, 1'000, options, sink);
  EXPECT_EQ(answer.status().code(), Code::kIo);
  EXPECT_EQ(answer.status().message(), "expanding series: disk on fire");
  EXPECT_GT(sink.series_.size(), 1'000u);
  EXPECT_LE(sink.series_.size(), 1'900u);
  EXPECT_EQ(budget.used_bytes(), 0u);
}

TEST_F(StreamTest, WhatTheSinkRefusesEndsTheQuery) {
  class Refusing : public KeepingSink {
   public:
    Status Add(ResultSeries series) override {
      if (series_.size() == 3) return Status::Cancelled("the client went away");
      return KeepingSink::Add(std::move(series));
    }
  };
  const ConstantSource source(2'000);
  Refusing sink;
  const auto answer = engine_.StreamRange(source, "m", 0, 999'000, 1'000, {}, sink);
  EXPECT_EQ(answer.status().code(), Code::kCancelled);
  EXPECT_EQ(sink.series_.size(), 3u);
}

TEST_F(StreamTest, SourcesAreToldWhatASelectorIsFor) {
  const ConstantSource source(1);
  const auto told = [&](const char* query) {
    source.functions_.clear();
    EXPECT_TRUE(engine_.Range(source, query, 0, 60'000, 60'000, {}).ok()) << query;
    return source.functions_;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(told("m"), Names{""});
  EXPECT_EQ(told("sum(rate(m[5m]))"), Names{"rate"});
  EXPECT_EQ(told("sum by (i) (-(m))"), Names{"sum"});
  EXPECT_EQ(told("sum(m) / count(m offset 1m)"), (Names{"sum", "count"}));
  EXPECT_EQ(told("sum(m) / count(m)"), Names{""});  // asked once for both
  EXPECT_EQ(told("sum(m + 1)"), Names{""});
  EXPECT_EQ(told("max_over_time(m[5m:1m])"), Names{"max_over_time"});
}

}  // namespace
}  // namespace thermocline::promql
