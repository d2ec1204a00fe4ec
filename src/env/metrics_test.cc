#include "env/metrics.h"

#include <gtest/gtest.h>

#include <csignal>

#include "base/check.h"
#include "env/failpoint.h"
#include "env/posix/line_logger.h"
#include "env/posix/process_metrics.h"

namespace thermocline {
namespace {

TEST(Metrics, TheSameNameAndLabelsAreTheSameMetric) {
  Metrics metrics;
  metrics.GetCounter("b_total", "help", {{"x", "1"}}).Increment();
  metrics.GetCounter("b_total", "help", {{"x", "1"}}).Add(2);
  metrics.GetCounter("b_total", "help", {{"x", "2"}}).Increment();
  metrics.GetGauge("a", "help").Set(7);
  const auto families = metrics.Collect();
  ASSERT_EQ(families.size(), 2u);
  EXPECT_EQ(families[0].name, "a");
  EXPECT_EQ(families[0].points[0].value, 7);
  ASSERT_EQ(families[1].points.size(), 2u);
  EXPECT_EQ(families[1].points[0].value, 3);
  EXPECT_EQ(families[1].points[1].value, 1);
}

TEST(Metrics, HistogramBucketsAreCumulativeAndInclusive) {
  Metrics metrics;
  HistogramMetric& histogram = metrics.GetHistogram("h", "help", {1, 2});
  for (const double v : {0.5, 1.0, 1.5, 2.0, 9.0}) histogram.Observe(v);
  const MetricPoint point = metrics.Collect()[0].points[0];
  EXPECT_EQ(point.buckets, (std::vector<std::pair<double, uint64_t>>{{1, 2}, {2, 4}}));
  EXPECT_EQ(point.count, 5u);
  EXPECT_EQ(point.sum, 14);
}

TEST(Metrics, CallbacksGoWithTheirOwner) {
  Metrics metrics;
  const int owner = 0;
  metrics.AddCallback(&owner, "c", "help", MetricType::kGauge, {}, [] { return 5.0; });
  EXPECT_EQ(metrics.Collect()[0].points[0].value, 5);
  metrics.RemoveCallbacks(&owner);
  EXPECT_TRUE(metrics.Collect().empty());
}

TEST(ProcessMetrics, AreReadFromTheKernel) {
  Metrics metrics;
  RegisterProcessMetrics(metrics);
  std::map<std::string, double> values;
  for (const auto& family : metrics.Collect()) values[family.name] = family.points[0].value;
  EXPECT_EQ(values.size(), 7u);
  EXPECT_GT(values["process_resident_memory_bytes"], 1e5);
  EXPECT_GT(values["process_cpu_seconds_total"], 0);
  EXPECT_GE(values["process_open_fds"], 3);
  EXPECT_GE(values["process_threads"], 1);
  EXPECT_GT(values["process_start_time_seconds"], 1e9);
}

FailPoint first_place("test.first");
FailPoint second_place("test.second");

TEST(FailPoint, FailsTheChosenHitOnce) {
  EXPECT_TRUE(first_place.Hit().ok());
  ASSERT_TRUE(FailPoint::Arm("test.first=error@2,test.second=error").ok());
  EXPECT_TRUE(first_place.Hit().ok());
  EXPECT_EQ(first_place.Hit().code(), Code::kIo);
  EXPECT_TRUE(first_place.Hit().ok());
  FailPoint::DisarmAll();
  EXPECT_TRUE(second_place.Hit().ok());
}

TEST(FailPoint, RefusesUnknownNamesAndActions) {
  for (const char* text : {"test.third=kill", "test.first", "test.first=explode",
                           "test.first=kill@0", "test.first=kill@x"}) {
    EXPECT_EQ(FailPoint::Arm(text).code(), Code::kInvalidArgument) << text;
  }
  FailPoint::DisarmAll();
  EXPECT_EQ(FailPoint::Names().size(), 2u);
}

TEST(FailPointDeathTest, KillsTheProcess) {
  EXPECT_EXIT(
      {
        CHECK_OK(FailPoint::Arm("test.first=kill"));
        CHECK_OK(first_place.Hit());
      },
      testing::KilledBySignal(SIGKILL), "");
}

TEST(LogLine, EscapesAndCuts) {
  EXPECT_EQ(FormatLogLine(LogFormat::kLogfmt, 1'700'000'000'123, LogLevel::kWarn, "wal",
                          "say \"hi\"\n", {{"path", "/a/b"}, {"bad", "\xff x"}, {"none", ""}}),
            "time=2023-11-14T22:13:20.123Z level=warn source=wal msg=\"say \\\"hi\\\"\\n\" "
            "path=/a/b bad=\"\\u00ff x\" none=\"\"");
  EXPECT_EQ(FormatLogLine(LogFormat::kJson, 0, LogLevel::kInfo, "app", "m", {{"k", "é"}}),
            "{\"time\":\"1970-01-01T00:00:00.000Z\",\"level\":\"info\",\"source\":\"app\","
            "\"msg\":\"m\",\"k\":\"é\"}");
  EXPECT_LT(
      FormatLogLine(LogFormat::kLogfmt, 0, LogLevel::kInfo, "app", std::string(10'000, 'x'), {})
          .size(),
      4300u);
}

}  // namespace
}  // namespace thermocline
