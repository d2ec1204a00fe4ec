// Matchers, labels and chunks of shards against a plain walk over all series: on files of the Go
// library and on our own, with small pages.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <set>

#include "bucket/local_bucket.h"
#include "codec/chunk.h"
#include "columnar/file_index.h"
#include "columnar/file_writer.h"
#include "env/posix/posix_file_system.h"
#include "env/simulated/simulated_file_system.h"
#include "shards/golden_truth.h"
#include "shards/shard_queryable.h"
#include "shards/shard_writer.h"

namespace thermocline::shards {
namespace {

using Shards = std::vector<std::shared_ptr<const Shard>>;
constexpr TimeRange kAllTime{kMinTimestampMs, kMaxTimestampMs};

Shards OpenAll(Bucket& bucket, const std::string& prefix) {
  columnar::ReadStats stats;
  auto shards = OpenShards(bucket, *FindShards(bucket, prefix), {}, &stats);
  EXPECT_TRUE(shards.ok()) << shards.status().ToString();
  return *shards;
}

// The same shards without the column of hashes, as converters wrote them at first.
Status CopyWithoutHashes(Bucket& bucket, const std::string& from, const std::string& to) {
  ASSIGN_OR_RETURN(const auto places, FindShards(bucket, from));
  for (const Shard::Place& place : places) {
    ASSIGN_OR_RETURN(const std::string chunks, bucket.Get(place.chunks_key));
    RETURN_IF_ERROR(bucket.Put(to + place.chunks_key.substr(from.size()), chunks));
    ASSIGN_OR_RETURN(std::unique_ptr<Object> object, bucket.Open(place.labels_key));
    columnar::ReadStats stats;
    ASSIGN_OR_RETURN(const columnar::FileReader reader,
                     columnar::FileReader::Open(std::move(object), {}, &stats));
    columnar::FileSchema schema = reader.index().schema();
    EXPECT_EQ(schema.columns.back().name, kSeriesHashName);
    schema.columns.pop_back();
    std::vector<columnar::FetchColumn> columns;
    for (uint32_t c = 0; c < schema.columns.size(); ++c) {
      schema.columns[c].bloom_filter = false;
      columns.push_back({c, 0});
    }
    const std::vector<RowRange> rows = {{0, reader.index().rows()}};
    ASSIGN_OR_RETURN(const auto values, reader.ReadRows(columns, rows, {}, &stats));
    std::vector<std::vector<std::string_view>> texts(columns.size());
    for (size_t c = 0; c < columns.size(); ++c) {
      values[c].ForEachString([&](uint64_t, uint64_t count, std::string_view value) {
        texts[c].insert(texts[c].end(), count, value);
      });
    }
    ASSIGN_OR_RETURN(auto sink, bucket.NewWriter(to + place.labels_key.substr(from.size())));
    ASSIGN_OR_RETURN(auto writer, columnar::FileWriter::Open(sink.get(), schema, {}));
    uint64_t first = 0;
    ASSIGN_OR_RETURN(const auto shard, Shard::Open(bucket, place, {}, &stats));
    const auto& layout =
        *static_cast<const columnar::PagedFileIndex&>(*shard->labels().index).entry(0).layout;
    for (uint32_t g = 0; g < reader.index().row_groups(); ++g) {
      const uint64_t end = layout.first_row[layout.group_begin[g + 1]];
      RETURN_IF_ERROR(writer->BeginRowGroup(end - first));
      for (uint32_t c = 0; c < columns.size(); ++c) {
        RETURN_IF_ERROR(writer->WriteStrings(c, std::span(texts[c]).subspan(first, end - first)));
      }
      RETURN_IF_ERROR(writer->EndRowGroup());
      first = end;
    }
    columnar::KeyValues pairs = reader.index().key_values();
    std::erase_if(pairs, [](const auto& pair) { return pair.first.starts_with("thermocline"); });
    RETURN_IF_ERROR(writer->Finish(pairs).status());
    RETURN_IF_ERROR(sink->Finish());
  }
  return Status::Ok();
}

class ShardQueryTest : public testing::Test {
 protected:
  struct Corpus {
    std::string name;
    Shards shards;
    std::vector<Labels> all;  // in label order
  };

