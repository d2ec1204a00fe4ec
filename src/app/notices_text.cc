#include "app/notices_text.h"

#include <fmt/core.h>
#include <simdjson.h>

namespace thermocline {

std::string NoticesText(const simdjson::dom::element& root) {
  std::string text;
  for (const char* notices : {"warnings", "infos"}) {
    simdjson::dom::array list;
    if (root[notices].get(list) != simdjson::SUCCESS) continue;
    for (const simdjson::dom::element notice : list) {
      text += fmt::format("# {}\n", notice.get_string().value());
    }
  }
  return text;
}

}  // namespace thermocline
