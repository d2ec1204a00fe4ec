#include "promql/plan/plan.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <string>

#include "promql/parser.h"

namespace thermocline::promql {
namespace {

// A plan as one line: (kind children...), with what the plan adds to the tree.
std::string Show(const PlanNode& node) {
  static constexpr const char* kNames[] = {"number", "string", "selector",  "window", "subquery",
                                           "negate", "binary", "aggregate", "call",   "once"};
  std::string text = kNames[static_cast<size_t>(node.kind)];
  if (node.kind == PlanKind::kNumber) return fmt::format("{}", node.number);
  if (node.at_ms) text += fmt::format("@{}", *node.at_ms);
  if (node.offset_ms != 0) text += fmt::format("-{}", node.offset_ms);
  if (node.range_ms != 0) text += fmt::format("[{}]", node.range_ms);
  if (node.step_ms != 0) text += fmt::format(":{}", node.step_ms);
  if (node.children.empty()) return text;
  std::string children;
  for (const PlanPtr& child : node.children) children += " " + Show(*child);
  return "(" + text + children + ")";
}

constexpr QueryTimes kTimes{100'000, 400'000, 50'000, 60'000};

std::string Planned(std::string_view query) {
  const auto expr = Parse(query);
  if (!expr.ok()) return std::string(expr.status().message());
  auto plan = MakePlan(**expr, kTimes);
  if (!plan.ok()) return std::string(plan.status().message());
  FoldConstants(*plan, kTimes);
  EvaluateOnce(*plan);
  return Show(**plan);
}

TEST(Plan, ResolvesTimesAndDurations) {
  EXPECT_EQ(Planned("x offset 5m"), "selector-300000");
  EXPECT_EQ(Planned("x @ end() offset -1s"), "(once selector@400000--1000)");
  EXPECT_EQ(Planned("rate(x[1m + 30s])"), "(call window[90000])");
  EXPECT_EQ(Planned("rate(x[step()])"), "(call window[50000])");
  EXPECT_EQ(Planned("x[10m:]"), "(subquery[600000]:60000 selector)");
  EXPECT_EQ(Planned("x[10m:5s]"), "(subquery[600000]:5000 selector)");
}

TEST(Plan, RefusesDurationsThatAreNotPositive) {
  EXPECT_EQ(Planned("rate(x[step() - 1m])"), "7:18: duration must be greater than 0");
}

TEST(Plan, FoldsConstants) {
  EXPECT_EQ(Planned("1 + 2 * -(3)"), "-5");
  EXPECT_EQ(Planned("x * (2 ^ 3 > bool 7)"), "(binary selector 1)");
  EXPECT_EQ(Planned("end() - start() + step() + range()"), "650");
  EXPECT_EQ(Planned("time() + 1"), "(binary call 1)");
}

TEST(Plan, EvaluatesOnceWhatIsTheSameAtEveryStep) {
  EXPECT_EQ(Planned("sum(x @ 5)"), "(once (aggregate selector@5000))");
  EXPECT_EQ(Planned("y + sum(x @ 5)"), "(binary selector (once (aggregate selector@5000)))");
  EXPECT_EQ(Planned("rate(x[1m] @ 5)"), "(once (call window@5000[60000]))");
  EXPECT_EQ(Planned("predict_linear(x[1m] @ 5, 1)"), "(call window@5000[60000] 1)");
  EXPECT_EQ(Planned("timestamp(x @ 5)"), "(once (call selector@5000))");
  EXPECT_EQ(Planned("timestamp(-(x @ 5))"), "(call (once (negate selector@5000)))");
  EXPECT_EQ(Planned("hour(x @ 5)"), "(call (once selector@5000))");
  EXPECT_EQ(Planned("hour()"), "call");
}

// The names of the selectors that deliver histograms without buckets.
std::string Shortened(const PlanNode& node) {
  std::string names;
  if (node.statistics) {
    const bool window = node.kind == PlanKind::kWindow;
    names +=
        window ? As<MatrixSelector>(*node.expr).vector().name : As<VectorSelector>(*node.expr).name;
  }
  for (const PlanPtr& child : node.children) names += Shortened(*child);
  return names;
}

std::string ShortenedIn(std::string_view query) {
  const auto expr = Parse(query).value();
  auto plan = MakePlan(*expr, kTimes).value();
  ShortenHistograms(*plan);
  return Shortened(*plan);
}

TEST(Plan, ShortensHistogramsOfWhichOnlyStatisticsAreWanted) {
  EXPECT_EQ(ShortenedIn("histogram_count(a) + b"), "a");
  EXPECT_EQ(ShortenedIn("histogram_sum(sum(rate(a[5m]))) / histogram_avg(b)"), "ab");
  EXPECT_EQ(ShortenedIn("histogram_count(a == b)"), "ab");
  EXPECT_EQ(ShortenedIn("histogram_count(a </ 2) + histogram_stddev(b)"), "");
  EXPECT_EQ(ShortenedIn("histogram_quantile(0.5, histogram_count(a))"), "");
  EXPECT_EQ(ShortenedIn("max_over_time(histogram_count(a)[5m:])"), "");
}

TEST(Plan, KeepsExtremeTimesWithinBounds) {
  EXPECT_EQ(ClampMs(kMinTimestampMs), -kFarMs);
  PlanNode node;
  node.at_ms = -kFarMs;
  node.offset_ms = kFarMs;
  EXPECT_EQ(node.ReferenceMs(0), -kFarMs);
}

}  // namespace
}  // namespace thermocline::promql
