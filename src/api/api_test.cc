// The public headers as a program uses them, on real files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>

#include <thermocline/chunks.h>
#include <thermocline/convert.h>
#include <thermocline/generate.h>
#include <thermocline/index.h>
#include <thermocline/query.h>
#include <thermocline/schema.h>
#include <thermocline/source.h>

namespace thermocline::api {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
namespace fs = std::filesystem;

const fs::path kBlocks = fs::path(__FILE__).parent_path().parent_path() / "blocks/testdata";
const std::string kBlock = kBlocks / "blocks-2h/01HF96RR88AEWTP9VWFAY43MQ6";
const std::string kStartsBlock = kBlocks / "blocks-st/01HF8S19R440J24F8QJDC741RX";

template <typename T>
T Must(Result<T> result) {
  EXPECT_TRUE(result.ok()) << result.status().ToString();
  return *std::move(result);
}

class ApiTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "thermocline-api.XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string Path(const std::string& name) const { return (folder_ / name).string(); }

  fs::path folder_;
};

Series Counter(const std::string& name, const std::string& job, int samples, int64_t start = 0) {
  Series series;
  series.labels = Labels({{"job", job}, {"__name__", name}});
  for (int i = 0; i < samples; ++i) series.samples.AddFloat(1000 * (i + 1), i * 0.5, start);
  series.samples.EndSeries();
  return series;
}

Histogram SmallHistogram(uint64_t count) {
  Histogram histogram;
  histogram.schema = 1;
  histogram.count = count;
  histogram.sum = 2.5;
  histogram.positive_spans = {{2, 1}};
  histogram.positive_counts = {static_cast<int64_t>(count)};
  return histogram;
}

size_t CountSamples(const Source& source, const Selection& selection = {}) {
  size_t count = 0;
  const SeriesSet set = Must(source.Select(selection));
  const Status read = set.ForEach([&](const Labels&, const SampleBatch& batch, size_t i) {
    count += batch.times(i).size();
    return Status::Ok();
  });
  EXPECT_TRUE(read.ok()) << read.ToString();
  return count;
}

TEST(ApiStatus, SaysItsCodeAndMessage) {
  EXPECT_TRUE(Status::Ok().ok());
  EXPECT_EQ(Status::Ok().ToString(), "OK");
  const Status status(Code::kCorruption, "file x");
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(status.code(), Code::kCorruption);
  EXPECT_EQ(status.ToString(), "Corruption: file x");
  EXPECT_EQ(Result<int>(status).status().message(), "file x");
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH((void)*Result<int>(status), "");
}

TEST(ApiLabels, AreSortedAndWithoutEmptyValues) {
  const Labels labels({{"job", "x"}, {"empty", ""}, {"__name__", "up"}});
  EXPECT_EQ(labels.ToString(), R"({__name__="up", job="x"})");
  EXPECT_EQ(labels.size(), 2u);
  EXPECT_EQ(labels.metric_name(), "up");
  EXPECT_EQ(labels.With("job", "").ToString(), R"({__name__="up"})");
  EXPECT_EQ(labels.With("a", "1").pairs(),
            (LabelPairs{{"__name__", "up"}, {"a", "1"}, {"job", "x"}}));
  EXPECT_LT(labels, labels.With("job", "y"));
  EXPECT_EQ(Labels(labels.pairs()), labels);
}

