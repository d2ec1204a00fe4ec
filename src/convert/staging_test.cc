#include "convert/staging.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "bucket/local_bucket.h"
#include "env/simulated/seeded_random.h"
#include "env/simulated/simulated_file_system.h"

namespace thermocline {
namespace {

using Tree = std::map<std::string, std::string>;  // path -> content

const std::string kBlock = "/tenant/01DXXFZDYD1MQW6079WK0K6ED0";
const std::string kMarkCopy =
    "parquet-markers/01DXXFZDYD1MQW6079WK0K6ED0-parquet-converter-mark.json";

// What is there, what a run adds, and where.
struct Scenario {
  const char* name;
  std::string target;
  Tree before;  // absolute
  StagingOptions options;
  Tree added;  // below the target
  std::string beside_bytes;
};

Scenario ShardsIntoAnEmptyFolder() {
  Scenario one{"shards into an empty folder", "/mount", {}, {}, {}, ""};
  for (const char* name : {"0.labels.parquet", "0.chunks.parquet", "1.labels.parquet",
                           "1.chunks.parquet", "10.labels.parquet", "10.chunks.parquet"}) {
    one.added[name] = std::string("bytes of ") + name;
  }
  return one;
}

Tree TwoStreams() {
  return {{"7/stream.pb", "seven"},
          {"7/2023-11-15/meta.pb", "of seven"},
          {"7/2023-11-15/0.labels.parquet", "labels of seven"},
          {"7/2023-11-15/0.chunks.parquet", "chunks of seven"},
          {"2023-11-15/meta.pb", "of none"},
          {"0/2023-11-15/0.labels.parquet", "labels of none"},
          {"0/2023-11-15/0.chunks.parquet", "chunks of none"}};
}

std::vector<Scenario> Scenarios() {
  std::vector<Scenario> all = {ShardsIntoAnEmptyFolder()};
  all.push_back(
      {"a bucket into an empty folder", "/mount", {}, {.may_join = true}, TwoStreams(), ""});
  const Tree other_days = {
      {"/mount/7/stream.pb", "seven"},
      {"/mount/7/2023-11-14/meta.pb", "of the day before"},
      {"/mount/7/2023-11-14/0.labels.parquet", "labels of the day before"},
      // What another converter left unfinished: nobody sees it, and it may be replaced.
      {"/mount/0/2023-11-14/0.labels.parquet", "labels of the day before"},
  };
  all.push_back({"into a bucket with other days",
                 "/mount",
                 other_days,
                 {.may_join = true},
                 TwoStreams(),
                 ""});
  all.push_back({"a data folder into an empty folder",
                 "/mount",
                 {},
                 {},
                 {{"cold/MANIFEST", "blocks"}, {"cold/samples/date=2023-11-15/a.parquet", "rows"}},
                 ""});
  const Tree shards = {{"0.labels.parquet", "labels"},
                       {"0.chunks.parquet", "chunks"},
                       {"parquet-converter-mark.json", "mark"}};
  const StagingOptions marked = {.may_join = true, .beside = kMarkCopy};
  all.push_back({"shards and mark beside a block",
                 kBlock,
                 {{kBlock + "/index", "index"}, {kBlock + "/meta.json", "meta"}},
                 marked,
                 shards,
                 "mark"});
  all.push_back({"shards and mark where no block is", kBlock, {}, marked, shards, "mark"});
  return all;
}

class StagingTest : public ::testing::Test {
 protected:
  void Load(const Scenario& scenario) {
    files_.LoadImage(scenario.before);
    ASSERT_TRUE(files_.CreateDirectories("/tenant").ok());
    if (scenario.target == "/mount") {
      ASSERT_TRUE(files_.CreateDirectories("/mount").ok());
    }
    ASSERT_TRUE(files_.SyncDirectory("/").ok());
  }
  // Up to Publish.
  Result<std::unique_ptr<Staging>> Stage(const Scenario& scenario) {
    ASSIGN_OR_RETURN(auto staging, Staging::Begin(files_, scenario.target, scenario.options));
    LocalBucket bucket(files_, staging->folder());
    for (const auto& [name, bytes] : scenario.added) RETURN_IF_ERROR(bucket.Put(name, bytes));
    return staging;
  }
  Status Run(const Scenario& scenario) {
    ASSIGN_OR_RETURN(const auto staging, Stage(scenario));
    return staging->Publish(scenario.beside_bytes);
  }
  static Tree Finished(const Scenario& scenario) {
    Tree tree = scenario.before;
    for (const auto& [name, bytes] : scenario.added) tree[scenario.target + "/" + name] = bytes;
    if (!scenario.options.beside.empty()) tree["/tenant/" + kMarkCopy] = scenario.beside_bytes;
    return tree;
  }
  // Without what is aside.
  Tree Seen() const {
    Tree tree = files_.TakeImage();
    std::erase_if(tree, [](const auto& file) {
      return file.first.find(".converting/") != std::string::npos;
    });
    return tree;
  }
  // Every file that a journal stands over may be there in part; all others are untouched.
  void ExpectNothingLooksFinished(const Scenario& scenario) {
    const Tree seen = Seen();
    if (CheckPublished(files_, scenario.target).code() == Code::kUnavailable) {
      for (const auto& [path, bytes] : scenario.before) {
        const auto found = seen.find(path);
        EXPECT_TRUE(found != seen.end() && found->second == bytes) << path;
      }
      return;
    }
    EXPECT_TRUE(seen == scenario.before || seen == Finished(scenario)) << seen.size();
  }
  // And nothing is left aside.
  void ExpectFinished(const Scenario& scenario) {
    EXPECT_EQ(files_.TakeImage(), Finished(scenario));
    EXPECT_TRUE(CheckPublished(files_, scenario.target).ok());
  }
  // A run that is repeated until it is through, whatever was cut off before.
  void Repeat(const Scenario& scenario) {
    if (Seen() == Finished(scenario) && CheckPublished(files_, scenario.target).ok()) {
      // Only the end of a finished run was cut off: another one changes nothing.
      EXPECT_EQ(Run(scenario).code(), Code::kAlreadyExists);
      EXPECT_EQ(Seen(), Finished(scenario));
      return;
    }
    const Status done = Run(scenario);
    ASSERT_TRUE(done.ok()) << done.ToString();
    ExpectFinished(scenario);
  }

