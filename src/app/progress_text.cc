#include "app/progress_text.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace thermocline {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kQuietNs = 2 * kSecondNs;
constexpr int64_t kBarEveryNs = kSecondNs / 10;
constexpr int64_t kLineEveryNs = 10 * kSecondNs;
constexpr size_t kBarWidth = 30;

std::string TimeLeft(double part, double elapsed_seconds) {
  if (part <= 0) return "";
  const auto seconds = std::llround(elapsed_seconds * (1 - part) / part);
  if (seconds < 100) return fmt::format(", {} s left", seconds);
  return fmt::format(", {} min left", (seconds + 30) / 60);
}

}  // namespace

Result<ProgressStyle> ParseProgressStyle(std::string_view name, bool terminal) {
  if (name == "auto") return terminal ? ProgressStyle::kBar : ProgressStyle::kLines;
  if (name == "bar") return ProgressStyle::kBar;
  if (name == "plain") return ProgressStyle::kLines;
  if (name == "none") return ProgressStyle::kNone;
  return Status::InvalidArgument(
      fmt::format("--progress={}: known are auto, bar, plain, none", name));
}

std::string ShortCount(double count) {
  if (count >= 1e9) return fmt::format("{:.1f} G", count / 1e9);
  if (count >= 1e6) return fmt::format("{:.1f} M", count / 1e6);
  if (count >= 1e4) return fmt::format("{:.1f} k", count / 1e3);
  return fmt::format("{:.0f}", count);
}

std::string ProgressText::Update(const ConvertProgress& progress, int64_t now_ns) {
  const int64_t elapsed_ns = now_ns - started_ns_;
  const int64_t every_ns = style_ == ProgressStyle::kBar ? kBarEveryNs : kLineEveryNs;
  if (style_ == ProgressStyle::kNone || elapsed_ns < kQuietNs) return "";
  if (shown_ && now_ns - last_ns_ < every_ns) return "";
  shown_ = true;
  last_ns_ = now_ns;
  const double part = progress.part_done();
  const double seconds = static_cast<double>(elapsed_ns) / kSecondNs;
  const std::string facts =
      fmt::format("{} {:.0f} %, {} samples, {}/s", progress.verifying ? "verifying" : verb_,
                  part * 100, ShortCount(static_cast<double>(progress.samples)),
                  ShortCount(static_cast<double>(progress.samples) / seconds));
  // The comparison follows the writing; how long it takes shows only when it runs.
  const std::string left = progress.verifying ? "" : TimeLeft(part, seconds);
  if (style_ == ProgressStyle::kLines) return facts + left + "\n";
  const auto full = static_cast<size_t>(part * static_cast<double>(kBarWidth));
  return "\r\x1b[K[" + std::string(full, '#') + std::string(kBarWidth - full, '.') + "] " + facts +
         left;
}

std::string ProgressText::Finish() {
  return shown_ && style_ == ProgressStyle::kBar ? "\r\x1b[K" : "";
}

}  // namespace thermocline
