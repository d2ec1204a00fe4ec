// features: what this server can, under Prometheus' names. True is only what is there.
#include <map>
#include <string>

#include "promql/engine.h"
#include "promql/parser.h"
#include "promql/signatures.h"
#include "server/reply.h"
#include "server/router.h"
#include "wire/json.h"

namespace thermocline {
namespace {

// By category and name, both in alphabetical order as in the answer.
using FeatureMap = std::map<std::string, std::map<std::string, bool>, std::less<>>;

struct Feature {
  std::string_view category;
  std::string_view name;
  bool enabled;
};

// Those that no setting decides.
constexpr Feature kFixed[] = {
    {"api", "admin", false},  // deleting series and snapshots
    {"api", "exclude_alerts", true},
    {"api", "label_values_match", true},
    {"api", "lifecycle", false},
    {"api", "openapi_3.1", true},
    {"api", "openapi_3.2", false},
    {"api", "otlp_write_receiver", false},
    {"api", "query_stats", true},
    {"api", "query_warnings", true},
    {"api", "remote_write_receiver", true},
    {"api", "search", true},
    {"api", "search_fuzz_alg_jarowinkler", true},
    {"api", "search_fuzz_alg_subsequence", true},
    {"api", "time_range_labels", true},
    {"api", "time_range_series", true},
    {"otlp_receiver", "delta_conversion", false},
    {"otlp_receiver", "native_delta_ingestion", false},
    {"prometheus", "agent_mode", false},
    {"prometheus", "auto_reload_config", false},
    {"prometheus", "server_mode", true},
    {"promql", "at_modifier", true},
    {"promql", "bool", true},
    {"promql", "by", true},
    {"promql", "group_left", true},
    {"promql", "group_right", true},
    {"promql", "ignoring", true},
    {"promql", "negative_offset", true},
    {"promql", "offset", true},
    {"promql", "on", true},
    {"promql", "per_query_lookback_delta", true},
    {"promql", "subqueries", true},
    {"promql", "without", true},
    {"promql_operators", "@", true},
    {"promql_operators", "=~", true},
    {"promql_operators", "!~", true},
    {"rules", "concurrent_rule_eval", false},
    {"rules", "keep_firing_for", false},
    {"rules", "query_offset", false},
    {"scrape", "extra_scrape_metrics", false},
    {"scrape", "start_timestamp_zero_ingestion", false},
    {"scrape", "type_and_unit_labels", false},
    {"tsdb", "delayed_compaction", false},
    {"tsdb", "exemplar_storage", false},
    {"tsdb", "histograms_st_encoding", false},
    {"tsdb", "isolation", true},
    {"tsdb", "native_histograms", true},
    {"tsdb", "st_storage", true},
    {"tsdb", "use_uncached_io", false},
    {"tsdb", "xor2_encoding", false},
    {"ui", "ui_v2", false},
    {"ui", "ui_v3", false},
};

void AddLanguage(const promql::EngineOptions& options, FeatureMap* features) {
  const promql::ParseOptions parse = promql::ParseOptionsOf(options);
  auto& language = (*features)["promql"];
  language["delayed_name_removal"] = options.delayed_name_removal;
  language["per_step_stats"] = options.per_step_statistics;
  language["type_and_unit_labels"] = options.type_and_unit_labels;
  language["duration_expr"] = parse.duration_expressions;
  for (const char* name : {"anchored", "smoothed"}) language[name] = parse.extended_range_selectors;
  for (const char* name : {"fill", "fill_left", "fill_right"}) {
    language[name] = parse.fill_modifiers;
  }
  auto& operators = (*features)["promql_operators"];
  for (int op = 0; op <= static_cast<int>(promql::BinaryOp::kUnless); ++op) {
    operators[std::string(BinaryOpText(static_cast<promql::BinaryOp>(op)))] = true;
  }
  for (int op = 0; op <= static_cast<int>(promql::AggregateOp::kLimitRatio); ++op) {
    const auto aggregate = static_cast<promql::AggregateOp>(op);
    const bool experimental =
        aggregate == promql::AggregateOp::kLimitk || aggregate == promql::AggregateOp::kLimitRatio;
    operators[std::string(AggregateOpText(aggregate))] =
        !experimental || parse.experimental_functions;
  }
  auto& functions = (*features)["promql_functions"];
  for (const promql::Signature& function : promql::AllSignatures()) {
    functions[std::string(function.name)] = !function.experimental || parse.experimental_functions;
  }
}

Response Features(const RouteCall& call) {
  FeatureMap features;
  for (const Feature& feature : kFixed) {
    features[std::string(feature.category)][std::string(feature.name)] = feature.enabled;
  }
  AddLanguage(call.context.engine.options(), &features);
  std::string json = "{";
  for (const auto& [category, members] : features) {
    if (json.size() > 1) json += ',';
    AppendJsonText(&json, category);
    json += ":{";
    for (const auto& [name, enabled] : members) {
      if (json.back() != '{') json += ',';
      AppendJsonText(&json, name);
      json += enabled ? ":true" : ":false";
    }
    json += '}';
  }
  return Success(json + '}');
}

constexpr Route kRoutes[] = {
    {"/api/v1/features", "GET", Lane::kOther, &Features},
};

}  // namespace

std::span<const Route> FeatureRoutes() { return kRoutes; }

}  // namespace thermocline
