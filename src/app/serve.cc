// serve: builds the object graph, waits for a signal, takes it down in order.
#include <fmt/core.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <thread>

#include "app/command.h"
#include "app/config.h"
#include "app/self_scrape.h"
#include "app/version.h"
#include "base/duration.h"
#include "env/failpoint.h"
#include "env/posix/posix_env.h"
#include "env/posix/process_metrics.h"
#include "env/ticker.h"

namespace thermocline {
namespace {

constexpr int64_t kDrainMs = 30'000;

LogLevel LevelOf(const std::string& name) {
  if (name == "debug") return LogLevel::kDebug;
  if (name == "warn") return LogLevel::kWarn;
  return name == "error" ? LogLevel::kError : LogLevel::kInfo;
}

// SIGINT and SIGTERM are waited for, SIGPIPE is an error of the write. Before any thread starts.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signals;
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
                          const promql::Engine& engine, Env env) {
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
                       env.clock.NowMs()};
}

Status Serve(const Config& config, const FlagTable& flags, PosixEnv& posix,
             const sigset_t& signals) {
  const Env env = posix.env();
  const int64_t started_ns = env.clock.SteadyNs();
  env.logger.Log(LogLevel::kInfo, "main", "Starting Thermocline",
                 {{"version", std::string(kVersion)},
                  {"revision", std::string(kRevision)},
                  {"data", config.store.path}});
  OpenSummary summary;
  ASSIGN_OR_RETURN(auto store, Store::Open(config.store, env, &summary));
  LogOpening(summary, (env.clock.SteadyNs() - started_ns) / 1'000'000, env.logger);
  const promql::Engine engine(config.engine, env.executor, env.clock);
  ASSIGN_OR_RETURN(auto server, Server::Start(MakeContext(config, flags, *store, engine, env),
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
    const std::unique_ptr<Ticker> scrape =
        StartSelfScrape(config.self_scrape_interval_ms, server->addresses().front(), *store, env);
    int signal_number = 0;
    sigwait(&signals, &signal_number);
    env.logger.Log(LogLevel::kInfo, "main", "Shutting down",
                   {{"signal", std::to_string(signal_number)}});
    server->Stop(kDrainMs);
  }
  server.reset();
  return store->Close();
}

}  // namespace

int RunServe(const Invocation& invocation) {
  const sigset_t signals = BlockSignals();
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
