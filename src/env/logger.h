// One line per event in Prometheus' form: time= level= source= msg= key=value...
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace thermocline {

enum class LogLevel { kDebug, kInfo, kWarn, kError };

struct LogField {
  std::string_view key;
  std::string value;
};

// Threads: safe. Values are escaped and cut at 4 KiB.
class Logger {
 public:
  virtual ~Logger() = default;
  virtual void Log(LogLevel level, std::string_view source, std::string_view message,
                   std::initializer_list<LogField> fields = {}) = 0;
};

}  // namespace thermocline
