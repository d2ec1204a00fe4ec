// A query that must end does so soon, whatever it is at. Nothing here is measured in time: work is
// counted, and the token says no at its n-th question.
#include <gtest/gtest.h>

#include <fmt/core.h>

#include "env/simulated/manual_clock.h"
#include "env/simulated/seeded_executor.h"
#include "promql/engine.h"
#include "promql/test_script/memory_storage.h"

namespace thermocline::promql {
namespace {

constexpr size_t kSeries = 12'000;
constexpr size_t kNever = SIZE_MAX;

// Counts series read, so that reads after the no are seen.
class CountedSeries : public SeriesSet {
 public:
  CountedSeries(std::unique_ptr<SeriesSet> set, size_t* reads)
      : set_(std::move(set)), reads_(reads) {}
  size_t series_count() const override { return set_->series_count(); }
  SeriesId id(size_t series) const override { return set_->id(series); }
  Labels labels(size_t series) const override { return set_->labels(series); }
  Status Read(std::span<const uint32_t> series, SeriesBatch* out) const override {
    *reads_ += series.size();
    return set_->Read(series, out);
  }
  const std::vector<std::string>& warnings() const override { return set_->warnings(); }

 private:
  std::unique_ptr<SeriesSet> set_;
  size_t* const reads_;
};

class CountedSource : public Queryable {
 public:
  CountedSource(const Queryable& source, size_t* reads) : source_(source), reads_(reads) {}
  Result<std::unique_ptr<SeriesSet>> Select(const SelectRequest& request) const override {
    ASSIGN_OR_RETURN(auto set, source_.Select(request));
    return std::unique_ptr<SeriesSet>(std::make_unique<CountedSeries>(std::move(set), reads_));
  }
  Result<std::vector<std::string>> LabelNames(const LabelRequest& request) const override {
    return source_.LabelNames(request);
  }
  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               const LabelRequest& request) const override {
    return source_.LabelValues(name, request);
  }
  Result<std::vector<BatchMetadata>> Metadata(const MetadataRequest& request) const override {
    return source_.Metadata(request);
  }

 private:
  const Queryable& source_;
  size_t* const reads_;
};

class Discard : public ResultSink {
 public:
  Status Begin(ResultKind) override { return Status::Ok(); }
  Status Add(ResultSeries) override { return Status::Ok(); }
};

struct Outcome {
  Status status;
  size_t questions = 0;
  size_t questions_after = 0;  // the first no
  size_t reads_after = 0;
};

class CancelTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    storage_ = new MemoryStorage();
    for (size_t i = 0; i < kSeries; ++i) {
      const Labels labels = LabelsBuilder()
                                .Set("__name__", "a")
                                .Set("i", fmt::format("{:05}", i * 7919 % kSeries))
                                .Set("half", i % 2 == 0 ? "0" : "1")
                                .Build();
      storage_->Add(labels, 60'000, static_cast<double>(i * 31 % 977));
      storage_->Add(labels, 90'000, static_cast<double>(i));
    }
  }
  static void TearDownTestSuite() {
    delete storage_;
    storage_ = nullptr;
  }

  // Runs the query until its end or the `no_at`-th question.
  Outcome Run(const std::string& query, size_t no_at, bool range) const {
    Outcome outcome;
    size_t reads = 0;
    size_t reads_at_no = 0;
    const auto clock = [&]() -> int64_t {
      if (++outcome.questions == no_at) reads_at_no = reads;
      if (outcome.questions > no_at) ++outcome.questions_after;
      return outcome.questions >= no_at ? 1 : 0;
    };
    QueryBudget budget({}, 1, clock, 0);
    QueryOptions options;
    options.budget = &budget;
    EngineOptions engine_options;
    engine_options.enable_experimental = true;
    SeededExecutor executor;
    ManualClock steady;
    const Engine engine(engine_options, executor, steady);
    const CountedSource source(*storage_, &reads);
    Discard sink;
    const auto result =
        range ? engine.StreamRange(source, query, 60'000, 120'000, 10'000, options, sink)
              : engine.StreamInstant(source, query, 120'000, options, sink);
    outcome.status = result.status();
    outcome.reads_after = outcome.questions >= no_at ? reads - reads_at_no : 0;
    return outcome;
  }

  static MemoryStorage* storage_;
};
MemoryStorage* CancelTest::storage_ = nullptr;

struct Case {
  const char* query;
  const char* without;  // the same without the work that is looked at
  size_t least;         // questions that the work makes more
};

// Every few thousand series, at the latest, a question: so each of these works asks more often than
// what it is added to.
constexpr Case kCases[] = {
    {"sort(a)", "a", 5},
    {"sort_by_label(a, 'half', 'i')", "a", 5},
    {"topk(15000, a)", "a", 2},
    {"limit_ratio(0.5, a)", "a", 2},
    {"label_replace(a, 'j', '$1', 'i', '(.*)')", "a", 2},
    {"abs(a)", "a", 2},
    {"sum by (i) (a)", "sum(a)", 1},
    {"quantile by (half) (0.5, a)", "a", 2},
    {"a and a", "a", 5},
    {"a or a", "a", 5},
    {"a * on(i, half) a", "a", 5},
    {"a * on(half) group_left() (sum by (half) (a))", "a", 5},
    {"sum_over_time(a[1m:10s])", "sum(a)", 5},
    {"a[2m]", "1", 50},
    {"info(a)", "a", 5},
};

TEST_F(CancelTest, WorkAsksInProportion) {
  for (const Case& one : kCases) {
    const Outcome with = Run(one.query, kNever, false);
    ASSERT_TRUE(with.status.ok()) << one.query << ": " << with.status.ToString();
    const Outcome without = Run(one.without, kNever, false);
    EXPECT_GE(with.questions, without.questions + one.least) << one.query;
  }
}

TEST_F(CancelTest, AfterANoNothingIsReadAndHardlyAnythingAsked) {
  for (const bool range : {false, true}) {
    for (const Case& one : kCases) {
      const std::string query = one.query;
      if (range && query.ends_with(']')) continue;
      const size_t all = Run(query, kNever, range).questions;
      for (size_t no_at = 1; no_at <= all; no_at += 1 + all / 6) {
        const Outcome outcome = Run(query, no_at, range);
        ASSERT_EQ(outcome.status.code(), Code::kDeadlineExceeded)
            << query << " at question " << no_at << ": " << outcome.status.ToString();
        // Morsels that wait in a window each ask once.
        EXPECT_LE(outcome.questions_after, 16u) << query << " at question " << no_at;
        EXPECT_EQ(outcome.reads_after, 0u) << query << " at question " << no_at;
      }
    }
  }
}

TEST_F(CancelTest, AnAnswerOnItsWayIsEndedToo) {
  // In the order of the expression: nothing is put in order, and every series goes out at once.
  const size_t evaluated = Run("count(sort(a))", kNever, true).questions;
  const size_t delivered = Run("sort(a)", kNever, true).questions;
  EXPECT_GE(delivered, evaluated + 5);
}

}  // namespace
}  // namespace thermocline::promql
