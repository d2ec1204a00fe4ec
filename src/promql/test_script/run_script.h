// Runs Prometheus' PromQL test scripts (promqltest) against our engine.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "promql/engine.h"
#include "promql/test_script/script.h"

namespace thermocline::promql {

struct ScriptSummary {
  int passed = 0;
  int failed = 0;
};

// The options that Prometheus' scripts are written for: everything experimental on, delayed name
// removal, start timestamps, 10,000 samples.
EngineOptions ScriptEngineOptions();

// Answers one eval over what the script has loaded.
using ScriptQuery = std::function<Result<QueryResult>(const Queryable&, const EvalCommand&)>;
// `engine` is borrowed; it should have the options above.
ScriptQuery AskEngine(const Engine& engine);

// Puts what a script has loaded into another storage, which evals then read instead. Called before
// the first eval after a change; `loaded` may change or go once it returned.
using ScriptStorage =
    std::function<Result<std::unique_ptr<const Queryable>>(const Queryable& loaded)>;

// Runs every eval of `text` over a storage in memory that its load commands fill, or over what
// `store` makes of it. An instant case is asked thirteen times or less: as it stands, pinned by @
// at five times, and each of them as the middle step of a range query too; it passes when all
// answers are as expected. Each failure becomes a line "NAME:LINE: ..." of `report`; what `store`
// returns fails the evals that need it. Errors: InvalidArgument when the script itself is
// malformed, with its line, and then nothing runs; or when what it loads makes no histograms.
Result<ScriptSummary> RunScriptText(std::string_view name, std::string_view text,
                                    const ScriptQuery& ask, std::string* report,
                                    const ScriptStorage& store = nullptr);

}  // namespace thermocline::promql
