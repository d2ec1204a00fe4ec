#include "promql/test_script/series_line.h"

#include <string>
#include <utility>

#include "base/duration.h"
#include "model/sample.h"
#include "promql/lexer.h"
#include "promql/test_script/histogram_literal.h"
#include "promql/text.h"

namespace thermocline::promql {
namespace {

using T = TokenType;

// What one item may expand to; scripts stay far below.
constexpr uint64_t kMaxRepetitions = 10'000'000;

bool IsSpace(char c) { return c == ' ' || c == '\t'; }
bool IsDigit(char c) { return '0' <= c && c <= '9'; }
bool IsLetter(char c) { return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z'); }

Status Malformed(std::string_view what, std::string_view line) {
  return Status::InvalidArgument(std::string(what) + " in series line " + GoQuote(line));
}

bool TakePrefix(std::string_view* rest, std::string_view prefix) {
  if (rest->substr(0, prefix.size()) != prefix) return false;
  rest->remove_prefix(prefix.size());
  return true;
}

void SkipSpaces(std::string_view* rest) {
  while (!rest->empty() && IsSpace(rest->front())) rest->remove_prefix(1);
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

// name="value", "quoted name"="value" or "metric name", up to the closing brace.
Status TakeLabels(std::string_view* rest, std::string_view line, Pairs* pairs) {
  Lexer lexer(*rest);
  lexer.Next();  // the opening brace
  Token token = lexer.Next();
  while (token.type != T::kRightBrace) {
    if (token.type != T::kIdentifier && token.type != T::kString) {
      return Malformed("bad label", line);
    }
    const bool quoted = token.type == T::kString;
    std::string name = quoted ? Unquote(token.text) : std::string(token.text);
    token = lexer.Next();
    if (token.type == T::kEqual) {
      const Token value = lexer.Next();
      if (value.type != T::kString) return Malformed("bad label value", line);
      pairs->emplace_back(std::move(name), Unquote(value.text));
      token = lexer.Next();
    } else if (quoted) {
      pairs->emplace_back(std::string(kMetricNameLabel), std::move(name));
    } else {
      return Malformed("label without value", line);
    }
    if (token.type == T::kComma) {
      token = lexer.Next();
    } else if (token.type != T::kRightBrace) {
      return Malformed("bad label list", line);
    }
  }
  rest->remove_prefix(token.span.end);
  return Status::Ok();
}

Status TakeSeries(std::string_view* rest, std::string_view line, Labels* labels) {
  Pairs pairs;
  size_t name = 0;
  while (name < rest->size() && !IsSpace((*rest)[name]) && (*rest)[name] != '{' &&
         (*rest)[name] != '@') {
    ++name;
  }
  if (name > 0) {
    if (!IsLegacyMetricName(rest->substr(0, name))) return Malformed("bad metric name", line);
    pairs.emplace_back(std::string(kMetricNameLabel), std::string(rest->substr(0, name)));
    rest->remove_prefix(name);
  }
  if (!rest->empty() && rest->front() == '{' && rest->substr(0, 2) != "{{") {
    RETURN_IF_ERROR(TakeLabels(rest, line, &pairs));
  }
  *labels = Labels(std::move(pairs));
  return Status::Ok();
}

// Digits, dot, exponent; or inf and nan; or stale.
bool TakeNumber(std::string_view* rest, double* value) {
  size_t size = 0;
  if (!rest->empty() && IsLetter(rest->front())) {
    while (size < rest->size() && IsLetter((*rest)[size]) && (*rest)[size] != 'x') ++size;
    if (rest->substr(0, size) == "stale") {
      *value = StaleMarker();
      rest->remove_prefix(size);
      return true;
    }
  } else {
    while (size < rest->size()) {
      const char c = (*rest)[size];
      const bool sign = c == '+' || c == '-';
      const char before = size > 0 ? (*rest)[size - 1] : '0';
      const bool after_exponent = before == 'e' || before == 'E';
      if (!IsDigit(c) && c != '.' && c != '_' && c != 'e' && c != 'E' && !(sign && after_exponent))
        break;
      ++size;
    }
  }
  bool out_of_range = false;
  if (size == 0 || !ParseGoNumber(rest->substr(0, size), value, &out_of_range)) return false;
  rest->remove_prefix(size);
  return true;
}

bool TakeSignedNumber(std::string_view* rest, double* value) {
  const bool negative = TakePrefix(rest, "-");
  if (!negative) TakePrefix(rest, "+");
  if (!TakeNumber(rest, value)) return false;
  if (negative) *value = -*value;
  return true;
}

bool TakeCount(std::string_view* rest, uint64_t* count) {
  size_t size = 0;
  *count = 0;
  while (size < rest->size() && IsDigit((*rest)[size]) && *count <= kMaxRepetitions) {
    *count = *count * 10 + static_cast<uint64_t>((*rest)[size++] - '0');
  }
  rest->remove_prefix(size);
  return size > 0 && *count <= kMaxRepetitions;
}

// {{...}}, {{...}}xN (N + 1 values), {{...}}+{{...}}xN, {{...}}-{{...}}xN
Status TakeHistograms(std::string_view* rest, std::string_view line,
                      std::vector<SequenceValue>* values) {
  HistogramLiteral base;
  RETURN_IF_ERROR(TakeHistogramLiteral(rest, &base));
  std::vector<HistogramLiteral> all;
  uint64_t times = 0;
  const bool subtract = TakePrefix(rest, "-");
  if (subtract || TakePrefix(rest, "+")) {
    HistogramLiteral step;
    RETURN_IF_ERROR(TakeHistogramLiteral(rest, &step));
    if (!TakePrefix(rest, "x") || !TakeCount(rest, &times)) return Malformed("bad value", line);
    RETURN_IF_ERROR(ExpandHistograms(base, step, subtract, times, &all));
  } else {
    if (TakePrefix(rest, "x") && !TakeCount(rest, &times)) return Malformed("bad value", line);
    all.assign(times + 1, base);
  }
  for (HistogramLiteral& one : all) {
    values->push_back({SequenceValue::kHistogram, 0, std::move(one.histogram), one.hint_set});
  }
  return Status::Ok();
}

// _, _xN, v, vxN (N + 1 values), v+dxN, v-dxN
bool TakeItem(std::string_view* rest, std::vector<SequenceValue>* values) {
  uint64_t extra = 0;
  if (TakePrefix(rest, "_")) {
    extra = 1;
    if (TakePrefix(rest, "x") && !TakeCount(rest, &extra)) return false;
    values->insert(values->end(), extra, {});
    return true;
  }
  double value = 0;
  double step = 0;
  if (!TakeSignedNumber(rest, &value)) return false;
  const bool steps = !rest->empty() && (rest->front() == '+' || rest->front() == '-');
  if (steps && !TakeSignedNumber(rest, &step)) return false;
  const bool repeated = TakePrefix(rest, "x");
  if (steps != repeated && !repeated) return false;
  if (repeated && !TakeCount(rest, &extra)) return false;
  for (uint64_t i = 0; i <= extra; ++i) {
    values->push_back({SequenceValue::kFloat, value, nullptr, false});
    if (steps) value += step;
  }
  return true;
}

// A duration with an optional sign, in milliseconds: digits and a unit, which has no x.
bool TakeSignedDuration(std::string_view* rest, int64_t* duration_ms) {
  const bool negative = TakePrefix(rest, "-");
  if (!negative) TakePrefix(rest, "+");
  size_t size = 0;
  while (size < rest->size() && IsDigit((*rest)[size])) ++size;
  while (size < rest->size() && IsLetter((*rest)[size]) && (*rest)[size] != 'x') ++size;
  const Result<int64_t> parsed = ParseDurationMs(rest->substr(0, size));
  if (!parsed.ok()) return false;
  rest->remove_prefix(size);
  *duration_ms = negative ? -*parsed : *parsed;
  return true;
}

// _, _xN, d, dxN (N + 1 offsets), d+dxN, d-dxN
bool TakeStartOffsets(std::string_view* rest, std::vector<std::optional<int64_t>>* offsets) {
  uint64_t times = 0;
  if (TakePrefix(rest, "_")) {
    times = 1;
    if (TakePrefix(rest, "x") && (!TakeCount(rest, &times) || times == 0)) return false;
    offsets->insert(offsets->end(), times, std::nullopt);
    return true;
  }
  int64_t offset_ms = 0;
  int64_t step_ms = 0;
  if (!TakeSignedDuration(rest, &offset_ms)) return false;
  const bool steps = !rest->empty() && (rest->front() == '+' || rest->front() == '-');
  if (steps && !TakeSignedDuration(rest, &step_ms)) return false;
  const bool repeated = TakePrefix(rest, "x");
  if (steps && !repeated) return false;
  if (repeated && !TakeCount(rest, &times)) return false;
  for (uint64_t i = 0; i <= times; ++i) {
    offsets->emplace_back(offset_ms + static_cast<int64_t>(i) * step_ms);
  }
  return true;
}

}  // namespace

Result<SeriesLine> ParseSeriesLine(std::string_view line) {
  SeriesLine parsed;
  std::string_view rest = line;
  RETURN_IF_ERROR(TakeSeries(&rest, line, &parsed.labels));
  parsed.is_start_timestamps = TakePrefix(&rest, "@st");
  while (true) {
    const size_t before = rest.size();
    SkipSpaces(&rest);
    if (rest.empty()) return parsed;
    if (rest.size() == before && before != line.size()) return Malformed("no space", line);
    if (parsed.is_start_timestamps) {
      if (!TakeStartOffsets(&rest, &parsed.start_offsets_ms)) {
        return Malformed("bad start timestamp", line);
      }
    } else if (rest.substr(0, 2) == "{{") {
      RETURN_IF_ERROR(TakeHistograms(&rest, line, &parsed.values));
    } else if (!TakeItem(&rest, &parsed.values)) {
      return Malformed("bad value", line);
    }
  }
}

bool ParseSignedNumber(std::string_view text, double* value) {
  const bool negative = TakePrefix(&text, "-");
  if (!negative) TakePrefix(&text, "+");
  bool out_of_range = false;
  if (text.empty() || !ParseGoNumber(text, value, &out_of_range)) return false;
  if (negative) *value = -*value;
  return true;
}

}  // namespace thermocline::promql
