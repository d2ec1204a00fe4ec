// The server's side of `thermocline import`: takes requests from the data folder, one at a time.
#pragma once

#include <atomic>
#include <string>

#include "app/import_job.h"
#include "env/ticker.h"
#include "store/store.h"

namespace thermocline {

// Looks into <data>/imports at an interval, on a thread of its own that yields to all others.
// A request goes when its outcome is on disk; one that a stop or a crash cuts short is begun anew
// by the next server, unless it was published: then only its outcome is written.
// Threads: construct and destroy on one thread.
class ImportDesk {
 public:
  // `store` and what `env` refers to outlive the desk.
  ImportDesk(const Env& env, Store& store, std::string data, const ImportLimits& limits,
             int64_t interval_ms);
  // Stops a running import.
  ~ImportDesk();

 private:
  void Tick();
  Status Begin();
  Status TakeRequests();
  Status Take(const std::string& id);
  // Whether the import's blocks are in the table: it was published, and then the process ended.
  bool WasPublished(const ImportReport& report) const;
  Status Finish(const std::string& id, const ImportReport& report);
  Result<ImportReport> Run(const std::string& id, const ImportJob& job);
  Status WriteProgress(const std::string& id, const ConvertProgress& progress);
  std::string PathOf(const std::string& id, std::string_view suffix) const;
  void RemoveIfThere(const std::string& path);

  const Env env_;
  Store& store_;
  const std::string data_;
  const std::string folder_;  // <data>/imports
  const ImportLimits limits_;
  bool begun_ = false;
  std::string last_error_;
  std::atomic<bool> stopping_{false};
  Ticker ticker_;  // last: its thread uses the others
};

}  // namespace thermocline
