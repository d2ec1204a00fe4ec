#include "app/open_source.h"

#include <fmt/core.h>

#include <cstdio>
#include <filesystem>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "convert/inputs.h"
#include "convert/labelled_source.h"
#include "promql/parser.h"
#include "wire/parameters.h"

namespace thermocline {
namespace {

Result<SourceOptions> OptionsOf(const SourceFlags& flags) {
  if (flags.on_error != "fail" && flags.on_error != "skip") {
    return Status::InvalidArgument("--on-error=" + flags.on_error + ": known are fail, skip");
  }
  SourceOptions options;
  options.skip_damaged = flags.on_error == "skip";
  options.scratch = flags.scratch;
  options.watch = flags.watch;
  return options;
}

// nullopt: as it looks.
Result<std::optional<SourceLayout>> LayoutOf(const SourceFlags& flags) {
  if (flags.from_layout.empty()) return std::optional<SourceLayout>();
  ASSIGN_OR_RETURN(const SourceLayout layout, ParseLayout(flags.from_layout));
  return std::optional(layout);
}

}  // namespace

void RegisterSourceFlags(SourceFlags* flags, FlagTable* table) {
  table->AddString("from-layout", &flags->from_layout,
                   "Insists on a layout instead of looking: block, blocks, prometheus, "
                   "parquet-common, gateway, samples, openmetrics, text.");
  table->AddString("on-error", &flags->on_error,
                   "What damage does: fail, or skip (damaged chunks are left out and counted; of "
                   "Parquet files the damaged series; of folders blocks that cannot be read, as "
                   "downsampled ones).");
}

Result<std::unique_ptr<Source>> OpenAnySource(const Env& env, const std::string& path,
                                              const SourceFlags& flags) {
  ASSIGN_OR_RETURN(const SourceOptions options, OptionsOf(flags));
  ASSIGN_OR_RETURN(std::optional<SourceLayout> layout, LayoutOf(flags));
  if (!layout) {
    ASSIGN_OR_RETURN(layout, RecogniseLayout(env.files, path));
  }
  return OpenAnyLayout(env, path, *layout, options);
}

Result<OpenedInputs> OpenInputs(const Env& env, const std::vector<std::string>& paths,
                                const SourceFlags& flags) {
  ASSIGN_OR_RETURN(const SourceOptions options, OptionsOf(flags));
  ASSIGN_OR_RETURN(const auto layout, LayoutOf(flags));
  // A path given twice, in whatever spelling, would be merged with itself.
  std::vector<std::string> distinct;
  std::set<std::string> seen;
  for (const std::string& path : paths) {
    std::error_code error;
    const std::filesystem::path absolute = std::filesystem::absolute(path, error);
    if (error) return Status::Io(path + ": " + error.message());
    if (seen.insert(PlainPath(absolute.string())).second) distinct.push_back(path);
  }
  ASSIGN_OR_RETURN(auto opened, OpenPlaces(env, distinct, layout, options));
  for (const std::string& left_out : opened.left_out) {
    fmt::print(stderr, "thermocline: left out: {}\n", left_out);
  }
  return opened;
}

Result<Labels> ParseExternalLabels(const std::vector<std::string>& pairs) {
  LabelsBuilder labels;
  for (const std::string& pair : pairs) {
    const size_t equals = pair.find('=');
    if (equals == 0 || equals == std::string::npos || equals + 1 == pair.size()) {
      return Status::InvalidArgument("--external-label=" + pair + ": expected name=value");
    }
    const std::string name = pair.substr(0, equals);
    if (name == "__name__") {
      return Status::InvalidArgument("--external-label=" + pair + ": would rename every series");
    }
    labels.Set(name, pair.substr(equals + 1));
  }
  return labels.Build();
}

void LayOverInputs(bool from_meta, const Labels& labels, OpenedInputs* opened) {
  for (size_t i = 0; i < opened->inputs.size(); ++i) {
    ConvertInput& input = opened->inputs[i];
    LabelsBuilder builder(from_meta ? input.place.external : Labels());
    for (const LabelPair& pair : labels) builder.Set(pair.name, pair.value);
    const Labels all = builder.Build();
    if (all.empty()) continue;
    opened->sources[i] = WithLabels(std::move(opened->sources[i]), all);
    input.source = opened->sources[i].get();
  }
}

Result<SelectRequest> SelectionOf(const std::string& match, const std::string& start,
                                  const std::string& end) {
  SelectRequest request;
  request.range = {kMinTimestampMs, kMaxTimestampMs};
  request.hints.sorted = true;
  if (!match.empty()) {
    ASSIGN_OR_RETURN(request.matchers, promql::ParseMetricSelector(match));
  }
  if (!start.empty()) {
    ASSIGN_OR_RETURN(request.range.start_ms, ParseTime(start));
  }
  if (!end.empty()) {
    ASSIGN_OR_RETURN(request.range.end_ms, ParseTime(end));
  }
  return request;
}

void ReportDamage(const std::string& path, const Source& source) {
  const SourceDamage damage = source.damage();
  for (const std::string& message : damage.messages) {
    fmt::print(stderr, "thermocline: left out: {}\n", message);
  }
  if (!damage.messages.empty()) {
    fmt::print(
        stderr,
        "thermocline: {}: {} damaged chunks, {} damaged series, {} torn logs, {} blocks left "
        "out\n",
        path, damage.chunks, damage.series, damage.log_ends, damage.blocks);
  }
}

}  // namespace thermocline
