#include "app/dump_text.h"

#include <fmt/core.h>

#include <bit>
#include <charconv>
#include <iterator>

#include "codec/chunk.h"
#include "wire/json.h"

namespace thermocline {
namespace {

std::back_insert_iterator<std::string> To(std::string* out) { return std::back_inserter(*out); }

// Most of what a dump writes: by hand, as fmt costs several times as much.
void AppendHex(double value, std::string* out) {
  constexpr char kDigits[] = "0123456789abcdef";
  char text[18] = {'"'};
  uint64_t bits = std::bit_cast<uint64_t>(value);
  for (int i = 16; i > 0; --i, bits >>= 4) text[i] = kDigits[bits & 0xf];
  text[17] = '"';
  out->append(text, sizeof(text));
}

void AppendNumber(int64_t value, std::string* out) {
  char text[24];
  out->append(text, std::to_chars(text, text + sizeof(text), value).ptr);
}

// [a,b,c]
template <typename T, typename Append>
void AppendList(const std::vector<T>& items, Append append, std::string* out) {
  *out += '[';
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) *out += ',';
    append(items[i]);
  }
  *out += ']';
}

// ,"name":[...], or nothing when it is empty.
template <typename T, typename Append>
void AppendNamed(std::string_view name, const std::vector<T>& items, Append append,
                 std::string* out) {
  if (items.empty()) return;
  fmt::format_to(To(out), ",\"{}\":", name);
  AppendList(items, append, out);
}

std::string_view HintName(CounterResetHint hint) {
  switch (hint) {
    case CounterResetHint::kUnknown: return "unknown";
    case CounterResetHint::kReset: return "reset";
    case CounterResetHint::kNotReset: return "not_reset";
    case CounterResetHint::kGauge: return "gauge";
  }
  return "?";
}

void AppendHistogram(const Histogram& h, std::string* out) {
  const auto number = [out](int64_t v) { AppendNumber(v, out); };
  const auto bits = [out](double v) { AppendHex(v, out); };
  const auto span = [out](const HistogramSpan& s) {
    fmt::format_to(To(out), "[{},{}]", s.offset, s.length);
  };
  fmt::format_to(To(out), R"("kind":"{}","hint":"{}","schema":{},"zero_threshold":)",
                 h.is_float() ? "float" : "int", HintName(h.reset_hint), h.schema);
  AppendHex(h.zero_threshold, out);
  if (h.is_float()) {
    *out += ",\"zero_count\":";
    AppendHex(h.float_zero_count, out);
    *out += ",\"count\":";
    AppendHex(h.float_count, out);
  } else {
    fmt::format_to(To(out), ",\"zero_count\":{},\"count\":{}", h.zero_count, h.count);
  }
  *out += ",\"sum\":";
  AppendHex(h.sum, out);
  AppendNamed("pos_spans", h.positive_spans, span, out);
  AppendNamed("neg_spans", h.negative_spans, span, out);
  AppendNamed("pos", h.positive_counts, number, out);
  AppendNamed("pos", h.positive_floats, bits, out);
  AppendNamed("neg", h.negative_counts, number, out);
  AppendNamed("neg", h.negative_floats, bits, out);
  AppendNamed("custom", h.custom_bounds, bits, out);
}

// The positions of a series' samples, apart by kind.
struct Samples {
  std::vector<size_t> floats;
  std::vector<size_t> histograms;
  bool float_starts = false;
};

TimestampMs StartOf(const SeriesBatch& batch, size_t s) {
  return batch.start_timestamps_ms.empty() ? 0 : batch.start_timestamps_ms[s];
}

Samples Split(const SeriesBatch& batch, size_t i) {
  Samples samples;
  for (size_t s = batch.offsets[i]; s < batch.offsets[i + 1]; ++s) {
    if (batch.histogram(s) != nullptr) {
      samples.histograms.push_back(s);
    } else {
      samples.floats.push_back(s);
      samples.float_starts = samples.float_starts || StartOf(batch, s) != 0;
    }
  }
  return samples;
}

std::string_view EncodingName(ChunkEncoding encoding) {
  switch (encoding) {
    case ChunkEncoding::kXor: return "xor";
    case ChunkEncoding::kHistogram: return "histogram";
    case ChunkEncoding::kFloatHistogram: return "float_histogram";
    case ChunkEncoding::kXor2: return "xor2";
    case ChunkEncoding::kHistogramSt: return "histogram_st";
    case ChunkEncoding::kFloatHistogramSt: return "float_histogram_st";
    case ChunkEncoding::kAggregate: return "aggregate";
    case ChunkEncoding::kNone: break;
  }
  return "none";
}

Status AppendChunks(std::span<const EncodedChunk> chunks, std::string* out) {
  *out += ",\"chunks\":[";
  for (size_t c = 0; c < chunks.size(); ++c) {
    ASSIGN_OR_RETURN(const uint32_t count, ChunkSampleCount(chunks[c].encoding, chunks[c].bytes));
    fmt::format_to(To(out), "{}[{},{},\"{}\",{}]", c == 0 ? "" : ",", chunks[c].min_ms,
                   chunks[c].max_ms, EncodingName(chunks[c].encoding), count);
  }
  *out += ']';
  return Status::Ok();
}

