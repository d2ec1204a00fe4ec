#include "wire/exposition_format.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <vector>

#include "base/utf8.h"
#include "model/labels.h"

namespace thermocline {
namespace {

constexpr std::array<std::string_view, 4> kEscapings = {"allow-utf-8", "underscores", "dots",
                                                        "values"};

std::string_view TrimSpaces(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// Takes what stands before the first `separator` off `rest`, and the separator.
std::string_view Take(std::string_view* rest, char separator) {
  const size_t at = rest->find(separator);
  const std::string_view item = rest->substr(0, at);
  *rest = at == rest->npos ? std::string_view() : rest->substr(at + 1);
  return item;
}

struct Clause {
  std::string_view type;
  std::string_view subtype;
  double weight = 1;
  std::map<std::string_view, std::string_view> parameters;

  std::string_view Get(std::string_view name) const {
    const auto found = parameters.find(name);
    return found == parameters.end() ? std::string_view() : found->second;
  }
};

void AddParameter(std::string_view text, Clause* clause) {
  const std::string_view name = Take(&text, '=');
  if (text.empty() || text.find('=') < text.size() - 1) return;
  const std::string_view value = text.ends_with('=') ? text.substr(0, text.size() - 1) : text;
  if (TrimSpaces(name) != "q") {
    clause->parameters[TrimSpaces(name)] = TrimSpaces(value);
    return;
  }
  double weight = 0;
  const char* const end = value.data() + value.size();
  const auto parsed = std::from_chars(value.data(), end, weight);
  clause->weight = parsed.ec == std::errc() && parsed.ptr == end ? weight : 0;
}

std::optional<Clause> ParseClause(std::string_view text) {
  text = TrimSpaces(text);
  Clause clause;
  std::string_view range = Take(&text, ';');
  clause.type = TrimSpaces(Take(&range, '/'));
  if (range.empty()) {
    if (clause.type != "*") return std::nullopt;
    clause.subtype = "*";
  } else {
    clause.subtype = TrimSpaces(Take(&range, '/'));
    if (!range.empty()) return std::nullopt;
  }
  while (!text.empty()) AddParameter(Take(&text, ';'), &clause);
  return clause;
}

// No order in the strict sense: which clause comes first depends on how it is sorted.
bool Precedes(const Clause& a, const Clause& b) {
  return a.weight > b.weight || (a.type != "*" && b.type == "*") ||
         (a.subtype != "*" && b.subtype == "*");
}

std::vector<Clause> ParseAccept(std::string_view accept) {
  std::vector<Clause> clauses;
  while (!accept.empty()) {
    if (auto clause = ParseClause(Take(&accept, ','))) clauses.push_back(*std::move(clause));
  }
  // By insertion, as Go sorts up to twelve elements.
  for (size_t i = 1; i < clauses.size(); ++i) {
    for (size_t j = i; j > 0 && Precedes(clauses[j], clauses[j - 1]); --j) {
      std::swap(clauses[j], clauses[j - 1]);
    }
  }
  return clauses;
}

bool IsLegacyCharacter(int32_t c, bool first) {
  return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || c == '_' || c == ':' ||
         ('0' <= c && c <= '9' && !first);
}

std::string EscapeCharacter(int32_t c, bool first, NameEscaping escaping) {
  const bool legacy = IsLegacyCharacter(c, first);
  if (c == '_' && escaping != NameEscaping::kUnderscores) return "__";
  if (c == '.' && escaping == NameEscaping::kDots) return "_dot_";
  if (legacy) return std::string(1, static_cast<char>(c));
  if (escaping == NameEscaping::kUnderscores) return "_";
  return escaping == NameEscaping::kDots ? "__" : fmt::format("_{:x}_", c);
}

}  // namespace

std::string ExpositionFormat::ContentType() const {
  return fmt::format("{}; escaping={}",
                     protobuf ? "application/vnd.google.protobuf; "
                                "proto=io.prometheus.client.MetricFamily; encoding=delimited"
                              : "text/plain; version=0.0.4; charset=utf-8",
                     kEscapings[static_cast<size_t>(escaping)]);
}

ExpositionFormat NegotiateExposition(std::string_view accept) {
  ExpositionFormat format;
  for (const Clause& clause : ParseAccept(accept)) {
    const auto escaping = std::ranges::find(kEscapings, clause.Get("escaping"));
    if (escaping != kEscapings.end()) {
      format.escaping = static_cast<NameEscaping>(escaping - kEscapings.begin());
    }
    if (clause.type == "application" && clause.subtype == "vnd.google.protobuf" &&
        clause.Get("proto") == "io.prometheus.client.MetricFamily" &&
        clause.Get("encoding") == "delimited") {
      format.protobuf = true;
      return format;
    }
    const std::string_view version = clause.Get("version");
    if (clause.type == "text" && clause.subtype == "plain" &&
        (version.empty() || version == "0.0.4")) {
      return format;
    }
  }
  return format;
}

std::string EscapeName(std::string_view name, NameEscaping escaping) {
  if (escaping == NameEscaping::kAllowUtf8 || IsLegacyMetricName(name)) return std::string(name);
  std::string escaped = escaping == NameEscaping::kValues ? "U__" : "";
  for (bool first = true; !name.empty(); first = false) {
    const CodePoint next = DecodeUtf8(name);
    escaped += EscapeCharacter(next.value, first, escaping);
    name.remove_prefix(static_cast<size_t>(next.bytes));
  }
  return escaped;
}

}  // namespace thermocline
