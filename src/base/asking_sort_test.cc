#include "base/asking_sort.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>

namespace thermocline {
namespace {

using Pair = std::pair<int, size_t>;

std::vector<Pair> Numbers(size_t count, int most) {
  std::mt19937 random(7);
  std::vector<Pair> values;
  for (size_t i = 0; i < count; ++i) values.emplace_back(static_cast<int>(random() % most), i);
  return values;
}

TEST(SortAsking, SortsAsStableSortDoes) {
  for (const size_t count : {0u, 1u, 2u, 1023u, 1024u, 1025u, 4096u, 5000u, 40'000u}) {
    for (const int most : {1, 10, 1'000'000}) {
      std::vector<Pair> values = Numbers(count, most);
      std::vector<Pair> expected = values;
      const auto less = [](const Pair& a, const Pair& b) { return a.first < b.first; };
      std::stable_sort(expected.begin(), expected.end(), less);
      ASSERT_TRUE(SortAsking(&values, less, [] { return Status::Ok(); }).ok());
      EXPECT_EQ(values, expected) << count << " up to " << most;
    }
  }
}

TEST(SortAsking, MovesElementsThatCannotBeCopied) {
  std::vector<std::unique_ptr<int>> values;
  for (int i = 0; i < 3000; ++i) values.push_back(std::make_unique<int>(3000 - i));
  ASSERT_TRUE(SortAsking(
                  &values, [](const auto& a, const auto& b) { return *a < *b; },
                  [] { return Status::Ok(); })
                  .ok());
  for (int i = 0; i < 3000; ++i) EXPECT_EQ(*values[static_cast<size_t>(i)], i + 1);
}

// Comparisons stand for the work: so many at most lie between two questions, and none after a no.
TEST(SortAsking, LittleIsDoneBetweenQuestionsAndNothingAfterANo) {
  size_t questions = 0;
  size_t comparisons = 0;
  size_t asked_at = 0;
  size_t longest = 0;
  const auto less = [&](const Pair& a, const Pair& b) {
    longest = std::max(longest, ++comparisons - asked_at);
    return a.first < b.first;
  };
  size_t no_at = SIZE_MAX;
  const auto ask = [&] {
    asked_at = comparisons;
    return ++questions < no_at ? Status::Ok() : Status::Cancelled("no");
  };
  std::vector<Pair> values = Numbers(40'000, 1'000'000);
  ASSERT_TRUE(SortAsking(&values, less, ask).ok());
  EXPECT_LE(longest, 60'000u);
  const size_t all = questions;
  for (no_at = 1; no_at <= all; no_at += 1 + all / 8) {
    questions = comparisons = asked_at = 0;
    values = Numbers(40'000, 1'000'000);
    EXPECT_EQ(SortAsking(&values, less, ask).code(), Code::kCancelled);
    EXPECT_EQ(questions, no_at);
    EXPECT_EQ(comparisons, asked_at);
  }
}

}  // namespace
}  // namespace thermocline
