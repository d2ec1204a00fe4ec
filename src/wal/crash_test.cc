// Power cuts, failing disks and planted bugs, on simulated files with an outside observer.
#include <gtest/gtest.h>

#include "wal/log_oracle.h"

namespace thermocline::wal {
namespace {

constexpr uint64_t kPowerCutSeeds = 300;

LogOptions SmallLog(SyncMode sync = SyncMode::kAlways) {
  LogOptions options;
  options.directory = "/data/wal";
  options.segment_size_bytes = 64 * 1024;
  options.sync = sync;
  options.inline_commit = true;
  return options;
}

size_t RandomSize(SeededRandom& random) {
  switch (random.Below(8)) {
    case 0: return 0;
    case 1: return random.Below(70'000);  // over blocks and segments
    case 2: return 32 * 1024 - 32 - random.Below(80);
    default: return random.Below(3000);
  }
}

// Appends, batches, rotates and truncates until the power goes or `steps` are done. The first
// broken promise, if any; an error of the log itself ends the life quietly.
Status LiveOneLife(LogOracle& oracle, SeededRandom& random, int steps) {
  const Status opened = oracle.Open();
  if (!opened.ok()) return opened.code() == Code::kInternal ? opened : Status::Ok();
  for (int step = 0; step < steps; ++step) {
    Status status;
    switch (random.Below(12)) {
      case 0: status = oracle.Truncate(random.Next()); break;
      case 1: status = oracle.log().StartSegment().status(); break;
      case 2:
      case 3: {
        for (uint64_t i = random.Below(6); i > 0 && status.ok(); --i) {
          status = oracle.Enqueue(RandomSize(random));
        }
        if (status.ok()) status = oracle.Enqueue(RandomSize(random));
        if (status.ok()) status = oracle.Wait();
        break;
      }
      default: status = oracle.Append(RandomSize(random)); break;
    }
    if (!status.ok()) return {};
  }
  return {};
}

struct Planted {
  bool ignore_sync = false;
  bool ignore_directory_sync = false;
};

// Several lives, each ended by a power cut at a random call; the first broken promise.
Status LivesWithPowerCuts(uint64_t seed, const Planted& planted, uint64_t* acknowledged) {
  SimulatedEnv simulated(seed);
  SeededRandom random(seed * 7919 + 1);
  LogOracle oracle(simulated, SmallLog());
  simulated.files.SetIgnoreSync(planted.ignore_sync);
  simulated.files.SetIgnoreDirectorySync(planted.ignore_directory_sync);
  for (int life = 0; life < 4; ++life) {
    simulated.files.CutPowerAfter(random.Below(life == 0 ? 120 : 60));
    RETURN_IF_ERROR(LiveOneLife(oracle, random, 40));
    oracle.Drop();
    simulated.files.Crash(random.Next());
  }
  const Status last = oracle.Open();
  *acknowledged += oracle.acknowledged();
  return last;
}

TEST(PowerCut, KeepsEveryAcknowledgedRecordAndInventsNone) {
  uint64_t acknowledged = 0;
  for (uint64_t seed = 0; seed < kPowerCutSeeds; ++seed) {
    const Status status = LivesWithPowerCuts(seed, {}, &acknowledged);
    ASSERT_TRUE(status.ok()) << "seed " << seed << ": " << status.ToString();
  }
  EXPECT_GT(acknowledged, kPowerCutSeeds * 10) << "the simulation hardly wrote anything";
}

TEST(PowerCut, ASeedRepeatsExactly) {
  for (uint64_t seed = 1; seed < 6; ++seed) {
    std::vector<SimulatedFileSystem::Image> images;
    for (int run = 0; run < 2; ++run) {
      SimulatedEnv simulated(seed);
      SeededRandom random(seed);
      LogOracle oracle(simulated, SmallLog());
      simulated.files.CutPowerAfter(50);
      ASSERT_TRUE(LiveOneLife(oracle, random, 100).ok());
      oracle.Drop();
      simulated.files.Crash(seed);
      images.push_back(simulated.files.TakeImage());
    }
    EXPECT_EQ(images[0], images[1]) << "seed " << seed;
  }
}

TEST(PlantedFault, ASkippedFdatasyncIsNoticed) {
  uint64_t acknowledged = 0;
  uint64_t noticed = 0;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    noticed += LivesWithPowerCuts(seed, {true, false}, &acknowledged).ok() ? 0 : 1;
  }
  EXPECT_GE(noticed, 25u);
}

TEST(PlantedFault, ASkippedDirectorySyncIsNoticed) {
  uint64_t acknowledged = 0;
  uint64_t noticed = 0;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    noticed += LivesWithPowerCuts(seed, {false, true}, &acknowledged).ok() ? 0 : 1;
  }
  EXPECT_GE(noticed, 25u);
}

TEST(PowerCut, LosesAtMostTheTailWhenSyncIsNotAlways) {
  for (const SyncMode sync : {SyncMode::kInterval, SyncMode::kOs}) {
    for (uint64_t seed = 0; seed < 60; ++seed) {
      SimulatedEnv simulated(seed);
      SeededRandom random(seed);
      std::vector<std::string> written;
      {
        auto log = *Log::Open(
            SmallLog(sync), simulated.env(), [](const LogRecord&) { return Status::Ok(); },
            std::make_unique<ReplaySummary>().get());
        for (int i = 0; i < 60; ++i) {
          written.push_back(PayloadOf(random.Next(), RandomSize(random)));
          const auto lsn = log->Enqueue(RecordType::kSamples, written.back());
          ASSERT_TRUE(lsn.ok() && log->Wait(*lsn).ok());
          simulated.clock.Advance(300);
        }
        const uint64_t durable = log->last_durable().number;
        simulated.files.CutPowerAfter(0);
        log.reset();
        simulated.files.Crash(seed);
        std::vector<std::string> seen;
        ReplaySummary summary;
        auto again = Log::Open(
            SmallLog(sync), simulated.env(),
            [&](const LogRecord& record) {
              seen.emplace_back(record.payload);
              return Status::Ok();
            },
            &summary);
        ASSERT_TRUE(again.ok()) << again.status().ToString();
        ASSERT_GE(seen.size(), durable) << "seed " << seed;
        ASSERT_LE(seen.size(), written.size());
        written.resize(seen.size());
        EXPECT_TRUE(seen == written) << "seed " << seed;
        if (sync == SyncMode::kInterval) {
          EXPECT_GE(durable, 56u) << "a sync each second";
        }
        EXPECT_EQ(summary.damaged_blocks + summary.lost_records, 0u) << "seed " << seed;
      }
    }
  }
}

// One fixed scenario with a fault at the `nth` call of `operation`; true when the fault fired.
Status ScenarioWithFault(FileOperation operation, uint64_t nth, FileFault fault, uint64_t count,
                         SyncMode sync, bool* fired) {
  SimulatedEnv simulated(nth);
  SeededRandom random(nth);
  LogOracle oracle(simulated, SmallLog(sync));
  oracle.AllowGaps();
  simulated.files.FailNth(operation, nth, fault, count);
  Status status = oracle.Open();
  if (status.code() == Code::kInternal) return status;
  for (int step = 0; status.ok() && step < 36; ++step) {
    Status appended = oracle.Append(RandomSize(random));
    if (!appended.ok() && !oracle.log().TryReopen().ok()) break;
    // Truncation may fail; what it released must not matter.
    if (step % 12 == 11 && !oracle.Truncate(random.Next()).ok()) continue;
  }
  *fired = simulated.files.faults_fired() > 0;
  simulated.files.ClearFaults();
  oracle.Drop();
  simulated.files.Crash(nth);
  RETURN_IF_ERROR(oracle.Open());
  // And it still works.
  return oracle.Append(1000);
}

struct FaultCase {
  const char* name;
  FileOperation operation;
};

class FailingDisk : public testing::TestWithParam<FaultCase> {};

TEST_P(FailingDisk, NothingAcknowledgedIsLostWhicheverCallFails) {
  for (const FileFault fault : {FileFault::kIo, FileFault::kNoSpace, FileFault::kShortWrite}) {
    for (const uint64_t count : {1, 1000}) {
      bool fired = true;
      uint64_t nth = 1;
      for (; fired; ++nth) {
        ASSERT_LT(nth, 3000u);
        const Status status =
            ScenarioWithFault(GetParam().operation, nth, fault, count, SyncMode::kAlways, &fired);
        ASSERT_TRUE(status.ok()) << "call " << nth << ", " << count << " failures of kind "
                                 << static_cast<int>(fault) << ": " << status.ToString();
      }
      EXPECT_GT(nth, 2u) << "no call was made";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Each, FailingDisk,
                         testing::Values(FaultCase{"Write", FileOperation::kWrite},
                                         FaultCase{"Sync", FileOperation::kSync},
                                         FaultCase{"OpenWrite", FileOperation::kOpenWrite},
                                         FaultCase{"Rename", FileOperation::kRename},
                                         FaultCase{"Remove", FileOperation::kRemove},
                                         FaultCase{"SyncDirectory", FileOperation::kSyncDirectory},
                                         FaultCase{"Preallocate", FileOperation::kPreallocate},
                                         FaultCase{"Any", FileOperation::kAny}),
                         [](const auto& param) { return param.param.name; });

TEST(FailingDisk, AFileThatCannotBeReadStopsTheOpeningAndLosesNothing) {
  for (const FileOperation operation :
       {FileOperation::kOpenRead, FileOperation::kRead, FileOperation::kList}) {
    SimulatedEnv simulated;
    LogOracle oracle(simulated, SmallLog());
    ASSERT_TRUE(oracle.Open().ok());
    for (int i = 0; i < 30; ++i) ASSERT_TRUE(oracle.Append(9000).ok());
    bool fired = true;
    uint64_t failures = 0;
    for (uint64_t nth = 1; fired; ++nth) {
      oracle.Drop();
      simulated.files.ClearFaults();
      simulated.files.FailNth(operation, nth, FileFault::kIo);
      const Status status = oracle.Open();
      fired = simulated.files.faults_fired() > 0;
      ASSERT_EQ(status.code(), fired ? Code::kIo : Code::kOk) << status.ToString();
      failures += fired ? 1 : 0;
    }
    EXPECT_GE(failures, 1u);
    EXPECT_EQ(oracle.replayed(), 30u);
  }
}

TEST(FullDisk, RefusesAndRecoversWithoutARestart) {
  SimulatedEnv simulated;
  simulated.files.SetCapacity(200'000);
  LogOracle oracle(simulated, SmallLog());
  oracle.AllowGaps();
  ASSERT_TRUE(oracle.Open().ok());
  Status status;
  for (int i = 0; status.ok() && i < 1000; ++i) status = oracle.Append(2000);
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_FALSE(oracle.log().writable(nullptr));
  EXPECT_FALSE(oracle.log().Enqueue(RecordType::kSamples, "x").ok());
  EXPECT_FALSE(oracle.log().TryReopen().ok());
  simulated.files.SetCapacity(400'000);
  ASSERT_TRUE(oracle.log().TryReopen().ok());
  EXPECT_TRUE(oracle.log().writable(nullptr));
  ASSERT_TRUE(oracle.Append(2000).ok());
  oracle.Drop();
  simulated.files.Crash(1);
  EXPECT_TRUE(oracle.Open().ok());
}

}  // namespace
}  // namespace thermocline::wal
