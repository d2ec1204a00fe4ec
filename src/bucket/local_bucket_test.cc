#include "bucket/local_bucket.h"

#include <gtest/gtest.h>

#include "env/failpoint.h"
#include "env/simulated/simulated_file_system.h"

namespace thermocline {
namespace {

constexpr char kRoot[] = "data/cold";

std::string Content(size_t size, char first) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(first + i * 7);
  return bytes;
}

TEST(LocalBucket, ReadsBackWhatWasPut) {
  SimulatedFileSystem files;
  LocalBucket bucket(files, kRoot);
  ASSERT_TRUE(bucket.Put("samples/date=2026-11-21/a.parquet", Content(1000, 1)).ok());
  auto object = bucket.Open("samples/date=2026-11-21/a.parquet");
  ASSERT_TRUE(object.ok()) << object.status().ToString();
  EXPECT_EQ((*object)->size_bytes(), 1000u);
  const std::vector<ByteRange> ranges = {{0, 4}, {996, 4}, {500, 0}};
  std::vector<std::string> out;
  ASSERT_TRUE((*object)->ReadRanges(ranges, &out).ok());
  EXPECT_EQ(out[0], Content(1000, 1).substr(0, 4));
  EXPECT_EQ(out[1], Content(1000, 1).substr(996));
  EXPECT_EQ(out[2], "");
  EXPECT_EQ(bucket.counters().read_requests, 3u);
  EXPECT_EQ(bucket.counters().read_bytes, 8u);
  EXPECT_EQ(bucket.counters().write_requests, 1u);
  EXPECT_EQ(bucket.counters().written_bytes, 1000u);
}

TEST(LocalBucket, ListsByPrefixInOrderWithoutUnfinishedWrites) {
  SimulatedFileSystem files;
  LocalBucket bucket(files, kRoot);
  EXPECT_TRUE(bucket.List("").value().empty());
  for (const char* key : {"b/2", "a/x", "b/1", "bc", "b/sub/3"}) {
    ASSERT_TRUE(bucket.Put(key, key).ok());
  }
  auto unfinished = bucket.NewWriter("b/0");
  ASSERT_TRUE(unfinished.ok());
  ASSERT_TRUE((*unfinished)->Append("half").ok());
  std::vector<std::string> keys;
  const std::vector<ObjectInfo> found = bucket.List("b/").value();
  for (const ObjectInfo& info : found) {
    keys.push_back(info.key);
    EXPECT_EQ(info.size_bytes, info.key.size());
  }
  EXPECT_EQ(keys, (std::vector<std::string>{"b/1", "b/2", "b/sub/3"}));
  EXPECT_EQ(bucket.List("b").value().size(), 4u);
  EXPECT_EQ(bucket.List("").value().size(), 5u);
}

TEST(LocalBucket, RefusesKeysThatLeaveTheFolder) {
  SimulatedFileSystem files;
  LocalBucket bucket(files, kRoot);
  for (const char* key : {"", "/etc/passwd", "../x", "a/../../x", "a//b", "a/.", "x.tmp"}) {
    EXPECT_EQ(bucket.Put(key, "x").code(), Code::kInvalidArgument) << key;
    EXPECT_EQ(bucket.Open(key).status().code(), Code::kInvalidArgument) << key;
    EXPECT_EQ(bucket.Remove(key).code(), Code::kInvalidArgument) << key;
  }
}

TEST(LocalBucket, RangesBeyondTheEndAreOutOfRange) {
  SimulatedFileSystem files;
  LocalBucket bucket(files, kRoot);
  ASSERT_TRUE(bucket.Put("a", "0123456789").ok());
  auto object = bucket.Open("a");
  EXPECT_EQ((*object)->Read(8, 3).status().code(), Code::kOutOfRange);
  EXPECT_EQ((*object)->Read(11, 0).status().code(), Code::kOutOfRange);
  EXPECT_EQ((*object)->Read(UINT64_MAX, 2).status().code(), Code::kOutOfRange);
  // A manifest that promises more than the file has.
  auto promised = bucket.Open("a", 20);
  EXPECT_EQ((*promised)->Read(8, 3).status().code(), Code::kOutOfRange);
}

TEST(LocalBucket, AnOpenObjectKeepsItsVersion) {
  SimulatedFileSystem files;
  LocalBucket bucket(files, kRoot);
  ASSERT_TRUE(bucket.Put("a", "old").ok());
  auto object = bucket.Open("a");
  ASSERT_TRUE(bucket.Put("a", "newer").ok());
  EXPECT_EQ((*object)->Read(0, 3).value(), "old");
  EXPECT_EQ(bucket.Get("a").value(), "newer");
  ASSERT_TRUE(bucket.Remove("a").ok());
  EXPECT_EQ((*object)->Read(0, 3).value(), "old");
  EXPECT_EQ(bucket.Get("a").status().code(), Code::kNotFound);
  EXPECT_EQ(bucket.Remove("a").code(), Code::kNotFound);
}

TEST(LocalBucket, PutIfCreatesOnlyOnceAndSwapsOnlyTheExpectedVersion) {
  SimulatedFileSystem files;
  LocalBucket bucket(files, kRoot);
  auto first = bucket.PutIf("MANIFEST", "one", "");
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(bucket.PutIf("MANIFEST", "two", "").status().code(), Code::kAlreadyExists);
  auto second = bucket.PutIf("MANIFEST", "two", *first);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(bucket.PutIf("MANIFEST", "three", *first).status().code(), Code::kAlreadyExists);
  EXPECT_EQ(bucket.Get("MANIFEST").value(), "two");
  EXPECT_EQ((*bucket.Open("MANIFEST").value()).Version().value(), *second);
}

TEST(LocalBucket, AbortAndDestructionLeaveNothingBehind) {
  SimulatedFileSystem files;
  LocalBucket bucket(files, kRoot);
  {
    auto writer = bucket.NewWriter("a");
    ASSERT_TRUE((*writer)->Append(Content(1 << 20, 3)).ok());
  }
  auto writer = bucket.NewWriter("a");
  ASSERT_TRUE((*writer)->Append("x").ok());
  (*writer)->Abort();
  EXPECT_EQ((*writer)->Append("y").code(), Code::kInvalidArgument);
  EXPECT_EQ((*writer)->Finish().code(), Code::kInvalidArgument);
  EXPECT_TRUE(files.TakeImage().empty());
}

TEST(LocalBucket, AppendsOfAnySizeArriveInOrder) {
  SimulatedFileSystem files;
  LocalBucket bucket(files, kRoot);
  auto writer = bucket.NewWriter("a");
  std::string expected;
  for (const size_t size : {1, 300000, 5, 262143, 1, 262144, 7, 100000, 100000, 100000}) {
    const std::string part = Content(size, static_cast<char>(size));
    ASSERT_TRUE((*writer)->Append(part).ok());
    expected += part;
  }
  ASSERT_TRUE((*writer)->Finish().ok());
  EXPECT_TRUE(bucket.Get("a").value() == expected);
}

TEST(LocalBucket, AFinishedObjectSurvivesAPowerCutAndAnUnfinishedOneIsNeverSeen) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    SimulatedFileSystem files;
    LocalBucket bucket(files, kRoot);
    ASSERT_TRUE(bucket.Put("x/y/done", Content(100000, 5)).ok());
    auto writer = bucket.NewWriter("x/z/half");
    ASSERT_TRUE((*writer)->Append(Content(600000, 9)).ok());
    files.Crash(seed);
    LocalBucket after(files, kRoot);
    EXPECT_TRUE(after.Get("x/y/done").value() == Content(100000, 5));
    EXPECT_EQ(after.List("").value().size(), 1u);
    ASSERT_TRUE(after.RemoveUnfinished().ok());
    EXPECT_EQ(files.TakeImage().size(), 1u);
  }
}

