#include "wal/log.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <memory>

#include "base/time.h"
#include "env/background_thread.h"
#include "env/posix/posix_env.h"
#include "env/simulated/simulated_env.h"
#include "wal/format.h"
#include "wal/log_oracle.h"

namespace thermocline {
namespace {

using wal::PayloadOf;

LogOptions SmallLog() {
  LogOptions options;
  options.directory = "/wal";
  options.segment_size_bytes = 64 * 1024;
  options.inline_commit = true;
  return options;
}

struct Replay {
  std::vector<std::pair<uint64_t, std::string>> records;
  ReplaySummary summary;
  std::unique_ptr<Log> log;
  Status status;
};

Replay Open(Env env, const LogOptions& options) {
  Replay out;
  auto log = Log::Open(
      options, env,
      [&](const LogRecord& record) {
        out.records.emplace_back(record.lsn.number, record.payload);
        return Status::Ok();
      },
      &out.summary);
  out.status = log.status();
  if (log.ok()) out.log = *std::move(log);
  return out;
}

// Enqueues and waits; the LSN.
uint64_t MustAppend(Log& log, std::string payload) {
  const auto lsn = log.Enqueue(RecordType::kSamples, std::move(payload));
  CHECK_OK(lsn.status());
  CHECK_OK(log.Wait(*lsn));
  return lsn->number;
}

double MetricValue(Metrics& metrics, std::string_view name) {
  for (const MetricFamily& family : metrics.Collect()) {
    if (family.name == name) return family.points[0].value;
  }
  ADD_FAILURE() << "no metric " << name;
  return 0;
}

TEST(Log, ReplaysWhatWasWrittenWithTypesAndNumbers) {
  SimulatedEnv simulated;
  {
    Replay first = Open(simulated.env(), SmallLog());
    ASSERT_TRUE(first.status.ok()) << first.status.ToString();
    EXPECT_EQ(first.log->Enqueue(RecordType::kSeries, "series")->number, 1u);
    EXPECT_EQ(first.log->Enqueue(RecordType::kMark, "")->number, 2u);
    ASSERT_TRUE(first.log->Wait(Lsn(2)).ok());
    EXPECT_EQ(first.log->last_durable().number, 2u);
    ASSERT_TRUE(first.log->Close().ok());
  }
  std::vector<LogRecord> records;
  ReplaySummary summary;
  auto log = Log::Open(
      SmallLog(), simulated.env(),
      [&](const LogRecord& record) {
        records.push_back(record);
        return Status::Ok();
      },
      &summary);
  ASSERT_TRUE(log.ok());
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].type, RecordType::kSeries);
  EXPECT_EQ(records[1].type, RecordType::kMark);
  EXPECT_EQ(records[1].lsn.number, 2u);
  EXPECT_EQ(records[1].segment.number, 1u);
  EXPECT_EQ(summary.records, 2u);
  EXPECT_EQ(summary.torn_bytes + summary.damaged_blocks + summary.lost_records, 0u);
}

