#include <thermocline/source.h>

#include <fmt/core.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "api/bridge.h"
#include "api/made_source.h"
#include "api/opened.h"
#include "api/store_source.h"
#include "convert/series_walk.h"
#include "model/exemplar.h"

namespace thermocline::api {
namespace {

constexpr size_t kMostSeriesRead = 1024;

static_assert(static_cast<int>(Layout::kBlock) == static_cast<int>(SourceLayout::kBlock));
static_assert(static_cast<int>(Layout::kSamples) == static_cast<int>(SourceLayout::kSamples));

thermocline::Result<Layout> Recognise(const std::string& path) {
  PosixFileSystem files;
  ASSIGN_OR_RETURN(const SourceLayout layout, thermocline::RecogniseLayout(files, path));
  return static_cast<Layout>(layout);
}

thermocline::Result<std::shared_ptr<const Source::State>> OpenState(const std::string& path,
                                                                    const Layout* layout,
                                                                    const SourceOptions& options) {
  auto state = std::make_shared<Source::State>();
  ASSIGN_OR_RETURN(state->machine, NewMachine(options.threads));
  const Env env = state->machine->env();
  if (layout != nullptr) {
    state->layout = *layout;
  } else {
    ASSIGN_OR_RETURN(const SourceLayout found, thermocline::RecogniseLayout(env.files, path));
    state->layout = static_cast<Layout>(found);
  }
  ASSIGN_OR_RETURN(state->source, OpenAnyLayout(env, path, static_cast<SourceLayout>(state->layout),
                                                {.skip_damaged = options.skip_damaged,
                                                 .scratch = options.scratch}));
  state->path = path;
  return std::shared_ptr<const Source::State>(std::move(state));
}

Result<Source> ToSource(thermocline::Result<std::shared_ptr<const Source::State>> state) {
  if (!state.ok()) return ToApi(state.status());
  return Source(*std::move(state));
}

thermocline::Result<std::shared_ptr<const Source::State>> MakeState(
    std::vector<thermocline::Labels> labels, MakeSamples make) {
  auto state = std::make_shared<Source::State>();
  ASSIGN_OR_RETURN(state->source, NewMadeSource(std::move(labels), std::move(make)));
  state->layout = Layout::kMade;
  return std::shared_ptr<const Source::State>(std::move(state));
}

thermocline::Result<LabelRequest> LabelRequestOf(const Selection& selection) {
  LabelRequest request;
  request.range = ToInner(selection.range);
  request.limit = selection.limit;
  if (!selection.matchers.empty()) {
    ASSIGN_OR_RETURN(auto matchers, CompileMatchers(selection.matchers));
    request.matcher_sets.push_back(std::move(matchers));
  }
  return request;
}

thermocline::Result<std::shared_ptr<const SeriesSet::State>> SelectState(
    std::shared_ptr<const Source::State> source, const Selection& selection) {
  ASSIGN_OR_RETURN(const SelectRequest request, RequestOf(selection));
  auto state = std::make_shared<SeriesSet::State>();
  ASSIGN_OR_RETURN(state->set, source->source->Select(request));
  state->source = std::move(source);
  return std::shared_ptr<const SeriesSet::State>(std::move(state));
}

thermocline::Result<std::vector<uint32_t>> Wanted(size_t first, size_t count, size_t size) {
  if (count > kMostSeriesRead || first > size || count > size - first) {
    return thermocline::Status::OutOfRange(
        fmt::format("series {} and {} after it: there are {}, at most {} are read at once", first,
                    count, size, kMostSeriesRead));
  }
  std::vector<uint32_t> wanted(count);
  std::iota(wanted.begin(), wanted.end(), static_cast<uint32_t>(first));
  return wanted;
}

}  // namespace

thermocline::Result<std::shared_ptr<PosixEnv>> NewMachine(int threads) {
  if (threads < 1 || threads > kMostThreads) {
    return thermocline::Status::InvalidArgument(
        fmt::format("threads: expected 1 to {}, found {}", kMostThreads, threads));
  }
  return std::make_shared<PosixEnv>(LogFormat::kLogfmt, LogLevel::kError, threads);
}

thermocline::Result<SelectRequest> RequestOf(const Selection& selection) {
  SelectRequest request;
  ASSIGN_OR_RETURN(request.matchers, CompileMatchers(selection.matchers));
  request.range = ToInner(selection.range);
  request.hints.sorted = selection.sorted;
  request.hints.limit = selection.limit;
  return request;
}

std::string_view LayoutName(Layout layout) {
  if (layout == Layout::kMade) return "made";
  return thermocline::LayoutName(static_cast<SourceLayout>(layout));
}

Result<Layout> RecogniseLayout(const std::string& path) { return ToApi(Recognise(path)); }

Source::Source(std::shared_ptr<const State> state) : state_(std::move(state)) {}

Result<Source> Source::Open(const std::string& path, const SourceOptions& options) {
  return ToSource(OpenState(path, nullptr, options));
}

Result<Source> Source::Open(const std::string& path, Layout layout, const SourceOptions& options) {
  if (layout == Layout::kMade) return Status(Code::kInvalidArgument, "no files are so laid out");
  return ToSource(OpenState(path, &layout, options));
}

Result<Source> Source::Make(size_t count, const std::function<Labels(size_t)>& labels,
                            std::function<Status(size_t, SampleBatch*)> make) {
  std::vector<thermocline::Labels> all;
  all.reserve(count);
  for (size_t i = 0; i < count; ++i) all.push_back(LabelBytes::Copy(labels(i)));
  return ToSource(
      MakeState(std::move(all), [make = std::move(make)](size_t series, SampleBatch* out) {
        return ToInner(make(series, out));
      }));
}

Result<Source> Source::FromSeries(std::vector<Series> series) {
  std::vector<thermocline::Labels> labels;
  for (const Series& one : series) {
    const auto checked = CheckSeries(one.samples, 0, one.samples.timestamps_ms.size());
    if (!checked.ok()) return ToApi(checked.WithContext(one.labels.ToString()));
    labels.push_back(LabelBytes::Copy(one.labels));
  }
  auto kept = std::make_shared<const std::vector<Series>>(std::move(series));
  return ToSource(
      MakeState(std::move(labels), [kept = std::move(kept)](size_t number, SampleBatch* out) {
        *out = (*kept)[number].samples;
        return thermocline::Status::Ok();
      }));
}

Layout Source::layout() const { return state_->layout; }
TimeRange Source::range() const { return ToApi(state_->source->range()); }
std::string Source::Describe() const { return state_->source->Describe(); }

Damage Source::damage() const {
  SourceDamage damage = state_->source->damage();
  return {damage.blocks, damage.chunks, damage.series, damage.log_ends, std::move(damage.messages)};
}

Result<SeriesSet> Source::Select(const Selection& selection) const {
  auto state = SelectState(state_, selection);
  if (!state.ok()) return ToApi(state.status());
  return SeriesSet(*std::move(state));
}

Result<std::vector<std::string>> Source::LabelNames(const Selection& selection) const {
  const auto request = LabelRequestOf(selection);
  if (!request.ok()) return ToApi(request.status());
  return ToApi(state_->source->LabelNames(*request));
}

Result<std::vector<std::string>> Source::LabelValues(std::string_view name,
                                                     const Selection& selection) const {
  const auto request = LabelRequestOf(selection);
  if (!request.ok()) return ToApi(request.status());
  return ToApi(state_->source->LabelValues(name, *request));
}

Result<std::vector<MetricMetadata>> Source::Metadata(const std::string& family) const {
  MetadataRequest request;
  request.family = family;
  auto found = state_->source->Metadata(request);
  if (!found.ok()) return ToApi(found.status());
  std::vector<MetricMetadata> out;
  for (BatchMetadata& one : *found) {
    out.push_back(
        {std::move(one.family), std::move(one.type), std::move(one.help), std::move(one.unit)});
  }
  return out;
}

Result<std::vector<SeriesExemplars>> Source::Exemplars(const Selection& selection) const {
  const auto matchers = CompileMatchers(selection.matchers);
  if (!matchers.ok()) return ToApi(matchers.status());
  ExemplarRequest request;
  if (!matchers->empty()) request.matcher_sets.push_back(*matchers);
  request.range = ToInner(selection.range);
  const auto found = state_->source->Exemplars(request);
  if (!found.ok()) return ToApi(found.status());
  std::vector<SeriesExemplars> out;
  for (const thermocline::SeriesExemplars& series : *found) {
    out.push_back({LabelBytes::Of(series.series), {}});
    for (const thermocline::Exemplar& one : series.exemplars) {
      out.back().exemplars.push_back({LabelBytes::Of(one.labels), one.t_ms, one.value});
    }
  }
  return out;
}

SeriesSet::SeriesSet(std::shared_ptr<const State> state) : state_(std::move(state)) {}

size_t SeriesSet::size() const { return state_->set->series_count(); }

Labels SeriesSet::labels(size_t series) const {
  return LabelBytes::Of(state_->set->labels(series));
}

bool SeriesSet::has_chunks() const { return state_->set->has_encoded(); }

const std::vector<std::string>& SeriesSet::warnings() const { return state_->set->warnings(); }

Status SeriesSet::Read(size_t first, size_t count, SampleBatch* out) const {
  const auto wanted = Wanted(first, count, size());
  if (!wanted.ok()) return ToApi(wanted.status());
  // The columns go there and back, so that their memory is used again.
  out->Clear();
  SeriesBatch batch;
  MoveSamples(out, &batch);
  const auto read = state_->set->Read(*wanted, &batch);
  MoveSamples(&batch, out);
  return ToApi(read);
}

Status SeriesSet::ReadChunks(size_t first, size_t count, ChunkBatch* out) const {
  const auto wanted = Wanted(first, count, size());
  if (!wanted.ok()) return ToApi(wanted.status());
  EncodedBatch batch;
  const auto read = state_->set->ReadEncoded(*wanted, &batch);
  if (!read.ok()) return ToApi(read);
  MoveChunks(&batch, out);
  return Status::Ok();
}

Status SeriesSet::ForEach(const Visit& visit) const {
  ReadSize step;
  SampleBatch batch;
  for (size_t first = 0; first < size();) {
    const size_t count = std::min(step.series(), size() - first);
    if (Status read = Read(first, count, &batch); !read.ok()) return read;
    for (size_t i = 0; i < count; ++i) {
      if (batch.times(i).empty()) continue;
      if (Status visited = visit(labels(first + i), batch, i); !visited.ok()) return visited;
    }
    step.Saw(count, batch.sample_count());
    first += count;
  }
  return Status::Ok();
}

}  // namespace thermocline::api
