#include "server/active_queries.h"

#include <fmt/core.h>

#include <utility>

#include "wire/json.h"

namespace thermocline {
namespace {

void AppendSeconds(std::string_view name, TimestampMs t_ms, std::string* out) {
  fmt::format_to(std::back_inserter(*out), R"(,"{}":)", name);
  AppendJsonTimestamp(out, t_ms);
}

}  // namespace

ActiveQueries::Entry::Entry(ActiveQueries& all, ActiveQuery query) : all_(all) {
  MutexLock lock(all_.mutex_);
  id_ = all_.next_id_++;
  all_.queries_.emplace(id_, std::move(query));
}

ActiveQueries::Entry::~Entry() {
  MutexLock lock(all_.mutex_);
  all_.queries_.erase(id_);
}

bool ActiveQueries::Cancel(uint64_t id) {
  // Callbacks of a stop run where it is requested: not under the lock.
  std::stop_source stop{std::nostopstate};
  {
    MutexLock lock(mutex_);
    const auto found = queries_.find(id);
    if (found != queries_.end()) stop = found->second.stop;
  }
  if (!stop.stop_possible()) return false;
  stop.request_stop();
  return true;
}

std::string ActiveQueries::ToJson(int64_t now_steady_ns) const {
  MutexLock lock(mutex_);
  std::string json = "[";
  for (const auto& [id, query] : queries_) {
    fmt::format_to(std::back_inserter(json), R"({}{{"id":{},"query":)", json.size() > 1 ? "," : "",
                   id);
    AppendJsonText(&json, query.text);
    AppendSeconds("start", query.start_ms, &json);
    AppendSeconds("end", query.end_ms, &json);
    AppendSeconds("step", query.step_ms, &json);
    AppendSeconds("started", query.started_ms, &json);
    AppendSeconds("elapsed", (now_steady_ns - query.started_steady_ns) / 1'000'000, &json);
    const uint64_t samples =
        query.counters->head_samples.load() + query.counters->cold_samples.load();
    fmt::format_to(std::back_inserter(json), R"(,"samples":{},"bytes":{},"client":)", samples,
                   query.budget->used_bytes());
    AppendJsonText(&json, query.client);
    json += '}';
  }
  return json + ']';
}

}  // namespace thermocline
