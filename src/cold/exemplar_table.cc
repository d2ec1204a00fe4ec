#include "cold/exemplar_table.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "cold/block_footer.h"
#include "cold/series_file.h"
#include "columnar/file_writer.h"

namespace thermocline {
namespace {

using columnar::ColumnEncoding;
using columnar::ColumnSpec;
using columnar::ColumnType;

constexpr uint64_t kRowGroupRows = 64 << 10;
constexpr int kLevel = 9;  // few rows, mostly text
constexpr std::string_view kTraceLabel = "trace_id";

// One row: views into the exemplars given.
struct Row {
  LabelsView series;
  const Exemplar* exemplar = nullptr;
};

std::string JsonOf(LabelsView labels) {
  std::string json;
  for (const LabelPair& pair : labels) {
    json += (json.empty() ? '{' : ',') + JsonQuote(pair.name) + ':' + JsonQuote(pair.value);
  }
  return json.empty() ? "{}" : json + '}';
}

columnar::FileSchema Schema(std::span<const BlockLabel> labels) {
  columnar::FileSchema schema;
  schema.columns = LabelColumnSpecs(labels);
  const auto add = [&](std::string_view name, ColumnType type, ColumnEncoding encoding) {
    ColumnSpec& spec = schema.columns.emplace_back();
    spec.name = name;
    spec.type = type;
    spec.encoding = encoding;
    return &spec;
  };
  add("label_set", ColumnType::kBytes, ColumnEncoding::kDeltaStrings)->bounds = false;
  add("series_id", ColumnType::kInt64, ColumnEncoding::kPlain);
  add("timestamp", ColumnType::kTimestampMs, ColumnEncoding::kDelta);
  add("value", ColumnType::kDouble, ColumnEncoding::kPlain);
  const size_t first = schema.columns.size();
  add("labels", ColumnType::kString, ColumnEncoding::kDeltaStrings)->optional = true;
  add("trace_id", ColumnType::kString, ColumnEncoding::kDeltaStrings)->optional = true;
  add("label_set", ColumnType::kBytes, ColumnEncoding::kDeltaStrings)->bounds = false;
  for (size_t i = first; i < schema.columns.size(); ++i) schema.columns[i].groups = {"exemplar"};
  schema.sorting.push_back({0, false, true});
  return schema;
}

// Neither NULL nor without an address.
std::string_view Bytes(std::string_view packed) {
  return packed.data() == nullptr ? std::string_view("") : packed;
}

class TableWriter {
 public:
  TableWriter(std::span<const BlockLabel> labels, columnar::FileWriter* file)
      : labels_(labels), file_(*file) {}

  Status WriteRowGroup(std::span<const Row> rows) {
    LabelRuns runs = MakeLabelRuns(labels_);
    for (const Row& row : rows) runs.Add(row.series, 1);
    runs.Finish();
    RETURN_IF_ERROR(file_.BeginRowGroup(rows.size()));
    column_ = 0;
    for (size_t i = 0; i < runs.column_count(); ++i) {
      const LabelColumnRuns& column = runs.column(i);
      RETURN_IF_ERROR(file_.WriteStringRuns(column_++, column.dictionary, column.runs));
    }
    RETURN_IF_ERROR(Texts(rows, [](const Row& row) { return Bytes(row.series.packed()); }));
    RETURN_IF_ERROR(
        Ints(rows, [](const Row& row) { return static_cast<int64_t>(row.series.Hash()); }));
    RETURN_IF_ERROR(Ints(rows, [](const Row& row) { return row.exemplar->t_ms; }));
    std::vector<double> values;
    for (const Row& row : rows) values.push_back(row.exemplar->value);
    RETURN_IF_ERROR(file_.WriteDoubles(column_++, values));
    // What is not text has its bytes in label_set only.
    std::vector<std::string> json;
    for (const Row& row : rows) json.push_back(JsonOf(row.exemplar->labels));
    size_t next = 0;
    RETURN_IF_ERROR(Texts(rows, [&](const Row&) {
      const std::string_view text = json[next++];
      return IsValidUtf8(text) ? text : std::string_view();
    }));
    RETURN_IF_ERROR(Texts(rows, [](const Row& row) {
      const std::string_view trace = row.exemplar->labels.Get(kTraceLabel);
      return trace.empty() || !IsValidUtf8(trace) ? std::string_view() : trace;
    }));
    RETURN_IF_ERROR(
        Texts(rows, [](const Row& row) { return Bytes(row.exemplar->labels.packed()); }));
    return file_.EndRowGroup();
  }

 private:
  template <typename Get>
  Status Texts(std::span<const Row> rows, Get get) {
    std::vector<std::string_view> texts;
    texts.reserve(rows.size());
    for (const Row& row : rows) texts.push_back(get(row));
    return file_.WriteStrings(column_++, texts);
  }
  template <typename Get>
  Status Ints(std::span<const Row> rows, Get get) {
    std::vector<int64_t> ints;
    ints.reserve(rows.size());
    for (const Row& row : rows) ints.push_back(get(row));
    return file_.WriteInt64(column_++, ints);
  }

