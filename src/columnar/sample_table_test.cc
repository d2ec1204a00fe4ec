#include <bit>
#include <limits>
#include <map>

#include <fmt/core.h>

#include "columnar/sample_table.h"

namespace thermocline::columnar {

FileSchema SampleSchema(ColumnEncoding value_encoding) {
  FileSchema schema;
  schema.columns.resize(kSampleColumns);
  const auto set = [&](SampleColumn at, const char* name, ColumnType type, ColumnEncoding encoding,
                       bool optional) {
    ColumnSpec& column = schema.columns[at];
    column.name = name;
    column.type = type;
    column.encoding = encoding;
    column.optional = optional;
  };
  set(kMetric, "metric", ColumnType::kString, ColumnEncoding::kDictionary, true);
  set(kPod, "pod \"x\".日本", ColumnType::kString, ColumnEncoding::kDictionary, true);
  set(kNever, "never", ColumnType::kString, ColumnEncoding::kDictionary, true);
  set(kSeriesId, "series_id", ColumnType::kInt64, ColumnEncoding::kDictionary, false);
  set(kTime, "timestamp", ColumnType::kTimestampMs, ColumnEncoding::kDelta, false);
  set(kValue, "value", ColumnType::kDouble, value_encoding, true);
  set(kStart, "start_timestamp", ColumnType::kTimestampMs, ColumnEncoding::kDelta, true);
  set(kRequest, "request_id", ColumnType::kString, ColumnEncoding::kDeltaStrings, true);
  set(kPacked, "packed", ColumnType::kBytes, ColumnEncoding::kDeltaLengths, false);
  set(kNote, "note", ColumnType::kString, ColumnEncoding::kPlain, false);
  schema.columns[kPod].bloom_filter = true;
  schema.columns[kValue].null_bits = kStaleBits;
  schema.columns[kStart].null_bits = kNoStart;
  schema.columns[kPacked].bounds = false;
  schema.sorting = {{kMetric, false, true}, {kSeriesId, false, true}};
  return schema;
}

namespace {

double SampleValue(std::mt19937_64& random, size_t series, size_t i) {
  switch (series % 8) {
    case 0: return 42;
    case 1: return static_cast<double>(i * 3);
    case 2: return static_cast<double>(random() % 1000) / 100;
    case 3: return std::bit_cast<double>(random());  // NaN payloads, denormals, anything
    case 4: return std::numeric_limits<double>::quiet_NaN();
    case 5: {
      constexpr double kSpecial[] = {0.0,
                                     -0.0,
                                     std::numeric_limits<double>::infinity(),
                                     -std::numeric_limits<double>::infinity(),
                                     std::numeric_limits<double>::denorm_min(),
                                     1e300};
      return kSpecial[i % 6];
    }
    case 6: return std::bit_cast<double>(i % 5 == 0 ? kStaleBits : 0x3ff8000000000000ull);
    default: return std::bit_cast<double>(kStaleBits);
  }
}

}  // namespace

SampleTable MakeSampleTable(uint64_t seed, size_t series, size_t samples) {
  std::mt19937_64 random(seed);
  SampleTable table;
  table.rows = series * samples;
  for (size_t s = 0; s < series; ++s) {
    const int64_t id = static_cast<int64_t>(random());
    int64_t time = 1'790'000'000'000 + static_cast<int64_t>(random() % 1000);
    for (size_t i = 0; i < samples; ++i) {
      time += random() % 50 == 0 ? 15'000 + static_cast<int64_t>(random() % 50) : 15'000;
      table.strings[kMetric].push_back(fmt::format("metric_{:04}", s / 3));
      table.strings[kPod].push_back(s % 3 == 0   ? std::nullopt
                                    : s % 3 == 1 ? std::make_optional(std::string())
                                                 : fmt::format("pod-{}", s % 7));
      table.strings[kNever].push_back(std::nullopt);
      table.int64s[kSeriesId].push_back(id);
      table.int64s[kTime].push_back(time);
      table.doubles.push_back(SampleValue(random, s, i));
      table.int64s[kStart].push_back(s % 4 == 0   ? static_cast<int64_t>(kNoStart)
                                     : s % 4 == 1 ? time - 1000
                                     : i % 3 == 0 ? static_cast<int64_t>(kNoStart)
                                                  : 5);
      table.strings[kRequest].push_back(
          i % 11 == 0 ? std::nullopt : std::make_optional(fmt::format("{:08x}-{}", random(), i)));
      table.strings[kPacked].push_back(std::string(random() % 9, static_cast<char>(random())));
      table.strings[kNote].push_back(i % 2 == 0 ? "" : std::string(i % 100, 'n'));
    }
  }
  return table;
}

namespace {

struct Runs {
  std::vector<std::string_view> dictionary;
  std::vector<CodeRun> runs;
};

Runs ToRuns(const std::vector<std::optional<std::string>>& values, size_t begin, size_t end) {
  Runs out;
  std::map<std::string_view, uint32_t> codes;
  for (size_t i = begin; i < end; ++i) {
    uint32_t code = kNullCode;
    if (values[i]) {
      const auto [at, fresh] = codes.emplace(*values[i], out.dictionary.size());
      if (fresh) out.dictionary.push_back(*values[i]);
      code = at->second;
    }
    if (out.runs.empty() || out.runs.back().code != code) out.runs.push_back({code, 0});
    ++out.runs.back().count;
  }
  return out;
}

Status WriteStringColumn(const SampleTable& table, uint32_t column, size_t begin, size_t end,
                         FileWriter& writer) {
  if (column == kMetric || column == kNever) {
    const Runs runs = ToRuns(table.strings[column], begin, end);
    return writer.WriteStringRuns(column, runs.dictionary, runs.runs);
  }
  std::vector<std::string_view> values;
  for (size_t i = begin; i < end; ++i) {
    const auto& value = table.strings[column][i];
    values.push_back(value ? std::string_view(value->data(), value->size()) : std::string_view());
  }
  return writer.WriteStrings(column, values);
}

Status WriteColumn(const SampleTable& table, uint32_t column, size_t begin, size_t end,
                   FileWriter& writer) {
  if (column == kValue) {
    return writer.WriteDoubles(column, std::span(table.doubles).subspan(begin, end - begin));
  }
  if (column == kSeriesId) {
    std::vector<int64_t> dictionary;
    std::vector<CodeRun> runs;
    for (size_t i = begin; i < end; ++i) {
      const int64_t id = table.int64s[column][i];
      if (dictionary.empty() || dictionary.back() != id) {
        runs.push_back({static_cast<uint32_t>(dictionary.size()), 0});
        dictionary.push_back(id);
      }
      ++runs.back().count;
    }
    return writer.WriteInt64Runs(column, dictionary, runs);
  }
  if (!table.int64s[column].empty()) {
    return writer.WriteInt64(column, std::span(table.int64s[column]).subspan(begin, end - begin));
  }
  return WriteStringColumn(table, column, begin, end, writer);
}

}  // namespace

Result<FileSummary> WriteSampleTable(const SampleTable& table, const FileSchema& schema,
                                     const FileWriterOptions& options, uint64_t group_rows,
                                     const KeyValues& key_values, Bucket& bucket,
                                     const std::string& key) {
  ASSIGN_OR_RETURN(auto sink, bucket.NewWriter(key));
  ASSIGN_OR_RETURN(auto writer, FileWriter::Open(sink.get(), schema, options));
  for (size_t begin = 0; begin < table.rows; begin += group_rows) {
    const size_t end = std::min<size_t>(table.rows, begin + group_rows);
    RETURN_IF_ERROR(writer->BeginRowGroup(end - begin));
    for (uint32_t column = 0; column < kSampleColumns; ++column) {
      RETURN_IF_ERROR(WriteColumn(table, column, begin, end, *writer));
    }
    RETURN_IF_ERROR(writer->EndRowGroup());
  }
  ASSIGN_OR_RETURN(const FileSummary summary, writer->Finish(key_values));
  RETURN_IF_ERROR(sink->Finish());
  return summary;
}

std::vector<FetchColumn> SampleColumns() {
  std::vector<FetchColumn> columns;
  for (uint32_t column = 0; column < kSampleColumns; ++column) columns.push_back({column, 0});
  columns[kValue].null_bits = kStaleBits;
  columns[kStart].null_bits = kNoStart;
  return columns;
}

std::string Difference(const SampleTable& table, uint64_t first, uint64_t count,
                       const std::vector<ColumnVector>& got) {
  if (got.size() != kSampleColumns) return "columns";
  for (uint32_t column = 0; column < kSampleColumns; ++column) {
    if (got[column].rows != count) {
      return fmt::format("column {}: {} rows of {}", column, got[column].rows, count);
    }
    if (column == kValue) {
      for (uint64_t i = 0; i < count; ++i) {
        const auto a = std::bit_cast<uint64_t>(table.doubles[first + i]);
        const auto b = std::bit_cast<uint64_t>(got[column].doubles[i]);
        if (a != b) return fmt::format("value row {}: {:x} {:x}", first + i, a, b);
      }
    } else if (!table.int64s[column].empty()) {
      for (uint64_t i = 0; i < count; ++i) {
        const int64_t a = table.int64s[column][first + i];
        const int64_t b = got[column].int64s[i];
        if (a != b) return fmt::format("column {} row {}: {} {}", column, first + i, a, b);
      }
    } else {
      std::string difference;
      uint64_t rows = 0;
      got[column].ForEachString([&](uint64_t row, uint64_t run, std::string_view value) {
        rows += run;
        for (uint64_t i = row; i < row + run && i < count && difference.empty(); ++i) {
          const auto& wanted = table.strings[column][first + i];
          const bool null = value.data() == nullptr;
          if (wanted.has_value() == null || (wanted && *wanted != value)) {
            difference = fmt::format("column {} row {}: '{}'", column, first + i, value);
          }
        }
      });
      if (rows != count) return fmt::format("column {}: runs of {} rows", column, rows);
      if (!difference.empty()) return difference;
    }
  }
  return "";
}

}  // namespace thermocline::columnar
