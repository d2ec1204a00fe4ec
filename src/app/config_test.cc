#include "app/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "env/simulated/simulated_env.h"

namespace thermocline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Loaded {
  Config config;
  FlagTable table;
  Status status;
};
std::unique_ptr<Loaded> Load(const std::vector<std::string>& arguments) {
  SimulatedEnv simulated;
  auto loaded = std::make_unique<Loaded>();
  std::vector<std::string> rest;
  loaded->status =
      LoadConfig(arguments, {}, simulated.files, &loaded->config, &loaded->table, &rest);
  return loaded;
}

TEST(Config, TheDefaultsContradictNothing) {
  const auto loaded = Load({});
  EXPECT_TRUE(loaded->status.ok()) << loaded->status.ToString();
  EXPECT_THAT(loaded->table.Warnings(), ElementsAre());
}

TEST(Config, ContradictoryFlagsAreErrorsThatNameBoth) {
  const struct {
    std::vector<std::string> arguments;
    std::string first;
    std::string second;
  } cases[] = {
      {{"--query.max-memory=1GiB", "--query.max-memory-total=512MiB"},
       "--query.max-memory=1GiB",
       "--query.max-memory-total=512MiB"},
      {{"--query.max-memory=64TiB"}, "--query.max-memory=64TiB", "--query.max-memory-total="},
      {{"--query.max-concurrency=20", "--web.max-connections=10"},
       "--query.max-concurrency=20",
       "--web.max-connections=10"},
      {{"--storage.tsdb.retention.time=1h"},
       "--storage.tsdb.retention.time=1h",
       "--storage.head-range=2h"},
      {{"--storage.tsdb.retention.time=2h", "--storage.tsdb.out-of-order-time-window=3h"},
       "--storage.tsdb.retention.time=2h",
       "--storage.tsdb.out-of-order-time-window=3h"},
      {{"--storage.tsdb.retention.size=32MiB"},
       "--storage.tsdb.retention.size=32MiB",
       "--wal.segment-size=64MiB"},
      {{"--storage.free-space-floor=16MiB"},
       "--storage.ballast-size=32MiB",
       "--storage.free-space-floor=16MiB"},
      {{"--web.listen-address=0.0.0.0:9090"},
       "--web.listen-address=0.0.0.0:9090",
       "--insecure-listen"},
  };
  for (const auto& row : cases) {
    const auto loaded = Load(row.arguments);
    ASSERT_EQ(loaded->status.code(), Code::kInvalidArgument) << row.first;
    EXPECT_THAT(std::string(loaded->status.message()), HasSubstr(row.first));
    EXPECT_THAT(std::string(loaded->status.message()), HasSubstr(row.second));
  }
}

TEST(Config, AFlagThatMayNotBeZeroIsNamed) {
  for (const std::string flag : {"--query.max-concurrency", "--query.timeout",
                                 "--web.max-connections", "--web.read-timeout"}) {
    const auto loaded = Load({flag + "=0"});
    ASSERT_EQ(loaded->status.code(), Code::kInvalidArgument) << flag;
    EXPECT_THAT(std::string(loaded->status.message()), HasSubstr(flag));
  }
}

TEST(Config, FlagsOnTheEdgeOfAContradictionAreTaken) {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"--query.max-memory=1GiB", "--query.max-memory-total=1GiB"},
           {"--query.max-concurrency=10", "--web.max-connections=10"},
           {"--storage.tsdb.retention.time=2h", "--storage.tsdb.out-of-order-time-window=2h"},
           {"--storage.tsdb.retention.time=1h", "--storage.head-range=1h"},
           {"--storage.tsdb.retention.size=64MiB"},
           {"--storage.free-space-floor=0"},
           {"--storage.free-space-floor=16MiB", "--storage.ballast-size=16MiB"}}) {
    const auto loaded = Load(arguments);
    EXPECT_TRUE(loaded->status.ok()) << loaded->status.ToString();
  }
}

TEST(Config, TheDefaultOfOneQuerysMemoryGivesWayToThatOfAll) {
  const auto loaded = Load({"--query.max-memory-total=100MiB"});
  ASSERT_TRUE(loaded->status.ok()) << loaded->status.ToString();
  EXPECT_EQ(loaded->config.server.query_memory_bytes, 100ull << 20);
}

TEST(Config, FlagsOfPrometheusThatMeanNothingHereAreTakenWithAWarning) {
  const auto loaded = Load({"--web.enable-remote-write-receiver", "--web.console.templates",
                            "/etc/consoles", "--storage.tsdb.min-block-duration=2h",
                            "--no-storage.tsdb.wal-compression", "--storage.tsdb.path=x"});
  ASSERT_TRUE(loaded->status.ok()) << loaded->status.ToString();
  EXPECT_EQ(loaded->config.store.path, "x");
  EXPECT_THAT(
      loaded->table.Warnings(),
      ElementsAre(
          "--web.enable-remote-write-receiver does nothing here: remote write is always received",
          "--web.console.templates does nothing here: there are no consoles",
          "--storage.tsdb.wal-compression does nothing here: the log is not compressed",
          "--storage.tsdb.min-block-duration does nothing here: --storage.head-range is ours"));
  for (const auto& [name, value] : loaded->table.Values()) EXPECT_NE(name, "web.console.templates");
  // What clients would miss stays an error.
  EXPECT_FALSE(Load({"--web.route-prefix=/p"})->status.ok());
}

}  // namespace
}  // namespace thermocline