  SimulatedFileSystem files_;
};

TEST_F(StagingTest, EverythingIsPublishedAndNothingLeftAside) {
  for (const Scenario& scenario : Scenarios()) {
    SCOPED_TRACE(scenario.name);
    Load(scenario);
    ASSERT_TRUE(Run(scenario).ok());
    ExpectFinished(scenario);
    EXPECT_EQ(Run(scenario).code(), Code::kAlreadyExists);
    ExpectFinished(scenario);
  }
}

TEST_F(StagingTest, APowerCutAtAnyStepOfPublishingLeavesNothingThatLooksFinished) {
  int journals = 0;
  for (const Scenario& scenario : Scenarios()) {
    for (uint64_t cut = 0;; ++cut) {
      bool cut_off = false;
      for (uint64_t seed = 1; seed <= 12; ++seed) {
        SCOPED_TRACE(std::string(scenario.name) + ", call " + std::to_string(cut) + ", seed " +
                     std::to_string(seed));
        Load(scenario);
        auto staging = Stage(scenario);
        ASSERT_TRUE(staging.ok());
        files_.CutPowerAfter(cut);
        const bool done = (*staging)->Publish(scenario.beside_bytes).ok();
        cut_off |= !done;
        staging->reset();
        files_.Crash(seed);
        journals += CheckPublished(files_, scenario.target).ok() ? 0 : 1;
        ExpectNothingLooksFinished(scenario);
        if (done) {
          EXPECT_EQ(Seen(), Finished(scenario));
        }
        Repeat(scenario);
      }
      if (!cut_off) break;
      ASSERT_LT(cut, 500u);
    }
  }
  EXPECT_GT(journals, 100);
}

TEST_F(StagingTest, APowerCutWhileTakingBackCanBeRepeatedToo) {
  SeededRandom random(11);
  int taken_back = 0;
  for (const Scenario& scenario : Scenarios()) {
    for (int round = 0; round < 400; ++round) {
      SCOPED_TRACE(std::string(scenario.name) + ", round " + std::to_string(round));
      Load(scenario);
      auto staging = Stage(scenario);
      ASSERT_TRUE(staging.ok());
      files_.CutPowerAfter(random.Below(40));
      (void)(*staging)->Publish(scenario.beside_bytes);
      staging->reset();
      files_.Crash(random.Next());
      if (CheckPublished(files_, scenario.target).ok()) continue;
      ++taken_back;
      for (int again = 0; again < 3; ++again) {
        files_.CutPowerAfter(random.Below(30));
        (void)Stage(scenario);
        files_.Crash(random.Next());
        ExpectNothingLooksFinished(scenario);
      }
      Repeat(scenario);
    }
  }
  EXPECT_GT(taken_back, 200);
}

TEST_F(StagingTest, AFailureAtAnyStepTakesBackWhatWasPublished) {
  for (const Scenario& scenario : Scenarios()) {
    for (uint64_t call = 1;; ++call) {
      SCOPED_TRACE(std::string(scenario.name) + ", call " + std::to_string(call));
      Load(scenario);
      auto staging = Stage(scenario);
      ASSERT_TRUE(staging.ok());
      files_.FailNth(FileOperation::kAny, call, FileFault::kIo);
      const Status published = (*staging)->Publish(scenario.beside_bytes);
      const bool fired = files_.faults_fired() > 0;
      files_.ClearFaults();
      staging->reset();
      if (!fired) break;
      // A look that failed may count as "not there".
      if (published.ok()) {
        ExpectFinished(scenario);
      } else if (scenario.target == "/mount") {
        EXPECT_EQ(files_.TakeImage(), scenario.before);
      }
      Repeat(scenario);
      ASSERT_LT(call, 500u);
    }
  }
}

TEST_F(StagingTest, AServersFolderIsNotTakenBack) {
  const Scenario scenario = Scenarios()[3];
  Load(scenario);
  auto staging = Stage(scenario);
  ASSERT_TRUE(staging.ok());
  // All is moved, and the journal stands: the power goes when it is to be removed.
  files_.FailNth(FileOperation::kRemove, 1, FileFault::kIo, 1000);
  EXPECT_FALSE((*staging)->Publish().ok());
  files_.ClearFaults();
  staging->reset();
  ASSERT_TRUE(files_.Exists("/mount/cold/MANIFEST"));
  files_.PutFile("/mount/wal/00000001.wal", "samples that came meanwhile");
  const Tree there = files_.TakeImage();
  const auto refused = Stage(scenario);
  EXPECT_EQ(refused.status().code(), Code::kAlreadyExists);
  EXPECT_NE(refused.status().message().find("'wal'"), std::string_view::npos);
  EXPECT_EQ(files_.TakeImage(), there);
}

TEST_F(StagingTest, ADayThatAnotherConverterWroteMeanwhileIsNotTakenBack) {
  const Scenario scenario = Scenarios()[2];
  Load(scenario);
  PublishJournal journal;
  journal.folders = {"7/2023-11-15"};
  journal.files = {{"7/2023-11-15/0.labels.parquet", 5}, {"7/2023-11-15/meta.pb", 4}};
  // The labels were moved; meta.pb is another's.
  files_.PutFile("/mount/7/2023-11-15/0.labels.parquet", "12345");
  files_.PutFile("/mount/7/2023-11-15/meta.pb", "them");
  files_.PutFile("/mount/.converting/out/7/2023-11-15/meta.pb", "ours");
  files_.PutFile(JournalPath("/mount"), EncodeJournal(journal));
  ASSERT_TRUE(TakeBack(files_, "/mount", journal).ok());
  Tree wanted = scenario.before;
  wanted["/mount/7/2023-11-15/meta.pb"] = "them";
  EXPECT_EQ(Seen(), wanted);
  EXPECT_FALSE(files_.Exists(JournalPath("/mount")));
}

TEST_F(StagingTest, AJournalReadsBackAndAnythingElseIsRefused) {
  PublishJournal journal;
  journal.into_empty = true;
  journal.folders = {"7", "7/2023-11-15"};
  journal.trees = {"0"};
  journal.files = {{"7/stream.pb", 5}, {"7/2023-11-15/meta.pb", 18'446'744'073'709'551'615u}};
  journal.beside = {kMarkCopy};
  const std::string text = EncodeJournal(journal);
  const auto read = ParseJournal(text, "J");
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(EncodeJournal(*read), text);
  EXPECT_TRUE(read->into_empty);
  for (size_t size = 0; size < text.size(); ++size) {
    EXPECT_EQ(ParseJournal(text.substr(0, size), "J").status().code(), Code::kCorruption) << size;
  }
  for (const std::string line :
       {"tree ../data", "tree /", "tree a//b", "tree .", "tree", "tree ", "file 5", "file x a",
        "file 5 ../a", "folder a/..", "beside ../a", "tree .converting", "more a", ""}) {
    const std::string bad = text.substr(0, text.size() - 4) + line + "\nend\n";
    EXPECT_EQ(ParseJournal(bad, "J").status().code(), Code::kCorruption) << line;
  }
  EXPECT_EQ(ParseJournal(text + "end\n", "J").status().code(), Code::kCorruption);
}

TEST_F(StagingTest, WithAJournalThatCannotBeReadNothingIsTouched) {
  Load(Scenarios()[0]);
  files_.PutFile("/mount/0.labels.parquet", "x");
  files_.PutFile(JournalPath("/mount"), "tree /\n");
  const auto refused = Stage(Scenarios()[0]);
  EXPECT_EQ(refused.status().code(), Code::kCorruption) << refused.status().ToString();
  EXPECT_TRUE(files_.Exists("/mount/0.labels.parquet"));
  EXPECT_TRUE(files_.Exists(JournalPath("/mount")));
}

}  // namespace
}  // namespace thermocline
