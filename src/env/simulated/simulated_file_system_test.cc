#include "env/simulated/simulated_file_system.h"

#include <gtest/gtest.h>

#include <set>

#include "env/simulated/simulated_env.h"

namespace thermocline {
namespace {

constexpr uint64_t kSeeds = 200;

std::unique_ptr<WritableFile> Create(FileSystem& files, const std::string& path) {
  auto file = files.OpenForWrite(path, OpenMode::kCreateNew);
  CHECK_OK(file.status());
  return *std::move(file);
}

std::string Pattern(size_t size) {
  std::string bytes;
  for (size_t i = 0; i < size; ++i) bytes.push_back(static_cast<char>('a' + i / 512 % 26));
  return bytes;
}

TEST(SimulatedFileSystem, KeepsSyncedBytesUnderSyncedNames) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    SimulatedFileSystem files;
    ASSERT_TRUE(files.CreateDirectories("/d").ok());
    auto file = Create(files, "/d/a");
    ASSERT_TRUE(file->Append("durable").ok());
    ASSERT_TRUE(file->Sync().ok());
    ASSERT_TRUE(files.SyncDirectory("/d").ok());
    ASSERT_TRUE(files.SyncDirectory("/").ok());
    ASSERT_TRUE(file->Append("lost?").ok());
    files.Crash(seed);
    auto content = files.ReadFile("/d/a");
    ASSERT_TRUE(content.ok()) << "seed " << seed;
    EXPECT_EQ(content->substr(0, 7), "durable") << "seed " << seed;
    EXPECT_FALSE(file->Append("x").ok()) << "a handle from before the crash";
  }
}

TEST(SimulatedFileSystem, LosesUnsyncedNamesForSomeSeedsAndKeepsThemForOthers) {
  std::set<bool> outcomes;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    SimulatedFileSystem files;
    auto file = Create(files, "/a");
    ASSERT_TRUE(file->Append("x").ok());
    ASSERT_TRUE(file->Sync().ok());
    files.Crash(seed);
    outcomes.insert(files.Exists("/a"));
  }
  EXPECT_EQ(outcomes.size(), 2u);
}

TEST(SimulatedFileSystem, LosesADirectoryWhoseParentWasNotSynced) {
  std::set<bool> outcomes;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    SimulatedFileSystem files;
    ASSERT_TRUE(files.CreateDirectories("/d").ok());
    ASSERT_TRUE(files.WriteFileAtomically("/d/a", "x").ok());
    files.Crash(seed);
    outcomes.insert(files.Exists("/d/a"));
    EXPECT_EQ(files.Exists("/d"), files.Exists("/d/a"));
  }
  EXPECT_EQ(outcomes.size(), 2u);
}

TEST(SimulatedFileSystem, ARenameHappensAsAWhole) {
  std::set<std::string> outcomes;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    SimulatedFileSystem files;
    ASSERT_TRUE(files.WriteFileAtomically("/old", "1").ok());
    ASSERT_TRUE(files.Rename("/old", "/new").ok());
    files.Crash(seed);
    const bool old_there = files.Exists("/old");
    EXPECT_NE(old_there, files.Exists("/new")) << "seed " << seed;
    outcomes.insert(old_there ? "old" : "new");
  }
  EXPECT_EQ(outcomes.size(), 2u);
}

TEST(SimulatedFileSystem, TearsUnsyncedWritesAtSectors) {
  std::set<std::string> kinds;
  const std::string synced = Pattern(700);
  const std::string fresh(3000, '#');
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    SimulatedFileSystem files;
    ASSERT_TRUE(files.WriteFileAtomically("/a", synced).ok());
    auto file = files.OpenForWrite("/a", OpenMode::kKeep);
    ASSERT_TRUE((*file)->Append(fresh).ok());
    files.Crash(seed);
    const std::string got = *files.ReadFile("/a");
    ASSERT_EQ(got.substr(0, 700), synced) << "seed " << seed;
    const std::string tail = got.substr(700);
    // Sector by sector all new or all zero.
    for (size_t at = 0; at < tail.size();) {
      const size_t end = std::min(tail.size(), at + 512 - (700 + at) % 512);
      for (size_t i = at; i < end; ++i) ASSERT_EQ(tail[i], tail[at]) << "seed " << seed;
      at = end;
    }
    kinds.insert(tail.empty()                           ? "nothing"
                 : tail == fresh                        ? "everything"
                 : tail.find('\0') == std::string::npos ? "prefix"
                                                        : "holes");
  }
  EXPECT_EQ(kinds.size(), 4u);
}

