#include "search/name_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace thermocline {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::vector<std::string> kNames = {"HTTP_errors", "a_http", "http_errors", "http_requests",
                                         "up"};

std::vector<std::string> Search(const NameFilterOptions& options,
                                NameOrder order = NameOrder::kAscending, uint64_t limit = 0) {
  const auto found = SearchNames(kNames, NameFilter(options), order, limit, nullptr);
  EXPECT_TRUE(found.ok());
  std::vector<std::string> names;
  for (const FoundName& name : *found) names.push_back(name.name);
  return names;
}

TEST(NameSearch, WithoutATermEveryNamePasses) {
  EXPECT_EQ(Search({}), kNames);
  EXPECT_EQ(Search({.terms = {"", ""}}), kNames);
  EXPECT_THAT(Search({}, NameOrder::kDescending, 2), ElementsAre("up", "http_requests"));
}

TEST(NameSearch, ANamePassesByAnyOfTheTerms) {
  EXPECT_THAT(Search({.terms = {"hrq", "u"}}), ElementsAre("http_requests", "up"));
  EXPECT_THAT(Search({.terms = {"zzz"}}), IsEmpty());
}

TEST(NameSearch, BestComesFirstAndEqualScoresAscend) {
  const NameFilterOptions options{.terms = {"http"}};
  EXPECT_THAT(Search(options, NameOrder::kBestFirst),
              ElementsAre("http_errors", "http_requests", "a_http"));
  EXPECT_THAT(Search(options, NameOrder::kBestFirst, 2),
              ElementsAre("http_errors", "http_requests"));
  EXPECT_THAT(Search(options, NameOrder::kAscending, 2), ElementsAre("a_http", "http_errors"));
}

TEST(NameSearch, CaseCountsUnlessSaidOtherwise) {
  EXPECT_THAT(Search({.terms = {"HTTP"}}), ElementsAre("HTTP_errors"));
  EXPECT_EQ(Search({.terms = {"HTTP"}, .case_sensitive = false}).size(), 4u);
}

TEST(NameSearch, JaroWinklerTakesSimilarNamesAboveItsThresholdOnly) {
  NameFilterOptions options{.terms = {"htpp_errors"}, .algorithm = FuzzAlgorithm::kJaroWinkler};
  EXPECT_THAT(Search(options), IsEmpty());
  options.threshold = 0.9;
  EXPECT_THAT(Search(options), ElementsAre("http_errors"));
  options.terms = {"p_e"};
  options.threshold = 1;
  EXPECT_THAT(Search(options), ElementsAre("http_errors"));
}

TEST(NameSearch, ALongSearchEndsWhenItsBudgetSaysSo) {
  const std::stop_source stop;
  const QueryBudget budget(
      stop.get_token(), 1, [] { return int64_t{2}; }, 0);
  const std::vector<std::string> names(3000, std::string(1000, 'a'));
  const NameFilter filter({.terms = {"bc"}});
  EXPECT_EQ(SearchNames(names, filter, NameOrder::kAscending, 0, &budget).status().code(),
            Code::kDeadlineExceeded);
}

}  // namespace
}  // namespace thermocline
