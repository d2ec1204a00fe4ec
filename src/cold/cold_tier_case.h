// A cold tier on a simulated machine, with small pages, for the tests of this room.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "cold/cold_tier.h"
#include "env/simulated/simulated_env.h"

namespace thermocline {

inline constexpr TimestampMs kColdTestDay = 19'700 * kDayMs;  // 2023-12-09

class ColdTierCase : public testing::Test {
 protected:
  void SetUp() override {
    env_.clock.SetNowMs(kColdTestDay + 9 * kDayMs);
    Reopen();
  }
  void Reopen() {
    ColdTierOptions options;
    options.directory = "data/cold";
    options.writer.page_rows = 64;
    options.writer.series_page_rows = 64;
    options.writer.row_group_rows = 512;
    tier_.reset();
    auto opened = ColdTier::Open(options, env_.env(), true, &summary_);
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    tier_ = *std::move(opened);
  }

  SimulatedEnv env_;
  ColdOpenSummary summary_;
  std::unique_ptr<ColdTier> tier_;
};

}  // namespace thermocline
