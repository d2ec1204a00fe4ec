// Power cuts at seeded points of append, flush, manifest swap, compaction and log release, against
// an oracle of acknowledged requests.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <set>
#include <string>

#include "store/store_fixture.h"

namespace thermocline {
namespace {

// A few blocks of a day are many.
StoreOptions CrashOptions() {
  StoreOptions options = TestStoreOptions();
  options.compact_blocks = 3;
  options.compact_after_ms = 0;
  return options;
}

struct Faults {
  bool ignore_sync = false;
  bool ignore_directory_sync = false;
};

// What one life of the store claimed.
struct Oracle {
  Contents acknowledged;
  // Requests without an answer: each may be there whole or not at all.
  std::vector<Contents> unanswered;
};

// One seeded run: several lives, each cut short at a random mutating call, then an opening without
// faults that must show every acknowledged sample, no sample twice, nothing that was never sent,
// and requests whole.
class CrashRun {
 public:
  CrashRun(uint64_t seed, Faults faults) : seed_(seed), random_(seed), machine_(seed) {
    machine_.files.SetIgnoreSync(faults.ignore_sync);
    machine_.files.SetIgnoreDirectorySync(faults.ignore_directory_sync);
    machine_.clock.SetNowMs(kTestStartMs + 3 * kHourMs);
    now_ms_ = kTestStartMs + 3 * kHourMs;
  }

  // Empty when all is well.
  std::string Run() {
    for (int life = 0; life < 3; ++life) {
      machine_.files.CutPowerAfter(5 + Below(life == 0 ? 120 : 250));
      Live();
      machine_.files.Crash(random_());
      if (std::string wrong = Verify(); !wrong.empty()) {
        return "seed " + std::to_string(seed_) + ", life " + std::to_string(life) + ": " + wrong;
      }
    }
    return "";
  }
  // Whether a compacted block was there after some crash.
  bool compacted() const { return compacted_; }

 private:
  uint64_t Below(uint64_t bound) { return random_() % bound; }

  void Live() {
    OpenSummary summary;
    auto store = Store::Open(CrashOptions(), machine_.env(), &summary);
    if (!store.ok()) return;
    for (int step = 0; step < 60 && !machine_.files.power_is_cut(); ++step) {
      const uint64_t dice = Below(12);
      if (dice == 0) {
        (void)(*store)->FlushAll().ok();
      } else if (dice == 1) {
        now_ms_ += static_cast<int64_t>(Below(3)) * kHourMs;
        machine_.clock.SetNowMs(now_ms_);
        (void)(*store)->Maintain(now_ms_).ok();
      } else {
        Send(**store);
      }
    }
  }

  void Send(Store& store) {
    WriteBatch batch;
    Contents request;
    const int count = 1 + static_cast<int>(Below(6));
    for (int i = 0; i < count; ++i) {
      next_t_ms_ += 1 + static_cast<int64_t>(Below(2000));
      AddAnyPoint(static_cast<int>(Below(9)), next_t_ms_, &batch, &request);
    }
    const auto summary = store.Append(batch);
    if (summary.ok() && summary->rolled_back) return;
    if (!summary.ok()) {
      oracle_.unanswered.push_back(std::move(request));
      return;
    }
    for (const auto& [series, samples] : request) {
      oracle_.acknowledged[series].insert(samples.begin(), samples.end());
    }
  }

  static bool Holds(const Contents& contents, const std::string& series, TimestampMs t_ms) {
    const auto at = contents.find(series);
    return at != contents.end() && at->second.contains(t_ms);
  }

  std::string Verify() {
    OpenSummary summary;
    auto store = Store::Open(CrashOptions(), machine_.env(), &summary);
    if (!store.ok()) return "does not open: " + store.status().ToString();
    for (const BlockEntry& block : (*store)->cold().entries()) compacted_ |= block.generation > 0;
    const auto read = ReadAll(**store);
    if (!read.ok()) return "does not read: " + read.status().ToString();
    Contents allowed = oracle_.acknowledged;
    for (const auto& [series, samples] : oracle_.acknowledged) {
      for (const auto& [t_ms, value] : samples) {
        if (!Holds(*read, series, t_ms)) return "an acknowledged sample is gone";
      }
    }
    for (const Contents& request : oracle_.unanswered) {
      size_t there = 0;
      for (const auto& [series, samples] : request) {
        for (const auto& [t_ms, value] : samples) there += Holds(*read, series, t_ms) ? 1 : 0;
      }
      if (there != 0 && there != CountSamples(request)) return "half a request is there";
      // What survived once must stay.
      if (there == 0) continue;
      for (const auto& [series, samples] : request) {
        allowed[series].insert(samples.begin(), samples.end());
      }
    }
    oracle_.unanswered.clear();
    oracle_.acknowledged = allowed;
    for (const auto& [series, samples] : *read) {
      for (const auto& [t_ms, value] : samples) {
        if (!Holds(allowed, series, t_ms)) return "a sample that nobody sent";
        if (!SameBits(value, AnyValueOf(series, t_ms))) return "a sample with another value";
      }
    }
    const auto flushed = (*store)->FlushAll();
    if (!flushed.ok()) return "does not flush: " + flushed.status().ToString();
    if (ColdSamples(**store) != CountSamples(allowed)) return "a sample is stored twice";
    return "";
  }

  const uint64_t seed_;
  std::mt19937_64 random_;
  SimulatedEnv machine_;
  Oracle oracle_;
  bool compacted_ = false;
  TimestampMs now_ms_ = 0;
  TimestampMs next_t_ms_ = kTestStartMs + 2 * kHourMs + 45 * kMinuteMs;
};

uint64_t Seeds() {
  const char* text = std::getenv("CRASH_SEEDS");
  return text == nullptr ? 300 : std::strtoull(text, nullptr, 10);
}

uint64_t Failures(Faults faults, uint64_t seeds) {
  uint64_t failures = 0;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    failures += CrashRun(seed, faults).Run().empty() ? 0 : 1;
  }
  return failures;
}

TEST(StoreCrash, EveryAcknowledgedRequestSurvivesAPowerCutOnceAndWhole) {
  uint64_t compacted = 0;
  for (uint64_t seed = 1; seed <= Seeds(); ++seed) {
    CrashRun run(seed, {});
    const std::string wrong = run.Run();
    ASSERT_EQ(wrong, "");
    compacted += run.compacted() ? 1 : 0;
  }
  EXPECT_GT(compacted, Seeds() / 20);
}

TEST(StoreCrash, RunsWithSamplesOfEveryKind) {
  std::set<std::string> kinds;
  for (int number = 0; number < 9; ++number) {
    const std::string series = SeriesLabels(number).packed();
    const double value = AnyValueOf(series, kTestStartMs);
    kinds.insert(value < 0                                ? "histogram"
                 : value == ValueOf(series, kTestStartMs) ? "float"
                                                          : "start");
  }
  EXPECT_EQ(kinds.size(), 3u);
}

TEST(StoreCrash, ASkippedFileSyncIsCaught) { EXPECT_GT(Failures({.ignore_sync = true}, 40), 0u); }

TEST(StoreCrash, ASkippedDirectorySyncIsCaught) {
  EXPECT_GT(Failures({.ignore_directory_sync = true}, 40), 0u);
}

}  // namespace
}  // namespace thermocline
