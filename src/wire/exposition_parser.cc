#include <algorithm>
#include <charconv>

#include "model/number.h"
#include "wire/exposition.h"

namespace thermocline {
namespace {

using Pair = std::pair<std::string, std::string>;

constexpr std::string_view kQuantileLabel = "quantile";
constexpr size_t kMaxShownBytes = 60;

bool IsNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
}
bool IsNamePart(char c) { return IsNameStart(c) || (c >= '0' && c <= '9'); }
bool IsBlank(char c) { return c == ' ' || c == '\t'; }

// A bound as Prometheus stores it: 1 -> 1.0, 0.10 -> 0.1, 1e6 -> 1e+06, +inf -> +Inf.
void NormaliseBound(std::string* text) {
  double value = 0;
  if (!ParseGoFloat(*text, &value)) return;
  text->clear();
  AppendFloatG(text, value);
  if (text->find_first_of(".eIN") == std::string::npos) *text += ".0";
}

// Reads the whole text by position: label values may hold raw newlines, so lines are not units.
class Parser {
 public:
  Parser(std::string_view text, const ExpositionOptions& options, WriteBatch* batch)
      : text_(text), options_(options), batch_(batch) {
    for (const LabelPair& label : options.target_labels) {
      target_.emplace_back(label.name, label.value);
    }
  }

  Status Run() {
    size_t samples = 0;
    while (at_ < text_.size()) {
      line_start_ = at_;
      SkipBlanks();
      if (AtEndOfLine()) {
        ++at_;
      } else if (text_[at_] == '#') {
        Comment();
      } else {
        if (++samples > options_.max_samples) return Error("sample limit exceeded");
        RETURN_IF_ERROR(SampleLine());
      }
    }
    return Status::Ok();
  }

 private:
  bool AtEndOfLine() const { return at_ >= text_.size() || text_[at_] == '\n'; }
  bool At(char c) const { return at_ < text_.size() && text_[at_] == c; }
  void SkipBlanks() {
    while (at_ < text_.size() && IsBlank(text_[at_])) ++at_;
  }
  bool Take(char c) {
    if (!At(c)) return false;
    ++at_;
    return true;
  }
  std::string_view Word() {
    const size_t start = at_;
    while (!AtEndOfLine() && !IsBlank(text_[at_])) ++at_;
    return text_.substr(start, at_ - start);
  }

  Status Error(std::string_view what) const {
    const auto line =
        1 + std::count(text_.begin(), text_.begin() + static_cast<ptrdiff_t>(line_start_), '\n');
    std::string_view shown = text_.substr(line_start_, kMaxShownBytes);
    shown = shown.substr(0, shown.find('\n'));
    std::string message = "exposition text: line " + std::to_string(line) + ": ";
    message += what;
    message += ": " + GoQuote(shown);
    return Status::InvalidArgument(std::move(message));
  }

  // Metadata when it is HELP or TYPE of a name, else nothing.
  void Comment() {
    ++at_;
    SkipBlanks();
    const std::string_view word = Word();
    SkipBlanks();
    std::string name;
    const bool known = (word == "HELP" || word == "TYPE") && Name(&name);
    SkipBlanks();
    const size_t end = std::min(text_.find('\n', at_), text_.size());
    const std::string_view rest = text_.substr(at_, end - at_);
    at_ = std::min(end + 1, text_.size());
    if (!known || name.empty() || !IsValidUtf8(name) || !IsValidUtf8(rest)) return;
    BatchMetadata& metadata = MetadataOf(name);
    if (word == "TYPE") {
      const bool is_type =
          rest == "counter" || rest == "gauge" || rest == "histogram" || rest == "summary";
      metadata.type = is_type ? rest : "unknown";
      type_ = metadata.type;
    } else {
      metadata.help = Unescaped(rest, false);
    }
  }

  BatchMetadata& MetadataOf(const std::string& family) {
    if (batch_->metadata.empty() || batch_->metadata.back().family != family) {
      batch_->metadata.push_back({family, "unknown", "", ""});
    }
    return batch_->metadata.back();
  }

  static std::string Unescaped(std::string_view text, bool quotes) {
    std::string out;
    out.reserve(text.size());
    for (size_t i = 0; i < text.size(); ++i) {
      const char next = text[i] == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
      if (next == 'n') {
        out += '\n';
        ++i;
      } else if (next == '\\' || (next == '"' && quotes)) {
        out += next;
        ++i;
      } else {
        out += text[i];
      }
    }
    return out;
  }

