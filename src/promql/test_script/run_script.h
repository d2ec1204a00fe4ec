// Runs Prometheus' PromQL test scripts (promqltest) against our engine.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "promql/engine.h"

namespace thermocline::promql {

struct ScriptSummary {
  int passed = 0;
  int failed = 0;
  int set_aside = 0;  // they touch histograms or start timestamps, which scripts may load
};

// The options that Prometheus' scripts are written for: everything experimental on, delayed name
// removal, 10,000 samples.
EngineOptions ScriptEngineOptions();

// Runs every eval of `text` over a storage in memory that its load commands fill. Each failure and
// each case set aside becomes a line "NAME:LINE: ..." of `report`. Errors: InvalidArgument when the
// script itself is malformed, with its line; nothing runs then.
Result<ScriptSummary> RunScriptText(std::string_view name, std::string_view text,
                                    const Engine& engine, std::string* report);

}  // namespace thermocline::promql
