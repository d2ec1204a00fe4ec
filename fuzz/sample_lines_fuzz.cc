// Input: one byte for the format, then lines of text as files hold them. What is accepted is
// consistent in itself, and a series text stands for one canonical label set.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "wire/sample_lines.h"

namespace thermocline {
namespace {

void CheckLabels(const Labels& labels, bool may_lack_name) {
  std::string_view before;
  for (const auto& [name, value] : labels) {
    CHECK(before < name && !value.empty());
    CHECK(IsValidUtf8(name) && IsValidUtf8(value));
    before = name;
  }
  CHECK(may_lack_name || !labels.metric_name().empty());
  CHECK(Labels::FromPacked(labels.packed()).ok());
}

void CheckLine(std::string_view text, TextFormat format) {
  const auto line = ParseTextLine(text, format);
  if (!line.ok()) {
    CHECK(line.status().code() == Code::kInvalidArgument);
    return;
  }
  if (line->kind == TextLine::Kind::kType || line->kind == TextLine::Kind::kHelp ||
      line->kind == TextLine::Kind::kUnit) {
    CHECK(!line->family.empty());
  }
  if (line->kind != TextLine::Kind::kSample) return;
  for (const std::string_view type : {"", "histogram", "summary"}) {
    const auto labels = ParseSeriesText(line->series, type);
    if (labels.ok()) CheckLabels(*labels, false);
  }
  if (!line->exemplar.has_value()) return;
  const auto labels = ParseSeriesText(line->exemplar->labels, "", true);
  if (labels.ok()) CheckLabels(*labels, true);
}

}  // namespace
}  // namespace thermocline

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
  using namespace thermocline;  // NOLINT(google-build-using-namespace)
  if (size_bytes == 0) return 0;
  const TextFormat format = data[0] % 2 == 0 ? TextFormat::kClassic : TextFormat::kOpenMetrics;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size_bytes - 1);
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    CheckLine(line, format);
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  }
  return 0;
}
