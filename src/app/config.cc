#include "app/config.h"

#include <fmt/core.h>
#include <algorithm>
#include <thread>

#include "app/config_file.h"
#include "app/feature_list.h"
#include "app/prometheus_flags.h"
#include "base/duration.h"
#include "env/posix/process_metrics.h"

namespace thermocline {
namespace {

// The head of a machine with next to no memory.
constexpr uint64_t kLeastHeadBytes = 16ull << 20;

Status SetSyncMode(std::string_view text, LogOptions* wal) {
  constexpr std::string_view kInterval = "interval:";
  if (text == "always") {
    wal->sync = SyncMode::kAlways;
  } else if (text == "os") {
    wal->sync = SyncMode::kOs;
  } else if (text.starts_with(kInterval)) {
    ASSIGN_OR_RETURN(wal->sync_interval_ms, ParseDurationMs(text.substr(kInterval.size())));
    wal->sync = SyncMode::kInterval;
  } else {
    return Status::InvalidArgument(
        fmt::format("expected always, interval:<duration> or os, found '{}'", text));
  }
  return {};
}

// Nothing when not given.
void AddOptionalSize(const std::string& name, std::optional<uint64_t>* value,
                     const std::string& help, FlagTable* table) {
  table->AddCustom(
      name, "size", "",
      [value](std::string_view text) -> Status {
        ASSIGN_OR_RETURN(*value, ParseSizeBytes(text));
        return {};
      },
      help);
}

void RegisterStorageFlags(Config* config, FlagTable* table) {
  StoreOptions& store = config->store;
  table->AddString("storage.tsdb.path", &store.path, "Folder of all data.");
  table->AddDuration("storage.tsdb.retention.time", &store.retention_time_ms,
                     "How long samples are kept; 0 keeps everything.");
  table->AddSize("storage.tsdb.retention.size", &store.retention_size_bytes,
                 "Most bytes on disk, the oldest blocks go first; 0 is no limit.");
  table->AddDuration("storage.tsdb.out-of-order-time-window", &store.head.out_of_order_window_ms,
                     "How much older than the newest sample a sample may be.");
  table->AddDuration("storage.head-range", &store.head.range_ms,
                     "Width of the ranges that the head is flushed by; divides a day.");
  AddOptionalSize(
      "storage.head-memory", &config->head_memory_bytes,
      "Bytes of the head above which it is flushed early; a quarter above it writes are "
      "refused (503) until that is done. When not given, 40 % of the memory.",
      table);
  AddOptionalSize(
      "storage.free-space-floor", &store.free_space_floor_bytes,
      "Free bytes on the volume below which writes are refused; when not given, the larger of "
      "1 GiB and 2 % of the volume.",
      table);
  table->AddSize("storage.ballast-size", &store.ballast_bytes,
                 "Size of a file that is removed when the disk is full, so that flush, retention "
                 "and deletions have room; 0 is none.");
  table->AddDuration("storage.cold.grace", &store.cold.grace_ms,
                     "How long replaced and orphaned files stay for readers that listed them.");
  table->AddCustom(
      "wal.sync", "string", "always",
      [&store](std::string_view text) { return SetSyncMode(text, &store.wal); },
      "When a write is acknowledged: always (after fdatasync), interval:<duration>, os.");
  table->AddSize("wal.segment-size", &store.wal.segment_size_bytes,
                 "Most bytes of one log segment.");
}

void RegisterQueryFlags(Config* config, FlagTable* table) {
  table->AddDuration("query.timeout", &config->server.query_timeout_ms, "Longest a query may run.");
  table->AddInt("query.max-concurrency", &config->server.queries.threads,
                "Queries that run at once; 64 more wait up to 10 s.");
  table->AddCustom(
      "query.max-samples", "int", std::to_string(config->engine.max_samples),
      [config](std::string_view text) -> Status {
        ASSIGN_OR_RETURN(config->engine.max_samples, ParseSizeBytes(text));
        return {};
      },
      "Samples that one query may hold at once.");
  table->AddCustom(
      "query.max-subquery-points", "int", std::to_string(config->engine.max_subquery_steps),
      [config](std::string_view text) -> Status {
        ASSIGN_OR_RETURN(config->engine.max_subquery_steps, ParseSizeBytes(text));
        return {};
      },
      "Points that one subquery may yield per series; 0 is unlimited.");
  table->AddSize("query.max-memory", &config->server.query_memory_bytes,
                 "Bytes that one query may hold.");
  AddOptionalSize(
      "query.max-memory-total", &config->queries_memory_bytes,
      "Bytes that all queries together may hold; when not given, a quarter of the memory.", table);
  table->AddDuration("query.lookback-delta", &config->engine.lookback_delta_ms,
                     "How far back an instant selector looks for a sample.");
  table->AddString("global.query_log_file", &config->query_log_file,
                   "File that gets a line of JSON per query, with Prometheus' keys.");
  table->AddCustom(
      "enable-feature", "string", "",
      [config](std::string_view text) -> Status {
        return EnableFeatures(text, &config->engine, &config->feature_warnings);
      },
      "Features under Prometheus' names, between commas: promql-experimental-functions, "
      "promql-extended-range-selectors, promql-binop-fill-modifiers, promql-delayed-name-removal, "
      "promql-per-step-stats, use-start-timestamps, type-and-unit-labels.");
}

void RegisterReadFlags(Config* config, FlagTable* table) {
  ServerOptions& server = config->server;
  table->AddInt("storage.remote.read-concurrent-limit", &server.reads.threads,
                "Remote reads that run at once; 64 more wait up to 10 s.");
  table->AddCustom(
      "storage.remote.read-sample-limit", "int", std::to_string(server.read_max_samples),
      [&server](std::string_view text) -> Status {
        ASSIGN_OR_RETURN(server.read_max_samples, ParseSizeBytes(text));
        return {};
      },
      "Samples that one query of a remote read may yield, unless it takes a stream of chunks; 0 is "
      "no limit.");
  table->AddSize("storage.remote.read-max-bytes-in-frame", &server.read_max_frame_bytes,
                 "Bytes of a frame in a remote read's stream of chunks, above which it ends.");
}

void RegisterWebFlags(Config* config, FlagTable* table) {
  ServerOptions& server = config->server;
  table->AddStrings("web.listen-address", &config->listen_addresses,
                    "Address to listen on, host:port; may be given again.");
  table->AddBool("web.enable-admin-api", &server.enable_admin_api,
                 "Serves the admin endpoints (flush, ending queries).");
  table->AddInt("web.max-connections", &server.listener.max_connections,
                "Connections that may be open at once.");
  table->AddCustom(
      "web.search.max-limit", "int", std::to_string(server.max_search_limit),
      [&server](std::string_view text) -> Status {
        ASSIGN_OR_RETURN(server.max_search_limit, ParseSizeBytes(text));
        return {};
      },
      "Names that one search may ask for; 0 is no limit.");
  table->AddDuration("web.read-timeout", &server.listener.body_timeout_ms,
                     "How long a request's body may take to arrive, and 1 s more for each KiB that "
                     "did.");
  table->AddDuration("web.drain-timeout", &config->drain_ms,
                     "How long requests in progress may go on after SIGTERM; then queries are "
                     "cancelled.");
  table->AddString("web.cors.origin", &server.cors_origin,
                   "Origin that browsers may call from; empty sends no CORS headers.");
  table->AddBool("insecure-listen", &config->insecure_listen,
                 "Allows addresses off the loopback interface: there is no authentication.");
  table->AddDuration("scrape.self-interval", &config->self_scrape_interval_ms,
                     "How often the server stores its own metrics; 0 turns it off.");
  table->AddString("log.level", &config->log_level, "debug, info, warn or error.");
  table->AddString("log.format", &config->log_format, "logfmt or json.");
  table->AddString("debug.failpoints", &config->failpoints,
                   "Arms failpoints, name=kill@3,...: for crash tests only.");
}

bool IsLoopback(std::string_view address) {
  return address.starts_with("127.") || address.starts_with("localhost:") ||
         address.starts_with("[::1]:");
}

// Settings of which none or less means nothing.
Status CheckPositive(const Config& config) {
  const ServerOptions& server = config.server;
  const std::pair<const char*, int64_t> positive[] = {
      {"query.max-concurrency", server.queries.threads},
      {"query.timeout", server.query_timeout_ms},
      {"storage.remote.read-concurrent-limit", server.reads.threads},
      {"storage.remote.read-max-bytes-in-frame",
       static_cast<int64_t>(std::min<uint64_t>(server.read_max_frame_bytes, INT64_MAX))},
      {"web.max-connections", server.listener.max_connections},
      {"web.read-timeout", server.listener.body_timeout_ms}};
  for (const auto& [name, value] : positive) {
    if (value < 1) {
      return Status::InvalidArgument(fmt::format("--{}: expected more than 0", name));
    }
  }
  return {};
}

// Settings that each may have and that do not go together; the text names both flags.
Status CheckTogether(const Config& config) {
  const StoreOptions& store = config.store;
  const ServerOptions& server = config.server;
  const auto refuse = [](const std::string& text) { return Status::InvalidArgument(text); };
  if (server.query_memory_bytes > server.queries_memory_bytes) {
    return refuse(
        fmt::format("--query.max-memory={} is more than --query.max-memory-total={}: one query "
                    "cannot hold more than all queries together",
                    SizeText(server.query_memory_bytes), SizeText(server.queries_memory_bytes)));
  }
  if (server.queries.threads > server.listener.max_connections) {
    return refuse(fmt::format(
        "--query.max-concurrency={} is more than --web.max-connections={}: a query that runs has a "
        "connection",
        server.queries.threads, server.listener.max_connections));
  }
  const int64_t kept_ms = store.retention_time_ms;
  if (kept_ms > 0 && kept_ms < store.head.range_ms) {
    return refuse(fmt::format(
        "--storage.tsdb.retention.time={} is less than --storage.head-range={}: samples would be "
        "too old before they are flushed",
        FormatDurationMs(kept_ms), FormatDurationMs(store.head.range_ms)));
  }
  if (kept_ms > 0 && kept_ms < store.head.out_of_order_window_ms) {
    return refuse(fmt::format(
        "--storage.tsdb.retention.time={} is less than --storage.tsdb.out-of-order-time-window={}: "
        "samples would be taken that are not kept",
        FormatDurationMs(kept_ms), FormatDurationMs(store.head.out_of_order_window_ms)));
  }
  if (store.retention_size_bytes > 0 && store.retention_size_bytes < store.wal.segment_size_bytes) {
    return refuse(fmt::format(
        "--storage.tsdb.retention.size={} is less than --wal.segment-size={}: the log alone could "
        "be larger, and no block would be kept",
        SizeText(store.retention_size_bytes), SizeText(store.wal.segment_size_bytes)));
  }
  const uint64_t floor_bytes = store.free_space_floor_bytes.value_or(0);
  if (floor_bytes > 0 && store.ballast_bytes > floor_bytes) {
    return refuse(fmt::format(
        "--storage.ballast-size={} is more than --storage.free-space-floor={}: what is kept for a "
        "full disk would be more than what keeps it from becoming full",
        SizeText(store.ballast_bytes), SizeText(floor_bytes)));
  }
  return {};
}

template <typename... Texts>
bool OneOf(std::string_view text, Texts... allowed) {
  return ((text == allowed) || ...);
}

}  // namespace

Config::Config() {
  const auto cores = static_cast<int64_t>(std::max(1u, std::thread::hardware_concurrency()));
  server.queries.threads = std::max<int64_t>(4, 2 * cores);
  server.writes.threads = std::max<int64_t>(4, 2 * cores);
  server.listener.threads = 2;
  store.path = "data";
}

void RegisterFlags(Config* config, FlagTable* table) {
  table->AddString("config.file", &config->config_file, "YAML file with these same settings.");
  AddOptionalSize("memory.limit", &config->memory_limit_bytes,
                  "Bytes that the process may hold: 40 % of it are for the head, 25 % for queries, "
                  "at most 20 % for caches. From 85 % on writes and new queries are refused (503), "
                  "from 90 % on the whole head is flushed. When not given, the memory of the "
                  "machine or of the control group.",
                  table);
  RegisterStorageFlags(config, table);
  RegisterQueryFlags(config, table);
  RegisterReadFlags(config, table);
  RegisterWebFlags(config, table);
  RegisterPrometheusFlags(table);
}

void DeriveDefaults(Config* config) {
  if (!config->memory_limit_bytes) config->memory_limit_bytes = TotalMemoryBytes();
  const auto share = [&](MemoryUse use) {
    return MemoryLedger::ShareOf(*config->memory_limit_bytes, use);
  };
  config->store.head_memory_bytes =
      config->head_memory_bytes.value_or(std::max(kLeastHeadBytes, share(MemoryUse::kIngest)));
  config->server.queries_memory_bytes =
      config->queries_memory_bytes.value_or(share(MemoryUse::kQueries));
  uint64_t& cache_bytes = config->store.cold.index_cache_bytes;
  cache_bytes = std::min(cache_bytes, share(MemoryUse::kCaches));
}

Status ValidateConfig(const Config& config) {
  RETURN_IF_ERROR(CheckPositive(config));
  RETURN_IF_ERROR(config.store.Validate());
  RETURN_IF_ERROR(config.engine.Validate());
  RETURN_IF_ERROR(config.server.Validate());
  if (config.drain_ms < 0) {
    return Status::InvalidArgument("--web.drain-timeout: expected a duration of 0 or more");
  }
  const int64_t range_ms = config.store.head.range_ms;
  if (range_ms <= 0 || kDayMs % range_ms != 0) {
    return Status::InvalidArgument("--storage.head-range: expected a duration that divides a day");
  }
  if (!OneOf(config.log_level, "debug", "info", "warn", "error")) {
    return Status::InvalidArgument(fmt::format(
        "--log.level: expected debug, info, warn or error, found '{}'", config.log_level));
  }
  if (!OneOf(config.log_format, "logfmt", "json")) {
    return Status::InvalidArgument(
        fmt::format("--log.format: expected logfmt or json, found '{}'", config.log_format));
  }
  for (const std::string& address : config.listen_addresses) {
    if (!config.insecure_listen && !IsLoopback(address)) {
      return Status::InvalidArgument(fmt::format(
          "--web.listen-address={}: not a loopback address, and there is no authentication; "
          "give --insecure-listen to listen all the same",
          address));
    }
  }
  return CheckTogether(config);
}

Status LoadConfig(const std::vector<std::string>& arguments,
                  const std::vector<std::pair<std::string, std::string>>& environment,
                  FileSystem& files, Config* config, FlagTable* table,
                  std::vector<std::string>* rest) {
  RegisterFlags(config, table);
  ASSIGN_OR_RETURN(*rest, table->ParseCommandLine(arguments));
  RETURN_IF_ERROR(table->ParseEnvironment(environment));
  if (!config->config_file.empty()) {
    ASSIGN_OR_RETURN(const std::string yaml, files.ReadFile(config->config_file, 1 << 20));
    RETURN_IF_ERROR(ApplyConfigFile(config->config_file, yaml, table));
  }
  DeriveDefaults(config);
  // A default gives way to what was said and to a small machine.
  if (!table->IsGiven("query.max-memory")) {
    config->server.query_memory_bytes =
        std::min(config->server.query_memory_bytes, config->server.queries_memory_bytes);
  }
  return ValidateConfig(*config);
}

}  // namespace thermocline