TEST(SimulatedFileSystem, AFailedSyncLosesTheWritesForGood) {
  std::set<bool> outcomes;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    SimulatedFileSystem files;
    ASSERT_TRUE(files.WriteFileAtomically("/a", "1").ok());
    auto file = files.OpenForWrite("/a", OpenMode::kKeep);
    ASSERT_TRUE((*file)->Append("2").ok());
    files.FailNext(FileOperation::kSync, FileFault::kIo);
    EXPECT_EQ((*file)->Sync().code(), Code::kIo);
    EXPECT_TRUE((*file)->Sync().ok()) << "the kernel reports success";
    EXPECT_EQ(*files.ReadFile("/a"), "12");
    files.Crash(seed);
    EXPECT_EQ(*files.ReadFile("/a"), "1") << "seed " << seed;
  }
}

TEST(SimulatedFileSystem, PlantedFaultsHitTheChosenCall) {
  SimulatedFileSystem files;
  auto file = Create(files, "/a");
  files.FailNth(FileOperation::kWrite, 2, FileFault::kShortWrite);
  EXPECT_TRUE(file->Append("1234").ok());
  EXPECT_EQ(file->Append("5678").code(), Code::kResourceExhausted);
  EXPECT_TRUE(file->Append("9").ok());
  EXPECT_EQ(*files.ReadFile("/a"), "1234569");
  EXPECT_EQ(files.faults_fired(), 1u);
  files.FailNth(FileOperation::kAny, 1, FileFault::kNoSpace, 2);
  EXPECT_EQ(file->Sync().code(), Code::kResourceExhausted);
  EXPECT_EQ(files.Rename("/a", "/b").code(), Code::kResourceExhausted);
  EXPECT_TRUE(files.Rename("/a", "/b").ok());
}

TEST(SimulatedFileSystem, IsFullAtItsCapacity) {
  SimulatedFileSystem files;
  files.SetCapacity(10);
  auto file = Create(files, "/a");
  EXPECT_TRUE(file->Append("12345678").ok());
  EXPECT_EQ(*files.FreeSpace("/"), 2u);
  EXPECT_EQ(file->Append("abcd").code(), Code::kResourceExhausted);
  EXPECT_EQ(*files.ReadFile("/a"), "12345678ab");
  EXPECT_TRUE(file->WriteAt(0, "x").ok()) << "overwriting takes no space";
  EXPECT_EQ(file->Preallocate(11).code(), Code::kResourceExhausted);
  ASSERT_TRUE(files.RemoveFile("/a").ok());
  EXPECT_EQ(*files.FreeSpace("/"), 10u);
}

TEST(SimulatedFileSystem, PowerCutStopsEverythingUntilTheCrash) {
  SimulatedFileSystem files;
  auto file = Create(files, "/a");
  files.CutPowerAfter(1);
  EXPECT_TRUE(file->Append("1").ok());
  EXPECT_TRUE(files.power_is_cut());
  EXPECT_FALSE(file->Sync().ok());
  EXPECT_FALSE(files.Stat("/a").ok());
  files.Crash(1);
  EXPECT_TRUE(files.WriteFileAtomically("/b", "2").ok());
}

TEST(SimulatedFileSystem, TheSameSeedLeavesTheSameFiles) {
  const auto run = [](uint64_t seed) {
    SimulatedFileSystem files;
    for (int i = 0; i < 5; ++i) {
      auto file = Create(files, "/f" + std::to_string(i));
      CHECK_OK(file->Append(Pattern(5000)));
    }
    files.Crash(seed);
    return files.TakeImage();
  };
  std::set<SimulatedFileSystem::Image> images;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    EXPECT_EQ(run(seed), run(seed)) << "seed " << seed;
    images.insert(run(seed));
  }
  EXPECT_GT(images.size(), 5u);
}

TEST(SimulatedFileSystem, IgnoredSyncsMakeNothingDurable) {
  std::set<bool> bytes;
  std::set<bool> names;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    SimulatedFileSystem files;
    files.SetIgnoreSync(true);
    ASSERT_TRUE(files.WriteFileAtomically("/a", "1").ok());
    files.SetIgnoreSync(false);
    files.SetIgnoreDirectorySync(true);
    ASSERT_TRUE(files.WriteFileAtomically("/b", "1").ok());
    files.Crash(seed);
    if (auto a = files.ReadFile("/a"); a.ok()) bytes.insert(*a == "1");
    names.insert(files.Exists("/b"));
  }
  EXPECT_EQ(bytes.size(), 2u);
  EXPECT_EQ(names.size(), 2u);
}

TEST(SimulatedEnv, BundlesAllParts) {
  SimulatedEnv simulated(7);
  Env env = simulated.env();
  const TimestampMs before = env.clock.NowMs();
  simulated.clock.Advance(1500);
  EXPECT_EQ(env.clock.NowMs(), before + 1500);
  EXPECT_EQ(SeededRandom(7).Next(), env.random.Next());
  env.logger.Log(LogLevel::kWarn, "test", "a line", {{"k", "v"}});
  EXPECT_TRUE(simulated.logger.Contains("a line", LogLevel::kWarn));
}

}  // namespace
}  // namespace thermocline
