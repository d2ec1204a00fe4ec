#include "app/import_job.h"

#include <fmt/core.h>
#include <simdjson.h>

#include <array>

#include "env/file_system.h"
#include "wire/json.h"

namespace thermocline {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

constexpr int64_t kVersion = 1;

// Appends "name":value pairs.
class FieldsWriter {
 public:
  explicit FieldsWriter(std::string* out) : out_(out) { *out_ += '{'; }
  template <typename T>
  void Number(std::string_view name, T value) {
    Name(name);
    *out_ += fmt::format("{}", value);
  }
  void Text(std::string_view name, std::string_view value) {
    Name(name);
    AppendJsonString(out_, value);
  }
  void Texts(std::string_view name, const std::vector<std::string>& values) {
    Name(name);
    AppendJsonStrings(out_, values);
  }
  void End() { *out_ += "}\n"; }

 private:
  void Name(std::string_view name) {
    if (out_->back() != '{') *out_ += ',';
    AppendJsonString(out_, name);
    *out_ += ':';
  }
  std::string* const out_;
};

// Runs `read` on the object that `json` is: the wall around simdjson, which throws.
template <typename T, typename Read>
Result<T> Decoded(const std::string& json, Read read) {
  simdjson::dom::parser parser;
  try {
    const object root = parser.parse(simdjson::padded_string(json)).get_object().value();
    if (root["version"].get_int64().value() != kVersion) {
      return Status::InvalidArgument("an import's file of another version");
    }
    T value;
    read(root, &value);
    return value;
  } catch (const simdjson::simdjson_error& error) {
    return Status::InvalidArgument(fmt::format("not an import's file: {}", error.what()));
  }
}

std::string Text(const object& root, std::string_view name) {
  return std::string(root[name].get_string().value());
}
std::vector<std::string> Texts(const object& root, std::string_view name) {
  std::vector<std::string> texts;
  const simdjson::dom::array found = root[name].get_array().value();
  for (const element text : found) {
    texts.emplace_back(text.get_string().value());
  }
  return texts;
}
uint64_t Count(const object& root, std::string_view name) {
  return root[name].get_uint64().value();
}
int64_t Signed(const object& root, std::string_view name) { return root[name].get_int64().value(); }

// The codes that a report may carry; others come back as Internal.
constexpr std::array kCodes = {
    Code::kInvalidArgument,   Code::kNotFound,        Code::kAlreadyExists,
    Code::kOutOfRange,        Code::kCorruption,      Code::kIo,
    Code::kResourceExhausted, Code::kCancelled,       Code::kUnavailable,
    Code::kUnimplemented,     Code::kPermissionDenied};

Status StatusOf(std::string_view code, std::string message) {
  if (code == "OK") return Status::Ok();
  for (const Code known : kCodes) {
    if (CodeName(known) == code) return {known, std::move(message)};
  }
  return Status::Internal(std::move(message));
}

}  // namespace

std::string ImportFolder(const std::string& data) { return JoinPath(data, "imports"); }

std::string EncodeImportJob(const ImportJob& job) {
  std::string json;
  FieldsWriter writer(&json);
  writer.Number("version", kVersion);
  writer.Texts("sources", job.sources);
  writer.Text("from_layout", job.source.from_layout);
  writer.Text("on_error", job.source.on_error);
  writer.Text("match", job.match);
  writer.Number("start_ms", job.range.start_ms);
  writer.Number("end_ms", job.range.end_ms);
  std::vector<std::string> external;
  for (const auto& [name, value] : job.external) {
    external.push_back(name);
    external.push_back(value);
  }
  writer.Texts("external_labels", external);
  writer.Number("jobs", job.jobs);
  writer.Number("memory_bytes", job.memory_bytes);
  writer.Number("verify", job.verify ? 1 : 0);
  writer.End();
  return json;
}

