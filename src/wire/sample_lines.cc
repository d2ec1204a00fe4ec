#include "wire/sample_lines.h"

#include <charconv>
#include <cmath>

#include "model/number.h"
#include "wire/exposition.h"

namespace thermocline {
namespace {

constexpr size_t kMaxShownBytes = 60;
constexpr double kMostSeconds = 9.2e15;  // of milliseconds in 64 bits

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

Status Bad(std::string_view what, std::string_view text) {
  std::string message(what);
  message += ": " + GoQuote(text.substr(0, kMaxShownBytes));
  return Status::InvalidArgument(std::move(message));
}

// Reads a line from left to right.
class LineReader {
 public:
  LineReader(std::string_view line, TextFormat format) : line_(line), format_(format) {}

  Result<TextLine> Read() {
    if (!IsValidUtf8(line_)) return Bad("invalid UTF-8", line_);
    SkipBlanks();
    if (at_ == line_.size()) {
      if (open_metrics()) return Bad("an empty line", line_);
      return TextLine{};
    }
    return line_[at_] == '#' ? Comment() : Sample();
  }

 private:
  bool open_metrics() const { return format_ == TextFormat::kOpenMetrics; }
  bool AtEnd() const { return at_ == line_.size(); }
  void SkipBlanks() {
    while (!AtEnd() && IsBlank(line_[at_])) ++at_;
  }
  std::string_view Word() {
    const size_t start = at_;
    while (!AtEnd() && !IsBlank(line_[at_])) ++at_;
    return line_.substr(start, at_ - start);
  }
  // To behind the quote that closes the one at at_.
  bool SkipQuoted() {
    for (++at_; !AtEnd(); ++at_) {
      if (line_[at_] == '\\') {
        ++at_;
        if (AtEnd()) return false;
      } else if (line_[at_] == '"') {
        ++at_;
        return true;
      }
    }
    return false;
  }
  // To behind the brace that closes the one at at_.
  bool SkipBraces() {
    ++at_;
    while (!AtEnd() && line_[at_] != '}') {
      if (line_[at_] != '"') {
        ++at_;
      } else if (!SkipQuoted()) {
        return false;
      }
    }
    if (AtEnd()) return false;
    ++at_;
    return true;
  }

  Result<TextLine> Comment() {
    ++at_;
    SkipBlanks();
    const std::string_view word = Word();
    TextLine out;
    if (open_metrics() && word == "EOF") {
      if (line_ != "# EOF") return Bad("expected '# EOF'", line_);
      out.kind = TextLine::Kind::kEnd;
      return out;
    }
    out.kind = word == "TYPE"   ? TextLine::Kind::kType
               : word == "HELP" ? TextLine::Kind::kHelp
               : word == "UNIT" ? TextLine::Kind::kUnit
                                : TextLine::Kind::kNothing;
    if (out.kind == TextLine::Kind::kUnit && !open_metrics()) out.kind = TextLine::Kind::kNothing;
    if (out.kind == TextLine::Kind::kNothing) {
      if (open_metrics()) return Bad("expected HELP, TYPE, UNIT or EOF", line_);
      return out;
    }
    SkipBlanks();
    RETURN_IF_ERROR(Family(&out.family));
    if (!AtEnd()) ++at_;  // one blank; what follows is text
    out.text = Unescaped(line_.substr(at_), open_metrics());
    if (out.kind == TextLine::Kind::kType) RETURN_IF_ERROR(CheckType(&out.text));
    return out;
  }

  Status Family(std::string* out) {
    if (!AtEnd() && line_[at_] == '"') {
      const size_t start = at_ + 1;
      if (!SkipQuoted()) return Bad("a name without closing quote", line_);
      *out = Unescaped(line_.substr(start, at_ - 1 - start), true);
    } else {
      *out = std::string(Word());
      if (!IsLegacyMetricName(*out)) return Bad("expected a metric name", line_);
    }
    return out->empty() ? Bad("expected a metric name", line_) : Status::Ok();
  }

  Status CheckType(std::string* type) const {
    for (const std::string_view known : {"counter", "gauge", "histogram", "gaugehistogram",
                                         "summary", "info", "stateset", "unknown"}) {
      if (*type == known) return Status::Ok();
    }
    if (open_metrics()) return Bad("unknown type", *type);
    *type = "unknown";
    return Status::Ok();
  }

