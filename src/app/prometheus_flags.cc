#include "app/prometheus_flags.h"

namespace thermocline {

// The names and types are those of Prometheus 3, cmd/prometheus/main.go.
void RegisterPrometheusFlags(FlagTable* table) {
  const struct {
    const char* name;
    const char* type;
    const char* why;
  } kFlags[] = {
      {"web.enable-remote-write-receiver", "bool", "remote write is always received"},
      {"web.remote-write-receiver.accepted-protobuf-messages", "string",
       "prometheus.WriteRequest is what is received"},
      {"web.enable-otlp-receiver", "bool", "there is no OTLP receiver"},
      {"web.enable-lifecycle", "bool", "there is no reload; a signal ends the server"},
      {"web.console.templates", "string", "there are no consoles"},
      {"web.console.libraries", "string", "there are no consoles"},
      {"web.page-title", "string", "the page has its own title"},
      {"web.max-notifications-subscribers", "int", "there are no live notifications"},
      {"storage.tsdb.wal-compression", "bool", "the log is not compressed"},
      {"storage.tsdb.wal-compression-type", "string", "the log is not compressed"},
      {"storage.tsdb.wal-segment-size", "size", "--wal.segment-size is ours"},
      {"storage.tsdb.no-lockfile", "bool", "the data folder is always locked"},
      {"storage.tsdb.min-block-duration", "duration", "--storage.head-range is ours"},
      {"storage.tsdb.max-block-duration", "duration", "a block is a day at most"},
      {"storage.tsdb.head-chunks-write-queue-size", "int", "the head writes no chunks to disk"},
      {"storage.tsdb.samples-per-chunk", "int", "the head has no chunks"},
      {"storage.tsdb.allow-overlapping-compaction", "bool", "blocks may always overlap"},
      {"storage.remote.flush-deadline", "duration", "nothing is written to other servers"},
      {"rules.alert.for-outage-tolerance", "duration", "there are no rules"},
      {"rules.alert.for-grace-period", "duration", "there are no rules"},
      {"rules.alert.resend-delay", "duration", "there are no rules"},
      {"alertmanager.notification-queue-capacity", "int", "there are no alerts"},
      {"scrape.adjust-timestamps", "bool", "no targets are scraped"},
      {"scrape.timestamp-tolerance", "duration", "no targets are scraped"},
      {"auto-gomaxprocs", "bool", "this is not a Go program"},
      {"auto-gomemlimit", "bool", "this is not a Go program"},
      {"auto-gomemlimit.ratio", "string", "this is not a Go program"},
  };
  for (const auto& flag : kFlags) table->AddIgnored(flag.name, flag.type, flag.why);
}

}  // namespace thermocline
