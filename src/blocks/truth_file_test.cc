#include "blocks/truth_file.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <numeric>

#include "codec/compression.h"

namespace thermocline {

std::vector<std::filesystem::path> GoldenRoots() {
  namespace fs = std::filesystem;
  const fs::path room = fs::path(__FILE__).parent_path();
  std::vector<fs::path> roots = {room / "testdata"};
  const char* const shared = std::getenv("THERMOCLINE_SHARED");
  const fs::path golden =
      shared != nullptr ? fs::path(shared) / "data/golden" : room / "../../../shared/data/golden";
  if (fs::exists(golden)) roots.push_back(golden);
  return roots;
}

double HexDouble(const nlohmann::json& text) {
  return std::bit_cast<double>(
      static_cast<uint64_t>(std::strtoull(text.get<std::string>().c_str(), nullptr, 16)));
}

namespace {

std::vector<double> HexDoubles(const nlohmann::json& row, const char* key) {
  std::vector<double> out;
  if (row.contains(key)) {
    for (const auto& item : row[key]) out.push_back(HexDouble(item));
  }
  return out;
}

Histogram TruthHistogram(const nlohmann::json& row) {
  Histogram h;
  const std::string hint = row["hint"];
  h.reset_hint = hint == "reset"       ? CounterResetHint::kReset
                 : hint == "not_reset" ? CounterResetHint::kNotReset
                 : hint == "gauge"     ? CounterResetHint::kGauge
                                       : CounterResetHint::kUnknown;
  h.schema = row["schema"];
  h.zero_threshold = HexDouble(row["zero_threshold"]);
  h.sum = HexDouble(row["sum"]);
  h.custom_bounds = HexDoubles(row, "custom");
  const auto spans = [&row](const char* key) {
    std::vector<HistogramSpan> out;
    if (!row.contains(key)) return out;
    for (const auto& span : row[key]) out.push_back({span[0], span[1]});
    return out;
  };
  h.positive_spans = spans("pos_spans");
  h.negative_spans = spans("neg_spans");
  if (row["kind"] == "float") {
    h.kind = SampleKind::kFloatHistogram;
    h.float_count = HexDouble(row["count"]);
    h.float_zero_count = HexDouble(row["zero_count"]);
    h.positive_floats = HexDoubles(row, "pos");
    h.negative_floats = HexDoubles(row, "neg");
  } else {
    h.count = row["count"];
    h.zero_count = row["zero_count"];
    if (row.contains("pos")) h.positive_counts = row["pos"].get<std::vector<int64_t>>();
    if (row.contains("neg")) h.negative_counts = row["neg"].get<std::vector<int64_t>>();
  }
  return h;
}

}  // namespace

std::string ReadWhole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string Unzstd(const std::string& bytes) {
  std::string out;
  const Status decoded = ZstdDecode(bytes, uint64_t{1} << 30, &out, 27);
  EXPECT_TRUE(decoded.ok()) << decoded.ToString();
  return out;
}

TruthSeries ParseTruthLine(std::string_view line) {
  const nlohmann::json row = nlohmann::json::parse(line);
  TruthSeries series;
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& pair : row["labels"]) pairs.emplace_back(pair[0], pair[1]);
  series.labels = Labels(std::move(pairs));
  if (row.contains("chunks")) {
    for (const auto& c : row["chunks"]) series.chunks.push_back({c[0], c[1], c[2], c[3]});
  }
  if (row.contains("floats")) {
    const auto& floats = row["floats"];
    for (size_t i = 0; i < floats["t"].size(); ++i) {
      const TimestampMs start = floats.contains("st") ? floats["st"][i].get<int64_t>() : 0;
      series.floats[floats["t"][i]] = {HexDouble(floats["v"][i]), start};
    }
  }
  if (row.contains("hists")) {
    for (const auto& h : row["hists"]) {
      series.histograms[h["t"]] = {TruthHistogram(h), h.value("st", int64_t{0})};
    }
  }
  return series;
}

std::vector<TruthSeries> ReadTruth(const std::string& path) {
  const std::string text = Unzstd(ReadWhole(path));
  std::vector<TruthSeries> all;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    all.push_back(ParseTruthLine(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return all;
}

void ExpectSamples(const TruthSeries& truth, const SeriesBatch& batch, size_t i, bool exact) {
  SCOPED_TRACE(truth.labels.ToString().substr(0, 300));
  ASSERT_EQ(batch.times(i).size(), truth.floats.size() + truth.histograms.size());
  for (size_t s = batch.offsets[i]; s < batch.offsets[i + 1]; ++s) {
    const TimestampMs t = batch.timestamps_ms[s];
    const TimestampMs start = batch.start_timestamps_ms.empty() ? 0 : batch.start_timestamps_ms[s];
    if (const Histogram* const h = batch.histogram(s); h != nullptr) {
      const auto found = truth.histograms.find(t);
      ASSERT_NE(found, truth.histograms.end()) << t;
      EXPECT_EQ(start, found->second.second) << t;
      const Histogram& want = found->second.first;
      ASSERT_TRUE(exact ? SameBits(*h, want) : SameBuckets(*h, want))
          << t << " hint " << static_cast<int>(h->reset_hint) << " want "
          << static_cast<int>(want.reset_hint) << " same bits " << SameBits(*h, want, false);
    } else {
      const auto found = truth.floats.find(t);
      ASSERT_NE(found, truth.floats.end()) << t;
      EXPECT_EQ(start, found->second.second) << t;
      EXPECT_EQ(std::bit_cast<uint64_t>(batch.values[s]),
                std::bit_cast<uint64_t>(found->second.first))
          << t;
    }
  }
}

void ExpectTruth(const std::vector<TruthSeries>& truth, const Queryable& source, bool exact) {
  SelectRequest request;
  request.range = {kMinTimestampMs, kMaxTimestampMs};
  request.hints.sorted = true;
  auto set = source.Select(request);
  ASSERT_TRUE(set.ok()) << set.status().ToString();
  size_t next = 0;
  SeriesBatch batch;
  for (size_t begin = 0; begin < (*set)->series_count(); begin += 512) {
    std::vector<uint32_t> indexes(std::min<size_t>(512, (*set)->series_count() - begin));
    std::iota(indexes.begin(), indexes.end(), static_cast<uint32_t>(begin));
    const Status read = (*set)->Read(indexes, &batch);
    ASSERT_TRUE(read.ok()) << read.ToString();
    for (size_t i = 0; i < indexes.size(); ++i) {
      if (batch.times(i).empty()) continue;
      ASSERT_LT(next, truth.size());
      ASSERT_EQ((*set)->labels(indexes[i]), truth[next].labels);
      ASSERT_NO_FATAL_FAILURE(ExpectSamples(truth[next], batch, i, exact));
      ++next;
    }
  }
  EXPECT_EQ(next, truth.size());
}

}  // namespace thermocline