  ShardQueryTest() : data_(disk_, TestDataFolder().string()), bucket_(memory_, "/out") {
    Shards golden = OpenAll(data_, "small-shards/");
    SelectRequest request;
    request.range = kAllTime;
    const auto set = ShardQueryable(golden).Select(request);
    ShardWriterOptions options;
    options.range = golden[0]->range();
    options.column_ms = golden[0]->columns().column_ms;
    options.row_group_rows = 100;
    options.row_groups_per_shard = 3;
    options.label_page_rows = 16;
    options.chunk_page_bytes = 2048;
    EXPECT_TRUE(WriteShards(**set, bucket_, "ours/", options).ok());
    AddCorpus("the Go library's", std::move(golden));
    AddCorpus("ours", OpenAll(bucket_, "ours/"));
    all_ = corpora_[0].all;
    for (const Corpus& corpus : corpora_) sources_.push_back(corpus.shards);
  }

  void AddCorpus(const std::string& name, Shards shards) {
    SelectRequest request;
    request.range = kAllTime;
    const auto set = ShardQueryable(shards).Select(request);
    ASSERT_TRUE(set.ok()) << set.status().ToString();
    std::vector<Labels> all;
    for (size_t i = 0; i < (*set)->series_count(); ++i) all.push_back((*set)->labels(i));
    std::sort(all.begin(), all.end());
    corpora_.push_back({name, std::move(shards), std::move(all)});
  }
  // Both generations of the Go library, and files without hashes.
  void AddMoreCorpora() {
    const Status copied = CopyWithoutHashes(bucket_, "ours/", "no-hashes/");
    ASSERT_TRUE(copied.ok()) << copied.ToString();
    AddCorpus("ours without hashes", OpenAll(bucket_, "no-hashes/"));
    EXPECT_EQ(corpora_.back().shards[0]->columns().version, 1);
    EXPECT_EQ(corpora_.back().all, corpora_[1].all);
    if (GoldenFolder().empty()) return;
    golden_.emplace(disk_, GoldenFolder().string());
    AddCorpus("parquet-go 0.25", OpenAll(*golden_, "parquet-common/default/"));
    AddCorpus("parquet-go 0.30", OpenAll(*golden_, "parquet-common/day-parquet-go-0.30/"));
  }

  static std::vector<Labels> Matching(const Corpus& corpus, const std::vector<Matcher>& matchers) {
    std::vector<Labels> found;
    for (const Labels& labels : corpus.all) {
      if (MatchesAll(matchers, labels)) found.push_back(labels);
    }
    return found;
  }

  void ExpectSelects(const std::vector<Matcher>& matchers) {
    for (const Corpus& corpus : corpora_) ExpectSelects(corpus, matchers);
  }
  static void ExpectSelects(const Corpus& corpus, const std::vector<Matcher>& matchers) {
    std::string text = corpus.name;
    for (const Matcher& matcher : matchers) text += " " + matcher.ToString();
    SCOPED_TRACE(text);
    const ShardQueryable source(corpus.shards);
    SelectRequest request;
    request.matchers = matchers;
    request.range = kAllTime;
    request.hints.sorted = true;
    const auto set = source.Select(request);
    ASSERT_TRUE(set.ok()) << set.status().ToString();
    const std::vector<Labels> wanted = Matching(corpus, matchers);
    std::vector<Labels> found;
    for (size_t i = 0; i < (*set)->series_count(); ++i) found.push_back((*set)->labels(i));
    EXPECT_EQ(found, wanted);
    EXPECT_LE(source.most_rounds(), 3u);

    LabelRequest labels;
    labels.range = kAllTime;
    if (!matchers.empty()) labels.matcher_sets.push_back(matchers);
    std::set<std::string> names;
    std::set<std::string> jobs;
    std::set<std::string> values;
    const std::string name = matchers.empty() ? "pod" : matchers.back().name();
    for (const Labels& one : wanted) {
      for (const LabelPair& pair : one) names.emplace(pair.name);
      if (one.Has("job")) jobs.emplace(one.Get("job"));
      if (one.Has(name)) values.emplace(one.Get(name));
    }
    EXPECT_EQ(*source.LabelNames(labels), std::vector<std::string>(names.begin(), names.end()));
    EXPECT_EQ(*source.LabelValues("job", labels),
              std::vector<std::string>(jobs.begin(), jobs.end()));
    EXPECT_EQ(*source.LabelValues(name, labels),
              std::vector<std::string>(values.begin(), values.end()));
  }

