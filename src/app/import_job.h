// What an import is asked to do and what came of it, as values and as the JSON files by which a
// server is asked. See README.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/open_source.h"
#include "base/result.h"
#include "base/time.h"
#include "convert/convert.h"

namespace thermocline {

struct ImportJob {
  std::vector<std::string> sources;  // absolute paths
  SourceFlags source;
  std::string match;  // a selector; empty for all
  TimeRange range = {kMinTimestampMs, kMaxTimestampMs};
  std::vector<std::pair<std::string, std::string>> external;  // laid over every series
  int64_t jobs = 0;                                           // 0: the importer's choice
  uint64_t memory_bytes = 0;                                  // 0: the default
  bool verify = false;
};

struct ImportReport {
  Status status;
  uint64_t series = 0;       // with samples
  uint64_t samples = 0;      // imported
  uint64_t there = 0;        // were there already...
  uint64_t there_other = 0;  // ...of those, with another value, which stays
  uint64_t blocks = 0;
  uint64_t bytes_in = 0;
  uint64_t bytes_out = 0;
  uint64_t verified = 0;
  int64_t duration_ms = 0;
  std::vector<std::string> left_out;       // damage that --on-error=skip passed over
  std::vector<std::string> published_ids;  // of the blocks
};

// InvalidArgument with the reason when the text is not what the encoder writes.
std::string EncodeImportJob(const ImportJob& job);
Result<ImportJob> DecodeImportJob(const std::string& json);
std::string EncodeImportReport(const ImportReport& report);
Result<ImportReport> DecodeImportReport(const std::string& json);
std::string EncodeImportProgress(const ConvertProgress& progress);
Result<ConvertProgress> DecodeImportProgress(const std::string& json);

// What the server that has (or had) the folder removes by itself.
struct ImportLimits {
  int64_t retention_time_ms = 0;
  uint64_t retention_size_bytes = 0;
};
std::string EncodeImportLimits(const ImportLimits& limits);
Result<ImportLimits> DecodeImportLimits(const std::string& json);

// <data>/imports
std::string ImportFolder(const std::string& data);
inline constexpr std::string_view kImportLimitsName = "limits.json";
inline constexpr std::string_view kRequestSuffix = ".request.json";
inline constexpr std::string_view kProgressSuffix = ".progress.json";
inline constexpr std::string_view kPublishingSuffix = ".publishing.json";
inline constexpr std::string_view kDoneSuffix = ".done.json";

}  // namespace thermocline
