// The query log: a line of JSON per query, with Prometheus' keys.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "base/result.h"
#include "base/time.h"
#include "env/env.h"

namespace thermocline {

// One query that ran.
struct LoggedQuery {
  std::string_view text;
  TimestampMs start_ms = 0;
  TimestampMs end_ms = 0;
  int64_t step_ms = 0;          // 0 of an instant query
  std::string_view error;       // empty when it succeeded
  std::string_view statistics;  // JSON (query_statistics.h)
  std::string_view client;      // address
  std::string_view method;
  std::string_view path;
};

// The line, its end included. Source of the keys: Prometheus' promql/engine.go (exec) and
// util/httputil/context.go. Spans are not traced: their ids are zeros.
std::string QueryLogLine(const LoggedQuery& query, TimestampMs now_ms);

// Appends to a file; when that was moved, removed or cut off, a line begins it anew, so that it can
// be rotated at any time. Threads: safe.
class QueryLog {
 public:
  // Creates the file when it is not there. `env` is borrowed.
  static Result<std::unique_ptr<QueryLog>> Open(const std::string& path, Env env);
  // A line that cannot be written is lost; that is counted, and logged when it begins.
  void Write(const LoggedQuery& query);

 private:
  QueryLog(std::string path, Env env);
  Status Append(std::string_view line) REQUIRES(mutex_);

  const std::string path_;
  const Env env_;
  Counter& failures_;
  Mutex mutex_;
  std::unique_ptr<WritableFile> file_ GUARDED_BY(mutex_);
  uint64_t size_bytes_ GUARDED_BY(mutex_) = 0;  // of the file
  bool failing_ GUARDED_BY(mutex_) = false;
};

}  // namespace thermocline
