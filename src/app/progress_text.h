// What a person sees of long work: a bar on a terminal, a line now and then elsewhere.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "base/result.h"
#include "convert/convert.h"

namespace thermocline {

enum class ProgressStyle { kNone, kBar, kLines };
// auto (a bar on a terminal, lines elsewhere), bar, plain or none.
Result<ProgressStyle> ParseProgressStyle(std::string_view name, bool terminal);

// Nothing for the first two seconds; then the bar ten times a second, or a line every ten seconds.
class ProgressText {
 public:
  // `verb`: what is being done, "converting".
  ProgressText(ProgressStyle style, int64_t started_ns, std::string verb = "converting")
      : style_(style), started_ns_(started_ns), verb_(std::move(verb)) {}

  // What to print now; mostly nothing.
  std::string Update(const ConvertProgress& progress, int64_t now_ns);
  // Takes the bar away.
  std::string Finish();

 private:
  const ProgressStyle style_;
  const int64_t started_ns_;
  const std::string verb_;
  int64_t last_ns_ = 0;
  bool shown_ = false;
};

// "12.3 M"
std::string ShortCount(double count);

}  // namespace thermocline