  bool Quoted(std::string* out) {
    const size_t start = ++at_;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\\') {
        ++at_;
      } else if (text_[at_] == '"') {
        *out = Unescaped(text_.substr(start, at_ - start), true);
        ++at_;
        return true;
      }
    }
    at_ = text_.size();
    return false;
  }

  // A name in quotes, or of legacy characters.
  bool Name(std::string* out) {
    if (At('"')) return Quoted(out);
    const size_t start = at_;
    if (at_ < text_.size() && IsNameStart(text_[at_])) {
      while (at_ < text_.size() && IsNamePart(text_[at_])) ++at_;
    }
    *out = text_.substr(start, at_ - start);
    return at_ > start;
  }

  // What stands between the braces, the closing one included.
  Status Braces() {
    while (true) {
      SkipBlanks();
      if (Take('}')) return Status::Ok();
      const bool quoted = At('"');
      std::string name;
      if (!Name(&name)) return Error("expected a label name");
      SkipBlanks();
      if (Take('=')) {
        SkipBlanks();
        std::string value;
        if (!At('"') || !Quoted(&value)) return Error("expected a quoted label value");
        labels_.emplace_back(std::move(name), std::move(value));
      } else if (quoted && metric_.empty()) {
        metric_ = std::move(name);
      } else {
        return Error("expected '=' after a label name");
      }
      SkipBlanks();
      // Prometheus takes labels without a comma between them, too.
      Take(',');
    }
  }

  Status SampleLine() {
    metric_.clear();
    labels_.clear();
    if (!At('{') && (At('"') || !Name(&metric_))) return Error("expected a metric name");
    SkipBlanks();
    if (Take('{')) RETURN_IF_ERROR(Braces());
    if (metric_.empty()) return Error("metric name is missing");
    SkipBlanks();
    const std::string_view number = Word();
    double value = 0;
    if (number.find_first_of("pPxX_") != std::string_view::npos || !ParseGoFloat(number, &value)) {
      return Error("expected a number");
    }
    SkipBlanks();
    TimestampMs t_ms = options_.default_time_ms;
    if (!AtEndOfLine()) {
      const std::string_view time = Word();
      int64_t given_ms = 0;
      const auto [end, error] = std::from_chars(time.data(), time.data() + time.size(), given_ms);
      if (error != std::errc() || end != time.data() + time.size() || time[0] == '-') {
        return Error("expected a timestamp in milliseconds");
      }
      if (options_.honor_timestamps) t_ms = given_ms;
      SkipBlanks();
    }
    if (!AtEndOfLine()) return Error("unexpected text after the timestamp");
    ++at_;
    RETURN_IF_ERROR(FinishLabels());
    batch_->AddSeries(Labels(std::move(labels_)));
    batch_->AddSample(t_ms, value);
    labels_.clear();
    return Status::Ok();
  }

  Status FinishLabels() {
    labels_.emplace_back(kMetricNameLabel, metric_);
    std::sort(labels_.begin(), labels_.end());
    for (size_t i = 0; i < labels_.size(); ++i) {
      auto& [name, value] = labels_[i];
      if (i > 0 && labels_[i - 1].first == name) return Error("label " + name + " occurs twice");
      if (name.empty()) return Error("empty label name");
      if (!IsValidUtf8(name) || !IsValidUtf8(value)) return Error("invalid UTF-8");
      if ((type_ == "histogram" && name == kBucketLabel) ||
          (type_ == "summary" && name == kQuantileLabel)) {
        NormaliseBound(&value);
      }
    }
    AddTargetLabels();
    return Status::Ok();
  }

  // A scraped label that collides makes room for the target's: exported_<name>, and again until the
  // name is free.
  void AddTargetLabels() {
    const auto find = [this](std::string_view name) {
      return std::find_if(labels_.begin(), labels_.end(),
                          [name](const Pair& pair) { return pair.first == name; });
    };
    for (const auto& [name, value] : target_) {
      const auto scraped = find(name);
      if (scraped == labels_.end()) continue;
      std::string renamed = name;
      do {
        renamed.insert(0, "exported_");
      } while (find(renamed) != labels_.end());
      scraped->first = std::move(renamed);
    }
    labels_.insert(labels_.end(), target_.begin(), target_.end());
  }

  std::string_view text_;
  const ExpositionOptions& options_;
  WriteBatch* batch_;
  std::vector<Pair> target_;
  size_t at_ = 0;
  size_t line_start_ = 0;
  std::string type_;
  std::string metric_;
  std::vector<Pair> labels_;
};

}  // namespace

Status ParseExposition(std::string_view text, const ExpositionOptions& options, WriteBatch* batch) {
  return Parser(text, options, batch).Run();
}

}  // namespace thermocline
