// Parquet at page grain on mix15: rows written and samples read per second and core, and bytes per
// sample. The file is read back and compared before anything is timed.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/hash.h"
#include "bucket/local_bucket.h"
#include "columnar/file_reader.h"
#include "columnar/file_writer.h"
#include "env/simulated/simulated_file_system.h"
#include "generate/workloads.h"

namespace {

using namespace thermocline;            // NOLINT
using namespace thermocline::columnar;  // NOLINT

constexpr uint64_t kGroupRows = 1 << 20;

// Of this thread's processor time: neighbours' load shows less.
double Seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// A sink that keeps nothing, so that only encoding is timed.
class NullSink : public ObjectWriter {
 public:
  Status Append(std::string_view) override { return Status::Ok(); }
  Status Finish() override { return Status::Ok(); }
  void Abort() override {}
};

struct Data {
  std::vector<int64_t> times;
  std::vector<double> values;
  std::vector<std::string> label_names;
  std::vector<std::vector<std::string>> dictionaries;  // per label
  std::vector<std::vector<uint32_t>> codes;            // per label, per series
  std::vector<int64_t> ids;                            // per series
  std::vector<uint32_t> samples;                       // per series
};

Data MakeData() {
  const Mix15Options options;
  Data data;
  std::map<std::string, size_t> columns;
  std::vector<std::map<std::string, uint32_t>> codes;
  const uint32_t count = options.metrics * options.series_per_metric;
  for (uint32_t s = 0; s < count; ++s) {
    const GeneratedSeries series = Mix15Series(options, s);
    data.times.insert(data.times.end(), series.timestamps_ms.begin(), series.timestamps_ms.end());
    data.values.insert(data.values.end(), series.values.begin(), series.values.end());
    data.samples.push_back(static_cast<uint32_t>(series.values.size()));
    std::string key;
    for (const auto& label : series.labels) {
      const std::string name(label.name);
      const std::string value(label.value);
      key += name + '\xff' + value + '\xff';
      const auto [at, fresh] = columns.emplace(name, columns.size());
      if (fresh) {
        data.label_names.push_back(name);
        data.dictionaries.emplace_back();
        data.codes.emplace_back(s, kNullCode);
        codes.emplace_back();
      }
      const size_t c = at->second;
      const auto [code, new_value] =
          codes[c].emplace(value, static_cast<uint32_t>(data.dictionaries[c].size()));
      if (new_value) data.dictionaries[c].push_back(value);
      data.codes[c].push_back(code->second);
    }
    for (auto& column : data.codes) column.resize(s + 1, kNullCode);
    data.ids.push_back(static_cast<int64_t>(Hash64(key)));
  }
  return data;
}

FileSchema MakeSchema(const Data& data, ColumnEncoding encoding) {
  FileSchema schema;
  for (const std::string& name : data.label_names) {
    schema.columns.push_back({name, ColumnType::kString, ColumnEncoding::kDictionary, true});
  }
  schema.columns.push_back({"series_id", ColumnType::kInt64, ColumnEncoding::kDictionary, false});
  schema.columns.push_back({"timestamp", ColumnType::kTimestampMs, ColumnEncoding::kDelta, false});
  schema.columns.push_back({"value", ColumnType::kDouble, encoding, true, 0x7ff0000000000002ull});
  return schema;
}

FileSummary Write(const Data& data, ColumnEncoding encoding, int level, ObjectWriter* sink) {
  FileWriterOptions options;
  options.zstd_level = level;
  auto writer = FileWriter::Open(sink, MakeSchema(data, encoding), options).value();
  const uint64_t rows = data.values.size();
  const uint32_t labels = static_cast<uint32_t>(data.label_names.size());
  std::vector<std::vector<std::string_view>> dictionaries;
  for (const auto& values : data.dictionaries)
    dictionaries.emplace_back(values.begin(), values.end());
  uint32_t series = 0;
  uint32_t used = 0;
  for (uint64_t begin = 0; begin < rows; begin += kGroupRows) {
    const uint64_t count = std::min(kGroupRows, rows - begin);
    std::vector<CodeRun> segments;  // code = series
    for (uint64_t left = count; left > 0;) {
      const uint32_t take =
          static_cast<uint32_t>(std::min<uint64_t>(left, data.samples[series] - used));
      segments.push_back({series, take});
      left -= take;
      used += take;
      if (used == data.samples[series]) {
        ++series;
        used = 0;
      }
    }
    CHECK_OK(writer->BeginRowGroup(count));
    std::vector<CodeRun> runs(segments.size());
    for (uint32_t label = 0; label < labels; ++label) {
      for (size_t i = 0; i < segments.size(); ++i) {
        runs[i] = {data.codes[label][segments[i].code], segments[i].count};
      }
      CHECK_OK(writer->WriteStringRuns(label, dictionaries[label], runs));
    }
    CHECK_OK(writer->WriteInt64Runs(labels, data.ids, segments));
    CHECK_OK(writer->WriteInt64(labels + 1, std::span(data.times).subspan(begin, count)));
    CHECK_OK(writer->WriteDoubles(labels + 2, std::span(data.values).subspan(begin, count)));
    CHECK_OK(writer->EndRowGroup());
  }
  return writer->Finish({}).value();
}

// Decodes all pages of time and value; checks them against `data` when asked, else adds them up.
double Read(const FileReader& reader, const Data& data, bool check, bool fetch_again,
            std::unique_ptr<PageSet>* kept) {
  const uint32_t labels = static_cast<uint32_t>(data.label_names.size());
  const std::vector<FetchColumn> columns = {{labels + 1, 0}, {labels + 2, 0x7ff0000000000002ull}};
  const RowRange all{0, data.values.size()};
  ReadStats stats;
  if (fetch_again || *kept == nullptr) {
    *kept = reader.Fetch(reader.Plan(columns, {&all, 1}).value(), &stats).value();
  }
  PageDecoder decoder;
  PageBatch batch;
  double sum = 0;
  for (size_t i = 0; i < (*kept)->page_count(); ++i) {
    CHECK_OK((*kept)->Decode(i, decoder, &batch));
    const auto times = batch.columns[0].int64_values();
    const auto values = batch.columns[1].double_values();
    if (check) {
      CHECK(std::memcmp(times.data(), &data.times[batch.rows.first], times.size_bytes()) == 0);
      CHECK(std::memcmp(values.data(), &data.values[batch.rows.first], values.size_bytes()) == 0);
    }
    double lanes[8] = {};
    for (size_t k = 0; k + 8 <= values.size(); k += 8) {
      for (size_t lane = 0; lane < 8; ++lane) lanes[lane] += values[k + lane];
    }
    sum += lanes[0] + static_cast<double>(times.back());
  }
  return sum;
}

template <typename Work>
double Best(int repeats, const Work& work) {
  double best = 1e9;
  for (int i = 0; i < repeats; ++i) {
    const double begin = Seconds();
    work();
    best = std::min(best, Seconds() - begin);
  }
  return best;
}

}  // namespace

