#include "app/feature_list.h"

#include <fmt/format.h>

#include "app/flags.h"

namespace thermocline {
namespace {

struct Feature {
  std::string_view name;
  bool promql::EngineOptions::*option;  // null: nothing to switch on
  std::string_view why;                 // then: the reason
};

using promql::EngineOptions;

constexpr Feature kFeatures[] = {
    {"promql-experimental-functions", &EngineOptions::enable_experimental, ""},
    {"promql-extended-range-selectors", &EngineOptions::extended_range_selectors, ""},
    {"promql-binop-fill-modifiers", &EngineOptions::fill_modifiers, ""},
    {"promql-delayed-name-removal", &EngineOptions::delayed_name_removal, ""},
    {"promql-per-step-stats", &EngineOptions::per_step_statistics, ""},
    {"use-start-timestamps", &EngineOptions::use_start_timestamps, ""},
    {"type-and-unit-labels", &EngineOptions::type_and_unit_labels, ""},
    {"promql-duration-expr", nullptr, "duration expressions are always on"},
    {"native-histograms", nullptr, "native histograms are always on"},
    {"ooo-native-histograms", nullptr, "native histograms are always on"},
    {"st-storage", nullptr, "start timestamps are always stored"},
    {"histograms-st-encoding", nullptr, "start timestamps are always stored"},
    {"xor2-encoding", nullptr, "chunks are not what samples are stored in"},
    {"memory-snapshot-on-shutdown", nullptr, "the log is what a start reads"},
    {"fast-startup", nullptr, "the log is what a start reads"},
    {"delayed-compaction", nullptr, "there are no other servers to wait for"},
    {"use-uncached-io", nullptr, "files go through the page cache"},
    {"exemplar-storage", nullptr, "exemplars come by imports"},
    {"metadata-wal-records", nullptr, "metadata is always logged"},
    {"auto-reload-config", nullptr, "there is no reload"},
    {"extra-scrape-metrics", nullptr, "no targets are scraped"},
    {"created-timestamp-zero-ingestion", nullptr, "no targets are scraped"},
    {"st-synthesis", nullptr, "no targets are scraped"},
    {"concurrent-rule-eval", nullptr, "there are no rules"},
    {"otlp-deltatocumulative", nullptr, "there is no OTLP receiver"},
    {"otlp-native-delta-ingestion", nullptr, "there is no OTLP receiver"},
    {"search-api", nullptr, "the search endpoints are always there"},
    {"old-ui", nullptr, "the page is our own"},
};

Status Unknown(std::string_view name) {
  std::string_view nearest = kFeatures[0].name;
  for (const Feature& feature : kFeatures) {
    if (EditDistance(name, feature.name) < EditDistance(name, nearest)) nearest = feature.name;
  }
  return Status::InvalidArgument(
      fmt::format("unknown feature '{}'; the nearest is '{}'", name, nearest));
}

}  // namespace

Status EnableFeatures(std::string_view list, promql::EngineOptions* engine,
                      std::vector<std::string>* warnings) {
  while (true) {
    const size_t comma = list.find(',');
    const std::string_view name = list.substr(0, comma);
    const Feature* found = nullptr;
    for (const Feature& feature : kFeatures) {
      if (feature.name == name) found = &feature;
    }
    if (found == nullptr) return Unknown(name);
    if (found->option != nullptr) {
      engine->*found->option = true;
    } else {
      warnings->push_back(
          fmt::format("--enable-feature={} changes nothing: {}", found->name, found->why));
    }
    if (comma == std::string_view::npos) return Status::Ok();
    list.remove_prefix(comma + 1);
  }
}

}  // namespace thermocline