Result<ImportJob> DecodeImportJob(const std::string& json) {
  return Decoded<ImportJob>(json, [](const object& root, ImportJob* job) {
    job->sources = Texts(root, "sources");
    job->source.from_layout = Text(root, "from_layout");
    job->source.on_error = Text(root, "on_error");
    job->match = Text(root, "match");
    job->range = {Signed(root, "start_ms"), Signed(root, "end_ms")};
    const std::vector<std::string> external = Texts(root, "external_labels");
    for (size_t i = 0; i + 1 < external.size(); i += 2) {
      job->external.emplace_back(external[i], external[i + 1]);
    }
    job->jobs = Signed(root, "jobs");
    job->memory_bytes = Count(root, "memory_bytes");
    job->verify = Signed(root, "verify") != 0;
  });
}

std::string EncodeImportReport(const ImportReport& report) {
  std::string json;
  FieldsWriter writer(&json);
  writer.Number("version", kVersion);
  writer.Text("status", report.status.ok() ? "OK" : CodeName(report.status.code()));
  writer.Text("error", report.status.message());
  writer.Number("series", report.series);
  writer.Number("samples", report.samples);
  writer.Number("there", report.there);
  writer.Number("there_other", report.there_other);
  writer.Number("blocks", report.blocks);
  writer.Number("bytes_in", report.bytes_in);
  writer.Number("bytes_out", report.bytes_out);
  writer.Number("verified", report.verified);
  writer.Number("duration_ms", report.duration_ms);
  writer.Texts("left_out", report.left_out);
  writer.Texts("published_ids", report.published_ids);
  writer.End();
  return json;
}

Result<ImportReport> DecodeImportReport(const std::string& json) {
  return Decoded<ImportReport>(json, [](const object& root, ImportReport* report) {
    report->status = StatusOf(Text(root, "status"), Text(root, "error"));
    report->series = Count(root, "series");
    report->samples = Count(root, "samples");
    report->there = Count(root, "there");
    report->there_other = Count(root, "there_other");
    report->blocks = Count(root, "blocks");
    report->bytes_in = Count(root, "bytes_in");
    report->bytes_out = Count(root, "bytes_out");
    report->verified = Count(root, "verified");
    report->duration_ms = Signed(root, "duration_ms");
    report->left_out = Texts(root, "left_out");
    report->published_ids = Texts(root, "published_ids");
  });
}

std::string EncodeImportProgress(const ConvertProgress& progress) {
  std::string json;
  FieldsWriter writer(&json);
  writer.Number("version", kVersion);
  writer.Number("verifying", progress.verifying ? 1 : 0);
  writer.Number("pieces_done", progress.pieces_done);
  writer.Number("pieces", progress.pieces);
  writer.Number("series_done", progress.series_done);
  writer.Number("series", progress.series);
  writer.Number("samples", progress.samples);
  writer.End();
  return json;
}

Result<ConvertProgress> DecodeImportProgress(const std::string& json) {
  return Decoded<ConvertProgress>(json, [](const object& root, ConvertProgress* progress) {
    progress->verifying = Signed(root, "verifying") != 0;
    progress->pieces_done = Count(root, "pieces_done");
    progress->pieces = Count(root, "pieces");
    progress->series_done = Count(root, "series_done");
    progress->series = Count(root, "series");
    progress->samples = Count(root, "samples");
  });
}

std::string EncodeImportLimits(const ImportLimits& limits) {
  std::string json;
  FieldsWriter writer(&json);
  writer.Number("version", kVersion);
  writer.Number("retention_time_ms", limits.retention_time_ms);
  writer.Number("retention_size_bytes", limits.retention_size_bytes);
  writer.End();
  return json;
}

Result<ImportLimits> DecodeImportLimits(const std::string& json) {
  return Decoded<ImportLimits>(json, [](const object& root, ImportLimits* limits) {
    limits->retention_time_ms = Signed(root, "retention_time_ms");
    limits->retention_size_bytes = Count(root, "retention_size_bytes");
  });
}

}  // namespace thermocline
