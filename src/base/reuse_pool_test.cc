#include "base/reuse_pool.h"

#include <gtest/gtest.h>

#include <vector>

namespace thermocline {
namespace {

TEST(ReusePool, HandsOutWhatWasGivenBackAndMakesNewOnesMeanwhile) {
  ReusePool<std::vector<int>> pool;
  const int* memory = nullptr;
  {
    const ReusePool<std::vector<int>>::Lease one(pool);
    one->assign(100, 7);
    memory = one->data();
    const ReusePool<std::vector<int>>::Lease other(pool);
    EXPECT_TRUE(other->empty());
    EXPECT_NE(&*one, &*other);
  }
  const ReusePool<std::vector<int>>::Lease again(pool);
  EXPECT_EQ(again->data(), memory) << "the one given back last";
  EXPECT_EQ(again->size(), 100u);
}

}  // namespace
}  // namespace thermocline
