#include "index/postings.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <random>
#include <set>

namespace thermocline {
namespace {

Matcher Make(MatchType type, std::string name, std::string value) {
  return *Matcher::Make(type, std::move(name), std::move(value));
}

constexpr MatchType kEq = MatchType::kEqual, kNe = MatchType::kNotEqual;
constexpr MatchType kRe = MatchType::kRegex, kNr = MatchType::kNotRegex;

std::vector<uint32_t> Numbers(const std::vector<SeriesRef>& refs) {
  std::vector<uint32_t> numbers;
  for (const SeriesRef ref : refs) numbers.push_back(ref.number);
  return numbers;
}

struct PostingsMatch : ::testing::Test {
  PostingsMatch() {
    const std::vector<Labels> sets = {{{"n", "1"}},
                                      {{"n", "1"}, {"i", "a"}},
                                      {{"n", "1"}, {"i", "b"}},
                                      {{"n", "2"}},
                                      {{"n", "2.5"}}};
    std::vector<PairId> pairs;
    for (size_t i = 0; i < sets.size(); ++i) {
      index.Add(SeriesRef(static_cast<uint32_t>(i)), sets[i], &pairs);
    }
  }
  Postings index;
};

// The cases of Prometheus' TestPostingsForMatchers, by series number instead of label set.
TEST_F(PostingsMatch, AgreesWithPrometheus) {
  using Matchers = std::vector<Matcher>;
  using Found = std::vector<uint32_t>;
  const std::vector<std::pair<Matchers, Found>> cases = {
      {{}, {0, 1, 2, 3, 4}},
      {{Make(kEq, "n", "1")}, {0, 1, 2}},
      {{Make(kEq, "n", "1"), Make(kEq, "i", "a")}, {1}},
      {{Make(kEq, "n", "1"), Make(kEq, "i", "missing")}, {}},
      {{Make(kEq, "missing", "")}, {0, 1, 2, 3, 4}},
      {{Make(kNe, "n", "1")}, {3, 4}},
      {{Make(kNe, "i", "")}, {1, 2}},
      {{Make(kNe, "missing", "")}, {}},
      {{Make(kEq, "n", "1"), Make(kNe, "i", "a")}, {0, 2}},
      {{Make(kEq, "n", "1"), Make(kNe, "i", "")}, {1, 2}},
      {{Make(kRe, "n", "^1$")}, {0, 1, 2}},
      {{Make(kEq, "n", "1"), Make(kRe, "i", "^a$")}, {1}},
      {{Make(kEq, "n", "1"), Make(kRe, "i", "^a?$")}, {0, 1}},
      {{Make(kRe, "i", "^$")}, {0, 3, 4}},
      {{Make(kEq, "n", "1"), Make(kRe, "i", "^.*$")}, {0, 1, 2}},
      {{Make(kEq, "n", "1"), Make(kRe, "i", "^.+$")}, {1, 2}},
      {{Make(kNr, "n", "^1$")}, {3, 4}},
      {{Make(kEq, "n", "1"), Make(kNr, "i", "^a?$")}, {2}},
      {{Make(kEq, "n", "1"), Make(kNr, "i", "^$")}, {1, 2}},
      {{Make(kEq, "n", "1"), Make(kNr, "i", "^.*$")}, {}},
      {{Make(kEq, "n", "1"), Make(kNr, "i", "^.+$")}, {0}},
      {{Make(kEq, "n", "1"), Make(kNe, "i", "b"), Make(kEq, "i", "a")}, {1}},
      {{Make(kRe, "n", "1|2")}, {0, 1, 2, 3}},
      {{Make(kRe, "i", "a|b|")}, {0, 1, 2, 3, 4}},
      {{Make(kRe, "n", "2.*"), Make(kNr, "n", "2\\..*")}, {3}},
  };
  for (const auto& [matchers, found] : cases) {
    std::string text;
    for (const Matcher& matcher : matchers) text += matcher.ToString() + " ";
    EXPECT_EQ(Numbers(index.Match(matchers)), found) << text;
  }
}

TEST_F(PostingsMatch, ListsNamesAndValues) {
  using Texts = std::vector<std::string>;
  EXPECT_EQ(index.LabelNames(), (Texts{"i", "n"}));
  EXPECT_EQ(index.LabelValues("n"), (Texts{"1", "2", "2.5"}));
  EXPECT_EQ(index.LabelValues("missing"), Texts{});
  const std::vector<SeriesRef> some = {SeriesRef(0), SeriesRef(3)};
  EXPECT_EQ(index.LabelNames(some), (Texts{"n"}));
  EXPECT_EQ(index.LabelValues("n", some), (Texts{"1", "2"}));
}

TEST_F(PostingsMatch, CountsForTheStatusPage) {
  HeadStatus status;
  index.FillStatus(2, &status);
  EXPECT_EQ(status.series, 5u);
  EXPECT_EQ(status.label_pairs, 5u);
  ASSERT_EQ(status.series_by_label_pair.size(), 2u);
  EXPECT_EQ(status.series_by_label_pair[0].name, "n=1");
  EXPECT_EQ(status.series_by_label_pair[0].count, 3u);
  ASSERT_EQ(status.values_by_label.size(), 2u);
  EXPECT_EQ(status.values_by_label[0].name, "n");
  EXPECT_EQ(status.values_by_label[0].count, 3u);
  ASSERT_FALSE(status.bytes_by_label.empty());
  EXPECT_EQ(status.bytes_by_label[0].name, "n");
  EXPECT_EQ(status.bytes_by_label[0].count, 3u + 1 + 3);
  EXPECT_TRUE(status.series_by_metric.empty());
}

// Random label sets come and go; every answer is compared with a scan of the living ones.
TEST(Postings, AgreesWithAScanWhileSeriesComeAndGo) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  Postings index;
  std::map<SeriesRef, std::pair<Labels, std::vector<PairId>>> living;
  std::vector<Matcher> pool;
  for (const MatchType type : {kEq, kNe}) {
    for (const char* value : {"", "0", "1", "7"}) pool.push_back(Make(type, "a", value));
  }
  for (const MatchType type : {kRe, kNr}) {
    for (const char* value : {"", "1|2", "1.*", ".+", ".*", "[0-4]", "x?"}) {
      pool.push_back(Make(type, "a", value));
      pool.push_back(Make(type, "b", value));
    }
  }
  uint32_t next = 0;
  for (int round = 0; round < 400; ++round) {
    for (size_t i = random() % 10; i > 0; --i) {
      LabelsBuilder builder;
      builder.Set("id", std::to_string(random()));
      if (random() % 4 != 0) builder.Set("a", std::to_string(random() % 12));
      if (random() % 2 != 0) builder.Set("b", std::to_string(random() % 200));
      // Mostly ascending; now and then a number that was free below.
      SeriesRef ref(next++);
      if (random() % 5 == 0 && ref.number > 0) {
        const SeriesRef old(random() % ref.number);
        if (!living.contains(old)) ref = old;
      }
      auto& entry = living[ref];
      entry.first = builder.Build();
      index.Add(ref, entry.first, &entry.second);
    }
    if (random() % 3 == 0) {
      std::vector<DeadSeries> dead;
      for (const auto& [ref, entry] : living) {
        if (random() % 3 == 0) dead.push_back({ref, entry.second});
      }
      index.Remove(dead);
      for (const DeadSeries& one : dead) living.erase(one.series);
    }
    std::vector<Matcher> matchers;
    for (size_t i = random() % 4; i > 0; --i) matchers.push_back(pool[random() % pool.size()]);
    std::vector<SeriesRef> expected;
    std::set<std::string> values;
    for (const auto& [ref, entry] : living) {
      ASSERT_TRUE(index.SameLabels(entry.second, entry.first));
      ASSERT_EQ(index.LabelsOf(entry.second), entry.first);
      if (!MatchesAll(matchers, entry.first)) continue;
      expected.push_back(ref);
      if (entry.first.Has("b")) values.emplace(entry.first.Get("b"));
    }
    const std::vector<SeriesRef> found = index.Match(matchers);
    ASSERT_EQ(found, expected);
    ASSERT_EQ(index.LabelValues("b", found),
              std::vector<std::string>(values.begin(), values.end()));
    ASSERT_EQ(index.series_count(), living.size());
  }
}

TEST(Postings, TellsSimilarLabelSetsApart) {
  Postings index;
  std::vector<PairId> pairs;
  index.Add(SeriesRef(1), Labels({{"a", "1"}, {"b", "2"}}), &pairs);
  EXPECT_TRUE(index.SameLabels(pairs, Labels({{"a", "1"}, {"b", "2"}})));
  EXPECT_FALSE(index.SameLabels(pairs, Labels({{"a", "1"}})));
  EXPECT_FALSE(index.SameLabels(pairs, Labels({{"a", "1"}, {"b", "2"}, {"c", "3"}})));
  EXPECT_FALSE(index.SameLabels(pairs, Labels({{"a", "1"}, {"b", "3"}})));
}

TEST(Postings, StaysBelow250BytesASeriesWithAUniqueLabelAndGivesThemBack) {
  constexpr uint32_t kSeries = 200000;
  Postings index;
  std::vector<std::vector<PairId>> pairs(kSeries);
  for (uint32_t i = 0; i < kSeries; ++i) {
    index.Add(SeriesRef(i),
              Labels({{"__name__", "http_requests_total"},
                      {"instance", fmt::format("10.0.0.{}:9100", i % 50)},
                      {"job", "api"},
                      {"method", "GET"},
                      {"request_id", fmt::format("{:032x}", i * 2654435761u)},
                      {"status", "200"}}),
              &pairs[i]);
  }
  EXPECT_LT(index.memory_bytes() / kSeries, 250u);
  RecordProperty("bytes_per_series", static_cast<int>(index.memory_bytes() / kSeries));
  std::vector<DeadSeries> dead;
  for (uint32_t i = 100; i < kSeries; ++i) dead.push_back({SeriesRef(i), pairs[i]});
  index.Remove(dead);
  EXPECT_EQ(index.series_count(), 100u);
  EXPECT_EQ(index.LabelValues("request_id").size(), 100u);
  EXPECT_EQ(index.Find("job", "api").size(), 100u);
  // What stays are the tables of numbers, which later series reuse.
  EXPECT_LT(index.memory_bytes() / kSeries, 60u);
}

TEST(Postings, ABurstOfSeriesThatIsOverGivesItsMemoryBack) {
  Postings postings;
  std::vector<PairId> kept;
  postings.Add(SeriesRef(0), Labels{{"__name__", "stays"}, {"id", "first"}}, &kept);
  const uint64_t before = postings.memory_bytes();
  constexpr uint32_t kBurst = 50'000;
  std::vector<std::vector<PairId>> pairs(kBurst);
  for (uint32_t i = 0; i < kBurst; ++i) {
    const Labels labels{{"__name__", "burst"}, {"id", "request-" + std::to_string(i)}};
    postings.Add(SeriesRef(i + 1), labels, &pairs[i]);
  }
  EXPECT_GT(postings.memory_bytes(), before + kBurst * 40);
  std::vector<DeadSeries> dead;
  for (uint32_t i = 0; i < kBurst; ++i) dead.push_back({SeriesRef(i + 1), pairs[i]});
  postings.Remove(dead);
  EXPECT_LT(postings.memory_bytes(), before + 16 * 1024);
  // Numbers are handed out again without touching what stayed.
  std::vector<PairId> again;
  postings.Add(SeriesRef(7), Labels{{"__name__", "burst"}, {"id", "new"}}, &again);
  EXPECT_EQ(postings.LabelsOf(kept).Get("id"), "first");
  EXPECT_EQ(postings.LabelsOf(again).Get("id"), "new");
}

// A budget whose time is over at the `no_at`-th question; it counts them.
class Questions {
 public:
  explicit Questions(size_t no_at)
      : budget_(
            {}, 1, [this, no_at]() -> int64_t { return ++asked_ >= no_at ? 1 : 0; }, 0) {}
  const QueryBudget* budget() const { return &budget_; }
  size_t asked() const { return asked_; }