int main(int argc, char** argv) {
  const int repeats = argc > 1 ? std::atoi(argv[1]) : 5;
  const Data data = MakeData();
  const double rows = static_cast<double>(data.values.size());
  SimulatedFileSystem files;
  LocalBucket bucket(files, "bench");
  struct Case {
    const char* name;
    ColumnEncoding encoding;
    int level;
  };
  for (const Case& c : {Case{"sampled zstd 3", ColumnEncoding::kSplitSampled, 3},
                        Case{"split zstd 3", ColumnEncoding::kSplit, 3},
                        Case{"smallest zstd 9", ColumnEncoding::kSplitSmallest, 9}}) {
    auto sink = bucket.NewWriter("file").value();
    const FileSummary summary = Write(data, c.encoding, c.level, sink.get());
    CHECK_OK(sink->Finish());
    OpenOptions open;
    open.tail = summary.tail;
    ReadStats stats;
    const FileReader reader = FileReader::Open(bucket.Open("file").value(), open, &stats).value();
    std::unique_ptr<PageSet> pages;
    Read(reader, data, true, true, &pages);
    volatile double sink_value = 0;
    const double write = Best(c.level > 3 ? 1 : repeats, [&] {
      NullSink sink_nowhere;
      Write(data, c.encoding, c.level, &sink_nowhere);
    });
    const double fetched =
        Best(repeats, [&] { sink_value = Read(reader, data, false, true, &pages); });
    const double decoded =
        Best(repeats, [&] { sink_value = Read(reader, data, false, false, &pages); });
    std::printf(
        "%-16s write %6.1f M rows/s  %.4f B/sample  read %6.1f M samples/s, "
        "from memory %6.1f\n",
        c.name, rows / write / 1e6, static_cast<double>(summary.size_bytes) / rows,
        rows / fetched / 1e6, rows / decoded / 1e6);
    const uint32_t labels = static_cast<uint32_t>(data.label_names.size());
    uint64_t label_bytes = 0;
    for (uint32_t i = 0; i < labels; ++i) label_bytes += reader.index().column_bytes(i);
    std::printf(
        "  labels %.4f, series_id %.4f, timestamp %.4f, value %.4f, indexes and footer %.4f\n",
        static_cast<double>(label_bytes) / rows,
        static_cast<double>(reader.index().column_bytes(labels)) / rows,
        static_cast<double>(reader.index().column_bytes(labels + 1)) / rows,
        static_cast<double>(reader.index().column_bytes(labels + 2)) / rows,
        static_cast<double>(summary.tail.size_bytes) / rows);
  }
  return 0;
}
