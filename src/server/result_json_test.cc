#include "server/result_json.h"

#include <gtest/gtest.h>

#include <limits>

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