  const std::span<const BlockLabel> labels_;
  columnar::FileWriter& file_;
  uint32_t column_ = 0;
};

std::vector<Row> RowsOf(const std::vector<SeriesExemplars>& all, TimeRange range) {
  std::vector<Row> rows;
  for (const SeriesExemplars& series : all) {
    for (const Exemplar& exemplar : series.exemplars) {
      if (range.Contains(exemplar.t_ms)) rows.push_back({series.series, &exemplar});
    }
  }
  // By metric first, as every table of the block.
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return a.series.metric_name() < b.series.metric_name();
  });
  return rows;
}

Result<Labels> ParseSet(std::string_view packed) { return Labels::FromPacked(std::string(packed)); }

}  // namespace

Result<std::optional<BlockFile>> WriteExemplarTable(const std::vector<SeriesExemplars>& all,
                                                    std::span<const BlockLabel> labels,
                                                    const LabelColumns& columns,
                                                    const BlockWriterOptions& options,
                                                    const BlockEntry& entry, Bucket& bucket) {
  const TimestampMs day_ms = FloorTo(entry.range.start_ms, kDayMs);
  const std::vector<Row> rows = RowsOf(all, {day_ms, day_ms + (kDayMs - 1)});
  if (rows.empty()) return std::optional<BlockFile>();
  columnar::FileWriterOptions file_options;
  file_options.zstd_level = std::max(options.zstd_level, kLevel);
  file_options.page_rows = options.series_page_rows;
  std::string key = BlockFileKey(BlockFileKind::kExemplars, entry.id, day_ms);
  ASSIGN_OR_RETURN(const std::unique_ptr<ObjectWriter> sink, bucket.NewWriter(key));
  ASSIGN_OR_RETURN(const std::unique_ptr<columnar::FileWriter> file,
                   columnar::FileWriter::Open(sink.get(), Schema(labels), file_options));
  TableWriter writer(labels, file.get());
  for (size_t at = 0; at < rows.size(); at += kRowGroupRows) {
    const size_t count = std::min<size_t>(kRowGroupRows, rows.size() - at);
    RETURN_IF_ERROR(writer.WriteRowGroup(std::span(rows).subspan(at, count)));
  }
  ASSIGN_OR_RETURN(const columnar::FileSummary summary,
                   file->Finish(BlockKeyValues(entry, BlockFileKind::kExemplars, columns)));
  RETURN_IF_ERROR(sink->Finish());
  return std::optional<BlockFile>({BlockFileKind::kExemplars, std::move(key), summary.size_bytes,
                                   summary.rows, summary.file_hash, summary.tail});
}

Status ReadExemplarTable(const columnar::FileReader& file, const ExemplarRequest& request,
                         uint64_t limit_bytes, columnar::ReadStats* stats,
                         std::vector<SeriesExemplars>* out) {
  const columnar::FileIndex& index = file.index();
  std::vector<columnar::FetchColumn> columns;
  for (const std::string_view name : {"label_set", "timestamp", "value", "exemplar.label_set"}) {
    const auto column = index.schema().Find(name);
    if (!column) return Status::Corruption("exemplars without column " + std::string(name));
    columns.push_back({*column, 0});
  }
  const std::vector<columnar::RowRange> rows =
      index.RowsWhereInt64(columns[1].column, request.range.start_ms, request.range.end_ms);
  std::optional<std::string> known;  // the label set of the row before
  bool accepted = false;             // and whether it is asked for
  return ForEachPage(
      file, columns, rows, limit_bytes, request.budget, stats,
      [&](const columnar::PageBatch& page) -> Status {
        std::vector<std::string_view> exemplar_sets(page.rows.count);
        page.columns[3].ForEachString([&](uint64_t row, uint32_t count, std::string_view set) {
          std::fill_n(exemplar_sets.begin() + static_cast<ptrdiff_t>(row), count, set);
        });
        Status status;
        page.columns[0].ForEachString([&](uint64_t row, uint32_t count, std::string_view set) {
          for (uint64_t i = row; i < row + count && status.ok(); ++i) {
            const TimestampMs t_ms = page.columns[1].int64s[i];
            if (!request.range.Contains(t_ms)) continue;
            if (known != set) {
              auto series = ParseSet(set);
              if (!series.ok()) {
                status = series.status();
                return;
              }
              known = set;
              accepted = Accepts(request, *series);
              if (accepted) out->push_back({*std::move(series), {}});
            }
            if (!accepted) continue;
            auto labels = ParseSet(exemplar_sets[i]);
            if (!labels.ok()) {
              status = labels.status();
              return;
            }
            out->back().exemplars.push_back({*std::move(labels), t_ms, page.columns[2].doubles[i]});
          }
        });
        return status;
      });
}

}  // namespace thermocline
