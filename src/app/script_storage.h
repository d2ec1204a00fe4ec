// Where the evals of a PromQL script read their data: as it was loaded, or converted before.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "env/executor.h"
#include "promql/test_script/run_script.h"

namespace thermocline {

// The names of `promqltest --storage`, for messages.
inline constexpr std::string_view kScriptStorages =
    "memory, head, samples, parquet-common, gateway";

// "memory": null, scripts' own storage. "head": the log and the hot tier of a Store. "samples",
// "parquet-common", "gateway": what `convert` writes, opened by what reads it, in row groups and
// pages of a few rows, so that a dozen series already span several of each. Every call makes a file
// system in memory that lives as long as the answer. `executor` is borrowed for that long.
// Errors: InvalidArgument with the known names.
Result<promql::ScriptStorage> MakeScriptStorage(std::string_view name, Executor& executor);

}  // namespace thermocline
