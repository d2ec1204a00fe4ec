#include "index/set_operations.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "index/ref_list.h"

namespace thermocline {
namespace {

std::vector<SeriesRef> RandomRefs(std::mt19937* random, size_t count, uint32_t range) {
  std::set<SeriesRef> refs;
  for (size_t i = 0; i < count; ++i) refs.insert(SeriesRef((*random)() % range));
  return {refs.begin(), refs.end()};
}

TEST(SetOperations, AgreeWithTheStandardLibrary) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 2000; ++round) {
    const uint32_t range = 1 + random() % 3000;
    // From even to very uneven lengths, so that both the walk and the gallop run.
    const auto a = RandomRefs(&random, random() % 30, range);
    const auto b = RandomRefs(&random, random() % (round % 2 == 0 ? 30 : 2000), range);
    const auto c = RandomRefs(&random, random() % 300, range);
    std::vector<SeriesRef> both, rest, other_rest, all, all_three;
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
    std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(rest));
    std::set_difference(b.begin(), b.end(), a.begin(), a.end(), std::back_inserter(other_rest));
    std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(all));
    std::set_union(all.begin(), all.end(), c.begin(), c.end(), std::back_inserter(all_three));
    ASSERT_EQ(Intersect(a, b), both);
    ASSERT_EQ(Intersect(b, a), both);
    ASSERT_EQ(Intersects(a, b), !both.empty());
    ASSERT_EQ(Without(a, b), rest);
    ASSERT_EQ(Without(b, a), other_rest);
    const std::span<const SeriesRef> lists[] = {a, b, c};
    ASSERT_EQ(Union(std::span(lists).first(2)), all);
    ASSERT_EQ(Union(lists), all_three);
  }
  EXPECT_TRUE(Union({}).empty());
}

TEST(RefList, AgreesWithASetUnderRandomUse) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 300; ++round) {
    RefList list;
    std::set<SeriesRef> oracle;
    for (int step = 0; step < 20; ++step) {
      for (size_t i = random() % 20; i > 0; --i) {
        const SeriesRef ref(random() % 500);
        if (oracle.insert(ref).second) list.Insert(ref);
      }
      const auto dead = RandomRefs(&random, random() % 300, 500);
      list.Remove(dead);
      for (const SeriesRef ref : dead) oracle.erase(ref);
      RefList moved = std::move(list);
      list = std::move(moved);
      ASSERT_TRUE(std::equal(oracle.begin(), oracle.end(), list.view().begin(), list.view().end()));
    }
  }
}

}  // namespace
}  // namespace thermocline
