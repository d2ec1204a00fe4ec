// Matchers on postings against the plain meaning: every matcher asked of every label set.
#include <gtest/gtest.h>

#include <random>

#include "blocks/block.h"
#include "blocks/test_block.h"
#include "bucket/local_bucket.h"
#include "env/simulated/simulated_env.h"

namespace thermocline {
namespace {

class RandomLabels {
 public:
  explicit RandomLabels(uint64_t seed) : random_(seed) {}

  std::string Value(size_t name) {
    // The last name has many values, so that the postings table is sampled.
    if (name == 3) return "pod-" + std::to_string(random_() % 300);
    static constexpr const char* kValues[] = {"", "a", "b", "ab", "abc", "b\n", "\xc3\xa4"};
    return kValues[random_() % std::size(kValues)];
  }

  Labels Next() {
    std::vector<std::pair<std::string, std::string>> pairs = {{"__name__", "m"}};
    for (size_t i = 0; i < std::size(kNames); ++i) {
      if (random_() % 3 != 0) pairs.emplace_back(kNames[i], Value(i));
    }
    return Labels(std::move(pairs));
  }

  Matcher NextMatcher() {
    const size_t name = random_() % (std::size(kNames) + 1);
    const std::string label = name == std::size(kNames) ? "absent" : kNames[name];
    const auto type = static_cast<MatchType>(random_() % 4);
    std::string value = Value(std::min(name, std::size(kNames) - 1));
    if (type == MatchType::kRegex || type == MatchType::kNotRegex) {
      static constexpr const char* kPatterns[] = {
          ".*",    ".+",  "a.*",   "a|b", "a|",      "",        "pod-1.*",
          "[ab]+", ".*b", "pod-7", "b.",  "(ab|x)?", "pod-.*3", "pod-1|pod-25|z"};
      value = kPatterns[random_() % std::size(kPatterns)];
    }
    return *Matcher::Make(type, label, value);
  }

  uint64_t operator()() { return random_(); }

 private:
  static constexpr const char* kNames[] = {"code", "env", "job", "pod"};
  std::mt19937_64 random_;
};

TEST(BlockMatch, RandomMatchersAgreeWithAskingEverySeries) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  RandomLabels random(seed);
  std::set<std::string> distinct;
  std::vector<Labels> all;
  for (int i = 0; i < 1500; ++i) {
    Labels labels = random.Next();
    if (distinct.insert(labels.packed()).second) all.push_back(std::move(labels));
  }
  std::sort(all.begin(), all.end());
  for (const int version : {1, 2}) {
    SimulatedEnv env;
    std::string segment;
    const uint64_t offset = PutChunk(&segment, 1, TestXorChunk(0, 1, 1));
    std::vector<TestSeries> series;
    for (const Labels& labels : all) series.push_back({labels, {{0, 0, offset}}});
    env.files.PutFile("/b/index", TestIndexWriter::Write(series, {version, version == 1}));
    env.files.PutFile("/b/chunks/000001", segment);
    env.files.PutFile("/b/meta.json", TestMeta(0, 1000));
    LocalBucket bucket(env.files, "/b");
    const auto block = Block::Open(bucket, "", {});
    ASSERT_TRUE(block.ok()) << block.status().ToString();
    for (int round = 0; round < 300; ++round) {
      SelectRequest request;
      request.range = {0, 0};
      std::string text;
      for (size_t i = 0; i < 1 + random() % 3; ++i) {
        request.matchers.push_back(random.NextMatcher());
        text += request.matchers.back().ToString() + " ";
      }
      SCOPED_TRACE(text);
      const auto set = (*block)->Select(request);
      ASSERT_TRUE(set.ok()) << set.status().ToString();
      size_t next = 0;
      for (const Labels& labels : all) {
        if (!MatchesAll(request.matchers, labels)) continue;
        ASSERT_LT(next, (*set)->series_count()) << labels.ToString();
        ASSERT_EQ((*set)->labels(next), labels);
        ++next;
      }
      ASSERT_EQ(next, (*set)->series_count());
    }
  }
}

// Values that share prefixes with marks of the sampled table are found, and absent ones are not.
TEST(BlockMatch, EveryValueOfALargeTableIsFoundByLookup) {
  SimulatedEnv env;
  PutTestBlock(&env.files, "/b", 500, 1);
  LocalBucket bucket(env.files, "/b");
  const auto block = Block::Open(bucket, "", {});
  ASSERT_TRUE(block.ok());
  const PostingsTable& table = (*block)->index().table();
  for (int i = 0; i < 500; ++i) {
    const auto found = table.Find("i", std::to_string(1000 + i));
    ASSERT_TRUE(found.ok() && found->has_value()) << i;
    ASSERT_FALSE(table.Find("i", std::to_string(1000 + i) + "0")->has_value());
    ASSERT_FALSE(table.Find("i", std::to_string(10 + i % 90))->has_value());
  }
  std::vector<std::string> values;
  ASSERT_TRUE(table
                  .ForEach("i", "12",
                           [&](std::string_view value, uint64_t) {
                             values.emplace_back(value);
                             return true;
                           })
                  .ok());
  EXPECT_EQ(values.size(), 100u);
  EXPECT_EQ(values.front(), "1200");
  EXPECT_FALSE(table.Find("nothing", "x")->has_value());
  EXPECT_FALSE(table.Find("zzz", "x")->has_value());
}

}  // namespace
}  // namespace thermocline
