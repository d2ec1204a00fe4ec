// federate: the newest sample of each series that match[] selects, for another server to scrape.
// Source: Prometheus' web/federate.go.
#include <algorithm>
#include <map>
#include <numeric>
#include <optional>

#include "model/sample.h"
#include "promql/parser.h"
#include "server/call_budget.h"
#include "wire/federated_family.h"

namespace thermocline {
namespace {

constexpr size_t kSeriesPerRead = 1024;

struct Newest {
  TimestampMs t_ms = 0;
  double value = 0;
  std::optional<Histogram> histogram;
};
// By metric name, then by label set.
using Families = std::map<std::string, std::map<Labels, Newest>, std::less<>>;

Response TextFailure(int status, std::string_view message) {
  Response response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::string(message) + "\n";
  return response;
}

uint64_t BytesOf(const Histogram& h) {
  return 8 * (h.positive_spans.size() + h.negative_spans.size() + h.positive_counts.size() +
              h.negative_counts.size() + h.positive_floats.size() + h.negative_floats.size() +
              h.custom_bounds.size());
}

// Adds those of `set` whose newest sample is no stale marker. Series without a name have no place
// in a family; with `text` exponential histograms have none either.
Status AddNewest(const SeriesSet& set, bool text, QueryBudget* budget, Families* families) {
  std::vector<uint32_t> wanted;
  SeriesBatch batch;
  for (size_t first = 0; first < set.series_count(); first += kSeriesPerRead) {
    RETURN_IF_ERROR(budget->Check());
    wanted.resize(std::min(kSeriesPerRead, set.series_count() - first));
    std::iota(wanted.begin(), wanted.end(), static_cast<uint32_t>(first));
    RETURN_IF_ERROR(set.Read(wanted, &batch));
    for (size_t i = 0; i < wanted.size(); ++i) {
      const size_t end = batch.offsets[i + 1];
      if (end == batch.offsets[i] || IsStale(batch.values[end - 1])) continue;
      const Histogram* h = batch.histogram(end - 1);
      if (h != nullptr && text && h->schema != kCustomBoundsSchema) continue;
      Labels labels = set.labels(wanted[i]);
      const std::string name(labels.metric_name());
      if (name.empty()) continue;
      RETURN_IF_ERROR(budget->Charge(2 * labels.packed().size() + sizeof(Newest) +
                                     (h == nullptr ? 0 : BytesOf(*h))));
      Newest newest{batch.timestamps_ms[end - 1], batch.values[end - 1], std::nullopt};
      if (h != nullptr) newest.histogram = *h;
      (*families)[name].try_emplace(std::move(labels), std::move(newest));
    }
  }
  return {};
}

FamilyKind KindOf(const Newest& newest) {
  if (!newest.histogram) return FamilyKind::kUntyped;
  return newest.histogram->reset_hint == CounterResetHint::kGauge ? FamilyKind::kGaugeHistogram
                                                                  : FamilyKind::kHistogram;
}

// Writes the members of one name. As in Prometheus a family ends where the kind of its members
// changes, so that a name may have several.
void AppendMembers(const std::string& name, const std::map<Labels, Newest>& members,
                   const ExpositionFormat& format, std::string* body) {
  FederatedFamily family;
  family.name = name;
  const auto write = [&] {
    if (family.members.empty()) return;
    if (format.protobuf) {
      AppendFamilyMessage(family, format.escaping, body);
    } else {
      AppendFamilyText(family, format.escaping, body);
    }
    family.members.clear();
  };
  for (const auto& [labels, newest] : members) {
    const FamilyKind kind = KindOf(newest);
    if (kind != family.kind) write();
    family.kind = kind;
    family.members.push_back(
        {labels, newest.t_ms, newest.value, newest.histogram ? &*newest.histogram : nullptr});
  }
  write();
}

Result<Families> FindNewest(const RouteCall& call,
                            const std::vector<std::vector<Matcher>>& matcher_sets, bool text,
                            QueryBudget* budget) {
  SelectRequest request;
  request.range.end_ms = call.context.env.clock.NowMs();
  request.range.start_ms = request.range.end_ms - call.context.engine.options().lookback_delta_ms;
  request.budget = budget;
  Families families;
  for (const std::vector<Matcher>& matchers : matcher_sets) {
    request.matchers = matchers;
    ASSIGN_OR_RETURN(const auto set, call.context.storage.Select(request));
    RETURN_IF_ERROR(AddNewest(*set, text, budget, &families));
  }
  return families;
}

Response Federate(const RouteCall& call) {
  std::vector<std::vector<Matcher>> matcher_sets;
  for (const std::string_view text : call.parameters.GetAll("match[]")) {
    auto matchers = promql::ParseMetricSelector(text);
    if (!matchers.ok()) return TextFailure(400, matchers.status().message());
    matcher_sets.push_back(std::move(*matchers));
  }
  QueryBudget budget = BudgetOf(call);
  const ExpositionFormat format = NegotiateExposition(call.request.Header("accept"));
  const auto families = FindNewest(call, matcher_sets, !format.protobuf, &budget);
  if (!families.ok()) return TextFailure(500, families.status().message());
  Response response;
  response.content_type = format.ContentType();
  for (const auto& [name, members] : *families) {
    AppendMembers(name, members, format, &response.body);
  }
  return response;
}

constexpr Route kRoutes[] = {
    {"/federate", "GET", Lane::kQuery, &Federate},
};

}  // namespace

std::span<const Route> FederateRoutes() { return kRoutes; }

}  // namespace thermocline