TEST(Log, SplitsLargeRecordsOverBlocksAndSegments) {
  SimulatedEnv simulated;
  std::vector<std::string> written;
  for (int life = 0; life < 3; ++life) {
    Replay replay = Open(simulated.env(), SmallLog());
    ASSERT_TRUE(replay.status.ok());
    ASSERT_EQ(replay.records.size(), written.size());
    for (size_t i = 0; i < written.size(); ++i) EXPECT_EQ(replay.records[i].second, written[i]);
    EXPECT_EQ(replay.summary.damaged_blocks + replay.summary.torn_bytes, 0u);
    // Around the ends of blocks, where fragments are cut and padded, and far beyond a segment.
    for (const size_t size : {0, 1, 32679, 32680, 32681, 32700, 64 * 1024, 300'000, 7}) {
      written.push_back(PayloadOf(written.size(), size));
      MustAppend(*replay.log, written.back());
    }
    for (size_t size = 0; size < 40; ++size) {
      written.push_back(PayloadOf(written.size(), 32 * 1024 - 60 - size));
      MustAppend(*replay.log, written.back());
    }
  }
}

TEST(Log, ALifeWithoutRecordsKeepsTheNumbers) {
  SimulatedEnv simulated;
  MustAppend(*Open(simulated.env(), SmallLog()).log, "one");
  for (int i = 0; i < 3; ++i) Open(simulated.env(), SmallLog());
  Replay replay = Open(simulated.env(), SmallLog());
  EXPECT_EQ(MustAppend(*replay.log, "two"), 2u);
  EXPECT_EQ(replay.summary.lost_records, 0u);
}

TEST(Log, NumbersStartAtTheRequestedMinimum) {
  SimulatedEnv simulated;
  LogOptions options = SmallLog();
  MustAppend(*Open(simulated.env(), options).log, "one");
  options.min_next_lsn = Lsn(100);
  Replay second = Open(simulated.env(), options);
  EXPECT_EQ(MustAppend(*second.log, "hundred"), 100u);
  second.log.reset();
  Replay third = Open(simulated.env(), options);
  EXPECT_EQ(third.summary.lost_records, 0u) << "skipped numbers are not lost records";
  EXPECT_EQ(third.summary.damaged_blocks, 0u);
  EXPECT_EQ(MustAppend(*third.log, "next"), 101u);
}

TEST(Log, SettlesEveryRecordOnceAndInOrder) {
  SimulatedEnv simulated;
  Replay replay = Open(simulated.env(), SmallLog());
  std::vector<std::pair<uint64_t, uint64_t>> settled;
  replay.log->OnSettled([&](Lsn first, Lsn last, const Status& outcome) {
    EXPECT_TRUE(outcome.ok());
    settled.emplace_back(first.number, last.number);
  });
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(replay.log->Enqueue(RecordType::kMark, "x").ok());
  ASSERT_TRUE(replay.log->Wait(Lsn(1)).ok());
  MustAppend(*replay.log, "y");
  EXPECT_EQ(settled, (std::vector<std::pair<uint64_t, uint64_t>>{{1, 3}, {4, 4}}));
}

// Sizes of the files whose names `parse` knows.
template <typename Parse>
std::vector<uint64_t> SizesOf(SimulatedEnv& simulated, const Parse& parse) {
  std::vector<uint64_t> sizes;
  const auto listed = simulated.files.List("/wal");
  CHECK_OK(listed.status());
  for (const auto& entry : *listed) {
    if (!parse(entry.name)) continue;
    const auto info = simulated.files.Stat(JoinPath("/wal", entry.name));
    CHECK_OK(info.status());
    sizes.push_back(info->size_bytes);
  }
  return sizes;
}
std::vector<uint64_t> SegmentSizes(SimulatedEnv& simulated) {
  return SizesOf(simulated, wal::ParseSegmentName);
}
std::vector<uint64_t> SpareSizes(SimulatedEnv& simulated) {
  return SizesOf(simulated, wal::ParseSpareName);
}

TEST(Log, TruncationFreesSegments) {
  SimulatedEnv simulated;
  Replay replay = Open(simulated.env(), SmallLog());
  Log& log = *replay.log;
  for (int i = 0; i < 40; ++i) MustAppend(log, PayloadOf(i, 10'000));
  EXPECT_GT(log.size_bytes(), 400'000u);
  const auto fresh = log.StartSegment();
  ASSERT_TRUE(fresh.ok());
  EXPECT_EQ(*fresh, log.current_segment());
  EXPECT_EQ(*log.StartSegment(), *fresh) << "an empty segment is current already";
  EXPECT_LT(log.SegmentOf(Lsn(1)), log.SegmentOf(Lsn(40)));
  ASSERT_TRUE(log.TruncateBefore(*fresh).ok());
  EXPECT_TRUE(SpareSizes(simulated).empty()) << "a log with nothing in it keeps nothing";
  EXPECT_EQ(SegmentSizes(simulated), std::vector<uint64_t>{88}) << "a header";
  EXPECT_EQ(log.size_bytes(), 88u);
  EXPECT_EQ(MustAppend(log, "after"), 41u);
  replay.log.reset();
  Replay again = Open(simulated.env(), SmallLog());
  ASSERT_EQ(again.records.size(), 1u);
  EXPECT_EQ(again.records[0].second, "after");
  EXPECT_EQ(again.summary.lost_records, 0u);
}

// A busy log after a flush that took as long as it takes to fill some segments.
std::unique_ptr<Log> BusyLogWithTwoSpares(SimulatedEnv& simulated) {
  Replay replay = Open(simulated.env(), SmallLog());
  for (int i = 0; i < 40; ++i) MustAppend(*replay.log, PayloadOf(i, 10'000));
  const auto fresh = replay.log->StartSegment();
  CHECK_OK(fresh.status());
  for (int i = 0; i < 20; ++i) MustAppend(*replay.log, PayloadOf(i, 10'000));
  CHECK_OK(replay.log->TruncateBefore(*fresh));
  return std::move(replay.log);
}

TEST(Log, ABusyLogRecyclesTwoSegmentsAndLetsThemGoWhenIdle) {
  SimulatedEnv simulated;
  const auto log = BusyLogWithTwoSpares(simulated);
  EXPECT_EQ(SpareSizes(simulated).size(), 2u);
  simulated.clock.Advance(9 * kSecondMs);
  log->DropIdleSpares();
  EXPECT_EQ(SpareSizes(simulated).size(), 2u);
  simulated.clock.Advance(kSecondMs);
  log->DropIdleSpares();
  EXPECT_TRUE(SpareSizes(simulated).empty());
}

TEST(Log, ABusyLogThatBecomesSlowLetsItsSparesGo) {
  SimulatedEnv simulated;
  const auto log = BusyLogWithTwoSpares(simulated);
  for (int i = 0; i < 30; ++i) {
    simulated.clock.Advance(kSecondMs);
    MustAppend(*log, "slow");
    log->DropIdleSpares();
  }
  EXPECT_EQ(SpareSizes(simulated).size(), 2u);
  simulated.clock.Advance(kSecondMs);
  log->DropIdleSpares();
  EXPECT_TRUE(SpareSizes(simulated).empty());
}

TEST(Log, StaleRecordsOfARecycledSegmentNeverReplay) {
  SimulatedEnv simulated;
  Replay replay = Open(simulated.env(), SmallLog());
  for (int round = 0; round < 5; ++round) {
    Log& log = *replay.log;
    const std::string name = "round " + std::to_string(round) + " ";
    uint64_t last = 0;
    for (int i = 0; i < 30; ++i) last = MustAppend(log, name + PayloadOf(i, 10'000));
    ASSERT_TRUE(log.TruncateBefore(log.SegmentOf(Lsn(last))).ok());
    ASSERT_EQ(SpareSizes(simulated).size(), 2u);
    // Into both of them, which are full of the records above.
    for (int i = 0; i < 2; ++i) MustAppend(log, name + PayloadOf(i, 50'000));
    ASSERT_EQ(log.current_segment().number, log.SegmentOf(Lsn(last)).number + 2);
    replay.log.reset();
    std::vector<uint64_t> lsns;
    replay = Open(simulated.env(), SmallLog());
    EXPECT_EQ(replay.summary.torn_bytes + replay.summary.damaged_blocks, 0u) << "round " << round;
    EXPECT_EQ(replay.summary.lost_records, 0u) << "round " << round;
    ASSERT_EQ(replay.records.back().first, last + 2) << "round " << round;
    for (const auto& [lsn, payload] : replay.records) {
      EXPECT_TRUE(payload.starts_with(name)) << "record " << lsn << " in round " << round;
    }
    ASSERT_TRUE(replay.log->TruncateBefore(*replay.log->StartSegment()).ok());
  }
}

TEST(Log, PreparesASpareBeforeTheSegmentIsFull) {
  SimulatedEnv simulated;
  Replay replay = Open(simulated.env(), SmallLog());
  MustAppend(*replay.log, PayloadOf(1, 50'000));
  EXPECT_TRUE(simulated.files.Exists(JoinPath("/wal", wal::SpareName(2))));
  MustAppend(*replay.log, PayloadOf(1, 50'000));
  EXPECT_FALSE(simulated.files.Exists(JoinPath("/wal", wal::SpareName(2))));
  EXPECT_EQ(replay.log->current_segment().number, 2u);
}

// Four fill a segment of the first size but for the headers.
constexpr uint64_t kQuarter = 64 << 10;

LogOptions DefaultSizes() {
  LogOptions options = SmallLog();
  options.segment_size_bytes = 16 * kQuarter;
  return options;
}

TEST(Log, SegmentsDoubleWhileTheyFillFastAndStartSmallAgainAfterAFlush) {
  SimulatedEnv simulated;
  Replay replay = Open(simulated.env(), DefaultSizes());
  for (int i = 0; i < 50; ++i) MustAppend(*replay.log, PayloadOf(i, kQuarter));
  // 3 records, 7, 15, 15 and 10: each segment's header and fragments take some of its size.
  std::vector<uint64_t> sizes = SegmentSizes(simulated);
  ASSERT_EQ(sizes.size(), 5u);
  EXPECT_LE(sizes[0], 4 * kQuarter);
  EXPECT_GT(sizes[0], 3 * kQuarter);
  EXPECT_EQ(sizes[1], 8 * kQuarter) << "a prepared spare has the size of its segment";
  EXPECT_EQ(sizes[2], 16 * kQuarter);
  EXPECT_EQ(sizes[3], 16 * kQuarter) << "no segment is larger than the option says";
  const auto fresh = replay.log->StartSegment();
  ASSERT_TRUE(fresh.ok());
  ASSERT_TRUE(replay.log->TruncateBefore(*fresh).ok());
  EXPECT_LT(replay.log->size_bytes(), 100u);
  EXPECT_TRUE(SpareSizes(simulated).empty());
  for (int i = 0; i < 4; ++i) MustAppend(*replay.log, PayloadOf(i, kQuarter));
  EXPECT_EQ(replay.log->current_segment().number, fresh->number + 1);
  replay.log.reset();
  Replay again = Open(simulated.env(), DefaultSizes());
  EXPECT_EQ(again.records.size(), 4u);
  EXPECT_EQ(again.summary.lost_records + again.summary.damaged_blocks, 0u);
}

TEST(Log, ASlowLogStaysSmallAndKeepsNoSpares) {
  SimulatedEnv simulated;
  Replay replay = Open(simulated.env(), DefaultSizes());
  for (int i = 0; i < 30; ++i) {
    MustAppend(*replay.log, PayloadOf(i, kQuarter));
    // The first half of a segment fills in 13 s once, as if the next would have to be larger.
    simulated.clock.Advance(i == 6 ? 13 * kSecondMs : 20 * kSecondMs);
  }
  for (const uint64_t size : SegmentSizes(simulated)) EXPECT_LE(size, 4 * kQuarter);
  EXPECT_TRUE(SpareSizes(simulated).empty());
  ASSERT_TRUE(replay.log->TruncateBefore(*replay.log->StartSegment()).ok());
  EXPECT_TRUE(SpareSizes(simulated).empty());
  EXPECT_LT(replay.log->size_bytes(), 64 * 1024u);
  replay.log.reset();
  EXPECT_EQ(Open(simulated.env(), DefaultSizes()).records.size(), 0u);
}

TEST(Log, SparesOfABusierLifeGoAtOpening) {
  SimulatedEnv simulated;
  {
    Replay replay = Open(simulated.env(), DefaultSizes());
    for (int i = 0; i < 25; ++i) MustAppend(*replay.log, PayloadOf(i, kQuarter));
    EXPECT_EQ(SpareSizes(simulated), std::vector<uint64_t>{16 * kQuarter});
  }
  Replay again = Open(simulated.env(), DefaultSizes());
  EXPECT_TRUE(SpareSizes(simulated).empty());
  EXPECT_EQ(again.records.size(), 25u);
}

TEST(Log, RefusesWhatIsTooLargeAndWhatTheQueueCannotHold) {
  SimulatedEnv simulated;
  LogOptions options = SmallLog();
  options.max_record_bytes = 1000;
  options.max_pending_bytes = 1500;
  Replay replay = Open(simulated.env(), options);
  Log& log = *replay.log;
  EXPECT_EQ(log.Enqueue(RecordType::kMark, std::string(1001, 'x')).status().code(),
            Code::kInvalidArgument);
  ASSERT_TRUE(log.Enqueue(RecordType::kMark, std::string(1000, 'x')).ok());
  EXPECT_EQ(log.Enqueue(RecordType::kMark, std::string(1000, 'x')).status().code(),
            Code::kUnavailable);
  ASSERT_TRUE(log.Wait(Lsn(1)).ok());
  EXPECT_EQ(MustAppend(log, std::string(1000, 'x')), 2u);
  EXPECT_EQ(log.Wait(Lsn(3)).code(), Code::kInvalidArgument);
}

TEST(Log, RefusesBadOptions) {
  SimulatedEnv simulated;
  LogOptions options = SmallLog();
  options.segment_size_bytes = 100'000;
  EXPECT_EQ(Open(simulated.env(), options).status.code(), Code::kInvalidArgument);
  options = SmallLog();
  options.directory = "";
  EXPECT_EQ(options.Validate().code(), Code::kInvalidArgument);
  options = SmallLog();
  options.sync = SyncMode::kInterval;
  options.sync_interval_ms = 0;
  EXPECT_EQ(options.Validate().code(), Code::kInvalidArgument);
}

TEST(Log, IsOpenedOnlyOnce) {
  SimulatedEnv simulated;
  Replay first = Open(simulated.env(), SmallLog());
  EXPECT_EQ(Open(simulated.env(), SmallLog()).status.code(), Code::kUnavailable);
  first.log.reset();
  EXPECT_TRUE(Open(simulated.env(), SmallLog()).status.ok());
}

TEST(Log, AnErrorOfTheReplayEndsTheOpening) {
  SimulatedEnv simulated;
  MustAppend(*Open(simulated.env(), SmallLog()).log, "x");
  ReplaySummary summary;
  const auto log = Log::Open(
      SmallLog(), simulated.env(), [](const LogRecord&) { return Status::Corruption("bad"); },
      &summary);
  EXPECT_EQ(log.status().message(), "bad");
}

TEST(Log, StopsAtTheFreeSpaceFloorAndReopensAboveIt) {
  SimulatedEnv simulated;
  simulated.files.SetCapacity(1'000'000);
  LogOptions options = SmallLog();
  options.free_space_floor_bytes = 500'000;
  Replay replay = Open(simulated.env(), options);
  Log& log = *replay.log;
  std::vector<uint64_t> failed;
  log.OnSettled([&](Lsn first, Lsn last, const Status& outcome) {
    for (uint64_t lsn = first.number; !outcome.ok() && lsn <= last.number; ++lsn) {
      failed.push_back(lsn);
    }
  });
  Status status;
  uint64_t last = 0;
  while (status.ok()) {
    const auto lsn = log.Enqueue(RecordType::kSamples, PayloadOf(1, 20'000));
    ASSERT_TRUE(lsn.ok());
    last = lsn->number;
    status = log.Wait(*lsn);
  }
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_EQ(failed, std::vector<uint64_t>{last});
  EXPECT_GE(*simulated.files.FreeSpace("/"), 400'000u);
  std::string reason;
  EXPECT_FALSE(log.writable(&reason));
  EXPECT_NE(reason.find("floor"), std::string::npos) << reason;
  EXPECT_EQ(log.TryReopen().code(), Code::kUnavailable);
  simulated.files.SetCapacity(2'000'000);
  ASSERT_TRUE(log.TryReopen().ok());
  EXPECT_EQ(MustAppend(log, "again"), last + 1);
  replay.log.reset();
  Replay again = Open(simulated.env(), options);
  EXPECT_EQ(again.records.back().second, "again");
  EXPECT_EQ(again.records.size(), last) << "all but the one that was given up";
  EXPECT_EQ(again.summary.lost_records, 0u) << "what was given up is not lost";
}

TEST(Log, AFailedSyncMovesToANewSegmentAndIsNotTriedAgain) {
  SimulatedEnv simulated;
  Replay replay = Open(simulated.env(), SmallLog());
  MustAppend(*replay.log, "first");
  const SegmentId before = replay.log->current_segment();
  simulated.files.FailNext(FileOperation::kSync, FileFault::kIo);
  MustAppend(*replay.log, "second");
  EXPECT_GT(replay.log->current_segment(), before);
  EXPECT_EQ(MetricValue(simulated.metrics, "thermocline_wal_failures_total"), 1);
  simulated.files.CutPowerAfter(0);
  replay.log.reset();
  simulated.files.Crash(3);
  Replay again = Open(simulated.env(), SmallLog());
  ASSERT_EQ(again.records.size(), 2u);
  EXPECT_EQ(again.records[1].second, "second");
  EXPECT_EQ(again.summary.damaged_blocks + again.summary.lost_records, 0u);
}

TEST(Log, WhatWasGivenUpNeverReplaysAlthoughItsBytesAreThere) {
  SimulatedEnv simulated;
  Replay replay = Open(simulated.env(), SmallLog());
  MustAppend(*replay.log, "first");
  // The sync of the record fails, then that of the new segment's header.
  simulated.files.FailNth(FileOperation::kSync, 1, FileFault::kIo, 2);
  const auto refused = replay.log->Enqueue(RecordType::kSamples, "second");
  ASSERT_TRUE(refused.ok());
  EXPECT_EQ(replay.log->Wait(*refused).code(), Code::kUnavailable);
  ASSERT_TRUE(replay.log->TryReopen().ok());
  EXPECT_EQ(MustAppend(*replay.log, "third"), 3u);
  EXPECT_EQ(replay.log->Wait(*refused).code(), Code::kUnavailable) << "also when asked later";
  replay.log.reset();
  const std::string old =
      *simulated.files.ReadFile(JoinPath("/wal", wal::SegmentName(SegmentId(1))));
  ASSERT_NE(old.find("second"), std::string::npos);
  const Replay again = Open(simulated.env(), SmallLog());
  EXPECT_EQ(again.records,
            (std::vector<std::pair<uint64_t, std::string>>{{1, "first"}, {3, "third"}}));
  EXPECT_EQ(again.summary.lost_records + again.summary.damaged_blocks, 0u);
}

TEST(Log, CountsWhatItDoes) {
  SimulatedEnv simulated;
  Replay replay = Open(simulated.env(), SmallLog());
  MustAppend(*replay.log, "12345");
  MustAppend(*replay.log, "678");
  EXPECT_EQ(MetricValue(simulated.metrics, "thermocline_wal_records_total"), 2);
  EXPECT_EQ(MetricValue(simulated.metrics, "thermocline_wal_bytes_total"), 8);
  EXPECT_EQ(MetricValue(simulated.metrics, "thermocline_wal_last_durable_lsn"), 2);
  EXPECT_EQ(MetricValue(simulated.metrics, "thermocline_wal_writable"), 1);
  EXPECT_GT(MetricValue(simulated.metrics, "thermocline_wal_size_bytes"), 8);
}

TEST(Log, TellsItsSyncMode) {
  SimulatedEnv simulated;
  LogOptions options = SmallLog();
  options.sync = SyncMode::kInterval;
  options.sync_interval_ms = 2500;
  const Replay replay = Open(simulated.env(), options);
  EXPECT_EQ(MetricValue(simulated.metrics, "thermocline_wal_sync_interval_seconds"), 2.5);
  std::map<std::string, double> modes;
  for (const MetricFamily& family : simulated.metrics.Collect()) {
    if (family.name != "thermocline_wal_sync_mode") continue;
    for (const MetricPoint& point : family.points) modes[point.labels[0].second] = point.value;
  }
  EXPECT_EQ(modes, (std::map<std::string, double>{{"always", 0}, {"interval", 1}, {"os", 0}}));
}

// On the machine's own files with the committer thread: many writers, one order.
TEST(Log, CommitsInGroupsForManyWriters) {
  char folder[] = "/tmp/thermocline_log_XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  constexpr int kWriters = 8;
  constexpr int kEach = 200;
  LogOptions options;
  options.directory = JoinPath(folder, "wal");
  options.segment_size_bytes = 256 * 1024;
  PosixEnv machine(LogFormat::kLogfmt, LogLevel::kError, 2);
  std::map<uint64_t, std::string> written;
  uint64_t groups = 0;
  uint64_t next = 1;
  {
    Replay replay = Open(machine.env(), options);
    ASSERT_TRUE(replay.status.ok()) << replay.status.ToString();
    replay.log->OnSettled([&](Lsn first, Lsn last, const Status& outcome) {
      EXPECT_TRUE(outcome.ok());
      EXPECT_EQ(first.number, next);
      next = last.number + 1;
      ++groups;
    });
    Mutex mutex;
    std::vector<std::unique_ptr<BackgroundThread>> writers;
    for (int w = 0; w < kWriters; ++w) {
      writers.push_back(std::make_unique<BackgroundThread>("writer", [&, w] {
        for (int i = 0; i < kEach; ++i) {
          std::string payload =
              PayloadOf(static_cast<uint64_t>(w) * kEach + static_cast<uint64_t>(i), 2000);
          const auto lsn = replay.log->Enqueue(RecordType::kSamples, payload);
          ASSERT_TRUE(lsn.ok());
          ASSERT_TRUE(replay.log->Wait(*lsn).ok());
          EXPECT_GE(replay.log->last_durable(), *lsn);
          MutexLock lock(mutex);
          written[lsn->number] = std::move(payload);
        }
      }));
    }
    writers.clear();
    ASSERT_TRUE(replay.log->Close().ok());
  }
  EXPECT_EQ(next, kWriters * kEach + 1u);
  EXPECT_LT(groups, static_cast<uint64_t>(kWriters * kEach)) << "no two records shared a sync";
  Replay again = Open(machine.env(), options);
  ASSERT_EQ(again.records.size(), written.size());
  for (const auto& [lsn, payload] : again.records) EXPECT_EQ(payload, written[lsn]);
  again.log.reset();
  for (const std::string& name : {std::string("wal"), std::string()}) {
    const std::string path = JoinPath(folder, name);
    const auto entries = machine.files.List(path);
    for (const auto& entry : *entries) {
      EXPECT_TRUE(machine.files.RemoveFile(JoinPath(path, entry.name)).ok());
    }
    EXPECT_TRUE(machine.files.RemoveDirectory(path).ok());
  }
}

}  // namespace
}  // namespace thermocline