  static std::string Unescaped(std::string_view text, bool quotes) {
    std::string out;
    out.reserve(text.size());
    for (size_t i = 0; i < text.size(); ++i) {
      const char next = text[i] == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
      if (next == 'n' || next == '\\' || (next == '"' && quotes)) {
        out += next == 'n' ? '\n' : next;
        ++i;
      } else {
        out += text[i];
      }
    }
    return out;
  }

  Result<TextLine> Sample() {
    TextLine out;
    out.kind = TextLine::Kind::kSample;
    const size_t start = at_;
    while (!AtEnd() && !IsBlank(line_[at_]) && line_[at_] != '{') ++at_;
    size_t end = at_;
    SkipBlanks();
    if (!AtEnd() && line_[at_] == '{') {
      if (!SkipBraces()) return Bad("labels without closing brace", line_);
      end = at_;
    }
    out.series = line_.substr(start, end - start);
    SkipBlanks();
    RETURN_IF_ERROR(Number(&out.value));
    SkipBlanks();
    if (!AtEnd() && line_[at_] != '#') {
      ASSIGN_OR_RETURN(out.t_ms, Time());
      SkipBlanks();
    }
    if (AtEnd()) return out;
    if (!open_metrics() || line_[at_] != '#') return Bad("unexpected text after a sample", line_);
    RETURN_IF_ERROR(Exemplar(&out));
    return out;
  }

  Status Number(double* value) {
    const std::string_view word = Word();
    if (word.find_first_of("pPxX_") != std::string_view::npos || !ParseGoFloat(word, value)) {
      return Bad("expected a number", line_);
    }
    return Status::Ok();
  }

  Result<TimestampMs> Time() {
    const std::string_view word = Word();
    if (open_metrics()) {
      double seconds = 0;
      if (word.find_first_of("pPxX_") != std::string_view::npos || !ParseGoFloat(word, &seconds) ||
          !std::isfinite(seconds) || std::abs(seconds) > kMostSeconds) {
        return Bad("expected a timestamp in seconds", line_);
      }
      return static_cast<TimestampMs>(seconds * 1000);
    }
    int64_t ms = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), ms);
    if (error != std::errc() || end != word.data() + word.size()) {
      return Bad("expected a timestamp in milliseconds", line_);
    }
    return ms;
  }

  // # {trace_id="a"} 0.5 1600000000.123
  Status Exemplar(TextLine* out) {
    ++at_;
    SkipBlanks();
    TextExemplar exemplar;
    const size_t start = at_;
    if (AtEnd() || line_[at_] != '{' || !SkipBraces()) {
      return Bad("expected an exemplar's labels", line_);
    }
    exemplar.labels = line_.substr(start, at_ - start);
    SkipBlanks();
    RETURN_IF_ERROR(Number(&exemplar.value));
    SkipBlanks();
    if (!AtEnd()) {
      ASSIGN_OR_RETURN(exemplar.t_ms, Time());
      SkipBlanks();
    }
    if (!AtEnd()) return Bad("unexpected text after an exemplar", line_);
    out->exemplar = exemplar;
    return Status::Ok();
  }

  const std::string_view line_;
  const TextFormat format_;
  size_t at_ = 0;
};

}  // namespace

Result<TextLine> ParseTextLine(std::string_view line, TextFormat format) {
  return LineReader(line, format).Read();
}

// By the parser of scrapes, from which such a series would otherwise come.
Result<Labels> ParseSeriesText(std::string_view series, std::string_view type, bool may_lack_name) {
  constexpr std::string_view kStandIn = "x";
  std::string text;
  if (type == "histogram") text += "# TYPE x histogram\n";
  if (type == "summary") text += "# TYPE x summary\n";
  if (may_lack_name) text += kStandIn;
  text += series;
  text += " 0\n";
  WriteBatch batch;
  const Status parsed = ParseExposition(text, {}, &batch);
  if (!parsed.ok() || batch.series.size() != 1) {
    std::string_view why = parsed.message();
    // Its line number is not the file's.
    if (const size_t line = why.find(": line "); line != std::string_view::npos) {
      const size_t end = why.find(": ", line + 2);
      if (end != std::string_view::npos) why = why.substr(end + 2);
    }
    why = why.substr(0, why.rfind(": "));
    return Bad(why.empty() ? "expected one series" : why, series);
  }
  const LabelsView labels = batch.labels(batch.series[0]);
  if (!may_lack_name) return Labels(labels);
  return LabelsBuilder(labels).Remove(kMetricNameLabel).Build();
}

}  // namespace thermocline
