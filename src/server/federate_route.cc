// federate: the newest sample of each series that match[] selects, for another server to scrape.
// Source: Prometheus' web/federate.go.
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "model/number.h"
#include "model/sample.h"
#include "promql/parser.h"
#include "server/call_budget.h"
#include "server/router.h"

namespace thermocline {
namespace {

constexpr std::string_view kAnyUtf8 = "allow-utf-8";
constexpr size_t kSeriesPerRead = 1024;

struct Newest {
  TimestampMs t_ms = 0;
  double value = 0;
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

// Adds those of `set` whose newest sample is a float that is no stale marker. Native histograms
// have no place in the text format, and series without a name none in a family.
Status AddNewest(const SeriesSet& set, QueryBudget* budget, Families* families) {
  std::vector<uint32_t> wanted;
  SeriesBatch batch;
  for (size_t first = 0; first < set.series_count(); first += kSeriesPerRead) {
    RETURN_IF_ERROR(budget->Check());
    wanted.resize(std::min(kSeriesPerRead, set.series_count() - first));
    std::iota(wanted.begin(), wanted.end(), static_cast<uint32_t>(first));
    RETURN_IF_ERROR(set.Read(wanted, &batch));
    for (size_t i = 0; i < wanted.size(); ++i) {
      const size_t end = batch.offsets[i + 1];
      if (end == batch.offsets[i] || batch.histogram(end - 1) != nullptr ||
          IsStale(batch.values[end - 1])) {
        continue;
      }
      Labels labels = set.labels(wanted[i]);
      const std::string name(labels.metric_name());
      if (name.empty()) continue;
      RETURN_IF_ERROR(budget->Charge(2 * labels.packed().size() + sizeof(Newest)));
      (*families)[name].try_emplace(std::move(labels),
                                    Newest{batch.timestamps_ms[end - 1], batch.values[end - 1]});
    }
  }
  return {};
}

void AppendQuoted(std::string_view text, std::string* out) {
  *out += '"';
  for (const char c : text) {
    if (c == '\\' || c == '"') *out += '\\';
    if (c == '\n') {
      *out += "\\n";
    } else {
      *out += c;
    }
  }
  *out += '"';
}

// Every character that the old format does not allow becomes an underscore.
std::string Underscored(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const auto byte = static_cast<uint8_t>(c);
    if ((byte & 0xC0) == 0x80) continue;  // of a character whose first byte was seen
    const bool letter = ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || c == '_' || c == ':';
    const bool digit = '0' <= c && c <= '9' && !out.empty();
    out += letter || digit ? c : '_';
  }
  return out;
}

class FamilyWriter {
 public:
  // `any_utf8`: names that the old format does not allow stand quoted, else they are underscored.
  FamilyWriter(bool any_utf8, std::string* out) : any_utf8_(any_utf8), out_(out) {}

  void Begin(std::string_view name) {
    const bool legacy = IsLegacyMetricName(name);
    name_ = legacy || any_utf8_ ? std::string(name) : Underscored(name);
    quoted_ = !legacy && any_utf8_;
    *out_ += "# TYPE ";
    AppendName(name_, quoted_);
    *out_ += " untyped\n";
  }

  void Add(const Labels& labels, const Newest& newest) {
    if (!quoted_) *out_ += name_;
    *out_ += '{';
    if (quoted_) AppendQuoted(name_, out_);
    bool has_instance = false;
    for (const LabelPair& label : labels) {
      if (label.name == kMetricNameLabel) continue;
      has_instance = has_instance || label.name == "instance";
      AppendLabel(label.name, label.value);
    }
    // The scraping server must not take these for series of its own target.
    if (!has_instance) AppendLabel("instance", "");
    *out_ += "} ";
    AppendFloatG(out_, newest.value == 0 ? 0.0 : newest.value);
    *out_ += ' ' + std::to_string(newest.t_ms) + '\n';
  }

 private:
  void AppendName(std::string_view name, bool quoted) {
    if (quoted) {
      AppendQuoted(name, out_);
    } else {
      *out_ += name;
    }
  }
  void AppendLabel(std::string_view name, std::string_view value) {
    if (out_->back() != '{') *out_ += ',';
    const bool legacy = IsLegacyLabelName(name);
    AppendName(legacy || any_utf8_ ? std::string(name) : Underscored(name), !legacy && any_utf8_);
    *out_ += '=';
    AppendQuoted(value, out_);
  }

  const bool any_utf8_;
  std::string* const out_;
  std::string name_;
  bool quoted_ = false;
};

Result<Families> FindNewest(const RouteCall& call,
                            const std::vector<std::vector<Matcher>>& matcher_sets,
                            QueryBudget* budget) {
  SelectRequest request;
  request.range.end_ms = call.context.env.clock.NowMs();
  request.range.start_ms = request.range.end_ms - call.context.engine.options().lookback_delta_ms;
  request.budget = budget;
  Families families;
  for (const std::vector<Matcher>& matchers : matcher_sets) {
    request.matchers = matchers;
    ASSIGN_OR_RETURN(const auto set, call.context.storage.Select(request));
    RETURN_IF_ERROR(AddNewest(*set, budget, &families));
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
  const auto families = FindNewest(call, matcher_sets, &budget);
  if (!families.ok()) return TextFailure(500, families.status().message());
  const bool any_utf8 = call.request.Header("accept").find(kAnyUtf8) != std::string_view::npos;
  Response response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8; escaping=";
  response.content_type += any_utf8 ? kAnyUtf8 : "underscores";
  FamilyWriter writer(any_utf8, &response.body);
  for (const auto& [name, members] : *families) {
    writer.Begin(name);
    for (const auto& [labels, newest] : members) writer.Add(labels, newest);
  }
  return response;
}

constexpr Route kRoutes[] = {
    {"/federate", "GET", Lane::kQuery, &Federate},
};

}  // namespace

std::span<const Route> FederateRoutes() { return kRoutes; }

}  // namespace thermocline
