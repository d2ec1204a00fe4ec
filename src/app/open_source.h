// Any path with data as one Queryable: what `dump`, `verify`, `query` and `inspect` share.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/store_source.h"
#include "app/flags.h"
#include "convert/source.h"
#include "env/env.h"
#include "model/labels.h"

namespace thermocline {

struct SourceFlags {
  std::string from_layout;  // empty: look
  std::string on_error = "fail";
  // Not flags: a folder for what text files need beside memory, and who is asked while one is read.
  std::string scratch;
  std::function<Status()> watch;
};
void RegisterSourceFlags(SourceFlags* flags, FlagTable* table);

// As OpenAnyLayout, of the layout that the flags insist on or that is found by looking.
Result<std::unique_ptr<Source>> OpenAnySource(const Env& env, const std::string& path,
                                              const SourceFlags& flags);

// As OpenPlaces; `flags.scratch` is a folder. Prints to standard error which blocks were left out.
Result<OpenedInputs> OpenInputs(const Env& env, const std::vector<std::string>& paths,
                                const SourceFlags& flags);

// name=value texts as labels; a later one replaces an earlier one of its name. InvalidArgument for
// what is no such text, and for __name__: laid over every series it would make them all one metric.
Result<Labels> ParseExternalLabels(const std::vector<std::string>& pairs);

// Lays the external labels that the place of each input tells (`from_meta`) and over them `labels`
// over its series.
void LayOverInputs(bool from_meta, const Labels& labels, OpenedInputs* opened);

// Everything that `match` (a selector, empty for all) selects from `start` to `end` (as the HTTP
// API reads times, empty for no bound), in label order.
Result<SelectRequest> SelectionOf(const std::string& match, const std::string& start,
                                  const std::string& end);

// Prints to standard error what was left out, if anything.
void ReportDamage(const std::string& path, const Source& source);

}  // namespace thermocline