 private:
  size_t asked_ = 0;
  QueryBudget budget_;
};

TEST(Postings, LongWorkAsksOftenAndEndsAtTheFirstNo) {
  constexpr uint32_t kValues = 12'000;
  constexpr size_t kWorkPerQuestion = 4096;
  Postings index;
  std::vector<PairId> pairs;
  for (uint32_t i = 0; i < kValues; ++i) {
    const Labels labels =
        LabelsBuilder().Set("all", "x").Set("i", std::to_string(i * 31 % kValues)).Build();
    index.Add(SeriesRef(i), labels, &pairs);
  }
  const auto regex = [](MatchType type, std::string pattern) {
    return std::vector<Matcher>{Matcher::Make(type, "i", std::move(pattern)).value()};
  };
  const std::vector<SeriesRef> all(index.All().begin(), index.All().end());
  using Work = std::function<Status(const QueryBudget*)>;
  const std::pair<const char*, Work> works[] = {
      {"regex",
       [&](auto* b) { return index.Match(regex(MatchType::kRegex, ".*1.*2.*"), b).status(); }},
      {"not regex",
       [&](auto* b) { return index.Match(regex(MatchType::kNotRegex, ".*1.*2.*"), b).status(); }},
      {"values", [&](auto* b) { return index.LabelValues("i", b).status(); }},
      {"values of series", [&](auto* b) { return index.LabelValues("i", all, b).status(); }},
      {"names of series", [&](auto* b) {
         // Of the last series: every other value is looked at in vain.
         return index.LabelNames(std::span(all).last(1), b).status();
       }}};
  for (const auto& [name, work] : works) {
    Questions never(SIZE_MAX);
    ASSERT_TRUE(work(never.budget()).ok()) << name;
    const bool may_be_lucky = std::string_view(name) == "names of series";
    EXPECT_GE(never.asked(), may_be_lucky ? 1 : kValues / kWorkPerQuestion) << name;
    for (size_t no_at = 1; no_at <= never.asked(); no_at += 1 + never.asked() / 6) {
      Questions questions(no_at);
      EXPECT_EQ(work(questions.budget()).code(), Code::kDeadlineExceeded) << name;
      EXPECT_EQ(questions.asked(), no_at) << name;
    }
  }
}

}  // namespace
}  // namespace thermocline
