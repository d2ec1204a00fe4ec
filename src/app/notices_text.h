// Warnings and infos of an answer of the HTTP API, for people.
#pragma once

#include <string>

namespace simdjson::dom {
class element;
}

namespace thermocline {

// Lines that begin with #. `root` is the whole envelope. Throws what simdjson throws.
std::string NoticesText(const simdjson::dom::element& root);

}  // namespace thermocline
