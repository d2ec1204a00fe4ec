// Everything that can be set, composed once and validated once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/flags.h"
#include "base/status.h"
#include "promql/engine.h"
#include "server/server.h"
#include "store/store.h"

namespace thermocline {

struct Config {
  std::string config_file;
  StoreOptions store;
  // What the process may hold; what is not given below is a share of it (base/memory_ledger.h).
  std::optional<uint64_t> memory_limit_bytes;
  std::optional<uint64_t> head_memory_bytes;
  std::optional<uint64_t> queries_memory_bytes;
  promql::EngineOptions engine;
  ServerOptions server;
  std::vector<std::string> listen_addresses = {"127.0.0.1:9090"};
  bool insecure_listen = false;
  std::string query_log_file;  // empty: queries are not logged
  std::string log_level = "info";
  std::string log_format = "logfmt";
  std::vector<std::string> feature_warnings;         // of --enable-feature, told at the start
  std::string failpoints;                            // tests only
  int64_t self_scrape_interval_ms = 15 * kSecondMs;  // 0 = off
  int64_t maintain_interval_ms = 1 * kSecondMs;
  int64_t drain_ms = 25 * kSecondMs;  // with what follows it, a shutdown ends within 30 s

  Config();
};

// One row per setting; the table points into `config`.
void RegisterFlags(Config* config, FlagTable* table);

// Command line over environment over file over default, then the checks that span settings.
// `arguments` without program and verb; what is not a flag goes to `rest`.
Status LoadConfig(const std::vector<std::string>& arguments,
                  const std::vector<std::pair<std::string, std::string>>& environment,
                  FileSystem& files, Config* config, FlagTable* table,
                  std::vector<std::string>* rest);

// Fills in what follows from other settings: shares of the memory. After the flags are parsed.
void DeriveDefaults(Config* config);

// What single settings cannot tell: addresses off loopback without leave, a lookback of zero, a
// head range that does not divide a day, and settings that contradict each other (both are named).
Status ValidateConfig(const Config& config);

}  // namespace thermocline
