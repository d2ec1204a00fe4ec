// Random queries over random data, asked of the engine and of the naive evaluator; or script
// tests, asked of the naive evaluator.
#include <fmt/core.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string_view>

#include "promql/naive/differential.h"
#include "promql/naive/naive.h"
#include "promql/test_script/run_script.h"

namespace thermocline::promql {
namespace {

int RunScripts(int argc, char** argv) {
  const EngineOptions options = ScriptEngineOptions();
  const ScriptQuery ask = [&options](const Queryable& storage, const EvalCommand& eval) {
    return eval.is_range
               ? NaiveRange(storage, eval.query, eval.start_ms, eval.end_ms, eval.step_ms, options)
               : NaiveInstant(storage, eval.query, eval.at_ms, options);
  };
  ScriptSummary all;
  for (int i = 0; i < argc; ++i) {
    std::ifstream file(argv[i]);
    std::stringstream text;
    text << file.rdbuf();
    std::string report;
    const auto summary = RunScriptText(argv[i], text.str(), ask, &report);
    if (!file || !summary.ok()) {
      fmt::print("{}: {}\n", argv[i], summary.status().ToString());
      ++all.failed;
      continue;
    }
    fmt::print("{}", report);
    all.passed += summary->passed;
    all.failed += summary->failed;
  }
  fmt::print("{} passed, {} failed\n", all.passed, all.failed);
  return all.failed == 0 ? 0 : 1;
}

// Worlds have consecutive seeds, so that any of them can be asked again alone.
int RunRandom(uint64_t queries, uint64_t seed) {
  using naive::Differential;
  uint64_t passed = 0;
  uint64_t failed = 0;
  for (uint64_t world = seed; passed + failed < queries; ++world) {
    Differential differential(world);
    for (int i = 0; i < Differential::kQueries && passed + failed < queries; ++i) {
      naive::RandomCase asked = differential.Next();
      if (naive::DifferenceOf(asked, differential.data()).empty()) {
        ++passed;
        continue;
      }
      ++failed;
      fmt::print("seed {}, query {}: {}\n", world, i, asked.ToString());
      naive::Matrix data = differential.data();
      naive::Shrink(&asked, &data);
      fmt::print("  shrunk, over {} series: {}\n{}", data.size(), asked.ToString(),
                 naive::DifferenceOf(asked, data));
      std::fflush(stdout);
    }
  }
  fmt::print("{} passed, {} failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace thermocline::promql

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "--scripts") {
    return thermocline::promql::RunScripts(argc - 2, argv + 2);
  }
  uint64_t queries = 20000;
  uint64_t seed = 1;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--seed" && i + 1 < argc) {
      seed = std::strtoull(argv[++i], nullptr, 10);
    } else {
      queries = std::strtoull(argv[i], nullptr, 10);
    }
  }
  return thermocline::promql::RunRandom(queries, seed);
}
