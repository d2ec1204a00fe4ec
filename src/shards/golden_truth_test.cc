#include <gtest/gtest.h>
#include <simdjson.h>

#include <bit>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "codec/compression.h"
#include "shards/golden_truth.h"

namespace thermocline::shards {

namespace {

namespace dom = simdjson::dom;

std::filesystem::path RoomFolder() { return std::filesystem::path(__FILE__).parent_path(); }

Result<std::string> ReadLines(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return Status::NotFound("no " + file.string());
  std::stringstream bytes;
  bytes << in.rdbuf();
  std::string lines;
  RETURN_IF_ERROR(ZstdDecode(bytes.str(), uint64_t{1} << 30, &lines, 27));
  return lines;
}

Labels ToLabels(dom::array pairs) {
  std::vector<std::pair<std::string, std::string>> labels;
  for (const dom::element pair : pairs) {
    labels.emplace_back(std::string_view(pair.at(0)), std::string_view(pair.at(1)));
  }
  return Labels(std::move(labels));
}

uint64_t Hex(dom::element text) {
  return std::strtoull(std::string(std::string_view(text)).c_str(), nullptr, 16);
}
double HexDouble(dom::element text) { return std::bit_cast<double>(Hex(text)); }

std::vector<HistogramSpan> ToSpans(dom::object from, const char* key) {
  std::vector<HistogramSpan> spans;
  dom::array array;
  if (from[key].get(array) != simdjson::SUCCESS) return spans;
  for (const dom::element span : array) {
    spans.push_back(
        {static_cast<int32_t>(int64_t(span.at(0))), static_cast<uint32_t>(int64_t(span.at(1)))});
  }
  return spans;
}

void ToCounts(dom::object from, const char* key, bool is_float, std::vector<int64_t>* counts,
              std::vector<double>* floats) {
  dom::array array;
  if (from[key].get(array) != simdjson::SUCCESS) return;
  for (const dom::element count : array) {
    if (is_float) {
      floats->push_back(HexDouble(count));
    } else {
      counts->push_back(int64_t(count));
    }
  }
}

Histogram ToHistogram(dom::object from) {
  Histogram h;
  const std::string_view kind = from["kind"];
  h.kind = kind == "float" ? SampleKind::kFloatHistogram : SampleKind::kHistogram;
  h.schema = static_cast<int32_t>(int64_t(from["schema"]));
  h.zero_threshold = HexDouble(from["zero_threshold"]);
  h.sum = HexDouble(from["sum"]);
  if (h.is_float()) {
    h.float_count = HexDouble(from["count"]);
    h.float_zero_count = HexDouble(from["zero_count"]);
  } else {
    h.count = uint64_t(from["count"]);
    h.zero_count = uint64_t(from["zero_count"]);
  }
  h.positive_spans = ToSpans(from, "pos_spans");
  h.negative_spans = ToSpans(from, "neg_spans");
  ToCounts(from, "pos", h.is_float(), &h.positive_counts, &h.positive_floats);
  ToCounts(from, "neg", h.is_float(), &h.negative_counts, &h.negative_floats);
  dom::array custom;
  if (from["custom"].get(custom) == simdjson::SUCCESS) {
    for (const dom::element bound : custom) h.custom_bounds.push_back(HexDouble(bound));
  }
  return h;
}

}  // namespace

std::filesystem::path GoldenFolder() {
  const char* shared = std::getenv("THERMOCLINE_SHARED");
  const std::filesystem::path folder = shared != nullptr
                                           ? std::filesystem::path(shared)
                                           : RoomFolder().parent_path().parent_path() / "../shared";
  const auto golden = folder / "data/golden";
  return std::filesystem::exists(golden) ? golden : std::filesystem::path();
}

std::filesystem::path TestDataFolder() { return RoomFolder() / "testdata"; }

std::vector<std::filesystem::path> GatewayRoots() {
  std::vector<std::filesystem::path> roots = {TestDataFolder()};
  if (!GoldenFolder().empty()) roots.push_back(GoldenFolder());
  return roots;
}

Result<std::vector<TruthRow>> ReadTruthRows(const std::filesystem::path& file) {
  ASSIGN_OR_RETURN(const std::string lines, ReadLines(file));
  std::vector<TruthRow> rows;
  dom::parser parser;
  std::stringstream in(lines);
  for (std::string line; std::getline(in, line);) {
    const dom::object from = parser.parse(line);
    TruthRow& row = rows.emplace_back();
    row.labels = ToLabels(from["labels"]);
    uint64_t group = 0;
    if (from["row_group"].get(group) == simdjson::SUCCESS) row.row_group = group;
    dom::array list;
    if (from["col_indexes"].get(list) == simdjson::SUCCESS) {
      for (const dom::element leaf : list) row.list.push_back(uint32_t(uint64_t(leaf)));
    } else if (from["index_cell"].get(list) == simdjson::SUCCESS) {
      for (const dom::element leaf : list) row.list.push_back(uint32_t(uint64_t(leaf)));
      EXPECT_EQ(row.list.front() + 1, row.list.size());
      row.list.erase(row.list.begin());
    }
    std::string_view hash;
    if (from["series_hash"].get(hash) == simdjson::SUCCESS) row.hash = hash;
    if (from["hash"].get(hash) == simdjson::SUCCESS) row.hash = hash;
    for (const auto& [column, records] : dom::object(from["cells"])) {
      for (const dom::element record : dom::array(records)) {
        std::array<int64_t, 5> numbers{};
        for (size_t i = 0; i < 5; ++i) numbers[i] = int64_t(record.at(i));
        row.cells[std::string(column)].push_back(numbers);
      }
    }
  }
  return rows;
}

Result<std::map<std::string, TruthSeries>> ReadTruthSeries(const std::filesystem::path& file) {
  ASSIGN_OR_RETURN(const std::string lines, ReadLines(file));
  std::map<std::string, TruthSeries> all;
  dom::parser parser;
  size_t begin = 0;
  while (begin < lines.size()) {
    const size_t end = std::min(lines.find('\n', begin), lines.size());
    const dom::object from = parser.parse(lines.data() + begin, end - begin);
    begin = end + 1;
    TruthSeries& series = all[ToLabels(from["labels"]).packed()];
    dom::object floats;
    if (from["floats"].get(floats) == simdjson::SUCCESS) {
      for (const dom::element t : dom::array(floats["t"])) {
        series.float_times.push_back(int64_t(t));
      }
      for (const dom::element v : dom::array(floats["v"])) series.float_bits.push_back(Hex(v));
    }
    dom::array histograms;
    if (from["hists"].get(histograms) != simdjson::SUCCESS) continue;
    for (const dom::element histogram : histograms) {
      series.histogram_times.push_back(int64_t(dom::object(histogram)["t"]));
      series.histograms.push_back(ToHistogram(histogram));
    }
  }
  return all;
}

std::vector<std::string> ReadBytes(const ShardFile& file, uint32_t leaf) {
  columnar::ReadStats stats;
  const ColumnRows wanted{leaf, {{0, file.index->rows()}}};
  const auto fetch = file.Fetch({&wanted, 1}, {}, &stats);
  EXPECT_TRUE(fetch.ok()) << fetch.status().ToString();
  std::vector<std::string> cells;
  columnar::PageDecoder decoder;
  columnar::ColumnVector page;
  for (size_t i = 0; i < (*fetch)->page_count(0); ++i) {
    const Status status = (*fetch)->Decode(0, i, decoder, &page);
    EXPECT_TRUE(status.ok()) << status.ToString();
    page.ForEachString([&](uint64_t, uint64_t count, std::string_view value) {
      for (uint64_t k = 0; k < count; ++k) cells.emplace_back(value);
    });
  }
  return cells;
}

size_t ExpectSamples(const Queryable& source, const std::map<std::string, TruthSeries>& truth,
                     LabelsView external) {
  SelectRequest request;
  request.range = {kMinTimestampMs, kMaxTimestampMs};
  request.hints.sorted = true;
  const auto set = source.Select(request);
  EXPECT_TRUE(set.ok()) << set.status().ToString();
  EXPECT_EQ((*set)->series_count(), truth.size());
  size_t samples = 0;
  SeriesBatch batch;
  Labels before;
  for (uint32_t i = 0; i < (*set)->series_count(); ++i) {
    const Labels labels = (*set)->labels(i);
    EXPECT_TRUE(i == 0 || before < labels);
    before = labels;
    LabelsBuilder own(labels);
    for (const LabelPair& pair : external) own.Remove(pair.name);
    const auto wanted = truth.find(own.Build().packed());
    EXPECT_NE(wanted, truth.end()) << labels.ToString();
    if (wanted == truth.end()) continue;
    const Status status = (*set)->Read({&i, 1}, &batch);
    EXPECT_TRUE(status.ok()) << status.ToString();
    std::vector<int64_t> float_times;
    std::vector<uint64_t> float_bits;
    std::vector<int64_t> histogram_times;
    size_t agreeing = 0;
    for (size_t k = 0; k < batch.timestamps_ms.size(); ++k) {
      if (const Histogram* histogram = batch.histogram(k); histogram != nullptr) {
        const size_t at = histogram_times.size();
        histogram_times.push_back(batch.timestamps_ms[k]);
        if (at < wanted->second.histograms.size() &&
            SameBuckets(*histogram, wanted->second.histograms[at])) {
          ++agreeing;
        }
      } else {
        float_times.push_back(batch.timestamps_ms[k]);
        float_bits.push_back(std::bit_cast<uint64_t>(batch.values[k]));
      }
    }
    EXPECT_EQ(float_times, wanted->second.float_times) << labels.ToString();
    EXPECT_EQ(float_bits, wanted->second.float_bits) << labels.ToString();
    EXPECT_EQ(histogram_times, wanted->second.histogram_times) << labels.ToString();
    EXPECT_EQ(agreeing, wanted->second.histograms.size()) << labels.ToString();
    samples += batch.timestamps_ms.size();
  }
  return samples;
}

TEST(GoldenTruth, ReadsRows) {
  const auto rows = ReadTruthRows(TestDataFolder() / "small-shards/rows-0.jsonl.zst");
  ASSERT_TRUE(rows.ok()) << rows.status().ToString();
  EXPECT_EQ(rows->size(), 476u);
  EXPECT_EQ((*rows)[0].hash, "d9e531f6076dcd28");
  EXPECT_EQ((*rows)[0].labels.Get("mixed"), "e\u0301");
  EXPECT_EQ((*rows)[0].list, (std::vector<uint32_t>{1, 3, 4, 5, 8, 14}));
  EXPECT_GT((*rows)[0].cells.size(), 3u);
}

}  // namespace thermocline::shards
