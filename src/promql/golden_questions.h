// Reads tests/golden/promql-engine for tests.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "promql/engine.h"
#include "promql/test_script/memory_storage.h"
#include "promql/test_script/script.h"

namespace thermocline::promql {

inline std::filesystem::path GoldenFile(const std::string& name) {
  return std::filesystem::path(__FILE__).parent_path().parent_path().parent_path() /
         "tests/golden/promql-engine" / name;
}

// Adds the series of a script's first command, a load.
inline void LoadScript(const std::string& script, MemoryStorage* storage) {
  const std::vector<ScriptCommand> commands = ParseScript(script).value();
  const auto& load = std::get<LoadCommand>(commands.front());
  for (const SeriesLine& line : load.series) {
    for (size_t i = 0; i < line.values.size(); ++i) {
      const SequenceValue& value = line.values[i];
      const TimestampMs t_ms = static_cast<int64_t>(i) * load.step_ms;
      if (value.kind == SequenceValue::kFloat) storage->Add(line.labels, t_ms, value.value);
      if (value.kind == SequenceValue::kHistogram) {
        storage->Add(line.labels, t_ms, value.histogram);
      }
    }
  }
}

// The engine's options when the questions of `round` were asked.
inline EngineOptions OptionsOf(const nlohmann::json& round) {
  EngineOptions options;
  options.enable_experimental = true;
  options.extended_range_selectors = true;
  options.fill_modifiers = true;
  options.delayed_name_removal = round["delayed_name_removal"];
  return options;
}

}  // namespace thermocline::promql
