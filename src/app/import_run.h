// Does an import on an open store.
#pragma once

#include <functional>

#include "app/import_job.h"
#include "store/store.h"

namespace thermocline {

// Reads the sources UTC day by UTC day, writes what the store lacks and publishes all of it at
// once. `announce` is told the report, complete but for its duration, right before that (not when
// nothing is new); an error of it or of `watch` ends the import, and the store is as before.
// Threads: one import of a store at a time.
// Errors: InvalidArgument (sources, selector, labels), NotFound when there is no sample, and what
// StoreImport and the sources return.
// `data` is the store's folder; what text sources need beside memory goes to its imports/.
using AnnounceImport = std::function<Status(const ImportReport&)>;
Result<ImportReport> ImportInto(const Env& env, Store& store, const std::string& data,
                                const ImportJob& job, int64_t default_jobs,
                                const ConvertWatch& watch, const AnnounceImport& announce);

}  // namespace thermocline
