#include "server/result_json.h"

#include <gtest/gtest.h>

#include <limits>
#include <memory>

#include "model/float_histogram.h"
#include "model/sample.h"

namespace thermocline {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

promql::QueryResult Make(promql::ResultKind kind, std::vector<promql::ResultSeries> series) {
  promql::QueryResult result;
  result.kind = kind;
  result.series = std::move(series);
  return result;
}

TEST(ResultJson, AScalarIsOneSampleAndAStringHasItsTime) {
  EXPECT_EQ(EncodeResult(Make(promql::ResultKind::kScalar, {{{}, {4000}, {2}}})),
            R"({"resultType":"scalar","result":[4,"2"]})");
  promql::QueryResult text = Make(promql::ResultKind::kString, {});
  text.at_ms = 1'500;
  text.text = "<a&\"b\">";
  EXPECT_EQ(EncodeResult(text),
            R"({"resultType":"string","result":[1.5,"\u003ca\u0026\"b\"\u003e"]})");
}

TEST(ResultJson, AScalarHasNoExponentAndAsFewDecimalsOfTimeAsTellIt) {
  const auto scalar = [](TimestampMs t_ms, double value) {
    return EncodeResult(Make(promql::ResultKind::kScalar, {{{}, {t_ms}, {value}}}));
  };
  EXPECT_EQ(scalar(1'500, 1e21),
            R"({"resultType":"scalar","result":[1.5,"1000000000000000000000"]})");
  EXPECT_EQ(scalar(-1, 1e-7), R"({"resultType":"scalar","result":[-0.001,"0.0000001"]})");
  EXPECT_EQ(scalar(0, -kInfinity), R"({"resultType":"scalar","result":[0,"-Inf"]})");
}

TEST(ResultJson, VectorAndMatrixListTheirSeriesInOrder) {
  const Labels first{{"__name__", "m"}, {"a", "1"}};
  const Labels second{{"b", "2"}};
  EXPECT_EQ(
      EncodeResult(
          Make(promql::ResultKind::kVector, {{first, {1000}, {1.5}}, {second, {1001}, {-0.0}}})),
      R"({"resultType":"vector","result":[{"metric":{"__name__":"m","a":"1"},"value":[1,"1.5"]},)"
      R"({"metric":{"b":"2"},"value":[1.001,"-0"]}]})");
  EXPECT_EQ(EncodeResult(Make(promql::ResultKind::kMatrix,
                              {{first, {1000, 2000}, {1, 1e21}}, {Labels(), {0}, {5}}})),
            R"({"resultType":"matrix","result":[{"metric":{"__name__":"m","a":"1"},)"
            R"("values":[[1,"1"],[2,"1e+21"]]},{"metric":{},"values":[[0,"5"]]}]})");
}

std::shared_ptr<const FloatHistogram> SmallHistogram() {
  FloatHistogram histogram;
  histogram.zero_threshold = 0.25;
  histogram.zero_count = 3;
  histogram.count = 7;
  histogram.sum = 5.5;
  histogram.positive_spans = {{0, 3}};
  histogram.positive_buckets = {1, 0, 2};
  histogram.negative_spans = {{0, 1}};
  histogram.negative_buckets = {1};
  return std::make_shared<const FloatHistogram>(std::move(histogram));
}

constexpr std::string_view kSmallHistogram =
    R"({"count":"7","sum":"5.5","buckets":[[1,"-1","-0.5","1"],[3,"-0.25","0.25","3"],)"
    R"([0,"0.5","1","1"],[0,"2","4","2"]]})";

TEST(ResultJson, HistogramsListTheirBucketsThatAreNotEmpty) {
  const std::string histogram(kSmallHistogram);
  EXPECT_EQ(EncodeResult(Make(promql::ResultKind::kVector,
                              {{Labels{{"a", "1"}}, {1500}, {0}, {SmallHistogram()}}})),
            R"({"resultType":"vector","result":[{"metric":{"a":"1"},"histogram":[1.500,)" +
                histogram + "]}]}");
  const auto none = std::make_shared<const FloatHistogram>();
  EXPECT_EQ(EncodeResult(Make(promql::ResultKind::kVector, {{Labels(), {0}, {0}, {none}}})),
            R"({"resultType":"vector","result":[{"metric":{},)"
            R"("histogram":[0,{"count":"0","sum":"0"}]}]})");
}

TEST(ResultJson, ASeriesOfBothKindsHasTwoLists) {
  const std::string histogram(kSmallHistogram);
  EXPECT_EQ(EncodeResult(Make(promql::ResultKind::kMatrix,
                              {{Labels(),
                                {0, 0, 1000, 2000},
                                {1, 0, 2, 0},
                                {nullptr, SmallHistogram(), nullptr, SmallHistogram()}}})),
            R"({"resultType":"matrix","result":[{"metric":{},"values":[[0,"1"],[1,"2"]],)"
            R"("histograms":[[0,)" +
                histogram + "],[2," + histogram + "]]}]}");
  EXPECT_EQ(
      EncodeResult(Make(promql::ResultKind::kMatrix, {{Labels(), {0}, {0}, {SmallHistogram()}}})),
      R"({"resultType":"matrix","result":[{"metric":{},"histograms":[[0,)" + histogram + "]]}]}");
}

TEST(ResultJson, NoSeriesIsAnEmptyListAndNeverNull) {
  EXPECT_EQ(EncodeResult(Make(promql::ResultKind::kVector, {})),
            R"({"resultType":"vector","result":[]})");
  EXPECT_EQ(EncodeResult(Make(promql::ResultKind::kMatrix, {})),
            R"({"resultType":"matrix","result":[]})");
}

TEST(ResultJson, SpecialNumbersAreQuotedWords) {
  EXPECT_EQ(EncodeResult(
                Make(promql::ResultKind::kMatrix,
                     {{{}, {0, 1, 2, 3, 4}, {NormalNan(), kInfinity, -kInfinity, 1e-7, 100'000}}})),
            R"({"resultType":"matrix","result":[{"metric":{},"values":[[0,"NaN"],[0.001,"+Inf"],)"
            R"([0.002,"-Inf"],[0.003,"1e-07"],[0.004,"100000"]]}]})");
}

TEST(ResultJson, LabelsThatAreNotUtf8AndControlCharactersAreEscaped) {
  const Labels odd{{"a", "x\xffy\n\t\x01\\"}};
  EXPECT_EQ(EncodeResult(Make(promql::ResultKind::kVector, {{odd, {0}, {1}}})),
            R"({"resultType":"vector","result":[{"metric":{"a":"x\ufffdy\n\t\u0001\\"},)"
            R"("value":[0,"1"]}]})");
}

TEST(ResultJson, StatsStandBesideTheResult) {
  EXPECT_EQ(EncodeResult(Make(promql::ResultKind::kScalar, {{{}, {0}, {1}}}), R"({"x":1})"),
            R"({"resultType":"scalar","result":[0,"1"],"stats":{"x":1}})");
}

}  // namespace
}  // namespace thermocline
