// Every rewrite on and off: the same answers, bit for bit, in the same order, with the same
// annotations at the same places, and the same errors.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <bit>
#include <cstdlib>
#include <map>
#include <random>

#include "env/simulated/manual_clock.h"
#include "env/simulated/seeded_executor.h"
#include "promql/explain.h"
#include "promql/naive/random_data.h"
#include "promql/naive/random_query.h"
#include "promql/naive/random_storage.h"

namespace thermocline::promql {
namespace {

std::string Text(const Result<QueryResult>& result) {
  if (!result.ok()) return result.status().ToString();
  std::string text;
  for (const ResultSeries& series : result->series) {
    text += series.labels.ToString();
    for (size_t i = 0; i < series.values.size(); ++i) {
      const FloatHistogram* const histogram = series.histogram(i);
      const std::string value = histogram == nullptr
                                    ? fmt::format("{:x}", std::bit_cast<uint64_t>(series.values[i]))
                                    : TestExpression(*histogram);
      text += fmt::format(" {}@{}", value, series.timestamps_ms[i]);
    }
    text += '\n';
  }
  for (const std::string& warning : result->warnings) text += warning + '\n';
  for (const std::string& info : result->infos) text += info + '\n';
  return text;
}

constexpr bool RewriteOptions::*kSwitches[] = {
    &RewriteOptions::propagate_matchers, &RewriteOptions::sort_matchers,
    &RewriteOptions::share_subexpressions, &RewriteOptions::share_selectors};

// Queries in which something stands twice, or operands that could be told of each other.
class RepeatingWriter {
 public:
  explicit RepeatingWriter(std::mt19937_64* random) : random_(*random), writer_(random) {}

  std::string Query() {
    const std::string one = Part();
    const std::string two = Part();
    switch (random_() % 10) {
      case 0: return fmt::format("({}){}({})", one, Operator(), one);
      case 1: return fmt::format("({}){}({})", one, Operator(), two);
      case 2: return fmt::format("sum({0}) / count({0})", one);
      case 3:
        return fmt::format("sum by (i) ({0}){1}(sum by (i) ({0}) or {2})", one, Operator(), two);
      case 4:
        return fmt::format("max_over_time(({0})[2m:30s]) - min_over_time(({0})[2m:30s])", one);
      case 5: return fmt::format("{}{}{} by (i) ({})", one, Operator(), Counting(), Selector());
      case 6: return fmt::format("{}{}{}", Selector(), Operator(), Selector());
      case 7: return fmt::format("({0} > 1){1}(sort({0}) unless {2})", one, Operator(), two);
      case 8: return fmt::format("scalar(sum({0})) * sum({0}) + on () quantile(0.5, {0})", one);
      default:
        return fmt::format("({0}{1}{2}){3}({0}{1}{2})", Selector(), Operator(), Selector(),
                           Operator());
    }
  }

 private:
  std::string Part() { return writer_.Vector(static_cast<int>(random_() % 3)); }
  std::string Selector() { return writer_.Vector(0); }
  const char* Counting() { return random_() % 2 == 0 ? "count" : "group"; }
  std::string Operator() {
    static constexpr const char* kOperators[] = {" + ",   " / ",  " > ",      " == bool ",
                                                 " and ", " or ", " unless ", " * "};
    static constexpr const char* kMatchings[] = {
        "", "", "", "on (i) ", "on (i, j) ", "ignoring (j) ", "on () ", "on (i) group_left () "};
    const size_t op = random_() % std::size(kOperators);
    const size_t matching = random_() % std::size(kMatchings);
    const bool set = op >= 4 && op <= 6;
    return std::string(kOperators[op]) + kMatchings[set && matching == 7 ? 3 : matching];
  }

  std::mt19937_64& random_;
  naive::QueryWriter writer_;
};

class Comparison {
 public:
  explicit Comparison(uint64_t seed)
      : random_(seed), writer_(&random_), storage_(naive::RandomData(&random_)) {
    plain_.enable_experimental = true;
    plain_.extended_range_selectors = true;
    plain_.fill_modifiers = true;
  }

