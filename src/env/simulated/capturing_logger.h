#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "env/logger.h"

namespace thermocline {

// Keeps every line for the test to read. Threads: safe.
class CapturingLogger final : public Logger {
 public:
  struct Line {
    LogLevel level = LogLevel::kInfo;
    std::string source;
    std::string message;
    std::vector<std::pair<std::string, std::string>> fields;
  };

  void Log(LogLevel level, std::string_view source, std::string_view message,
           std::initializer_list<LogField> fields = {}) override {
    Line line{level, std::string(source), std::string(message), {}};
    for (const LogField& field : fields) line.fields.emplace_back(field.key, field.value);
    MutexLock lock(mutex_);
    lines_.push_back(std::move(line));
  }
  std::vector<Line> lines() const {
    MutexLock lock(mutex_);
    return lines_;
  }
  // True when a line at `level` or above has `part` in its message.
  bool Contains(std::string_view part, LogLevel level = LogLevel::kDebug) const {
    MutexLock lock(mutex_);
    for (const Line& line : lines_) {
      if (line.level >= level && line.message.find(part) != std::string::npos) return true;
    }
    return false;
  }

 private:
  mutable Mutex mutex_;
  std::vector<Line> lines_ GUARDED_BY(mutex_);
};

}  // namespace thermocline