  PosixFileSystem disk_;
  SimulatedFileSystem memory_;
  LocalBucket data_;
  LocalBucket bucket_;
  std::optional<LocalBucket> golden_;
  std::vector<Corpus> corpora_;
  std::vector<Labels> all_;
  std::vector<Shards> sources_;
};

Matcher Make(MatchType type, std::string name, std::string value) {
  return *Matcher::Make(type, std::move(name), std::move(value));
}

TEST_F(ShardQueryTest, AnswersTheTableOfMatchers) {
  AddMoreCorpora();
  for (const Corpus& corpus : corpora_) {
    const std::vector<Labels>& all = corpus.all;
    ASSERT_GT(all.size(), 100u);
    ExpectSelects(corpus, {});
    const std::string metric(all[all.size() / 2].metric_name());
    for (const std::string label : {"__name__", "instance", "job", "pod", "zone", "no_such"}) {
      std::string value = "none";
      for (const Labels& labels : all) {
        if (labels.Has(label)) value = labels.Get(label);
      }
      const std::string half = value.substr(0, value.size() / 2);
      for (const auto& [type, text] : std::vector<std::pair<MatchType, std::string>>{
               {MatchType::kEqual, value},
               {MatchType::kEqual, ""},
               {MatchType::kEqual, "absent value"},
               {MatchType::kNotEqual, value},
               {MatchType::kNotEqual, ""},
               {MatchType::kNotEqual, "absent value"},
               {MatchType::kRegex, ""},
               {MatchType::kRegex, ".*"},
               {MatchType::kRegex, ".+"},
               {MatchType::kRegex, value + "|absent"},
               {MatchType::kRegex, value + "|"},
               {MatchType::kRegex, half + ".*"},
               {MatchType::kRegex, ".*" + value.substr(value.size() / 2)},
               {MatchType::kNotRegex, ""},
               {MatchType::kNotRegex, ".*"},
               {MatchType::kNotRegex, ".+"},
               {MatchType::kNotRegex, value + "|absent"},
               {MatchType::kNotRegex, value + "|"},
               {MatchType::kNotRegex, half + ".*"}}) {
        const auto matcher = Matcher::Make(type, label, text);
        if (!matcher.ok()) continue;
        ExpectSelects(corpus, {*matcher});
        ExpectSelects(corpus, {Matcher::Equal("__name__", metric), *matcher});
      }
    }
  }
}

TEST_F(ShardQueryTest, AnswersRandomSetsOfMatchers) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 60; ++round) {
    std::vector<Matcher> matchers;
    const Labels& near = all_[random() % all_.size()];
    for (const LabelPair& pair : near) {
      if (random() % 2 == 0) continue;
      const bool same = random() % 4 != 0;
      const std::string value = IsLegacyLabelName(pair.value) ? std::string(pair.value) : "job-1";
      if (random() % 2 == 0) {
        matchers.push_back(Make(same ? MatchType::kEqual : MatchType::kNotEqual,
                                std::string(pair.name), std::string(pair.value)));
      } else {
        matchers.push_back(Make(same ? MatchType::kRegex : MatchType::kNotRegex,
                                std::string(pair.name), value + ".*|b"));
      }
    }
    ExpectSelects(matchers);
  }
}

