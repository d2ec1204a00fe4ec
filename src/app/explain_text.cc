#include "app/explain_text.h"

#include <fmt/core.h>
#include <simdjson.h>

#include "app/notices_text.h"

namespace thermocline {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;

std::string Joined(element list) {
  std::string text;
  for (const element one : list.get_array()) {
    if (!text.empty()) text += ", ";
    text += one.get_string().value();
  }
  return text;
}

uint64_t Count(element figures, std::string_view key) { return figures[key].get_uint64(); }

std::string TimeText(element figures) {
  return fmt::format("{:.3f} ms", figures["time"].get_double().value() * 1e3);
}

// What was read of the tiers; only what there was.
std::string TiersText(element figures) {
  const element head = figures["head"];
  const element cold = figures["cold"];
  std::string text;
  if (Count(head, "series") > 0) {
    text +=
        fmt::format("head {} series, {} samples; ", Count(head, "series"), Count(head, "samples"));
  }
  if (const uint64_t considered = Count(cold, "blocksConsidered"); considered > 0) {
    const uint64_t by_time = Count(cold, "blocksSkippedByTime");
    const uint64_t by_index = Count(cold, "blocksSkippedByIndex");
    text += fmt::format("{} blocks: {} skipped by time, {} by index, {} read; ", considered,
                        by_time, by_index, considered - by_time - by_index);
    text += fmt::format("{} pages: {} skipped, {} read; {} bytes; ", Count(cold, "pagesConsidered"),
                        Count(cold, "pagesSkipped"), Count(cold, "pagesRead"),
                        Count(cold, "bytesRead"));
  }
  if (!text.empty()) text.resize(text.size() - 2);
  return text;
}

void AppendNode(element node, size_t depth, std::string* out) {
  const std::string indent(2 * depth, ' ');
  *out += indent + std::string(node["name"].get_string().value());
  element list;
  if (node["notes"].get(list) == simdjson::SUCCESS) *out += fmt::format(" ({})", Joined(list));
  if (node["rewrites"].get(list) == simdjson::SUCCESS) *out += fmt::format(" [{}]", Joined(list));
  element figures;
  if (node["analysis"].get(figures) == simdjson::SUCCESS) {
    *out += fmt::format("  {}, {} series, {} samples", TimeText(figures), Count(figures, "series"),
                        Count(figures, "samples"));
    element selects;
    if (figures["selects"].get(selects) == simdjson::SUCCESS) {
      *out += fmt::format("\n{}    selected {} times, {} samples read", indent,
                          selects.get_uint64().value(), Count(figures, "samplesRead"));
      const std::string tiers = TiersText(figures);
      if (!tiers.empty()) *out += ": " + tiers;
    }
  }
  *out += '\n';
  array children;
  if (node["children"].get(children) != simdjson::SUCCESS) return;
  for (const element child : children) AppendNode(child, depth + 1, out);
}

}  // namespace

Result<std::string> ExplainText(std::string_view body) {
  simdjson::dom::parser parser;
  // simdjson throws on a shape that is not there: this is its wall.
  try {
    const element root = parser.parse(simdjson::padded_string(body));
    if (std::string_view(root["status"]) != "success") {
      return Status::Unavailable(std::string(std::string_view(root["error"])));
    }
    const element data = root["data"];
    std::string text;
    AppendNode(data["plan"], 0, &text);
    element figures;
    if (data["analysis"].get(figures) == simdjson::SUCCESS) {
      text += fmt::format("# {}, {} series, {} samples; {} samples read, {} held at once",
                          TimeText(figures), Count(figures, "series"), Count(figures, "samples"),
                          Count(figures, "samplesRead"), Count(figures, "peakSamples"));
      const std::string tiers = TiersText(figures);
      text += tiers.empty() ? "\n" : ": " + tiers + "\n";
    }
    return text + NoticesText(root);
  } catch (const simdjson::simdjson_error& error) {
    return Status::Unavailable(fmt::format("not an answer of query_explain: {}", error.what()));
  }
}

}  // namespace thermocline