void AppendJsonFloats(const SeriesBatch& batch, const Samples& samples, std::string* out) {
  *out += ",\"floats\":{\"t\":";
  const auto number = [out](TimestampMs t) { AppendNumber(t, out); };
  AppendList(
      samples.floats, [&](size_t s) { number(batch.timestamps_ms[s]); }, out);
  *out += ",\"v\":";
  AppendList(
      samples.floats, [&](size_t s) { AppendHex(batch.values[s], out); }, out);
  if (samples.float_starts) {
    *out += ",\"st\":";
    AppendList(
        samples.floats, [&](size_t s) { number(StartOf(batch, s)); }, out);
  }
  *out += '}';
}

Status AppendJson(const Labels& labels, const SeriesBatch& batch, size_t i,
                  const EncodedBatch* chunks, std::string* out) {
  *out += "{\"labels\":[";
  bool first = true;
  for (const LabelPair& pair : labels) {
    *out += first ? "[" : ",[";
    first = false;
    AppendJsonString(out, pair.name);
    *out += ',';
    AppendJsonString(out, pair.value);
    *out += ']';
  }
  *out += ']';
  if (chunks != nullptr) RETURN_IF_ERROR(AppendChunks(chunks->of(0), out));
  const Samples samples = Split(batch, i);
  if (!samples.floats.empty()) AppendJsonFloats(batch, samples, out);
  const auto histogram = [&](size_t s) {
    fmt::format_to(To(out), "{{\"t\":{},", batch.timestamps_ms[s]);
    if (const TimestampMs start = StartOf(batch, s); start != 0) {
      fmt::format_to(To(out), "\"st\":{},", start);
    }
    AppendHistogram(*batch.histogram(s), out);
    *out += '}';
  };
  AppendNamed("hists", samples.histograms, histogram, out);
  *out += "}\n";
  return Status::Ok();
}

// Backslash, quote and line feed, as the text formats want them.
std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

// name{label="value"}; names beyond the old character set stand quoted inside the braces.
std::string SeriesName(LabelsView labels, std::string_view suffix) {
  const std::string name = std::string(labels.metric_name()) + std::string(suffix);
  const bool legacy = IsLegacyMetricName(name);
  std::string inside = legacy ? "" : fmt::format("\"{}\"", Escaped(name));
  for (const LabelPair& pair : labels) {
    if (pair.name == kMetricNameLabel) continue;
    const bool plain = IsLegacyLabelName(pair.name);
    inside += fmt::format("{}{}{}{}=\"{}\"", inside.empty() ? "" : ",", plain ? "" : "\"",
                          plain ? std::string(pair.name) : Escaped(pair.name), plain ? "" : "\"",
                          Escaped(pair.value));
  }
  if (legacy && inside.empty()) return name;
  return fmt::format("{}{{{}}}", legacy ? name : "", inside);
}

void AppendOpenMetrics(const Labels& labels, const SeriesBatch& batch, size_t i, std::string* out) {
  const auto line = [&](const std::string& name, double value, TimestampMs t) {
    *out += name + " ";
    AppendFloat(out, value);
    *out += ' ';
    AppendJsonTimestamp(out, t);
    *out += '\n';
  };
  const std::string name = SeriesName(labels, "");
  const std::string count = SeriesName(labels, "_count");
  const std::string sum = SeriesName(labels, "_sum");
  for (size_t s = batch.offsets[i]; s < batch.offsets[i + 1]; ++s) {
    const TimestampMs t = batch.timestamps_ms[s];
    const Histogram* const h = batch.histogram(s);
    if (h == nullptr) {
      line(name, batch.values[s], t);
    } else {
      line(count, h->is_float() ? h->float_count : static_cast<double>(h->count), t);
      line(sum, h->sum, t);
    }
  }
}

std::string CsvQuoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

void AppendCsv(const Labels& labels, const SeriesBatch& batch, size_t i, std::string* out) {
  const std::string name = CsvQuoted(labels.ToString());
  for (size_t s = batch.offsets[i]; s < batch.offsets[i + 1]; ++s) {
    fmt::format_to(To(out), "{},{},", name, batch.timestamps_ms[s]);
    AppendFloat(out, batch.values[s]);
    *out += ',';
    if (const TimestampMs start = StartOf(batch, s); start != 0) {
      fmt::format_to(To(out), "{}", start);
    }
    *out += ',';
    if (const Histogram* const h = batch.histogram(s); h != nullptr) {
      std::string json = "{";
      AppendHistogram(*h, &json);
      *out += CsvQuoted(json + "}");
    }
    *out += '\n';
  }
}

}  // namespace

Result<DumpFormat> ParseDumpFormat(std::string_view name) {
  if (name == "json") return DumpFormat::kJson;
  if (name == "openmetrics") return DumpFormat::kOpenMetrics;
  if (name == "csv") return DumpFormat::kCsv;
  return Status::InvalidArgument(
      fmt::format("--format={}: known are json, openmetrics, csv", name));
}

Status AppendSeriesText(DumpFormat format, const Labels& labels, const SeriesBatch& batch, size_t i,
                        const EncodedBatch* chunks, std::string* out) {
  switch (format) {
    case DumpFormat::kJson: return AppendJson(labels, batch, i, chunks, out);
    case DumpFormat::kOpenMetrics: AppendOpenMetrics(labels, batch, i, out); break;
    case DumpFormat::kCsv: AppendCsv(labels, batch, i, out); break;
  }
  return Status::Ok();
}

std::string_view DumpHead(DumpFormat format) {
  return format == DumpFormat::kCsv ? "series,timestamp_ms,value,start_timestamp_ms,histogram\n"
                                    : "";
}

std::string_view DumpTail(DumpFormat format) {
  return format == DumpFormat::kOpenMetrics ? "# EOF\n" : "";
}

}  // namespace thermocline