TEST(LocalBucket, ACutAtEveryCallLeavesTheOldOrTheNewObjectWhole) {
  for (uint64_t calls = 0; calls < 12; ++calls) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
      SCOPED_TRACE(testing::Message() << "calls " << calls << " seed " << seed);
      SimulatedFileSystem files;
      LocalBucket bucket(files, kRoot);
      ASSERT_TRUE(bucket.Put("a", Content(5000, 1)).ok());
      files.CutPowerAfter(calls);
      const Status put = bucket.Put("a", Content(9000, 2));
      files.Crash(seed);
      LocalBucket after(files, kRoot);
      const std::string found = after.Get("a").value();
      if (put.ok()) {
        EXPECT_TRUE(found == Content(9000, 2));
      } else {
        EXPECT_TRUE(found == Content(5000, 1) || found == Content(9000, 2));
      }
    }
  }
}

TEST(LocalBucket, FailpointsStopAPublishBeforeOrAfterTheNameChanges) {
  for (const char* name : {"bucket.before_sync", "bucket.before_rename", "bucket.after_rename"}) {
    SCOPED_TRACE(name);
    SimulatedFileSystem files;
    LocalBucket bucket(files, kRoot);
    ASSERT_TRUE(bucket.Put("a", "old").ok());
    ASSERT_TRUE(FailPoint::Arm(std::string(name) + "=error").ok());
    EXPECT_EQ(bucket.Put("a", "new").code(), Code::kIo);
    FailPoint::DisarmAll();
    const bool renamed = std::string(name) == "bucket.after_rename";
    EXPECT_EQ(bucket.Get("a").value(), renamed ? "new" : "old");
    EXPECT_EQ(files.TakeImage().size(), 1u);
  }
}

TEST(LocalBucket, AFullDiskIsReportedAndLeavesTheOldObject) {
  SimulatedFileSystem files;
  LocalBucket bucket(files, kRoot);
  ASSERT_TRUE(bucket.Put("a", "old").ok());
  files.SetCapacity(1000);
  EXPECT_EQ(bucket.Put("a", Content(5000, 1)).code(), Code::kResourceExhausted);
  EXPECT_EQ(bucket.Get("a").value(), "old");
  EXPECT_EQ(files.TakeImage().size(), 1u);
}

}  // namespace
}  // namespace thermocline
