// search/*: metric names, label names and label values by what was typed, as lines of JSON.
// Source: Prometheus' web/api/v1/search.go.
#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "server/call_budget.h"
#include "server/piece_sender.h"
#include "server/reply.h"
#include "server/search_parameters.h"
#include "wire/json.h"

namespace thermocline {
namespace {

using MetadataByFamily = std::map<std::string, BatchMetadata, std::less<>>;

// The first entry of each family.
Result<MetadataByFamily> MetadataOf(const Queryable& storage) {
  MetadataByFamily by_family;
  ASSIGN_OR_RETURN(auto entries, storage.Metadata(MetadataRequest()));
  for (BatchMetadata& entry : entries) {
    std::string family = entry.family;
    by_family.try_emplace(std::move(family), std::move(entry));
  }
  return by_family;
}

void AppendTextField(std::string_view name, std::string_view value, std::string* json) {
  if (value.empty()) return;
  *json += fmt::format(",\"{}\":", name);
  AppendJsonText(json, value);
}

// One search while it runs.
class RunningSearch {
 public:
  // `key` names a result's text in its record.
  RunningSearch(const RouteCall& call, SearchQuery query, std::string_view key)
      : call_(call),
        query_(std::move(query)),
        key_(key),
        filter_(query_.filter),
        sender_(call, Head()),
        budget_(BudgetOf(call, [this] { return sender_.excused_ns(); })) {}

  LabelRequest Request() {
    LabelRequest request;
    request.matcher_sets = query_.matcher_sets;
    request.range = query_.range;
    // One more than asked for tells whether there are more.
    if (filter_.passes_all() && query_.order != NameOrder::kDescending) request.limit = Wanted();
    request.budget = &budget_;
    return request;
  }
  void AddMetadata(MetadataByFamily metadata) { metadata_ = std::move(metadata); }

  Response Run(Result<std::vector<std::string>> names) {
    if (!names.ok()) return Failure(names.status(), true);
    auto found = SearchNames(*std::move(names), filter_, query_.order, Wanted(), &budget_);
    if (!found.ok()) return Failure(found.status(), true);
    const bool more = found->size() > query_.limit;
    if (more) found->resize(query_.limit);
    std::string text;
    size_t first = 0;
    do {
      const size_t end = first + std::min<uint64_t>(query_.batch_size, found->size() - first);
      AppendBatch(std::span(*found).subspan(first, end - first), &text);
      first = end;
      if (const Status sent = sender_.Offer(&text); !sent.ok()) {
        return sender_.Fail(Failure(sent, true));
      }
    } while (first < found->size());
    text += fmt::format("{{\"status\":\"success\",\"has_more\":{}}}\n", more);
    return sender_.Finish(std::move(text));
  }

 private:
  static Response Head() {
    Response head;
    head.content_type = "application/x-ndjson; charset=utf-8";
    return head;
  }
  uint64_t Wanted() const { return query_.limit + 1; }

  void AppendBatch(std::span<const FoundName> batch, std::string* text) const {
    *text += R"({"results":[)";
    for (const FoundName& found : batch) {
      *text += text->back() == '[' ? "{" : ",{";
      *text += fmt::format("\"{}\":", key_);
      AppendJsonText(text, found.name);
      if (query_.include_score) {
        *text += R"(,"score":)";
        AppendFloat(text, found.score);
      }
      if (const auto entry = metadata_.find(found.name); entry != metadata_.end()) {
        AppendTextField("type", entry->second.type, text);
        AppendTextField("help", entry->second.help, text);
        AppendTextField("unit", entry->second.unit, text);
      }
      *text += '}';
    }
    *text += "]}\n";
  }

  const RouteCall& call_;
  const SearchQuery query_;
  const std::string_view key_;
  const NameFilter filter_;
  MetadataByFamily metadata_;
  PieceSender sender_;
  QueryBudget budget_;
};

Result<SearchQuery> Parse(const RouteCall& call, std::string_view endpoint) {
  return ParseSearch(call.parameters, endpoint, call.context.env.clock.NowMs(),
                     call.context.options.max_search_limit);
}

Response SearchMetricNames(const RouteCall& call) {
  auto query = Parse(call, "metric_names");
  if (!query.ok()) return Failure(query.status(), false);
  const auto with_metadata = BoolParameter(call.parameters, "include_metadata", false);
  if (!with_metadata.ok()) return Failure(with_metadata.status(), false);
  RunningSearch search(call, *std::move(query), "name");
  if (*with_metadata) {
    auto metadata = MetadataOf(call.context.storage);
    if (!metadata.ok()) return Failure(metadata.status(), true);
    search.AddMetadata(*std::move(metadata));
  }
  return search.Run(call.context.storage.LabelValues(kMetricNameLabel, search.Request()));
}

Response SearchLabelNames(const RouteCall& call) {
  auto query = Parse(call, "label_names");
  if (!query.ok()) return Failure(query.status(), false);
  RunningSearch search(call, *std::move(query), "name");
  return search.Run(call.context.storage.LabelNames(search.Request()));
}

Response SearchLabelValues(const RouteCall& call) {
  auto query = Parse(call, "label_values");
  if (!query.ok()) return Failure(query.status(), false);
  const std::string_view label = call.parameters.Get("label");
  if (label.empty()) return Failure(400, "bad_data", "missing required parameter \"label\"");
  RunningSearch search(call, *std::move(query), "value");
  return search.Run(call.context.storage.LabelValues(label, search.Request()));
}

constexpr Route kRoutes[] = {
    {"/api/v1/search/metric_names", "GET POST", Lane::kQuery, &SearchMetricNames},
    {"/api/v1/search/label_names", "GET POST", Lane::kQuery, &SearchLabelNames},
    {"/api/v1/search/label_values", "GET POST", Lane::kQuery, &SearchLabelValues},
};

}  // namespace

std::span<const Route> SearchRoutes() { return kRoutes; }

}  // namespace thermocline