TEST_F(ShardQueryTest, AnswersNothingOutsideItsTimeAndOnlyWhatIsInside) {
  for (const Shards& shards : sources_) {
    const ShardQueryable source(shards);
    const TimeRange whole = shards[0]->range();
    SelectRequest request;
    for (const TimeRange range : {TimeRange{whole.end_ms + 1, whole.end_ms + kHourMs},
                                  TimeRange{0, whole.start_ms - 1}, TimeRange{}}) {
      ReadCounters counters;
      request.range = range;
      request.counters = &counters;
      const auto set = source.Select(request);
      ASSERT_TRUE(set.ok());
      EXPECT_EQ((*set)->series_count(), 0u);
      EXPECT_EQ(counters.requests.load(), 0u);
    }
    request.counters = nullptr;
    request.range = kAllTime;
    const auto all = source.Select(request);
    request.range = {whole.start_ms + 5 * kMinuteMs, whole.start_ms + 95 * kMinuteMs};
    const auto part = source.Select(request);
    ASSERT_TRUE(part.ok());
    ASSERT_EQ((*all)->series_count(), (*part)->series_count());
    SeriesBatch everything;
    SeriesBatch cut;
    EncodedBatch encoded;
    SeriesBatch decoded;
    for (uint32_t i = 0; i < (*all)->series_count(); i += 3) {
      ASSERT_TRUE((*all)->Read({&i, 1}, &everything).ok());
      ASSERT_TRUE((*part)->Read({&i, 1}, &cut).ok());
      std::vector<TimestampMs> wanted;
      for (const TimestampMs t : everything.timestamps_ms) {
        if (request.range.Contains(t)) wanted.push_back(t);
      }
      EXPECT_EQ(cut.timestamps_ms, wanted);
      // Chunks hold the same samples.
      ASSERT_TRUE((*part)->ReadEncoded({&i, 1}, &encoded).ok());
      decoded.Clear();
      for (const EncodedChunk& chunk : encoded.chunks) {
        ASSERT_TRUE(DecodeChunk(chunk.encoding, chunk.bytes, kAllTime, &decoded).ok());
      }
      std::sort(decoded.timestamps_ms.begin(), decoded.timestamps_ms.end());
      EXPECT_EQ(decoded.timestamps_ms, wanted);
    }
  }
}

TEST_F(ShardQueryTest, ReadsFewPagesInThreeRoundsForOneSeries) {
  const ShardQueryable source(sources_[1]);
  const Labels& wanted = all_[all_.size() / 3];
  ReadCounters counters;
  SelectRequest request;
  request.range = kAllTime;
  request.counters = &counters;
  for (const LabelPair& pair : wanted) {
    request.matchers.push_back(Matcher::Equal(std::string(pair.name), std::string(pair.value)));
  }
  const auto set = source.Select(request);
  ASSERT_TRUE(set.ok());
  ASSERT_GE((*set)->series_count(), 1u);
  SeriesBatch batch;
  const uint32_t first = 0;
  const uint64_t requests = counters.requests;
  ASSERT_TRUE((*set)->Read({&first, 1}, &batch).ok());
  EXPECT_GT(batch.timestamps_ms.size(), 0u);
  EXPECT_EQ(counters.requests.load(), requests);  // the chunks came along
  EXPECT_LE(source.most_rounds(), 3u);
  EXPECT_LT(counters.pages_read, counters.pages_considered / 4);
}

