// verify: two sources, compared sample by sample.
#include <fmt/core.h>

#include <cstdio>
#include <memory>
#include <utility>

#include "app/command.h"
#include "app/flags.h"
#include "app/open_source.h"
#include "convert/compare.h"
#include "convert/inputs.h"
#include "env/posix/posix_env.h"

namespace thermocline {
namespace {

struct VerifyArguments {
  SourceFlags source;
  std::string match;
  std::string start;
  std::string end;
  int64_t differences = 20;
  bool ignore_starts = false;
  bool external_from_meta = false;
  std::vector<std::string> external;
  Labels external_labels;
  std::string a;
  std::string b;
};

void Register(VerifyArguments* parsed, FlagTable* table) {
  RegisterSourceFlags(&parsed->source, table);
  table->AddString("match", &parsed->match, "A selector; everything by default.");
  table->AddString("start", &parsed->start, "First time, in seconds or RFC 3339.");
  table->AddString("end", &parsed->end, "Last time.");
  table->AddInt("differences", &parsed->differences, "How many differences are printed.");
  table->AddBool(
      "ignore-start-times", &parsed->ignore_starts,
      "Samples that differ in their start timestamps alone are equal; shards hold none.");
  table->AddBool("external-labels-from-meta", &parsed->external_from_meta,
                 "Series of blocks, in A and in B, also get the external labels that Thanos notes "
                 "in meta.json; series of a gateway's bucket have them.");
  table->AddStrings("external-label", &parsed->external,
                    "name=value laid over every series of A, as convert lays it; may be given "
                    "again.");
}

Result<VerifyArguments> Parse(const std::vector<std::string>& arguments) {
  VerifyArguments parsed;
  FlagTable table;
  Register(&parsed, &table);
  ASSIGN_OR_RETURN(const auto words, table.ParseCommandLine(arguments));
  if (words.size() != 2) {
    return WrongUsage("verify", fmt::format("verify takes two sources, found {}", words.size()));
  }
  if (parsed.differences < 0) return Status::InvalidArgument("--differences must not be negative");
  ASSIGN_OR_RETURN(parsed.external_labels, ParseExternalLabels(parsed.external));
  parsed.a = words[0];
  parsed.b = words[1];
  return parsed;
}

// A side of the comparison: one source, or the blocks of a folder with labels of their own each.
struct Side {
  OpenedInputs opened;
  std::unique_ptr<JoinedInputs> joined;
};

Result<Side> OpenSide(const Env& env, const std::string& path, const VerifyArguments& arguments,
                      const Labels& labels) {
  Side side;
  if (arguments.external_from_meta) {
    ASSIGN_OR_RETURN(side.opened, OpenInputs(env, {path}, arguments.source));
    LayOverInputs(true, labels, &side.opened);
    OrderInputs(&side.opened.inputs);
  } else {
    ASSIGN_OR_RETURN(auto source, OpenAnySource(env, path, arguments.source));
    side.opened.inputs.push_back({{}, source.get()});
    side.opened.sources.push_back(std::move(source));
    LayOverInputs(false, labels, &side.opened);
  }
  std::vector<const Source*> sources;
  for (const ConvertInput& input : side.opened.inputs) sources.push_back(input.source);
  side.joined = std::make_unique<JoinedInputs>(std::move(sources));
  return side;
}

Result<Comparison> Verify(const VerifyArguments& arguments) {
  ASSIGN_OR_RETURN(const SelectRequest request,
                   SelectionOf(arguments.match, arguments.start, arguments.end));
  PosixEnv posix(LogFormat::kLogfmt, LogLevel::kError, 2);
  const Env env = posix.env();
  ASSIGN_OR_RETURN(const Side a, OpenSide(env, arguments.a, arguments, arguments.external_labels));
  ASSIGN_OR_RETURN(const Side b, OpenSide(env, arguments.b, arguments, Labels()));
  ASSIGN_OR_RETURN(Comparison found,
                   Compare(*a.joined, *b.joined, request,
                           {.differences_kept = static_cast<size_t>(arguments.differences),
                            .ignore_starts = arguments.ignore_starts}));
  for (const auto& source : a.opened.sources) ReportDamage(arguments.a, *source);
  for (const auto& source : b.opened.sources) ReportDamage(arguments.b, *source);
  return found;
}

// What a person may have overlooked when a correct conversion differs from its source.
void Hint(const VerifyArguments& arguments, const Comparison& found) {
  if (found.only_starts_differ()) {
    fmt::print(stderr,
               "thermocline: they differ in start timestamps alone, which parquet-common and "
               "gateway cannot hold; --ignore-start-times takes such samples as equal\n");
  }
  if (found.series == 0 && found.series_only_a > 0 && found.series_only_b > 0) {
    fmt::print(stderr,
               "thermocline: no series is in both; where one side has external labels of Thanos, "
               "{}--external-label=name=value lays such labels over A\n",
               arguments.external_from_meta
                   ? ""
                   : "--external-labels-from-meta lays those of meta.json over the blocks, and ");
  }
}

}  // namespace

std::string VerifyFlags() {
  VerifyArguments arguments;
  FlagTable table;
  Register(&arguments, &table);
  return table.HelpText();
}

int RunVerify(const Invocation& invocation) {
  const auto arguments = Parse(invocation.arguments);
  if (!arguments.ok()) return Complain(arguments.status());
  const auto found = Verify(*arguments);
  if (!found.ok()) return Complain(found.status());
  for (const std::string& line : found->differences) fmt::print("{}\n", line);
  fmt::print("series: {} in both, {} only in A, {} only in B, {} differing\n", found->series,
             found->series_only_a, found->series_only_b, found->series_differing);
  fmt::print("samples of series in both: {} equal, {} differing, {} only in A, {} only in B\n",
             found->samples, found->samples_differing, found->samples_only_a,
             found->samples_only_b);
  if (arguments->ignore_starts && found->samples_other_start > 0) {
    fmt::print("{} of the equal ones differ in their start timestamps\n",
               found->samples_other_start);
  }
  Hint(*arguments, *found);
  return found->equal() ? kExitOk : kExitFailed;
}

}  // namespace thermocline
