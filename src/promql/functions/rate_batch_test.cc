#include "promql/functions/rate_batch.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

namespace thermocline::promql {
namespace {

double RandomValue(std::mt19937_64& random) {
  switch (random() % 12) {
    case 0: return std::numeric_limits<double>::quiet_NaN();
    case 1: return std::numeric_limits<double>::infinity();
    case 2: return -std::numeric_limits<double>::infinity();
    case 3: return 0.0;
    case 4: return -0.0;
    case 5: return -static_cast<double>(random() % 1000);
    case 6: return std::bit_cast<double>(random());
    default: return static_cast<double>(random() % 100'000) / 8;
  }
}

TEST(RateBatch, IsWindowByWindowToTheBit) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 3000; ++round) {
    RateBatch batch;
    std::vector<double> want[3];
    const size_t count = 1 + random() % RateBatch::kCapacity;
    while (batch.count < count) {
      SampledSpan span;
      span.window_start_ms = static_cast<int64_t>(random() % 4'000'000'000'000);
      span.window_end_ms = span.window_start_ms + 1 + static_cast<int64_t>(random() % 600'000);
      const int64_t width = span.window_end_ms - span.window_start_ms;
      span.first_ms = span.window_start_ms + 1 + static_cast<int64_t>(random()) % (width + 1) / 2;
      span.last_ms = span.first_ms +
                     static_cast<int64_t>(random() % 3) * (span.window_end_ms - span.first_ms) / 2;
      span.count = 2 + random() % 40;
      const double first = RandomValue(random);
      const double change = RandomValue(random);
      batch.Add(span, first, change);
      for (const RateKind kind : {RateKind::kRate, RateKind::kIncrease, RateKind::kDelta}) {
        double value = 0;
        ASSERT_TRUE(Extrapolate(kind, span, first, change, &value));
        want[static_cast<int>(kind)].push_back(value);
      }
    }
    for (const RateKind kind : {RateKind::kRate, RateKind::kIncrease, RateKind::kDelta}) {
      double got[RateBatch::kCapacity];
      ExtrapolateBatch(kind, batch, got);
      for (size_t i = 0; i < count; ++i) {
        const double wanted = want[static_cast<int>(kind)][i];
        if (std::isnan(wanted)) {
          EXPECT_TRUE(std::isnan(got[i]));
        } else {
          EXPECT_EQ(std::bit_cast<uint64_t>(got[i]), std::bit_cast<uint64_t>(wanted));
        }
      }
    }
  }
}

}  // namespace
}  // namespace thermocline::promql
