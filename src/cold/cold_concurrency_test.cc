// Readers and a writer at once, on real threads.
#include <gtest/gtest.h>

#include <atomic>

#include "cold/cold_tier.h"
#include "cold/test_series.h"
#include "env/posix/thread_pool.h"
#include "env/simulated/simulated_env.h"

namespace thermocline {
namespace {

constexpr TimestampMs kDay = 19'700 * kDayMs;

// Block n: every series gets the value n at the time n.
std::vector<TestSeries> SeriesOf(int n) {
  std::vector<TestSeries> series;
  for (int s = 0; s < 20; ++s) {
    TestSeries one{Labels{{"__name__", "m"}, {"s", std::to_string(s)}}};
    one.Add(kDay + n * 1000, n);
    series.push_back(one);
  }
  return series;
}

TEST(ColdConcurrency, ReadersSeeWholeBlocksWhileOthersComeAndGo) {
  SimulatedEnv env;
  ThreadPool pool("reader", 4, 64, env.logger);
  ColdTierOptions options;
  options.directory = "cold";
  options.index_cache_bytes = 20'000;  // small enough to evict all the time
  options.writer.page_rows = 64;
  options.writer.row_group_rows = 64;
  ColdOpenSummary summary;
  auto opened = ColdTier::Open(options, env.env(), true, &summary);
  ASSERT_TRUE(opened.ok());
  ColdTier& tier = **opened;
  constexpr int kBlocks = 40;
  std::atomic<bool> done{false};
  std::atomic<uint64_t> selects{0};
  const auto write = [&]() -> Status {
    for (int n = 0; n < kBlocks; ++n) {
      ASSIGN_OR_RETURN(auto entries, tier.WriteBlocks(TestSeriesSet(SeriesOf(n)), {}));
      RETURN_IF_ERROR(tier.Install(std::move(entries)));
      if (n % 10 == 9) RETURN_IF_ERROR(tier.RemoveBlocks({tier.entries()[0].id}));
    }
    return Status::Ok();
  };
  const auto read = [&]() -> Status {
    while (!done.load()) {
      SelectRequest select;
      select.range = {kMinTimestampMs, kMaxTimestampMs};
      ReadCounters counters;
      select.counters = &counters;
      ASSIGN_OR_RETURN(const auto set, tier.Select(select));
      ASSIGN_OR_RETURN(const auto all, ReadAll(*set, 7));
      if (!set->warnings().empty()) return Status::Internal(set->warnings()[0]);
      // A block answers for all series or for none.
      for (const auto& [key, series] : all) {
        if (all.size() != 20 || series.times != all.begin()->second.times) {
          return Status::Internal("a block was seen in part");
        }
      }
      selects.fetch_add(1);
    }
    return Status::Ok();
  };
  const Status status = ParallelFor(pool, 4, [&](size_t i) -> Status {
    const Status outcome = i == 0 ? write() : read();
    if (i == 0 || !outcome.ok()) done.store(true);
    return outcome;
  });
  EXPECT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(tier.entries().size(), 36u);
  EXPECT_GT(selects.load(), 0u);
}

}  // namespace
}  // namespace thermocline
