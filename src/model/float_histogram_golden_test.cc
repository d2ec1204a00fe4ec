// Histogram arithmetic against answers of Prometheus' own package, bit for bit
// (tests/golden/histograms/README.md).
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "model/float_histogram.h"
#include "model/histogram_check.h"
#include "model/number.h"

namespace thermocline {
namespace {

using Json = nlohmann::json;

double NumberOf(const std::string& text) {
  if (text[0] == 'n') return std::bit_cast<double>(std::strtoull(text.c_str() + 1, nullptr, 16));
  return std::strtod(text.c_str(), nullptr);
}

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::string part;
  std::istringstream in(text);
  while (std::getline(in, part, separator)) parts.push_back(part);
  return parts;
}

std::vector<double> NumbersOf(const std::string& text) {
  std::vector<double> values;
  for (const std::string& part : Split(text, ' ')) values.push_back(NumberOf(part));
  return values;
}

std::vector<HistogramSpan> SpansOf(const std::string& text) {
  std::vector<HistogramSpan> spans;
  for (const std::string& part : Split(text, ' ')) {
    const size_t plus = part.find('+');
    spans.push_back(
        {std::atoi(part.c_str()), static_cast<uint32_t>(std::atoi(part.c_str() + plus + 1))});
  }
  return spans;
}

FloatHistogram HistogramOf(const std::string& text) {
  std::vector<std::string> parts = Split(text, '|');
  parts.resize(8);
  FloatHistogram h;
  h.reset_hint = static_cast<CounterResetHint>(std::atoi(parts[0].c_str()));
  h.schema = std::atoi(parts[1].c_str());
  const std::vector<double> fields = NumbersOf(parts[2]);
  h.zero_threshold = fields[0];
  h.zero_count = fields[1];
  h.count = fields[2];
  h.sum = fields[3];
  h.positive_spans = SpansOf(parts[3]);
  h.negative_spans = SpansOf(parts[4]);
  h.positive_buckets = NumbersOf(parts[5]);
  h.negative_buckets = NumbersOf(parts[6]);
  h.custom_bounds = NumbersOf(parts[7]);
  return h;
}

// Every bit but those of a NaN, which arithmetic may choose.
std::string Shown(double value) { return std::isnan(value) ? "NaN" : fmt::format("{:a}", value); }

std::string Shown(const std::vector<double>& values) {
  std::string text;
  for (const double value : values) text += Shown(value) + " ";
  return text;
}

std::string Shown(const std::vector<HistogramSpan>& spans) {
  std::string text;
  for (const HistogramSpan& span : spans) text += fmt::format("{}+{} ", span.offset, span.length);
  return text;
}

std::string Shown(const FloatHistogram& h) {
  return fmt::format("hint {} schema {} zero {} {} count {} sum {} | {}| {}| {}| {}| {}",
                     static_cast<int>(h.reset_hint), h.schema, Shown(h.zero_threshold),
                     Shown(h.zero_count), Shown(h.count), Shown(h.sum), Shown(h.positive_spans),
                     Shown(h.negative_spans), Shown(h.positive_buckets), Shown(h.negative_buckets),
                     Shown(h.custom_bounds));
}

void ExpectSame(const FloatHistogram& got, const Json& expected, const std::string& what) {
  EXPECT_EQ(Shown(got), Shown(HistogramOf(expected.get<std::string>()))) << what;
}

void ExpectSum(const std::optional<HistogramSumNotes>& notes, const FloatHistogram& h,
               const Json& expected, const char* what) {
  ASSERT_TRUE(notes.has_value()) << what;
  EXPECT_EQ(notes->reset_collision, expected.value("collision", false)) << what;
  EXPECT_EQ(notes->bounds_reconciled, expected.value("bounds", false)) << what;
  ExpectSame(h, expected["h"], what);
}

void CheckKahan(const FloatHistogram& a, const Json& expected) {
  FloatHistogram total = a;
  FloatHistogram compensation = NewCompensation(a);
  for (size_t i = 0; i < expected["kahan"].size(); ++i) {
    const Json& step = expected["kahan"][i];
    const FloatHistogram other = HistogramOf(expected["kahan_others"][i].get<std::string>());
    ExpectSum(KahanAdd(&total, other, &compensation), total, step, "kahan");
    // Whose hint a compensation has does not matter.
    FloatHistogram shown = compensation;
    shown.reset_hint = HistogramOf(step["c"].get<std::string>()).reset_hint;
    ExpectSame(shown, step["c"], "compensation");
  }
  ASSERT_TRUE(Add(&total, compensation).has_value());
  Compact(&total, 0);
  ExpectSame(total, expected["kahan_total"], "kahan total");
}

void CheckPair(const Json& expected) {
  const FloatHistogram a = HistogramOf(expected["a"].get<std::string>());
  const FloatHistogram b = HistogramOf(expected["b"].get<std::string>());
  EXPECT_EQ(DetectReset(a, b), expected.value("reset_ab", false));
  EXPECT_EQ(DetectReset(b, a), expected.value("reset_ba", false));
  EXPECT_EQ(Equals(a, b), expected.value("equals", false));
  FloatHistogram sum = a;
  const std::optional<HistogramSumNotes> added = Add(&sum, b);
  if (expected.value("error", false)) {
    EXPECT_FALSE(added.has_value());
    EXPECT_EQ(Shown(sum), Shown(a));
    return;
  }
  ExpectSum(added, sum, expected["add"], "add");
  FloatHistogram difference = a;
  ExpectSum(Subtract(&difference, b), difference, expected["sub"], "sub");
  CheckKahan(a, expected);
}

void CheckChanges(const FloatHistogram& h, const Json& expected) {
  for (const auto& [factor, result] : expected["scaled"].items()) {
    FloatHistogram scaled = h;
    Multiply(&scaled, NumberOf(factor));
    ExpectSame(scaled, result, "times " + factor);
  }
  for (const auto& [divisor, result] : expected["divided"].items()) {
    FloatHistogram divided = h;
    Divide(&divided, NumberOf(divisor));
    ExpectSame(divided, result, "divided by " + divisor);
  }
  for (const auto& [max_empty, result] : expected["compact"].items()) {
    FloatHistogram compact = h;
    Compact(&compact, std::stoul(max_empty));
    ExpectSame(compact, result, "compact " + max_empty);
  }
  for (const Json& trim : expected["trims"]) {
    const auto args = trim["args"].get<std::string>();
    FloatHistogram trimmed = h;
    TrimBuckets(&trimmed, NumberOf(args.substr(3)), args[0] == '<');
    ExpectSame(trimmed, trim["value"], args);
  }
  if (!expected.contains("reduced")) return;
  for (const auto& [schema, result] : expected["reduced"].items()) {
    FloatHistogram reduced = h;
    EXPECT_TRUE(ReduceResolution(&reduced, std::stoi(schema)).ok());
    ExpectSame(reduced, result, "schema " + schema);
    EXPECT_EQ(Shown(CopyToSchema(h, std::stoi(schema)).positive_buckets),
              Shown(reduced.positive_buckets));
  }
}

void CheckEstimates(const FloatHistogram& h, const Json& expected) {
  for (const Json& quantile : expected["quantiles"]) {
    const auto args = quantile["args"].get<std::string>();
    const auto note = quantile.value("note", "");
    const HistogramEstimate got = HistogramQuantile(NumberOf(args), h);
    EXPECT_EQ(Shown(got.value), Shown(NumberOf(quantile["value"]))) << "quantile " << args;
    EXPECT_EQ(got.has_nan_observations, !note.empty()) << "quantile " << args << note;
    EXPECT_EQ(got.skewed_by_nan, note.find("skewed") != std::string::npos) << note;
  }
  for (const Json& fraction : expected["fractions"]) {
    const auto args = fraction["args"].get<std::string>();
    const std::vector<double> bounds = NumbersOf(args);
    const HistogramEstimate got = HistogramFraction(bounds[0], bounds[1], h);
    EXPECT_EQ(Shown(got.value), Shown(NumberOf(fraction["value"]))) << "fraction " << args;
    EXPECT_EQ(got.has_nan_observations, fraction.contains("note")) << "fraction " << args;
  }
  EXPECT_EQ(Shown(HistogramVariance(h)), Shown(NumberOf(expected["variance"])));
}

std::string ShownBucket(const HistogramBucket& b) {
  std::string text(1, b.lower_inclusive ? '[' : '(');
  AppendFloatG(&text, b.lower);
  text += ',';
  AppendFloatG(&text, b.upper);
  text += b.upper_inclusive ? "]:" : "):";
  AppendFloatG(&text, b.count);
  return text;
}

void CheckSingle(const Json& expected) {
  const FloatHistogram h = HistogramOf(expected["one"].get<std::string>());
  EXPECT_EQ(ToString(h), expected["string"].get<std::string>());
  if (expected.contains("test")) {
    EXPECT_EQ(TestExpression(h), expected["test"].get<std::string>());
  }
  EXPECT_EQ(SizeAsPrometheus(h), expected["size"].get<size_t>());
  EXPECT_EQ(HasOverflow(h), expected.value("overflow", false));
  CheckChanges(h, expected);
  CheckEstimates(h, expected);
  std::vector<HistogramBucket> buckets;
  AllBuckets(h, &buckets);
  const std::vector<std::string> listed = Split(expected["buckets"], ';');
  ASSERT_EQ(buckets.size(), listed.size());
  for (size_t i = 0; i < buckets.size(); ++i) {
    const size_t at = listed[i].find('@');
    const std::vector<double> ends = NumbersOf(listed[i].substr(at + 1));
    EXPECT_EQ(ShownBucket(buckets[i]), listed[i].substr(0, at));
    EXPECT_EQ(Shown(buckets[i].lower), Shown(ends[0]));
    EXPECT_EQ(Shown(buckets[i].upper), Shown(ends[1]));
  }
  if (!expected.contains("validate")) return;
  const auto damaged = expected["validate"].get<std::string>();
  const size_t equals = damaged.find('=');
  const Status status = CheckHistogram(ToStored(HistogramOf(damaged.substr(0, equals))));
  EXPECT_EQ(status.ok() ? "<nil>" : std::string(status.message()), damaged.substr(equals + 1));
}

void CheckBounds(const Json& expected) {
  auto index = expected["first"].get<int32_t>();
  for (const double bound : NumbersOf(expected["bounds"])) {
    EXPECT_EQ(Shown(BucketBound(index, expected["schema"].get<int32_t>(), {})), Shown(bound))
        << "schema " << expected["schema"] << " index " << index;
    ++index;
  }
}

TEST(HistogramGolden, EveryAnswerIsPrometheusAnswer) {
  const auto file = std::filesystem::path(__FILE__).parent_path().parent_path().parent_path() /
                    "tests/golden/histograms/answers.jsonl";
  std::ifstream in(file);
  std::string line;
  size_t pairs = 0;
  size_t singles = 0;
  size_t bounds = 0;
  while (std::getline(in, line)) {
    SCOPED_TRACE("line " + std::to_string(pairs + singles + bounds + 1));
    const Json expected = Json::parse(line);
    if (expected.contains("one")) {
      ++singles;
      CheckSingle(expected);
    } else if (expected.contains("bounds")) {
      ++bounds;
      CheckBounds(expected);
    } else {
      ++pairs;
      CheckPair(expected);
    }
  }
  EXPECT_EQ(pairs, 260u);
  EXPECT_EQ(singles, 140u);
  EXPECT_EQ(bounds, 40u);
}

}  // namespace
}  // namespace thermocline
