#include "wire/exposition.h"

#include <gtest/gtest.h>

#include <random>

#include "model/number.h"

namespace thermocline {
namespace {

WriteBatch Parse(std::string_view text, const ExpositionOptions& options = {}) {
  WriteBatch batch;
  const Status status = ParseExposition(text, options, &batch);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return batch;
}

// One line per sample: labels, value, time.
std::string Shown(const WriteBatch& batch) {
  std::string out;
  for (const BatchSeries& series : batch.series) {
    const Sample& sample = batch.samples[series.first_sample];
    out += batch.labels(series).ToString() + " ";
    AppendFloatG(&out, sample.value);
    out += " " + std::to_string(sample.timestamp_ms) + "\n";
  }
  return out;
}

TEST(Exposition, ReadsWhatItWrites) {
  std::string text;
  ExpositionWriter writer(&text);
  const std::vector<std::pair<std::string, std::string>> labels = {{"job", "a\"b\\c\nd"},
                                                                   {"a.b", "ü"}};
  writer.Family("requests_total", "Requests\nby \\ job.", "counter");
  writer.Sample("requests_total", labels, 1234567);
  writer.Sample("requests_total", {}, 0.5);
  writer.Family("latency_seconds", "Latency.", "histogram");
  const std::vector<std::pair<double, uint64_t>> buckets = {{0.1, 1}, {1, 3}};
  writer.Histogram("latency_seconds", {}, buckets, 2.5, 4);
  writer.Family("with.dots", "Dots.", "gauge");
  writer.Sample("with.dots", {}, -1);
  EXPECT_EQ(text,
            "# HELP requests_total Requests\\nby \\\\ job.\n"
            "# TYPE requests_total counter\n"
            "requests_total{job=\"a\\\"b\\\\c\\nd\",\"a.b\"=\"ü\"} 1.234567e+06\n"
            "requests_total 0.5\n"
            "# HELP latency_seconds Latency.\n"
            "# TYPE latency_seconds histogram\n"
            "latency_seconds_bucket{le=\"0.1\"} 1\n"
            "latency_seconds_bucket{le=\"1\"} 3\n"
            "latency_seconds_bucket{le=\"+Inf\"} 4\n"
            "latency_seconds_sum 2.5\n"
            "latency_seconds_count 4\n"
            "# HELP \"with.dots\" Dots.\n"
            "# TYPE \"with.dots\" gauge\n"
            "{\"with.dots\"} -1\n");
  ExpositionOptions options;
  options.default_time_ms = 42;
  const WriteBatch batch = Parse(text, options);
  EXPECT_EQ(
      Shown(batch),
      "{__name__=\"requests_total\", \"a.b\"=\"ü\", job=\"a\\\"b\\\\c\\nd\"} 1.234567e+06 42\n"
      "{__name__=\"requests_total\"} 0.5 42\n"
      "{__name__=\"latency_seconds_bucket\", le=\"0.1\"} 1 42\n"
      "{__name__=\"latency_seconds_bucket\", le=\"1.0\"} 3 42\n"
      "{__name__=\"latency_seconds_bucket\", le=\"+Inf\"} 4 42\n"
      "{__name__=\"latency_seconds_sum\"} 2.5 42\n"
      "{__name__=\"latency_seconds_count\"} 4 42\n"
      "{__name__=\"with.dots\"} -1 42\n");
  ASSERT_EQ(batch.metadata.size(), 3u);
  EXPECT_EQ(batch.metadata[0].family, "requests_total");
  EXPECT_EQ(batch.metadata[0].type, "counter");
  EXPECT_EQ(batch.metadata[0].help, "Requests\nby \\ job.");
  EXPECT_EQ(batch.metadata[2].family, "with.dots");
}

TEST(Exposition, ReadsEveryFormPrometheusReads) {
  const std::vector<std::pair<std::string_view, std::string_view>> cases = {
      {"a 1", "{__name__=\"a\"} 1 7\n"},
      {"a 1 123\n", "{__name__=\"a\"} 1 123\n"},
      {"\n\n  a{} 1\n#x\n# EOF\n# HELP\n", "{__name__=\"a\"} 1 7\n"},
      {"a { b = \"c\" , d=\"e\" , } \t 1 \t 5 ", "{__name__=\"a\", b=\"c\", d=\"e\"} 1 5\n"},
      {"a{b=\"c\"d=\"e\"} 1", "{__name__=\"a\", b=\"c\", d=\"e\"} 1 7\n"},
      {"{\"a.b\",\"c d\"=\"e\"} 1", "{__name__=\"a.b\", \"c d\"=\"e\"} 1 7\n"},
      {"{b=\"c\",\"a.b\"} 1", "{__name__=\"a.b\", b=\"c\"} 1 7\n"},
      {"a{b=\"x\ny\"} 1", "{__name__=\"a\", b=\"x\\ny\"} 1 7\n"},
      {"a{b=\"\\x\\\\\"} 1", "{__name__=\"a\", b=\"\\\\x\\\\\"} 1 7\n"},
      {"a{b=\"\"} 1", "{__name__=\"a\"} 1 7\n"},
      {"a:b +Inf", "{__name__=\"a:b\"} +Inf 7\n"},
      {"a nan", "{__name__=\"a\"} NaN 7\n"},
      {"# TYPE h histogram\nh_bucket{le=\"1e3\"} 1\nh_bucket{le=\"+inf\"} 1\nx{quantile=\"1\"} 1",
       "{__name__=\"h_bucket\", le=\"1000.0\"} 1 7\n{__name__=\"h_bucket\", le=\"+Inf\"} 1 7\n"
       "{__name__=\"x\", quantile=\"1\"} 1 7\n"},
      {"# TYPE s summary\ns{quantile=\"0.10\"} 1\n# TYPE g gauge\ng{le=\"1\"} 1",
       "{__name__=\"s\", quantile=\"0.1\"} 1 7\n{__name__=\"g\", le=\"1\"} 1 7\n"},
  };
  ExpositionOptions options;
  options.default_time_ms = 7;
  for (const auto& [text, shown] : cases) EXPECT_EQ(Shown(Parse(text, options)), shown) << text;
  options.honor_timestamps = false;
  EXPECT_EQ(Shown(Parse("a 1 123", options)), "{__name__=\"a\"} 1 7\n");
}

TEST(Exposition, RefusesBadTextAndNamesTheLine) {
  for (const std::string_view bad : {"a",
                                     "a b",
                                     "a 1 x",
                                     "a 1 1.5",
                                     "a 1 -5",
                                     "a 1 2 3",
                                     "{} 1",
                                     "{a=\"b\"} 1",
                                     "a{b} 1",
                                     "a{b=c} 1",
                                     "a{b=\"c} 1",
                                     "a{,} 1",
                                     "a{\"b\"} 1",
                                     "1a 1",
                                     "\"a\" 1",
                                     "a{b=\"1\",b=\"2\"} 1",
                                     "a{__name__=\"b\"} 1",
                                     "a{\"\"=\"x\"} 1",
                                     "a{b=\"\xff\"} 1",
                                     "a 0x1p1",
                                     "a 1_0",
                                     "a 1\r",
                                     "a{b=\"c\"",
                                     "{\"a\",\"b\"} 1"}) {
    WriteBatch batch;
    const Status status = ParseExposition("good 1\n" + std::string(bad), {}, &batch);
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << bad;
    EXPECT_NE(status.message().find("line 2"), std::string::npos) << status.message();
  }
  ExpositionOptions options;
  options.max_samples = 1;
  WriteBatch batch;
  EXPECT_FALSE(ParseExposition("a 1\nb 1", options, &batch).ok());
}

TEST(Exposition, TargetLabelsWinOverScrapedOnes) {
  ExpositionOptions options;
  options.target_labels = Labels({{"instance", "i"}, {"job", "j"}});
  EXPECT_EQ(Shown(Parse("a{job=\"x\",exported_job=\"y\"} 1\nb 2", options)),
            "{__name__=\"a\", exported_exported_job=\"x\", exported_job=\"y\", instance=\"i\", "
            "job=\"j\"} 1 0\n"
            "{__name__=\"b\", instance=\"i\", job=\"j\"} 2 0\n");
}

TEST(Exposition, SurvivesDamagedText) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const std::string good =
      "# HELP a b\n# TYPE a histogram\na_bucket{le=\"1\",x=\"\\\"y\"} 1 5\n{\"q.r\"} 2\n";
  for (int round = 0; round < 50000; ++round) {
    std::string text = good;
    for (size_t i = 1 + random() % 3; i > 0; --i) {
      text[random() % text.size()] = "{}\"\\=,# \n1\xff"[random() % 12];
    }
    WriteBatch batch;
    if (!ParseExposition(text, {}, &batch).ok()) continue;
    for (const BatchSeries& series : batch.series) {
      ASSERT_TRUE(Labels::FromPacked(std::string(batch.labels(series).packed())).ok());
      ASSERT_TRUE(batch.labels(series).Has("__name__"));
    }
  }
}

}  // namespace
}  // namespace thermocline
