#include "head/fair_shared_mutex.h"

#include <gtest/gtest.h>

#include <atomic>

#include "env/background_thread.h"

namespace thermocline {
namespace {

// Two readers hand over to each other without a gap until the writer got in. With the system's
// mutex this need not end.
TEST(FairSharedMutex, LetsAWriterInAlthoughReadersOverlap) {
  FairSharedMutex mutex;
  std::atomic<bool> written{false};
  std::atomic<int> inside{0};
  std::atomic<uint64_t> reads{0};
  const auto read = [&] {
    while (!written.load()) {
      FairReadLock lock(mutex);
      ++inside;
      ++reads;
      // Stay until the other reader is inside too, or cannot come because the writer waits.
      for (int spin = 0; spin < 2000 && inside.load() < 2 && !written.load(); ++spin) {
      }
      --inside;
    }
  };
  BackgroundThread a("read", read);
  BackgroundThread b("read", read);
  while (reads.load() < 100) {
  }
  {
    FairWriteLock lock(mutex);
    EXPECT_EQ(inside.load(), 0);
    written = true;
  }
}

}  // namespace
}  // namespace thermocline
