#include "env/posix/line_logger.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <ctime>

namespace thermocline {
namespace {

constexpr size_t kMaxValueBytes = 4096;

std::string_view LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return "debug";
    case LogLevel::kInfo: return "info";
    case LogLevel::kWarn: return "warn";
    case LogLevel::kError: return "error";
  }
  return "unknown";
}

std::string TimeText(TimestampMs now_ms) {
  const int64_t seconds = FloorTo(now_ms, kSecondMs) / kSecondMs;
  const auto ms = static_cast<int>(now_ms - seconds * kSecondMs);
  const auto as_time = static_cast<time_t>(seconds);
  tm parts{};
  ::gmtime_r(&as_time, &parts);
  char text[64];
  const size_t size = std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text + size, sizeof(text) - size, ".%03dZ", ms);
  return text;
}

// The length of the well-formed UTF-8 sequence at the front, 0 when there is none.
size_t Utf8Length(std::string_view text) {
  const auto lead = static_cast<uint8_t>(text[0]);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xf0 && lead < 0xf5   ? 4
                        : lead >= 0xe0                ? 3
                        : lead >= 0xc2 && lead < 0xe0 ? 2
                                                      : 0;
  if (lead >= 0xf5 || length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((static_cast<uint8_t>(text[i]) & 0xc0) != 0x80) return 0;
  }
  const auto second = static_cast<uint8_t>(text[1]);
  if (lead == 0xe0 && second < 0xa0) return 0;  // overlong
  if (lead == 0xed && second > 0x9f) return 0;  // surrogate
  if (lead == 0xf0 && second < 0x90) return 0;
  if (lead == 0xf4 && second > 0x8f) return 0;
  return length;
}

void AppendQuoted(std::string_view value, std::string* out) {
  const bool cut = value.size() > kMaxValueBytes;
  value = value.substr(0, kMaxValueBytes);
  out->push_back('"');
  while (!value.empty()) {
    const char c = value.front();
    const size_t length = Utf8Length(value);
    if (c == '"' || c == '\\') {
      *out += {'\\', c};
    } else if (c == '\n') {
      *out += "\\n";
    } else if (static_cast<uint8_t>(c) < 0x20 || c == 0x7f || length == 0) {
      char text[8];
      std::snprintf(text, sizeof(text), "\\u%04x", static_cast<unsigned>(static_cast<uint8_t>(c)));
      *out += text;
    } else {
      out->append(value.substr(0, length));
      value.remove_prefix(length);
      continue;
    }
    value.remove_prefix(1);
  }
  if (cut) *out += "...";
  out->push_back('"');
}

bool IsPlain(std::string_view value) {
  if (value.empty() || value.size() > kMaxValueBytes) return false;
  for (const char c : value) {
    if (c <= ' ' || c == '=' || c == '"' || c == '\\' || c == 0x7f) return false;
  }
  return true;
}

// One key and value in either format.
void AppendPair(LogFormat format, std::string_view key, std::string_view value, std::string* out) {
  if (format == LogFormat::kJson) {
    *out += out->empty() ? "{" : ",";
    AppendQuoted(key, out);
    out->push_back(':');
    AppendQuoted(value, out);
    return;
  }
  if (!out->empty()) out->push_back(' ');
  out->append(key);
  out->push_back('=');
  if (IsPlain(value)) {
    out->append(value);
  } else {
    AppendQuoted(value, out);
  }
}

}  // namespace

std::string FormatLogLine(LogFormat format, TimestampMs now_ms, LogLevel level,
                          std::string_view source, std::string_view message,
                          std::initializer_list<LogField> fields) {
  std::string line;
  AppendPair(format, "time", TimeText(now_ms), &line);
  AppendPair(format, "level", LevelName(level), &line);
  AppendPair(format, "source", source, &line);
  AppendPair(format, "msg", message, &line);
  for (const LogField& field : fields) AppendPair(format, field.key, field.value, &line);
  if (format == LogFormat::kJson) line.push_back('}');
  return line;
}

void LineLogger::Log(LogLevel level, std::string_view source, std::string_view message,
                     std::initializer_list<LogField> fields) {
  if (level < level_) return;
  std::string line = FormatLogLine(format_, clock_.NowMs(), level, source, message, fields);
  line.push_back('\n');
  MutexLock lock(mutex_);
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t n = ::write(descriptor_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    // Where logging itself fails there is nowhere to say so.
    if (n <= 0) return;
    rest.remove_prefix(static_cast<size_t>(n));
  }
}

}  // namespace thermocline