TEST_F(ShardQueryTest, BloomFiltersSpareThePagesOfAbsentValues) {
  SelectRequest request;
  request.range = kAllTime;
  const auto set = ShardQueryable(sources_[0]).Select(request);
  ShardWriterOptions options;
  options.range = sources_[0][0]->range();
  options.row_group_rows = 100;
  options.bloom_labels = {"__name__", "job", "instance"};
  ASSERT_TRUE(WriteShards(**set, bucket_, "bloom/", options).ok());
  ShardOptions reading;
  reading.bloom_worth_bytes = 0;
  columnar::ReadStats stats;
  const auto shards = OpenShards(bucket_, *FindShards(bucket_, "bloom/"), reading, &stats);
  ASSERT_TRUE(shards.ok()) << shards.status().ToString();
  // Between values that are there, so that page bounds do not tell.
  std::set<std::string> instances;
  for (const Labels& labels : all_) instances.emplace(labels.Get("instance"));
  const std::string absent = *std::next(instances.begin(), 3) + "0x";
  for (const std::string& value : {absent, *std::next(instances.begin(), 3), std::string()}) {
    for (const Matcher& matcher :
         {Matcher::Equal("instance", value), Make(MatchType::kNotEqual, "instance", value)}) {
      ShardReads reads;
      size_t found = 0;
      const auto matched = shards->front()->Match({matcher}, &reads);
      ASSERT_TRUE(matched.ok()) << matched.status().ToString();
      for (const RowRange& rows : *matched) found += rows.count;
      EXPECT_EQ(found, Matching(corpora_[0], {matcher}).size()) << matcher.ToString();
      if (value == absent && matcher.type() == MatchType::kEqual) {
        EXPECT_GT(reads.stats.requests, 0u);  // the filters'
        EXPECT_EQ(reads.stats.pages_read, 0u);
      }
    }
  }
}

// Files that have no check of their own: hashes tell of any damage to a label's name, the list of
// columns of a label that is gone.
TEST_F(ShardQueryTest, ADamagedNameOfAColumnIsNoticedByHashesAndByLists) {
  ASSERT_TRUE(CopyWithoutHashes(bucket_, "ours/", "no-hashes/").ok());
  const std::string go_file = *data_.Get("small-shards/0.labels.parquet");
  ASSERT_TRUE(bucket_.Put("go/0.labels.parquet", go_file).ok());
  ASSERT_TRUE(bucket_.Put("go/0.chunks.parquet", *data_.Get("small-shards/0.chunks.parquet")).ok());
  const auto answer = [&](const std::string& prefix) -> Result<std::string> {
    columnar::ReadStats stats;
    ASSIGN_OR_RETURN(const auto places, FindShards(bucket_, prefix));
    ASSIGN_OR_RETURN(const auto shards, OpenShards(bucket_, places, {}, &stats));
    SelectRequest all;
    all.range = kAllTime;
    ASSIGN_OR_RETURN(const auto set, ShardQueryable(shards).Select(all));
    std::string text;
    for (size_t i = 0; i < set->series_count(); ++i) text += set->labels(i).ToString();
    return text;
  };
  for (const auto& [prefix, damaged_bytes] : {std::pair{"go/", size_t{100}}, {"no-hashes/", 2}}) {
    const std::string key = std::string(prefix) + "0.labels.parquet";
    const std::string whole = *bucket_.Get(key);
    const auto right = answer(prefix);
    ASSERT_TRUE(right.ok()) << right.status().ToString();
    int errors = 0;
    for (const std::string name : {"l___name__", "l_instance", "l_job", "l_pod"}) {
      for (size_t at = whole.find(name); at != std::string::npos; at = whole.find(name, at + 1)) {
        for (size_t i = at; i < at + std::min(name.size(), damaged_bytes); ++i) {
          for (const int mask : {0x01, 0x41, 0x80, 0xff}) {
            std::string damaged = whole;
            damaged[i] = static_cast<char>(damaged[i] ^ mask);
            ASSERT_TRUE(bucket_.Put(key, damaged).ok());
            const auto found = answer(prefix);
            errors += found.ok() ? 0 : 1;
            EXPECT_TRUE(!found.ok() || *found == *right) << key << " byte " << i << " " << mask;
          }
        }
      }
    }
    EXPECT_GE(errors, 16) << prefix;
    ASSERT_TRUE(bucket_.Put(key, whole).ok());
  }
}

}  // namespace
}  // namespace thermocline::shards
