#include "app/query_text.h"

#include <fmt/core.h>
#include <simdjson.h>

#include "app/notices_text.h"

namespace thermocline {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

std::string LabelText(object metric) {
  std::string name;
  std::string rest;
  for (const auto& field : metric) {
    const std::string_view value = field.value.get_string().value();
    if (field.key == "__name__") {
      name = value;
    } else {
      rest += fmt::format("{}{}=\"{}\"", rest.empty() ? "" : ", ", field.key, value);
    }
  }
  return rest.empty() && !name.empty() ? name : fmt::format("{}{{{}}}", name, rest);
}

std::string PointText(array point) {
  return fmt::format("{} @{}", point.at(1).get_string().value(),
                     simdjson::minify(point.at(0).value()));
}

std::string ResultText(std::string_view kind, element result) {
  if (kind == "scalar" || kind == "string") return PointText(result.get_array()) + "\n";
  std::string text;
  for (const element series : result.get_array()) {
    const std::string labels = LabelText(series["metric"].get_object());
    if (kind == "vector") {
      text += fmt::format("{} => {}\n", labels, PointText(series["value"].get_array()));
      continue;
    }
    text += labels + " =>\n";
    for (const element point : series["values"].get_array()) {
      text += "  " + PointText(point.get_array()) + "\n";
    }
  }
  return text;
}

}  // namespace

Result<std::string> QueryText(std::string_view body) {
  simdjson::dom::parser parser;
  // simdjson throws on a shape that is not there: this is its wall.
  try {
    const element root = parser.parse(simdjson::padded_string(body));
    if (std::string_view(root["status"]) != "success") {
      return Status::Unavailable(std::string(std::string_view(root["error"])));
    }
    const element data = root["data"];
    std::string text = ResultText(std::string_view(data["resultType"]), data["result"]);
    return text + NoticesText(root);
  } catch (const simdjson::simdjson_error& error) {
    return Status::Unavailable(fmt::format("not an answer of the query API: {}", error.what()));
  }
}

}  // namespace thermocline
