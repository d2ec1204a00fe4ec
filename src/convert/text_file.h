// A file of samples as text (OpenMetrics or the classic exposition format), read once and then
// answered from compressed chunks: of a time, of a series, in any order of lines.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "convert/chunk_spill.h"
#include "env/file_system.h"
#include "model/exemplar.h"
#include "model/queryable.h"
#include "wire/sample_lines.h"

namespace thermocline {

struct TextFileOptions {
  TextFormat format = TextFormat::kOpenMetrics;
  // Samples that wait to be put in order, 24 bytes each, and chunks held in memory; each.
  uint64_t memory_bytes = 64 << 20;
  // Chunks above that go to this file, which is removed in the end; empty: they stay in memory,
  // about 2 bytes a sample.
  std::string scratch;
  // Asked now and then while the file is read; an error ends that. May be empty.
  std::function<Status()> watch;
};

// Threads: safe. Memory: the options', and per series its labels and 32 bytes for each of its
// chunks of up to 120 samples.
class TextFile final : public Queryable, public std::enable_shared_from_this<TextFile> {
 public:
  struct Chunk {
    TimestampMs min_ms = 0;
    TimestampMs max_ms = 0;
    uint64_t offset = 0;  // in the spill
    uint32_t size = 0;
  };
  struct Series {
    Labels labels;
    std::vector<Chunk> chunks;  // in the order of the file
  };

  // Errors: InvalidArgument naming file and line: what does not parse, a sample without a
  // timestamp, two samples of a series and time with different values, an OpenMetrics file that
  // does not end with "# EOF". Two such samples that stand far apart are found when they are read.
  static Result<std::shared_ptr<TextFile>> Open(FileSystem& files, const std::string& path,
                                                const TextFileOptions& options);

  Result<std::unique_ptr<SeriesSet>> Select(const SelectRequest& request) const override;
  Result<std::vector<std::string>> LabelNames(const LabelRequest& request) const override;
  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               const LabelRequest& request) const override;
  Result<std::vector<BatchMetadata>> Metadata(const MetadataRequest& request) const override;
  Result<std::vector<SeriesExemplars>> Exemplars(const ExemplarRequest& request) const override;

  const std::string& path() const { return path_; }
  TimeRange range() const { return range_; }
  uint64_t samples() const { return samples_; }
  const std::vector<Series>& series() const { return series_; }
  const ChunkSpill& spill() const { return *spill_; }

 private:
  friend class TextFileLoader;
  TextFile(std::string path, std::unique_ptr<ChunkSpill> spill)
      : path_(std::move(path)), spill_(std::move(spill)) {}
  template <typename Visit>
  void VisitLabels(const LabelRequest& request, Visit visit) const;

  const std::string path_;
  const std::unique_ptr<ChunkSpill> spill_;
  std::vector<Series> series_;  // in the order of the file
  std::vector<BatchMetadata> metadata_;
  std::vector<std::pair<uint32_t, Exemplar>> exemplars_;  // by series; as they stand
  TimeRange range_;
  uint64_t samples_ = 0;
};

}  // namespace thermocline
