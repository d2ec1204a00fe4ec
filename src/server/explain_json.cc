#include "server/explain_json.h"

#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include "server/query_statistics.h"
#include "wire/json.h"

namespace thermocline {
namespace {

using promql::ExplainedNode;
using promql::NodeRecord;

double Seconds(int64_t ns) { return static_cast<double>(ns) / 1e9; }

template <typename Text>
void AppendTexts(std::string_view key, const std::vector<Text>& texts, std::string* out) {
  *out += fmt::format(R"(,"{}":[)", key);
  for (size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) *out += ',';
    AppendJsonText(out, texts[i]);
  }
  *out += ']';
}

// TiersJson without its braces.
std::string TiersMembers(const ReadCounters& read) {
  const std::string object = TiersJson(read);
  return object.substr(1, object.size() - 2);
}

bool IsSelector(const ExplainedNode& node) {
  return node.kind == "selector" || node.kind == "window";
}

void AppendRecord(const ExplainedNode& node, std::string* out) {
  const NodeRecord& record = *node.record;
  *out += fmt::format(R"(,"analysis":{{"time":{:.9f},"series":{},"samples":{})",
                      Seconds(record.time_ns.load()), record.series.load(), record.samples.load());
  if (IsSelector(node)) {
    *out += fmt::format(R"(,"selects":{},"samplesRead":{},{})", record.selects.load(),
                        record.samples_read.load(), TiersMembers(record.read));
  }
  *out += '}';
}

void AppendNode(const ExplainedNode& node, std::string* out) {
  *out += R"({"name":)";
  AppendJsonText(out, node.name);
  *out += R"(,"kind":)";
  AppendJsonText(out, node.kind);
  if (!node.notes.empty()) AppendTexts("notes", node.notes, out);
  if (!node.rewrites.empty()) AppendTexts("rewrites", node.rewrites, out);
  if (node.record != nullptr) AppendRecord(node, out);
  if (!node.children.empty()) {
    *out += R"(,"children":[)";
    for (const ExplainedNode& child : node.children) {
      if (out->back() != '[') *out += ',';
      AppendNode(child, out);
    }
    *out += ']';
  }
  *out += '}';
}

// The rewrites of a node and what stands below it, each once.
void CollectRewrites(const ExplainedNode& node, std::vector<std::string_view>* rewrites) {
  for (const std::string_view rewrite : node.rewrites) {
    if (std::find(rewrites->begin(), rewrites->end(), rewrite) == rewrites->end()) {
      rewrites->push_back(rewrite);
    }
  }
  for (const ExplainedNode& child : node.children) CollectRewrites(child, rewrites);
}

}  // namespace

std::string ExplanationJson(const promql::Explanation& explanation) {
  std::string json = R"({"query":)";
  AppendJsonText(&json, explanation.query);
  std::vector<std::string_view> rewrites;
  CollectRewrites(explanation.plan, &rewrites);
  AppendTexts("rewrites", rewrites, &json);
  json += R"(,"plan":)";
  AppendNode(explanation.plan, &json);
  if (explanation.total != nullptr) {
    const promql::QueryResult& result = explanation.result;
    json += fmt::format(R"(,"analysis":{{"time":{:.9f},"series":{},"samples":{},"samplesRead":{},)"
                        R"("peakSamples":{},{}}})",
                        Seconds(result.elapsed_ns), explanation.series, explanation.samples,
                        result.samples_scanned, result.peak_samples,
                        TiersMembers(explanation.total->read));
  }
  return json + '}';
}

}  // namespace thermocline
