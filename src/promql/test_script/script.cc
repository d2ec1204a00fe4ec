#include "promql/test_script/script.h"

#include <utility>

#include "base/duration.h"
#include "promql/lexer.h"

namespace thermocline::promql {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string_view Trim(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

// The next word; the rest keeps no leading space.
std::string_view TakeWord(std::string_view* rest) {
  size_t size = 0;
  while (size < rest->size() && !IsSpace((*rest)[size])) ++size;
  const std::string_view word = rest->substr(0, size);
  *rest = Trim(rest->substr(size));
  return word;
}

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

Result<TextExpectation> ParsePattern(std::string_view pattern) {
  // Scripts search, matchers match whole values.
  const std::string searching = ".*(?:" + std::string(pattern) + ").*";
  ASSIGN_OR_RETURN(Matcher matcher, Matcher::Make(MatchType::kRegex, "text", searching));
  TextExpectation expectation;
  expectation.pattern = std::move(matcher);
  return expectation;
}

class ScriptParser {
 public:
  explicit ScriptParser(std::string_view text);
  Result<std::vector<ScriptCommand>> Run();

 private:
  // Trimmed; comments are empty. Past the end: empty.
  std::string_view Line(size_t index) const {
    return index < lines_.size() ? lines_[index] : std::string_view();
  }
  Status Error(std::string_view message) const {
    return Status::InvalidArgument("line " + std::to_string(at_ + 1) + ": " + std::string(message));
  }
  Result<int64_t> Duration(std::string_view text) const;
  Status ParseLoad();
  // Gives the samples the start timestamps of the line before them.
  Status JoinStarts(SeriesLine starts, SeriesLine* samples) const;
  Status ParseEval();
  Status ParseEvalHead(std::string_view rest, EvalCommand* eval);
  Status ParseTimes(std::string_view* rest, EvalCommand* eval);
  // `done` when the line ends the command.
  Status ParseEvalLine(std::string_view line, int* position, EvalCommand* eval, bool* done);
  Status ParseExpect(std::string_view line, EvalCommand* eval);
  Status ParseExpectedString(std::string_view literal, EvalCommand* eval);
  Status AddExpectedSeries(std::string_view line, int position, EvalCommand* eval);

  std::vector<std::string_view> lines_;
  size_t at_ = 0;
  std::vector<ScriptCommand> commands_;
};

ScriptParser::ScriptParser(std::string_view text) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = Trim(text.substr(0, end));
    lines_.push_back(StartsWith(line, "#") ? std::string_view() : line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

Result<int64_t> ScriptParser::Duration(std::string_view text) const {
  const Result<int64_t> parsed = ParseDurationMs(text);
  if (!parsed.ok()) return Error(parsed.status().message());
  return *parsed;
}

Result<std::vector<ScriptCommand>> ScriptParser::Run() {
  for (; at_ < lines_.size(); ++at_) {
    std::string_view rest = lines_[at_];
    if (rest.empty()) continue;
    const std::string_view command = TakeWord(&rest);
    if (command == "clear") {
      commands_.emplace_back(ClearCommand());
    } else if (StartsWith(command, "load")) {
      RETURN_IF_ERROR(ParseLoad());
    } else if (StartsWith(command, "eval")) {
      RETURN_IF_ERROR(ParseEval());
    } else {
      return Error("unknown command " + GoQuote(command));
    }
  }
  return std::move(commands_);
}

Status ScriptParser::ParseLoad() {
  std::string_view rest = Line(at_);
  const std::string_view command = TakeWord(&rest);
  LoadCommand load;
  load.with_custom_buckets = command == "load_with_nhcb";
  if (command != "load" && !load.with_custom_buckets) return Error("unknown load command");
  ASSIGN_OR_RETURN(load.step_ms, Duration(rest));
  std::optional<SeriesLine> starts;
  while (!Line(at_ + 1).empty()) {
    ++at_;
    Result<SeriesLine> series = ParseSeriesLine(Line(at_));
    if (!series.ok()) return Error(series.status().message());
    if (series->is_start_timestamps) {
      if (starts) return Error("@st line has no following sample line");
      starts = *std::move(series);
      continue;
    }
    if (starts) RETURN_IF_ERROR(JoinStarts(std::move(*starts), &*series));
    starts.reset();
    load.series.push_back(*std::move(series));
  }
  if (starts) return Error("@st line has no following sample line");
  commands_.emplace_back(std::move(load));
  return Status::Ok();
}

Status ScriptParser::JoinStarts(SeriesLine starts, SeriesLine* samples) const {
  if (starts.labels != samples->labels) {
    return Error("@st metric does not match the following sample line metric");
  }
  if (starts.start_offsets_ms.size() != samples->values.size()) {
    return Error("@st line has " + std::to_string(starts.start_offsets_ms.size()) +
                 " values but sample line has " + std::to_string(samples->values.size()));
  }
  samples->start_offsets_ms = std::move(starts.start_offsets_ms);
  return Status::Ok();
}

Status ScriptParser::ParseEval() {
  EvalCommand eval;
  eval.line = static_cast<int>(at_) + 1;
  RETURN_IF_ERROR(ParseEvalHead(Line(at_), &eval));
  int position = 1;
  bool done = false;
  while (!done && !Line(at_ + 1).empty()) {
    ++at_;
    RETURN_IF_ERROR(ParseEvalLine(Line(at_), &position, &eval, &done));
  }
  commands_.emplace_back(std::move(eval));
  return Status::Ok();
}

// eval[_fail|_warn|_ordered|_info] instant [at T] QUERY
// eval[_fail|_warn|_info] range from A to B step C QUERY
Status ScriptParser::ParseEvalHead(std::string_view rest, EvalCommand* eval) {
  const std::string_view command = TakeWord(&rest);
  if (command == "eval_fail") {
    eval->fail.emplace();
  } else if (command == "eval_warn") {
    eval->warnings.emplace_back();
  } else if (command == "eval_info") {
    eval->infos.emplace_back();
  } else if (command == "eval_ordered") {
    eval->ordered = true;
  } else if (command != "eval") {
    return Error("unknown eval command");
  }
  const std::string_view kind = TakeWord(&rest);
  if (kind == "instant") {
    if (StartsWith(rest, "at ") || StartsWith(rest, "at\t")) {
      TakeWord(&rest);
      ASSIGN_OR_RETURN(eval->at_ms, Duration(TakeWord(&rest)));
    }
  } else if (kind == "range") {
    eval->is_range = true;
    RETURN_IF_ERROR(ParseTimes(&rest, eval));
  } else {
    return Error("eval needs instant or range");
  }
  eval->query = std::string(rest);
  return rest.empty() ? Error("eval without a query") : Status::Ok();
}

// from A to B step C
Status ScriptParser::ParseTimes(std::string_view* rest, EvalCommand* eval) {
  for (const auto& [word, target] :
       {std::pair("from", &eval->start_ms), {"to", &eval->end_ms}, {"step", &eval->step_ms}}) {
    if (TakeWord(rest) != word) return Error("expected \"" + std::string(word) + "\"");
    ASSIGN_OR_RETURN(*target, Duration(TakeWord(rest)));
  }
  return eval->end_ms < eval->start_ms ? Error("the end is before the start") : Status::Ok();
}

Status ScriptParser::ParseEvalLine(std::string_view line, int* position, EvalCommand* eval,
                                   bool* done) {
  constexpr std::string_view kFailMessage = "expected_fail_message";
  constexpr std::string_view kFailPattern = "expected_fail_regexp";
  constexpr std::string_view kRangeVector = "expect range vector";
  constexpr std::string_view kString = "expect string";
  if (eval->fail && StartsWith(line, kFailMessage)) {
    eval->fail->message = std::string(Trim(line.substr(kFailMessage.size())));
    *done = true;
    return Status::Ok();
  }
  if (eval->fail && StartsWith(line, kFailPattern)) {
    ASSIGN_OR_RETURN(eval->fail, ParsePattern(Trim(line.substr(kFailPattern.size()))));
    *done = true;
    return Status::Ok();
  }
  if (StartsWith(line, kRangeVector)) {
    std::string_view rest = Trim(line.substr(kRangeVector.size()));
    ++*position;
    RETURN_IF_ERROR(ParseTimes(&rest, eval));
    eval->is_range_vector = true;
    eval->at_ms = eval->end_ms;
    return Status::Ok();
  }
  if (StartsWith(line, kString)) {
    ++*position;
    return ParseExpectedString(Trim(line.substr(kString.size())), eval);
  }
  if (line == "expect" || StartsWith(line, "expect ")) return ParseExpect(line, eval);
  double scalar = 0;
  if (ParseSignedNumber(line, &scalar)) {
    eval->scalar = scalar;
    *done = true;
    return Status::Ok();
  }
  return AddExpectedSeries(line, (*position)++, eval);
}

Status ScriptParser::ParseExpectedString(std::string_view literal, EvalCommand* eval) {
  Lexer lexer(literal);
  const Token token = lexer.Next();
  if (token.type != TokenType::kString || lexer.Next().type != TokenType::kEof) {
    return Error("expected a quoted string");
  }
  eval->text = Unquote(token.text);
  return Status::Ok();
}

Status ScriptParser::AddExpectedSeries(std::string_view line, int position, EvalCommand* eval) {
  Result<SeriesLine> series = ParseSeriesLine(line);
  if (!series.ok()) return Error(series.status().message());
  for (ExpectedSeries& earlier : eval->series) {
    if (earlier.labels != series->labels) continue;
    earlier.values = std::move(series->values);
    earlier.position = position;
    return Status::Ok();
  }
  eval->series.push_back({series->labels, std::move(series->values), position});
  return Status::Ok();
}

// expect ordered|fail|warn|no_warn|info|no_info [msg: TEXT | regex: PATTERN]
Status ScriptParser::ParseExpect(std::string_view line, EvalCommand* eval) {
  TakeWord(&line);
  const std::string_view kind = TakeWord(&line);
  TextExpectation expectation;
  if (StartsWith(line, "msg:")) {
    expectation.message = std::string(Trim(line.substr(4)));
  } else if (StartsWith(line, "regex:")) {
    ASSIGN_OR_RETURN(expectation, ParsePattern(Trim(line.substr(6))));
  } else if (!line.empty()) {
    return Error("expected msg: or regex:");
  }
  if (kind == "ordered") {
    eval->ordered = true;
  } else if (kind == "fail") {
    if (eval->fail) return Error("more than one expect fail");
    eval->fail = std::move(expectation);
  } else if (kind == "warn") {
    eval->warnings.push_back(std::move(expectation));
  } else if (kind == "info") {
    eval->infos.push_back(std::move(expectation));
  } else if (kind == "no_warn") {
    eval->no_warnings = true;
  } else if (kind == "no_info") {
    eval->no_infos = true;
  } else {
    return Error("unknown expectation " + GoQuote(kind));
  }
  const bool contradicts =
      (eval->no_warnings && !eval->warnings.empty()) || (eval->no_infos && !eval->infos.empty());
  return contradicts ? Error("expectations exclude each other") : Status::Ok();
}

}  // namespace

bool TextExpectation::Accepts(std::string_view text) const {
  if (message) return *message == text;
  return !pattern || pattern->Matches(text);
}

std::string TextExpectation::ToString() const {
  if (message) return GoQuote(*message);
  return pattern ? "/" + pattern->value() + "/" : "any text";
}

Result<std::vector<ScriptCommand>> ParseScript(std::string_view text) {
  return ScriptParser(text).Run();
}

}  // namespace thermocline::promql
