// Text of samples line by line, as files hold it: OpenMetrics 1.0, and the classic exposition
// format with timestamps. For files of any size: no line needs another, but for TYPE.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "model/labels.h"

namespace thermocline {

enum class TextFormat {
  kOpenMetrics,  // times in seconds, "# EOF" at the end, exemplars
  kClassic,      // times in milliseconds
};

struct TextExemplar {
  std::string_view labels;  // with their braces, for ParseSeriesText
  double value = 0;
  std::optional<TimestampMs> t_ms;
};

// What a line says. Views point into the line.
struct TextLine {
  enum class Kind { kNothing, kSample, kType, kHelp, kUnit, kEnd };
  Kind kind = Kind::kNothing;

  // kSample
  std::string_view series;  // name and labels as they stand
  double value = 0;
  std::optional<TimestampMs> t_ms;
  std::optional<TextExemplar> exemplar;

  // kType, kHelp, kUnit
  std::string family;
  std::string text;  // unescaped
};

// `line` comes without its line feed. Times are cut to milliseconds as Prometheus cuts them; NaN is
// the normal NaN. Source: Prometheus model/textparse/openmetricsparse.go and promparse.go.
// Errors: InvalidArgument with what was expected and the text, without a line number.
Result<TextLine> ParseTextLine(std::string_view line, TextFormat format);

// The labels of TextLine::series. `type` is the family's: bounds of histograms and quantiles of
// summaries are rewritten as Prometheus does. Without a name only when `may_lack_name` (exemplars).
Result<Labels> ParseSeriesText(std::string_view series, std::string_view type,
                               bool may_lack_name = false);

}  // namespace thermocline
