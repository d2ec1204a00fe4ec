// serve: builds the object graph, waits for a signal, takes it down in order.
#include <fmt/core.h>

#include <algorithm>
#include <thread>

#include "app/command.h"
#include "app/config.h"
#include "app/import_desk.h"
#include "app/import_wait.h"
#include "app/self_scrape.h"
#include "app/stop_signals.h"
#include "app/version.h"
#include "base/duration.h"
#include "convert/publish_journal.h"
#include "env/failpoint.h"
#include "env/posix/posix_env.h"
#include "env/posix/process_metrics.h"
#include "env/ticker.h"
#include "server/query_log.h"

namespace thermocline {
namespace {

constexpr int64_t kImportIntervalMs = 500;

LogLevel LevelOf(const std::string& name) {
  if (name == "debug") return LogLevel::kDebug;
  if (name == "warn") return LogLevel::kWarn;
  return name == "error" ? LogLevel::kError : LogLevel::kInfo;
}

void LogOpening(const OpenSummary& summary, int64_t duration_ms, Logger& logger) {
  logger.Log(LogLevel::kInfo, "store", "Store opened",
             {{"cold_blocks", std::to_string(summary.cold_blocks)},
              {"head_series", std::to_string(summary.head_series)},
              {"wal_records", std::to_string(summary.replay.records)},
              {"wal_torn_bytes", std::to_string(summary.replay.torn_bytes)},
              {"wal_damaged_blocks", std::to_string(summary.replay.damaged_blocks)},
              {"wal_lost_records", std::to_string(summary.replay.lost_records)},
              {"duration_ms", std::to_string(duration_ms)}});
  for (const std::string& warning : summary.warnings) {
    logger.Log(LogLevel::kWarn, "store", warning);
  }
  if (summary.replay.damaged_blocks > 0) {
    logger.Log(LogLevel::kWarn, "wal", "The log was damaged; the segments are kept in quarantine");
  }
}

ServerContext MakeContext(const Config& config, const FlagTable& flags, Store& store,
                          const promql::Engine& engine, MemoryLedger* ledger, QueryLog* query_log,
                          Env env) {
  std::string retention =
      config.store.retention_time_ms > 0 ? FormatDurationMs(config.store.retention_time_ms) : "";
  if (config.store.retention_size_bytes > 0) {
    retention +=
        fmt::format("{}{}B", retention.empty() ? "" : " or ", config.store.retention_size_bytes);
  }
  return ServerContext{config.server,
                       store,
                       store,
                       store,
                       engine,
                       env,
                       flags.Values(),
                       std::string(kVersion),
                       std::string(kRevision),
                       config.store.path,
                       retention.empty() ? "unlimited" : retention,
                       env.clock.NowMs(),
                       ledger,
                       query_log};
}

// Waits for a signal and for the requests in progress; a second signal cuts that short.
void ServeUntilSignal(Server& server, const Config& config, StopSignals& signals, Logger& logger) {
  const int number = signals.Wait();
  logger.Log(LogLevel::kInfo, "main", "Shutting down", {{"signal", std::to_string(number)}});
  server.Stop(config.drain_ms, [&] {
    const bool again = signals.Came();
    if (again) logger.Log(LogLevel::kWarn, "main", "A second signal: requests are cancelled");
    return again;
  });
}

Status Serve(const Config& config, const FlagTable& flags, PosixEnv& posix, StopSignals& signals) {
  const Env env = posix.env();
  for (const std::string& warning : flags.Warnings()) {
    env.logger.Log(LogLevel::kWarn, "main", warning);
  }
  for (const std::string& warning : config.feature_warnings) {
    env.logger.Log(LogLevel::kWarn, "main", warning);
  }
  const int64_t started_ns = env.clock.SteadyNs();
  env.logger.Log(LogLevel::kInfo, "main", "Starting Thermocline",
                 {{"version", std::string(kVersion)},
                  {"revision", std::string(kRevision)},
                  {"data", config.store.path}});
  RETURN_IF_ERROR(CheckPublished(env.files, config.store.path));
  MemoryLedger ledger(*config.memory_limit_bytes);
  OpenSummary summary;
  StoreOptions store_options = config.store;
  store_options.ledger = &ledger;
  store_options.holder = kServerHolder;
  store_options.give_up = [&signals] { return signals.Pending(); };
  auto opened = Store::Open(store_options, env, &summary);
  if (!opened.ok() && opened.status().code() == Code::kCancelled) {
    env.logger.Log(LogLevel::kInfo, "main", "Stopped while opening the store");
    return {};
  }
  ASSIGN_OR_RETURN(auto store, std::move(opened));
  LogOpening(summary, (env.clock.SteadyNs() - started_ns) / 1'000'000, env.logger);
  const promql::Engine engine(config.engine, env.executor, env.clock);
  std::unique_ptr<QueryLog> query_log;
  if (!config.query_log_file.empty()) {
    ASSIGN_OR_RETURN(query_log, QueryLog::Open(config.query_log_file, env));
  }
  ASSIGN_OR_RETURN(auto server, Server::Start(MakeContext(config, flags, *store, engine, &ledger,
                                                          query_log.get(), env),
                                              config.listen_addresses));
  for (const std::string& address : server->addresses()) {
    env.logger.Log(LogLevel::kInfo, "server", "Listening", {{"url", "http://" + address}});
  }
  env.logger.Log(LogLevel::kInfo, "main", "Server is ready to receive web requests.",
                 {{"ready_ms", std::to_string((env.clock.SteadyNs() - started_ns) / 1'000'000)}});
  {
    Ticker maintenance("maintain", config.maintain_interval_ms, [&] {
      if (const Status status = store->Maintain(env.clock.NowMs()); !status.ok()) {
        env.logger.Log(LogLevel::kError, "store", "Maintenance failed",
                       {{"error", status.ToString()}});
      }
    });
    const ImportDesk imports(env, *store, config.store.path,
                             {config.store.retention_time_ms, config.store.retention_size_bytes},
                             kImportIntervalMs);
    const std::unique_ptr<Ticker> scrape =
        StartSelfScrape(config.self_scrape_interval_ms, server->addresses().front(), *store, env);
    ServeUntilSignal(*server, config, signals, env.logger);
  }
  server.reset();
  return store->Close();
}

}  // namespace

int RunServe(const Invocation& invocation) {
  StopSignals signals;
  PosixFileSystem files;
  Config config;
  FlagTable flags;
  std::vector<std::string> rest;
  Status status =
      LoadConfig(invocation.arguments, invocation.environment, files, &config, &flags, &rest);
  if (status.ok() && !rest.empty()) {
    status = Status::InvalidArgument("unexpected argument '" + rest[0] + "'");
  }
  if (status.ok() && !config.failpoints.empty()) status = FailPoint::Arm(config.failpoints);
  if (!status.ok()) return Complain(status);
  const int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  PosixEnv posix(config.log_format == "json" ? LogFormat::kJson : LogFormat::kLogfmt,
                 LevelOf(config.log_level), cores);
  RegisterProcessMetrics(posix.metrics);
  status = Serve(config, flags, posix, signals);
  if (status.ok()) return kExitOk;
  posix.logger.Log(LogLevel::kError, "main", "Stopped", {{"error", status.ToString()}});
  return kExitFailed;
}

}  // namespace thermocline
