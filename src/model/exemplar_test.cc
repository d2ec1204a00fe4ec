#include "model/exemplar.h"

#include <gtest/gtest.h>

#include <limits>

#include "model/metadata.h"

namespace thermocline {
namespace {

Exemplar Make(TimestampMs t_ms, double value, std::string_view trace = "t") {
  return {Labels{{"trace_id", trace}}, t_ms, value};
}

TEST(Exemplars, AreInOrderOnceAndWithinTheRange) {
  const Labels a{{"__name__", "a"}};
  const Labels b{{"__name__", "b"}};
  const double nan = std::numeric_limits<double>::quiet_NaN();
  std::vector<SeriesExemplars> all = {
      {b, {Make(5, 1)}},
      {a, {Make(9, 1), Make(2, 2), Make(2, 2, "other")}},
      {b, {Make(100, 1)}},
      {a, {Make(2, 2), Make(1, nan), Make(1, nan)}},
      {Labels{{"__name__", "c"}}, {Make(11, 3)}},
  };
  PutInOrder({1, 10}, &all);
  const std::vector<SeriesExemplars> expected = {
      {a, {Make(1, nan), Make(2, 2), Make(2, 2, "other"), Make(9, 1)}}, {b, {Make(5, 1)}}};
  EXPECT_EQ(all, expected);
}

TEST(Metadata, IsByFamilyWithThePreferredFirst) {
  std::vector<BatchMetadata> all = {{"b", "gauge", "new", ""},
                                    {"a", "counter", "", ""},
                                    {"b", "gauge", "old", ""},
                                    {"b", "gauge", "new", ""}};
  std::vector<BatchMetadata> some = all;
  PutInOrder({}, &some);
  ASSERT_EQ(some.size(), 3u);
  EXPECT_EQ(some[0].family, "a");
  EXPECT_EQ(some[1].help, "new");
  EXPECT_EQ(some[2].help, "old");
  some = all;
  PutInOrder({.tenant = {}, .family = "b", .limit_per_family = 1}, &some);
  ASSERT_EQ(some.size(), 1u);
  EXPECT_EQ(some[0].help, "new");
  some = all;
  PutInOrder({.tenant = {}, .family = {}, .limit = 1}, &some);
  ASSERT_EQ(some.size(), 1u);
  EXPECT_EQ(some[0].family, "a");
}

}  // namespace
}  // namespace thermocline