  void RunOne() {
    const std::string query = writer_.Query();
    plain_.delayed_name_removal = random_() % 4 == 0;
    plain_.use_start_timestamps = random_() % 4 == 0;
    const bool tiled = random_() % 4 == 0;
    plain_.tile_bytes = tiled ? 1 + random_() % 2000 : EngineOptions().tile_bytes;
    plain_.rewrites = RewriteOptions::None();
    start_ms_ = static_cast<TimestampMs>(random_() % (20 * kMinuteMs));
    step_ms_ = static_cast<int64_t>(1 + random_() % (2 * kMinuteMs));
    end_ms_ = start_ms_ + step_ms_ * static_cast<int64_t>(random_() % 10);
    SCOPED_TRACE(fmt::format("{} from {} to {} step {} tile bytes {}{}{}", query, start_ms_,
                             end_ms_, step_ms_, plain_.tile_bytes,
                             plain_.delayed_name_removal ? ", delayed name removal" : "",
                             plain_.use_start_timestamps ? ", start timestamps" : ""));
    const Answers want = Ask(plain_, query);
    EngineOptions all = plain_;
    all.rewrites = RewriteOptions();
    ExpectSame(want, Ask(all, query), tiled);
    EngineOptions one = plain_;
    one.rewrites.*kSwitches[random_() % std::size(kSwitches)] = true;
    ExpectSame(want, Ask(one, query), tiled);
    answered_ += want.range.ok() && !want.range->series.empty();
    CountRewrites(all, query);
  }

  int answered() const { return answered_; }
  const std::map<std::string_view, int>& rewritten() const { return rewritten_; }

 private:
  struct Answers {
    Result<QueryResult> instant;
    Result<QueryResult> range;
  };
  Answers Ask(const EngineOptions& options, const std::string& query) {
    const Engine engine(options, executor_, clock_);
    return {engine.Instant(storage_, query, start_ms_, {}),
            engine.Range(storage_, query, start_ms_, end_ms_, step_ms_, {})};
  }
  static void ExpectSame(const Answers& want, const Answers& got, bool tiled) {
    EXPECT_EQ(Text(want.instant), Text(got.instant));
    // Which of several errors is told depends on the tiles.
    if (tiled && !want.range.ok() && !got.range.ok()) return;
    EXPECT_EQ(Text(want.range), Text(got.range));
  }

  void CountNode(const ExplainedNode& node) {
    for (const std::string_view rewrite : node.rewrites) ++rewritten_[rewrite];
    for (const ExplainedNode& child : node.children) CountNode(child);
  }
  void CountRewrites(const EngineOptions& options, const std::string& query) {
    const Engine engine(options, executor_, clock_);
    const auto explained =
        engine.Explain(storage_, {query, start_ms_, end_ms_, step_ms_, false}, {});
    if (explained.ok()) CountNode(explained->plan);
  }

  std::mt19937_64 random_;
  RepeatingWriter writer_;
  EngineOptions plain_;
  naive::RandomStorage storage_;
  SeededExecutor executor_;
  ManualClock clock_;
  TimestampMs start_ms_ = 0;
  TimestampMs end_ms_ = 0;
  int64_t step_ms_ = 0;
  int answered_ = 0;
  std::map<std::string_view, int> rewritten_;
};

TEST(Rewrites, KeepTheAnswersOfRandomQueries) {
  const char* const given = std::getenv("THERMOCLINE_SEED");
  const uint64_t seed = given == nullptr ? 1 : std::strtoull(given, nullptr, 10);
  int answered = 0;
  std::map<std::string_view, int> rewritten;
  for (uint64_t round = 0; round < 20; ++round) {
    SCOPED_TRACE("seed " + std::to_string(seed) + " round " + std::to_string(round));
    Comparison comparison(seed + round);
    for (int i = 0; i < 50; ++i) {
      comparison.RunOne();
      if (HasFailure()) return;
    }
    answered += comparison.answered();
    for (const auto& [rewrite, count] : comparison.rewritten()) rewritten[rewrite] += count;
  }
  EXPECT_GT(answered, 200);
  for (const char* rewrite :
       {"propagate_matchers", "sort_matchers", "share_subexpressions", "share_selectors"}) {
    EXPECT_GT(rewritten[rewrite], 20) << rewrite;
  }
}

}  // namespace
}  // namespace thermocline::promql