TEST(ApiLabels, SelectorsAreParsedAndMatched) {
  const auto matchers = Must(ParseSelector(R"(up{job=~"a|b",env!="prod"})"));
  ASSERT_EQ(matchers.size(), 3u);
  EXPECT_TRUE(Must(Matches(matchers, Labels({{"__name__", "up"}, {"job", "a"}}))));
  EXPECT_FALSE(Must(Matches(matchers, Labels({{"__name__", "up"}, {"job", "c"}}))));
  EXPECT_FALSE(
      Must(Matches(matchers, Labels({{"__name__", "up"}, {"job", "a"}, {"env", "prod"}}))));
  EXPECT_EQ(ParseSelector("up{").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(Matches({{MatchType::kRegex, "job", "("}}, Labels()).status().code(),
            Code::kInvalidArgument);
}

TEST(ApiChunks, ComeBackAsTheyWent) {
  SampleBatch batch;
  for (int i = 0; i < 300; ++i) {
    batch.AddFloat(15'000 * i, i == 7 ? StaleMarker() : std::sqrt(i));
  }
  for (int i = 300; i < 330; ++i) batch.AddHistogram(15'000 * i, SmallHistogram(i), 15'000);
  batch.EndSeries();
  const ChunkBatch chunks = Must(EncodeChunks(batch, 0));
  EXPECT_EQ(chunks.chunks.size(), 4u);  // 120 + 120 + 60 floats, 30 histograms
  EXPECT_EQ(chunks.chunks[0].encoding, ChunkEncoding::kXor);
  EXPECT_EQ(chunks.chunks[3].encoding, ChunkEncoding::kHistogramSt);
  size_t at = 0;
  for (const Chunk& chunk : chunks.of(0)) {
    EXPECT_EQ(chunk.min_ms, batch.timestamps_ms[at]);
    const SampleBatch decoded = Must(DecodeChunk(chunk.encoding, chunk.bytes));
    EXPECT_EQ(Must(ChunkSampleCount(chunk.encoding, chunk.bytes)), decoded.sample_count());
    for (size_t i = 0; i < decoded.sample_count(); ++i, ++at) {
      EXPECT_EQ(decoded.timestamps_ms[i], batch.timestamps_ms[at]);
      EXPECT_EQ(std::bit_cast<uint64_t>(decoded.values[i]),
                std::bit_cast<uint64_t>(batch.values[at]));
      EXPECT_EQ(decoded.start_ms(i), batch.start_ms(at));
      const Histogram* histogram = decoded.histogram(i);
      ASSERT_EQ(histogram != nullptr, batch.histogram(at) != nullptr);
      if (histogram != nullptr) EXPECT_EQ(histogram->count, batch.histogram(at)->count);
    }
  }
  EXPECT_EQ(at, batch.sample_count());
}

TEST(ApiChunks, BadInputIsAnError) {
  EXPECT_EQ(DecodeChunk(ChunkEncoding::kXor, "x").status().code(), Code::kCorruption);
  SampleBatch batch;
  batch.AddFloat(2, 1);
  batch.AddFloat(2, 1);
  batch.EndSeries();
  EXPECT_EQ(EncodeChunks(batch, 0).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(EncodeChunks(batch, 1).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(EncodeChunks(batch, 0, {.max_samples = 0}).status().code(), Code::kInvalidArgument);
}

TEST(ApiSource, MadeSeriesAreSelectedByLabelsAndTime) {
  std::vector<Series> series = {Counter("b_total", "x", 10), Counter("a_total", "y", 10),
                                Counter("a_total", "x", 10, 500)};
  Series histogram{Labels({{"__name__", "h"}, {"job", "y"}}), {}};
  histogram.samples.AddFloat(1000, 1);
  histogram.samples.AddHistogram(2000, SmallHistogram(3));
  series.push_back(histogram);
  const Source source = Must(Source::FromSeries(series));
  EXPECT_EQ(source.layout(), Layout::kMade);

  const SeriesSet all = Must(source.Select({}));
  ASSERT_EQ(all.size(), 4u);
  for (size_t i = 1; i < all.size(); ++i) EXPECT_LT(all.labels(i - 1), all.labels(i));
  SampleBatch batch;
  ASSERT_TRUE(all.Read(0, 4, &batch).ok());
  EXPECT_EQ(batch.series_count(), 4u);
  EXPECT_EQ(batch.start_ms(0), 500);
  EXPECT_EQ(batch.start_ms(10), 0);
  const size_t last = batch.sample_count() - 1;
  ASSERT_NE(batch.histogram(last), nullptr);
  EXPECT_EQ(batch.histogram(last)->count, 3u);
  EXPECT_EQ(batch.values[last], 2.5);
  EXPECT_EQ(batch.histogram(last - 1), nullptr);

  Selection selection{Must(ParseSelector(R"({job="x"})")), {2000, 4000}};
  EXPECT_EQ(CountSamples(source, selection), 6u);
  EXPECT_THAT(Must(source.LabelValues("__name__", selection)), ElementsAre("a_total", "b_total"));
  EXPECT_THAT(Must(source.LabelNames()), ElementsAre("__name__", "job"));
  selection.limit = 1;
  EXPECT_EQ(Must(source.Select(selection)).size(), 1u);
  EXPECT_EQ(all.Read(3, 2, &batch).code(), Code::kOutOfRange);
}

TEST(ApiSource, MadeSeriesThatContradictAreRefused) {
  EXPECT_EQ(Source::FromSeries({Counter("a", "x", 1), Counter("a", "x", 2)}).status().code(),
            Code::kInvalidArgument);
  Series backwards{Labels({{"__name__", "a"}}), {}};
  backwards.samples.AddFloat(2, 1);
  backwards.samples.AddFloat(1, 1);
  const auto refused = Source::FromSeries({backwards});
  EXPECT_EQ(refused.status().code(), Code::kInvalidArgument);
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr(R"({__name__="a"})"));
}

TEST(ApiSource, ABlockIsWalkedWithItsHistogramsAndChunks) {
  EXPECT_EQ(Must(RecogniseLayout(kBlock)), Layout::kBlock);
  const Source block = Must(Source::Open(kBlock));
  EXPECT_EQ(block.layout(), Layout::kBlock);
  EXPECT_EQ(CountSamples(block), 51u);
  const SeriesSet set = Must(block.Select({}));
  EXPECT_EQ(set.size(), 35u);
  ASSERT_TRUE(set.has_chunks());
  ChunkBatch chunks;
  ASSERT_TRUE(set.ReadChunks(0, set.size(), &chunks).ok());
  size_t samples = 0;
  for (const Chunk& chunk : chunks.chunks) {
    samples += Must(DecodeChunk(chunk.encoding, chunk.bytes)).sample_count();
  }
  EXPECT_EQ(samples, 51u);
  EXPECT_THAT(Must(block.Metadata()), IsEmpty());
  EXPECT_EQ(Source::Open(kBlock + "/nowhere").status().code(), Code::kNotFound);
  EXPECT_EQ(Source::Open(kBlock, {.threads = 0}).status().code(), Code::kInvalidArgument);
}

TEST_F(ApiTest, EveryShardLayoutHoldsWhatTheBlockHeld) {
  const Source block = Must(Source::Open(kBlock));
  for (const Layout layout : {Layout::kParquetCommon, Layout::kGateway}) {
    const std::string target = Path(std::string(LayoutName(layout)));
    ConvertOptions options{.layout = layout, .verify = true};
    double part = 0;
    const auto done = Must(Convert({kBlock}, target, options, [&](const ConvertProgress& now) {
      part = now.part_done;
      return Status::Ok();
    }));
    EXPECT_EQ(done.samples, 51u);
    EXPECT_EQ(done.samples_verified, 51u);
    EXPECT_GT(part, 0);
    const Source written = Must(Source::Open(target));
    EXPECT_EQ(written.layout(), layout);
    const Comparison compared = Must(Compare(block, written));
    EXPECT_TRUE(compared.equal());
    EXPECT_EQ(compared.samples, 51u);
    EXPECT_EQ(Convert({kBlock}, target, options).ok(), false);
  }
}

TEST_F(ApiTest, AnOpenedFolderOfBlocksIsConvertedBlockByBlock) {
  const Source blocks = Must(Source::Open(kBlocks / "blocks-2h"));
  EXPECT_EQ(blocks.layout(), Layout::kBlocks);
  EXPECT_EQ(Must(Convert(blocks, Path("out"), {.layout = Layout::kGateway})).samples, 51u);
  EXPECT_TRUE(Must(Compare(blocks, Must(Source::Open(Path("out"))))).equal());
}

TEST_F(ApiTest, ADamagedChunkIsAnErrorOrLeftOutAndCounted) {
  fs::copy(kBlock, Path("block"), fs::copy_options::recursive);
  const fs::path chunks = folder_ / "block/chunks/000001";
  std::fstream file(chunks, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(fs::file_size(chunks)) - 6);
  file.put('\xff').put('\x55');
  file.close();
  const SeriesSet set = Must(Must(Source::Open(Path("block"))).Select({}));
  const Status read =
      set.ForEach([](const Labels&, const SampleBatch&, size_t) { return Status::Ok(); });
  EXPECT_EQ(read.code(), Code::kCorruption);
  EXPECT_THAT(std::string(read.message()), HasSubstr("000001"));
  const Source skipping = Must(Source::Open(Path("block"), {.skip_damaged = true}));
  EXPECT_LT(CountSamples(skipping), 51u);
  EXPECT_EQ(skipping.damage().chunks, 1u);
  EXPECT_EQ(skipping.damage().messages.size(), 1u);
}

TEST_F(ApiTest, AWatchThatFailsEndsTheConversion) {
  const auto stopped = Convert({kBlock}, Path("out"), {}, [](const ConvertProgress&) {
    return Status(Code::kCancelled, "enough");
  });
  EXPECT_EQ(stopped.status().code(), Code::kCancelled);
  EXPECT_FALSE(fs::exists(Path("out")));
}

TEST_F(ApiTest, GeneratedDataBecomeRowsAndAreQueried) {
  const GenerateOptions options{.series = 40, .samples = 50};
  for (const Workload workload : {Workload::kFleet, Workload::kCardinality, Workload::kChurn}) {
    GenerateOptions of_workload = options;
    of_workload.workload = workload;
    const Source made = Must(Generate(of_workload));
    EXPECT_TRUE(Must(Compare(made, Must(Generate(of_workload)))).equal());
    of_workload.seed = 2;
    if (workload == Workload::kFleet) {
      EXPECT_FALSE(Must(Compare(made, Must(Generate(of_workload)))).equal());
    }
    const std::string target = Path(std::to_string(static_cast<int>(workload)));
    EXPECT_EQ(Must(Convert(made, target, {.layout = Layout::kSamples})).samples, 2000u);
    EXPECT_TRUE(Must(Compare(made, Must(Source::Open(target)))).equal());

    const QueryEngine engine = Must(QueryEngine::Make());
    const int64_t at_ms = options.start_ms + 10 * options.interval_ms;
    const auto counted = Must(engine.Instant(made, "count({__name__!=\"\"})", at_ms));
    ASSERT_EQ(counted.series.size(), 1u);
    EXPECT_EQ(counted.series[0].values, std::vector<double>{40});
  }
  EXPECT_EQ(Generate({.series = 0}).status().code(), Code::kInvalidArgument);
}

TEST(ApiQuery, HistogramsComeWithTheirSumsAsValues) {
  Series mixed{Labels({{"__name__", "h"}}), {}};
  mixed.samples.AddFloat(1000, 7);
  mixed.samples.AddHistogram(2000, SmallHistogram(3));
  mixed.samples.EndSeries();
  const Source source = Must(Source::FromSeries({mixed}));
  const QueryEngine engine = Must(QueryEngine::Make());
  const auto answer = Must(engine.Range(source, "h * 2", 1000, 2000, 1000));
  ASSERT_EQ(answer.series.size(), 1u);
  EXPECT_THAT(answer.series[0].values, ElementsAre(14, 5));
  ASSERT_EQ(answer.series[0].histograms.size(), 2u);
  EXPECT_EQ(answer.series[0].histograms[0], nullptr);
  ASSERT_NE(answer.series[0].histograms[1], nullptr);
  EXPECT_TRUE(answer.series[0].histograms[1]->is_float);
  EXPECT_EQ(answer.series[0].histograms[1]->float_count, 6);
  EXPECT_THAT(answer.series[0].histograms[1]->positive_floats, ElementsAre(6));
}

TEST(ApiQuery, RangesAreEvaluatedStepByStep) {
  const Source source = Must(Source::FromSeries({Counter("a", "x", 100), Counter("a", "y", 100)}));
  const QueryEngine engine = Must(QueryEngine::Make());
  const auto answer = Must(engine.Range(source, "sum by (job) (a)", 10'000, 12'000, 1000));
  EXPECT_EQ(answer.type, ValueType::kMatrix);
  ASSERT_EQ(answer.series.size(), 2u);
  EXPECT_EQ(answer.series[0].labels.ToString(), R"({job="x"})");
  EXPECT_THAT(answer.series[0].timestamps_ms, ElementsAre(10'000, 11'000, 12'000));
  EXPECT_THAT(answer.series[0].values, ElementsAre(4.5, 5, 5.5));
  EXPECT_EQ(Must(engine.Instant(source, "\"text\"", 0)).text, "text");
  EXPECT_EQ(engine.Instant(source, "sum(", 0).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(engine.Range(source, "a", 0, 1, 0).status().code(), Code::kInvalidArgument);
}

TEST(ApiQuery, AQueryIsParsedWithItsSelectors) {
  const auto parsed = Must(ParseQuery(R"(sum  by(job)(rate(a{x="1"}[5m]  offset 1m)) /b)"));
  EXPECT_EQ(parsed.text, R"(sum by (job) (rate(a{x="1"}[5m] offset 1m)) / b)");
  EXPECT_EQ(parsed.type, ValueType::kVector);
  ASSERT_EQ(parsed.selectors.size(), 2u);
  EXPECT_EQ(parsed.selectors[0].range_ms, 300'000);
  EXPECT_EQ(parsed.selectors[0].offset_ms, 60'000);
  EXPECT_EQ(parsed.selectors[0].matchers.size(), 2u);
  EXPECT_EQ(parsed.selectors[1].matchers[0].value, "b");
  EXPECT_THAT(std::string(ParseQuery("sum(").status().message()), HasSubstr("1:5: parse error"));
}

TEST(ApiIndex, MatchesAsEveryLabelSetAloneDoes) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  LabelIndex index;
  std::vector<Labels> all;
  for (int i = 0; i < 500; ++i) {
    Labels labels;
    for (const char* name : {"a", "b", "c"}) {
      if (random() % 3 != 0) labels = labels.With(name, std::to_string(random() % 7));
    }
    EXPECT_EQ(index.Add(labels), all.size());
    all.push_back(labels);
  }
  EXPECT_EQ(index.size(), 500u);
  EXPECT_EQ(index.labels(17), all[17]);
  EXPECT_THAT(index.LabelNames(), ElementsAre("a", "b", "c"));
  const std::vector<Matcher> choices = {
      {MatchType::kEqual, "a", "1"},        {MatchType::kEqual, "b", ""},
      {MatchType::kNotEqual, "c", ""},      {MatchType::kRegex, "a", "1|2|"},
      {MatchType::kNotRegex, "b", "[1-4]"}, {MatchType::kEqual, "other", ""}};
  for (uint32_t chosen = 0; chosen < (1u << choices.size()); ++chosen) {
    std::vector<Matcher> matchers;
    for (size_t i = 0; i < choices.size(); ++i) {
      if (chosen >> i & 1) matchers.push_back(choices[i]);
    }
    std::vector<uint32_t> expected;
    for (uint32_t i = 0; i < all.size(); ++i) {
      if (Must(Matches(matchers, all[i]))) expected.push_back(i);
    }
    EXPECT_EQ(Must(index.Match(matchers)), expected) << chosen;
  }
}

TEST_F(ApiTest, AShardTellsWhichRowsMatch) {
  ASSERT_TRUE(Convert({kBlock}, Path("shard")).ok());
  const ShardIndex shard = Must(ShardIndex::Open(Path("shard")));
  EXPECT_EQ(shard.rows(), 35u);
  std::vector<uint64_t> every(shard.rows());
  for (size_t i = 0; i < every.size(); ++i) every[i] = i;
  const std::vector<Labels> labels = Must(shard.ReadLabels(every));
  const auto matchers = Must(ParseSelector(R"({job="job-0",code!=""})"));
  std::vector<uint64_t> expected, found;
  for (const uint64_t row : every) {
    if (Must(Matches(matchers, labels[row]))) expected.push_back(row);
  }
  for (const RowRange& rows : Must(shard.Match(matchers))) {
    for (uint64_t i = 0; i < rows.count; ++i) found.push_back(rows.first + i);
  }
  EXPECT_FALSE(expected.empty());
  EXPECT_LT(expected.size(), every.size());
  EXPECT_EQ(found, expected);
  const auto columns = shard.DataColumns(shard.range());
  EXPECT_LT(columns.first, columns.second);
  EXPECT_EQ(shard.ReadLabels({35}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(ShardIndex::Open(Path("shard"), 1).status().code(), Code::kNotFound);
}

TEST_F(ApiTest, SchemasAreThoseOfTheFilesWritten) {
  for (const Layout layout : {Layout::kParquetCommon, Layout::kGateway}) {
    const ConvertOptions options{.layout = layout};
    const std::string target = Path(std::string(LayoutName(layout)));
    ASSERT_TRUE(Convert({kBlock}, target, options).ok());
    std::string prefix;
    for (const auto& entry : fs::recursive_directory_iterator(target)) {
      const std::string path = entry.path();
      if (path.ends_with("0.labels.parquet")) prefix = path.substr(0, path.size() - 15);
    }
    const Source source = Must(Source::Open(kBlock));
    const auto schemas = Must(ShardSchemas(options, Must(source.LabelNames())));
    ASSERT_EQ(schemas.size(), 2u);
    for (const TableSchema& schema : schemas) {
      const ParquetFile file = Must(ParquetFile::Open(prefix + "." + schema.table + ".parquet"));
      EXPECT_EQ(file.rows(), 35u);
      std::vector<std::string> expected, found;
      for (const Column& column : schema.columns) expected.push_back(column.name);
      for (const Column& column : file.schema().columns) found.push_back(column.name);
      // parquet-common has as many data columns as the range of the data takes.
      found.resize(std::min(found.size(), expected.size()));
      expected.resize(found.size());
      EXPECT_EQ(found, expected) << schema.table;
    }
  }
  EXPECT_EQ(ShardSchemas({.layout = Layout::kSamples}, {}).status().code(), Code::kInvalidArgument);
}

// A gauge with values of a label that are together too long for a dictionary, and its metadata.
std::string TextOfLongLabels() {
  std::string text = "# TYPE long gauge\n# HELP long Values.\n";
  for (int i = 0; i < 256; ++i) {
    text += "long{id=\"" + std::to_string(i) + std::string(5000, 'x') + "\"} 1 1700010000\n";
  }
  return text + "# EOF\n";
}

TEST_F(ApiTest, EveryColumnOfARowsFileHasItsNote) {
  std::ofstream(Path("long.om")) << TextOfLongLabels();
  Series histogram{.labels = Labels({{"__name__", "h"}}), .samples = {}};
  histogram.samples.AddHistogram(2000, SmallHistogram(3), 1000);
  histogram.samples.EndSeries();
  const Source made = Must(Source::FromSeries({histogram}));
  ASSERT_TRUE(Convert(made, Path("made"), {.layout = Layout::kSamples}).ok());
  std::set<std::string> tables;
  std::set<std::string> met;
  const auto notes = SamplesColumns();
  // All six tables take a log with exemplars and metadata, start timestamps and long labels.
  for (const std::string& path :
       {(kBlocks / "wal-torn").string(), kStartsBlock, Path("long.om"), Path("made")}) {
    const Source source = Must(Source::Open(path));
    const std::string rows = Path("rows-" + fs::path(path).filename().string());
    ASSERT_TRUE(Convert(source, rows, {.layout = Layout::kSamples}).ok());
    const std::vector<std::string> label_names = Must(source.LabelNames());
    for (const auto& entry : fs::recursive_directory_iterator(rows)) {
      if (entry.path().extension() != ".parquet") continue;
      const ParquetFile file = Must(ParquetFile::Open(entry.path()));
      const std::string table = entry.path().parent_path().parent_path().filename();
      for (const Column& column : file.schema().columns) {
        const bool noted = std::any_of(notes.begin(), notes.end(), [&](const ColumnNote& note) {
          return note.table == table && note.name == column.name && note.type == column.type &&
                 note.optional == column.optional;
        });
        const bool label =
            std::find(label_names.begin(), label_names.end(), column.name) != label_names.end();
        EXPECT_TRUE(noted || label) << table << "." << column.name;
        met.insert(table + "." + column.name);
      }
      tables.insert(table);
    }
  }
  EXPECT_THAT(tables,
              ElementsAre("exemplars", "histograms", "labels", "metadata", "samples", "series"));
  for (const ColumnNote& note : notes) {
    const std::string column = std::string(note.table) + "." + std::string(note.name);
    if (note.name.ends_with("more_rows")) continue;  // of metrics of millions of samples a day
    EXPECT_TRUE(met.contains(column)) << column << " is noted and never written";
  }
}

TEST_F(ApiTest, ThePageIndexTellsWhichRowsToRead) {
  ASSERT_TRUE(Convert({kBlock}, Path("shard")).ok());
  const ParquetFile file = Must(ParquetFile::Open(Path("shard/0.labels.parquet")));
  EXPECT_FALSE(file.created_by().empty());
  EXPECT_FALSE(file.key_values().empty());
  const auto pages = Must(file.Pages("l_job"));
  ASSERT_FALSE(pages.empty());
  uint64_t rows = 0;
  for (const Page& page : pages) rows += page.row_count;
  EXPECT_EQ(rows, file.rows());
  EXPECT_THAT(Must(file.RowsWhere("l_job", "zzz", "zzz")), IsEmpty());
  EXPECT_THAT(Must(file.RowsWhere("l_job", "job-0", "job-0")), ::testing::Not(IsEmpty()));
  EXPECT_THAT(Must(file.RowsWithPrefix("l_job", "job-")), ::testing::Not(IsEmpty()));
  EXPECT_EQ(file.RowsWhere("l_job", 1, 2).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(file.Pages("nowhere").status().code(), Code::kNotFound);
  EXPECT_EQ(ParquetFile::Open(kBlock + "/index").status().code(), Code::kCorruption);
  EXPECT_EQ(ParquetFile::Open(Path("none.parquet")).status().code(), Code::kNotFound);
}

TEST_F(ApiTest, TextIsReadWithItsExemplarsAndMetadata) {
  const std::string path = Path("metrics.txt");
  std::ofstream(path) << "# TYPE a counter\n# HELP a Things.\n"
                         "a_total{job=\"x\"} 1 1.5 # {trace_id=\"t\"} 0.25 1.25\n# EOF\n";
  const Source text = Must(Source::Open(path));
  EXPECT_EQ(text.layout(), Layout::kOpenMetrics);
  EXPECT_EQ(CountSamples(text), 1u);
  const auto exemplars = Must(text.Exemplars({Must(ParseSelector("a_total"))}));
  ASSERT_EQ(exemplars.size(), 1u);
  EXPECT_EQ(exemplars[0].series.ToString(), R"({__name__="a_total", job="x"})");
  ASSERT_EQ(exemplars[0].exemplars.size(), 1u);
  EXPECT_EQ(exemplars[0].exemplars[0].labels.Get("trace_id"), "t");
  EXPECT_EQ(exemplars[0].exemplars[0].time_ms, 1250);
  const auto metadata = Must(text.Metadata());
  ASSERT_EQ(metadata.size(), 1u);
  EXPECT_EQ(metadata[0].type, "counter");
  EXPECT_EQ(metadata[0].help, "Things.");
}

TEST(ApiSource, StartTimestampsOfABlockAreThere) {
  const SeriesSet set = Must(Must(Source::Open(kStartsBlock)).Select({}));
  size_t starts = 0;
  const Status read = set.ForEach([&](const Labels&, const SampleBatch& batch, size_t i) {
    for (size_t at = batch.offsets[i]; at < batch.offsets[i + 1]; ++at) {
      starts += batch.start_ms(at) != 0;
    }
    return Status::Ok();
  });
  ASSERT_TRUE(read.ok()) << read.ToString();
  EXPECT_GT(starts, 0u);
}

}  // namespace
}  // namespace thermocline::api
