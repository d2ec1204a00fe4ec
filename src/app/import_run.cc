#include "app/import_run.h"

#include <fmt/core.h>

#include <algorithm>

#include "convert/compare.h"
#include "convert/day_plan.h"
#include "convert/series_views.h"
#include "model/exemplar.h"
#include "promql/parser.h"
#include "store/import.h"

namespace thermocline {
namespace {

constexpr uint64_t kRowGroupBytes = uint64_t{32} << 20;  // with its buffers
constexpr int64_t kMostJobs = 64;

uint32_t Threads(const ImportJob& job, int64_t default_jobs) {
  int64_t threads = std::clamp<int64_t>(job.jobs == 0 ? default_jobs : job.jobs, 1, kMostJobs);
  if (job.memory_bytes > 0) {
    const auto fit = static_cast<int64_t>(job.memory_bytes / kRowGroupBytes) - 1;
    threads = std::clamp<int64_t>(fit, 1, threads);
  }
  return static_cast<uint32_t>(threads);
}

class ImportRun {
 public:
  ImportRun(const Env& env, Store& store, const std::string& data, const ImportJob& job,
            uint32_t threads, const ConvertWatch& watch)
      : env_(env), data_(data), job_(job), watch_(watch), import_(store, threads) {}

  Result<ImportReport> Run(const AnnounceImport& announce) {
    const int64_t started_ns = env_.clock.SteadyNs();
    RETURN_IF_ERROR(Open());
    ASSIGN_OR_RETURN(const auto pieces, PlanDays(*joined_, joined_->range(), job_.range));
    progress_.pieces = pieces.size();
    for (const TimeRange& piece : pieces) {
      RETURN_IF_ERROR(Write(piece));
      ++progress_.pieces_done;
    }
    if (import_.counts().samples + import_.counts().there == 0) {
      return Status::NotFound("no samples in the range");
    }
    if (job_.verify) RETURN_IF_ERROR(Verify());
    Fill();
    RETURN_IF_ERROR(import_.Publish([&](const std::vector<BlockEntry>& blocks) {
      for (const BlockEntry& block : blocks) report_.published_ids.push_back(block.id.ToString());
      return announce ? announce(report_) : Status::Ok();
    }));
    report_.duration_ms = (env_.clock.SteadyNs() - started_ns) / 1'000'000;
    return std::move(report_);
  }

 private:
  Status Open() {
    if (!job_.match.empty()) {
      ASSIGN_OR_RETURN(matchers_, promql::ParseMetricSelector(job_.match));
    }
    LabelsBuilder external;
    for (const auto& [name, value] : job_.external) external.Set(name, value);
    external_ = external.Build();
    SourceFlags flags = job_.source;
    flags.scratch = ImportFolder(data_);
    flags.watch = [this] { return watch_ == nullptr ? Status::Ok() : watch_(progress_); };
    RETURN_IF_ERROR(env_.files.CreateDirectories(flags.scratch));
    ASSIGN_OR_RETURN(opened_, OpenInputs(env_, job_.sources, flags));
    OrderInputs(&opened_.inputs);
    std::vector<const Source*> sources;
    for (const ConvertInput& input : opened_.inputs) {
      sources.push_back(input.source);
      report_.bytes_in += input.place.bytes;
    }
    joined_ = std::make_unique<JoinedInputs>(std::move(sources));
    ASSIGN_OR_RETURN(metadata_, joined_->Metadata({}));
    return Status::Ok();
  }

  Result<std::unique_ptr<WatchedSeries>> Select(TimeRange range) {
    SelectRequest request;
    request.matchers = matchers_;
    request.range = range;
    request.hints.sorted = true;
    ASSIGN_OR_RETURN(auto set, joined_->Select(request));
    if (!external_.empty()) {
      ASSIGN_OR_RETURN(set, LabelledSeries::Make(std::move(set), external_));
    }
    progress_.series = set->series_count();
    progress_.series_done = 0;
    read_samples_ = 0;
    return std::make_unique<WatchedSeries>(std::move(set), [this](size_t series, uint64_t samples) {
      progress_.series_done = series;
      progress_.samples += samples;
      read_samples_ += samples;
      return watch_ == nullptr ? Status::Ok() : watch_(progress_);
    });
  }

  Status Write(TimeRange piece) {
    ASSIGN_OR_RETURN(const auto set, Select(piece));
    if (set->series_count() == 0) return Status::Ok();
    // With labels laid over them, the series are not those that the selector selects.
    ExemplarRequest of_piece;
    of_piece.range = WholeDays(piece, job_.range);
    if (!matchers_.empty()) of_piece.matcher_sets.push_back(matchers_);
    ASSIGN_OR_RETURN(auto exemplars, joined_->Exemplars(of_piece));
    LayOver(external_, &exemplars);
    PutInOrder(of_piece.range, &exemplars);
    BlockRequest sides;
    sides.exemplars = &exemplars;
    sides.metadata = &metadata_;
    RETURN_IF_ERROR(
        import_.Write(*set, piece, external_.empty() ? matchers_ : std::vector<Matcher>(), sides));
    set->AddWithSamples(&series_);
    return Status::Ok();
  }

  // Every sample that was written is one of the sources, bit for bit, and none is missing but those
  // that the store had.
  Status Verify() {
    progress_.verifying = true;
    progress_.pieces_done = 0;
    progress_.pieces = 1;
    ASSIGN_OR_RETURN(std::unique_ptr<SeriesSet> read, Select(job_.range));
    ASSIGN_OR_RETURN(auto written, import_.Written());
    ASSIGN_OR_RETURN(const Comparison found,
                     CompareSets(std::move(read), std::move(written), {.differences_kept = 1}));
    const ImportCounts& counts = import_.counts();
    report_.verified = found.samples;
    if (found.samples == counts.samples && found.series_only_b == 0 && found.samples_only_b == 0 &&
        found.samples_differing == 0 && read_samples_ == counts.samples + counts.there) {
      return Status::Ok();
    }
    return Status::Internal(fmt::format(
        "of {} samples read, {} of which were there, {} were written and {} read back the same; "
        "nothing was published",
        read_samples_, counts.there, counts.samples, found.samples));
  }

  void Fill() {
    const ImportCounts& counts = import_.counts();
    report_.series = series_.size();
    report_.samples = counts.samples;
    report_.there = counts.there;
    report_.there_other = counts.there_other;
    report_.blocks = counts.blocks;
    report_.bytes_out = counts.bytes;
    for (const auto& source : opened_.sources) {
      for (std::string& message : source->damage().messages) {
        report_.left_out.push_back(std::move(message));
      }
    }
  }

  const Env env_;
  const std::string data_;
  const ImportJob& job_;
  const ConvertWatch& watch_;
  OpenedInputs opened_;
  std::unique_ptr<JoinedInputs> joined_;
  std::vector<Matcher> matchers_;
  std::vector<BatchMetadata> metadata_;
  Labels external_;
  StoreImport import_;
  std::vector<SeriesId> series_;  // with samples, ascending
  uint64_t read_samples_ = 0;     // of the set selected last
  ConvertProgress progress_;
  ImportReport report_;
};

}  // namespace

Result<ImportReport> ImportInto(const Env& env, Store& store, const std::string& data,
                                const ImportJob& job, int64_t default_jobs,
                                const ConvertWatch& watch, const AnnounceImport& announce) {
  return ImportRun(env, store, data, job, Threads(job, default_jobs), watch).Run(announce);
}

}  // namespace thermocline
