#include "app/flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/config.h"
#include "app/config_file.h"

namespace thermocline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Settings {
  std::string path = "data/";
  std::vector<std::string> addresses = {"127.0.0.1:9090"};
  bool admin = false;
  int64_t samples = 10;
  int64_t window_ms = 30 * 60 * 1000;
  uint64_t size_bytes = 8ull << 20;
};

struct Fixture {
  Fixture() {
    table.AddString("storage.tsdb.path", &settings.path, "Where the data live.");
    table.AddStrings("web.listen-address", &settings.addresses, "Where to listen.");
    table.AddBool("web.enable-admin-api", &settings.admin, "Serves the admin API.");
    table.AddInt("query.max-samples", &settings.samples, "Samples held at once.");
    table.AddDuration("storage.window", &settings.window_ms, "The window.");
    table.AddSize("wal.segment-size", &settings.size_bytes, "Bytes of a segment.");
  }
  Settings settings;
  FlagTable table;
};

TEST(Flags, EveryTypeParsesInBothSpellings) {
  Fixture f;
  auto rest = f.table.ParseCommandLine({"--storage.tsdb.path=/x", "query", "--query.max-samples",
                                        "5", "--web.enable-admin-api", "--storage.window=1h30m",
                                        "--wal.segment-size=1GB", "--web.listen-address=a:1",
                                        "--web.listen-address=b:2", "--", "--not-a-flag"});
  ASSERT_TRUE(rest.ok()) << rest.status().ToString();
  EXPECT_THAT(*rest, ElementsAre("query", "--not-a-flag"));
  EXPECT_EQ(f.settings.path, "/x");
  EXPECT_EQ(f.settings.samples, 5);
  EXPECT_TRUE(f.settings.admin);
  EXPECT_EQ(f.settings.window_ms, 5400'000);
  EXPECT_EQ(f.settings.size_bytes, 1ull << 30);
  EXPECT_THAT(f.settings.addresses, ElementsAre("a:1", "b:2"));
}

TEST(Flags, AnUnknownFlagNamesTheNearestKnownOne) {
  Fixture f;
  auto rest = f.table.ParseCommandLine({"--storage.tsdb.pth=/x"});
  ASSERT_FALSE(rest.ok());
  EXPECT_THAT(std::string(rest.status().message()),
              HasSubstr("unknown flag --storage.tsdb.pth, did you mean --storage.tsdb.path?"));
  EXPECT_THAT(std::string(f.table.ParseCommandLine({"--zzz"}).status().message()),
              "unknown flag --zzz");
}

TEST(Flags, ABadValueNamesTheFlag) {
  Fixture f;
  for (const char* argument :
       {"--query.max-samples=many", "--storage.window=5", "--wal.segment-size=1XB",
        "--web.enable-admin-api=perhaps", "--query.max-samples"}) {
    auto rest = f.table.ParseCommandLine({argument});
    ASSERT_FALSE(rest.ok()) << argument;
    const std::string name = std::string(argument).substr(0, std::string(argument).find('='));
    EXPECT_THAT(std::string(rest.status().message()), HasSubstr(name));
  }
}

TEST(Flags, CommandLineBeatsEnvironmentBeatsFileBeatsDefault) {
  Fixture f;
  ASSERT_TRUE(f.table.ParseCommandLine({"--storage.tsdb.path=cli"}).ok());
  ASSERT_TRUE(f.table
                  .ParseEnvironment({{"THERMOCLINE_STORAGE_TSDB_PATH", "env"},
                                     {"THERMOCLINE_QUERY_MAX_SAMPLES", "7"},
                                     {"THERMOCLINE_SHARED", "/elsewhere"},
                                     {"HOME", "/h"}})
                  .ok());
  ASSERT_TRUE(ApplyConfigFile("t.yml",
                              "storage: {tsdb: {path: file}, window: 2h}\nquery: {max-samples: 9}",
                              &f.table)
                  .ok());
  EXPECT_EQ(f.settings.path, "cli");
  EXPECT_EQ(f.settings.samples, 7);
  EXPECT_EQ(f.settings.window_ms, 7200'000);
}

TEST(Config, WhatNobodySizedIsAShareOfTheMemoryLimit) {
  Config config;
  FlagTable table;
  RegisterFlags(&config, &table);
  ASSERT_TRUE(table.ParseCommandLine({"--memory.limit=1000MiB"}).ok());
  DeriveDefaults(&config);
  EXPECT_EQ(config.store.head_memory_bytes, 400ull << 20);
  EXPECT_EQ(config.server.queries_memory_bytes, 250ull << 20);
  EXPECT_EQ(config.store.cold.index_cache_bytes, 200ull << 20);
  ASSERT_TRUE(table.ParseCommandLine({"--storage.head-memory=64MiB"}).ok());
  DeriveDefaults(&config);
  EXPECT_EQ(config.store.head_memory_bytes, 64ull << 20);
}

TEST(Config, WithoutALimitItIsTheMemoryOfTheMachine) {
  Config config;
  DeriveDefaults(&config);
  EXPECT_GT(*config.memory_limit_bytes, 64ull << 20);
  EXPECT_EQ(config.store.head_memory_bytes, *config.memory_limit_bytes / 100 * 40);
}

TEST(Flags, AnUnknownEnvironmentVariableIsAnError) {
  Fixture f;
  EXPECT_FALSE(f.table.ParseEnvironment({{"THERMOCLINE_STORAGE_PATH", "x"}}).ok());
}

TEST(ConfigFile, MistakesCarryFileLineColumnAndKey) {
  const std::pair<const char*, const char*> cases[] = {
      {"storage:\n  tsdb:\n    pth: x\n", "t.yml:3:10: storage.tsdb.pth: unknown flag"},
      {"query:\n  max-samples: many\n", "t.yml:2:16: query.max-samples: "},
      {"query: [1, 2\n", "t.yml:"},
      {"a: &x 1\nb: *x\n", "aliases"},
      {"query: {max-samples: 1, max-samples: 2}\n", "is given twice"},
      {"- 1\n", "expected a mapping"},
      {"storage:\n", "storage: has no value"}};
  for (const auto& [yaml, want] : cases) {
    Fixture f;
    const Status status = ApplyConfigFile("t.yml", yaml, &f.table);
    ASSERT_FALSE(status.ok()) << yaml;
    EXPECT_THAT(std::string(status.message()), HasSubstr(want)) << yaml;
  }
}

TEST(ConfigFile, AListFillsARepeatableFlag) {
  Fixture f;
  ASSERT_TRUE(ApplyConfigFile("t.yml", "web: {listen-address: ['a:1', 'b:2']}", &f.table).ok());
  EXPECT_THAT(f.settings.addresses, ElementsAre("a:1", "b:2"));
}

TEST(ConfigFile, DeepNestingEndsInAnErrorNotInACrash) {
  Fixture f;
  std::string yaml;
  for (int i = 0; i < 200'000; ++i) yaml += "{a: ";
  EXPECT_FALSE(ApplyConfigFile("t.yml", yaml, &f.table).ok());
}

}  // namespace
}  // namespace thermocline
