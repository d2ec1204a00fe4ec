#pragma once

#include <string>

#include "base/mutex.h"
#include "env/clock.h"
#include "env/logger.h"

namespace thermocline {

enum class LogFormat { kLogfmt, kJson };

// The text of one line, without the newline: `time=... level=info source=... msg="..." key=value`,
// or one JSON object with the same keys. Bytes that are not printable ASCII or valid UTF-8 are
// escaped; each value is cut at 4 KiB.
std::string FormatLogLine(LogFormat format, TimestampMs now_ms, LogLevel level,
                          std::string_view source, std::string_view message,
                          std::initializer_list<LogField> fields);

// Writes lines at `level` and above to a file descriptor, each with one write call.
class LineLogger final : public Logger {
 public:
  // `clock` is borrowed. `descriptor` stays open and is not closed; 2 is standard error.
  LineLogger(LogFormat format, LogLevel level, const Clock& clock, int descriptor = 2)
      : format_(format), level_(level), clock_(clock), descriptor_(descriptor) {}

  void Log(LogLevel level, std::string_view source, std::string_view message,
           std::initializer_list<LogField> fields = {}) override;

 private:
  const LogFormat format_;
  const LogLevel level_;
  const Clock& clock_;
  const int descriptor_;
  Mutex mutex_;  // whole lines, also when the descriptor is a pipe
};

}  // namespace thermocline
