#include "base/memory_ledger.h"

#include <gtest/gtest.h>

namespace thermocline {
namespace {

TEST(MemoryLedger, SharesLeaveFifteenPercentForFlushesAndTheRest) {
  uint64_t sum = 0;
  for (const MemoryUse use : {MemoryUse::kIngest, MemoryUse::kQueries, MemoryUse::kCaches}) {
    sum += MemoryLedger::ShareOf(1000, use);
  }
  EXPECT_EQ(sum, 850u);
  EXPECT_EQ(MemoryLedger::ShareOf(1000, MemoryUse::kIngest), 400u);
}

TEST(MemoryLedger, ShedsFrom85PercentAndIsAnEmergencyFrom90) {
  MemoryLedger ledger(1000);
  EXPECT_FALSE(ledger.Sheds());
  ledger.Set(MemoryUse::kIngest, 400);
  ledger.Add(MemoryUse::kQueries, 449);
  EXPECT_EQ(ledger.used_bytes(), 849u);
  EXPECT_FALSE(ledger.Sheds());
  ledger.Add(MemoryUse::kCaches, 1);
  EXPECT_TRUE(ledger.Sheds());
  EXPECT_FALSE(ledger.IsEmergency());
  ledger.Set(MemoryUse::kIngest, 450);
  EXPECT_TRUE(ledger.IsEmergency());
  ledger.Add(MemoryUse::kQueries, -449);
  EXPECT_FALSE(ledger.Sheds());
}

}  // namespace
}  // namespace thermocline
