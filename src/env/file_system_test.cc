// One battery over the real and the simulated file system: what holds for one holds for both.
#include "env/file_system.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <functional>
#include <memory>

#include "env/posix/posix_file_system.h"
#include "env/posix/reading_lock.h"
#include "env/simulated/simulated_file_system.h"

namespace thermocline {
namespace {

struct Place {
  std::unique_ptr<FileSystem> files;
  std::string root;
};

Place RealPlace() {
  char name[] = "/tmp/thermocline_files_XXXXXX";
  CHECK(::mkdtemp(name) != nullptr);
  return {std::make_unique<PosixFileSystem>(), name};
}

Place SimulatedPlace() {
  Place place{std::make_unique<SimulatedFileSystem>(), "/root"};
  CHECK_OK(place.files->CreateDirectories(place.root));
  return place;
}

void RemoveAll(FileSystem& files, const std::string& path) {
  auto entries = files.List(path);
  ASSERT_TRUE(entries.ok());
  for (const DirectoryEntry& entry : *entries) {
    const std::string child = JoinPath(path, entry.name);
    if (entry.is_directory) {
      RemoveAll(files, child);
    } else {
      EXPECT_TRUE(files.RemoveFile(child).ok());
    }
  }
  EXPECT_TRUE(files.RemoveDirectory(path).ok());
}

class EveryFileSystem : public testing::TestWithParam<Place (*)()> {
 protected:
  void TearDown() override { RemoveAll(*place_.files, place_.root); }
  std::string Path(std::string_view name) const { return JoinPath(place_.root, name); }
  Place place_ = GetParam()();
  FileSystem& files_ = *place_.files;
};

TEST_P(EveryFileSystem, ReadsBackWhatWasWritten) {
  auto file = files_.OpenForWrite(Path("a"), OpenMode::kCreateNew);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->Append("hello ").ok());
  ASSERT_TRUE((*file)->Append("world").ok());
  ASSERT_TRUE((*file)->WriteAt(0, "J").ok());
  ASSERT_TRUE((*file)->WriteAt(13, "!").ok());
  ASSERT_TRUE((*file)->Sync().ok());
  ASSERT_TRUE((*file)->Close().ok());
  EXPECT_EQ(*files_.ReadFile(Path("a")), std::string("Jello world\0\0!", 14));
  auto reader = files_.OpenForRead(Path("a"));
  ASSERT_TRUE(reader.ok());
  std::string part;
  ASSERT_TRUE((*reader)->Read(6, 5, &part).ok());
  EXPECT_EQ(part, "world");
  ASSERT_TRUE((*reader)->Read(13, 5, &part).ok());
  EXPECT_EQ(part, "!");
  ASSERT_TRUE((*reader)->Read(99, 5, &part).ok());
  EXPECT_EQ(part, "");
  EXPECT_EQ(files_.ReadFile(Path("a"), 13).status().code(), Code::kResourceExhausted);
}

TEST_P(EveryFileSystem, OpenModesCreateTruncateOrKeep) {
  ASSERT_TRUE(files_.WriteFileAtomically(Path("a"), "123").ok());
  EXPECT_EQ(files_.OpenForWrite(Path("a"), OpenMode::kCreateNew).status().code(),
            Code::kAlreadyExists);
  auto kept = files_.OpenForWrite(Path("a"), OpenMode::kKeep);
  ASSERT_TRUE((*kept)->Append("4").ok());
  EXPECT_EQ(*files_.ReadFile(Path("a")), "1234");
  ASSERT_TRUE((*kept)->Truncate(2).ok());
  ASSERT_TRUE((*kept)->Preallocate(4).ok());
  ASSERT_TRUE((*kept)->Preallocate(3).ok());
  EXPECT_EQ(*files_.ReadFile(Path("a")), std::string("12\0\0", 4));
  ASSERT_TRUE(files_.OpenForWrite(Path("a"), OpenMode::kTruncate).ok());
  EXPECT_EQ(files_.Stat(Path("a"))->size_bytes, 0u);
}

TEST_P(EveryFileSystem, NamesMoveAndGo) {
  ASSERT_TRUE(files_.CreateDirectories(Path("x/y/z")).ok());
  ASSERT_TRUE(files_.CreateDirectories(Path("x/y/z")).ok());
  ASSERT_TRUE(files_.WriteFileAtomically(Path("x/one"), "1").ok());
  ASSERT_TRUE(files_.WriteFileAtomically(Path("x/two"), "2").ok());
  ASSERT_TRUE(files_.Rename(Path("x/one"), Path("x/two")).ok());
  EXPECT_EQ(*files_.ReadFile(Path("x/two")), "1");
  EXPECT_FALSE(files_.Exists(Path("x/one")));
  EXPECT_FALSE(files_.RemoveDirectory(Path("x")).ok());
  auto entries = files_.List(Path("x"));
  ASSERT_TRUE(entries.ok());
  std::sort(entries->begin(), entries->end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  ASSERT_EQ(entries->size(), 2u);
  EXPECT_EQ((*entries)[0].name, "two");
  EXPECT_FALSE((*entries)[0].is_directory);
  EXPECT_EQ((*entries)[1].name, "y");
  EXPECT_TRUE((*entries)[1].is_directory);
  ASSERT_TRUE(files_.Rename(Path("x"), Path("moved")).ok());
  EXPECT_EQ(*files_.ReadFile(Path("moved/two")), "1");
  ASSERT_TRUE(files_.SyncDirectory(place_.root).ok());
}

TEST_P(EveryFileSystem, SaysNotFoundForWhatIsNotThere) {
  EXPECT_EQ(files_.OpenForRead(Path("no")).status().code(), Code::kNotFound);
  EXPECT_EQ(files_.Stat(Path("no")).status().code(), Code::kNotFound);
  EXPECT_EQ(files_.List(Path("no")).status().code(), Code::kNotFound);
  EXPECT_EQ(files_.RemoveFile(Path("no")).code(), Code::kNotFound);
  EXPECT_EQ(files_.Rename(Path("no"), Path("other")).code(), Code::kNotFound);
  EXPECT_EQ(files_.SyncDirectory(Path("no")).code(), Code::kNotFound);
  EXPECT_EQ(files_.OpenForWrite(Path("no/file"), OpenMode::kKeep).status().code(), Code::kNotFound);
}

TEST_P(EveryFileSystem, LocksExcludeEachOtherAndNameTheHolder) {
  auto first = files_.Lock(Path("lock"), "the first");
  ASSERT_TRUE(first.ok());
  auto second = files_.Lock(Path("lock"), "the second");
  ASSERT_EQ(second.status().code(), Code::kUnavailable);
  EXPECT_NE(second.status().message().find("the first"), std::string::npos);
  { auto released = std::move(*first); }
  EXPECT_TRUE(files_.Lock(Path("lock"), "the third").ok());
}

TEST(ReadingLock, IsSharedByReadersKeepsWritersOutAndWritesNothing) {
  const Place place = RealPlace();
  const std::string path = JoinPath(place.root, "lock");
  auto none = LockForReading(path);
  ASSERT_TRUE(none.ok());
  EXPECT_EQ(*none, nullptr);
  EXPECT_FALSE(place.files->Exists(path));
  {
    const auto writer = place.files->Lock(path, "the writer");
    ASSERT_TRUE(writer.ok());
    const auto refused = LockForReading(path);
    EXPECT_EQ(refused.status().code(), Code::kUnavailable);
    EXPECT_NE(refused.status().message().find("held by the writer"), std::string::npos);
  }
  const auto before = place.files->ReadFile(path);
  {
    const auto one = LockForReading(path);
    const auto two = LockForReading(path);
    ASSERT_TRUE(one.ok() && *one != nullptr);
    ASSERT_TRUE(two.ok() && *two != nullptr);
    const auto writer = place.files->Lock(path, "another");
    EXPECT_EQ(writer.status().code(), Code::kUnavailable);
    EXPECT_NE(writer.status().message().find("a process that reads the folder"), std::string::npos);
  }
  EXPECT_EQ(*place.files->ReadFile(path), *before);
  EXPECT_TRUE(place.files->Lock(path, "another").ok());
  RemoveAll(*place.files, place.root);
}

TEST_P(EveryFileSystem, ReportsFreeAndTotalSpace) {
  auto free = files_.FreeSpace(place_.root);
  ASSERT_TRUE(free.ok());
  EXPECT_GT(*free, 0u);
  auto total = files_.TotalSpace(place_.root);
  ASSERT_TRUE(total.ok());
  EXPECT_GE(*total, *free);
}

INSTANTIATE_TEST_SUITE_P(Posix, EveryFileSystem, testing::Values(&RealPlace));
INSTANTIATE_TEST_SUITE_P(Simulated, EveryFileSystem, testing::Values(&SimulatedPlace));

TEST(Paths, JoinAndSplit) {
  EXPECT_EQ(JoinPath("a/b", "c"), "a/b/c");
  EXPECT_EQ(JoinPath("a/", "c"), "a/c");
  EXPECT_EQ(JoinPath("", "c"), "c");
  EXPECT_EQ(ParentPath("a/b/c"), "a/b");
  EXPECT_EQ(ParentPath("/a"), "/");
  EXPECT_EQ(ParentPath("a"), ".");
}

}  // namespace
}  // namespace thermocline
