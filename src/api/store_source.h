// Sources of every layout, our own data folder included: its log is replayed, so the folder is
// locked while it is open.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "convert/inputs.h"
#include "convert/source.h"
#include "env/env.h"

namespace thermocline {

// As convert's OpenSource, and kSamples: Unavailable when another process has the folder open.
// `env` outlives the source.
Result<std::unique_ptr<Source>> OpenAnyLayout(const Env& env, const std::string& path,
                                              SourceLayout layout, const SourceOptions& options);

// Sources with their places, as a conversion or an import reads them.
struct OpenedInputs {
  std::vector<std::unique_ptr<Source>> sources;
  std::vector<ConvertInput> inputs;
  std::vector<std::string> left_out;  // blocks that cannot be read, with skip_damaged
};
// What is at `paths`, of `layout` or as it looks. A folder of blocks is opened block by block.
// `options.scratch` is here a folder that takes what text files need beside memory.
Result<OpenedInputs> OpenPlaces(const Env& env, const std::vector<std::string>& paths,
                                std::optional<SourceLayout> layout, const SourceOptions& options);

}  // namespace thermocline
