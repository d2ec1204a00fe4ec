#include "app/feature_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace thermocline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(FeatureList, EachNameSwitchesOnItsOwnPartOfTheLanguage) {
  promql::EngineOptions engine;
  std::vector<std::string> warnings;
  ASSERT_TRUE(EnableFeatures("promql-extended-range-selectors", &engine, &warnings).ok());
  EXPECT_TRUE(engine.extended_range_selectors);
  EXPECT_FALSE(engine.enable_experimental);
  EXPECT_FALSE(engine.fill_modifiers);
  ASSERT_TRUE(
      EnableFeatures("promql-experimental-functions,promql-binop-fill-modifiers,"
                     "promql-delayed-name-removal,promql-per-step-stats,use-start-timestamps,"
                     "type-and-unit-labels",
                     &engine, &warnings)
          .ok());
  EXPECT_TRUE(engine.enable_experimental);
  EXPECT_TRUE(engine.fill_modifiers);
  EXPECT_TRUE(engine.delayed_name_removal);
  EXPECT_TRUE(engine.per_step_statistics);
  EXPECT_TRUE(engine.use_start_timestamps);
  EXPECT_TRUE(engine.type_and_unit_labels);
  EXPECT_THAT(warnings, IsEmpty());
}

TEST(FeatureList, WarnsOfPrometheusNamesThatChangeNothing) {
  promql::EngineOptions engine;
  std::vector<std::string> warnings;
  ASSERT_TRUE(EnableFeatures("native-histograms,old-ui", &engine, &warnings).ok());
  EXPECT_THAT(warnings,
              ElementsAre("--enable-feature=native-histograms changes nothing: native histograms "
                          "are always on",
                          "--enable-feature=old-ui changes nothing: the page is our own"));
}

TEST(FeatureList, RefusesOtherNamesAndSuggestsTheNearest) {
  promql::EngineOptions engine;
  std::vector<std::string> warnings;
  const Status status = EnableFeatures("old-ui,promql-experimental-function", &engine, &warnings);
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("'promql-experimental-functions'"));
  EXPECT_FALSE(EnableFeatures("", &engine, &warnings).ok());
  EXPECT_FALSE(EnableFeatures("old-ui,", &engine, &warnings).ok());
}

}  // namespace
}  // namespace thermocline
