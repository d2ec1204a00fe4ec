#include <cmath>

#include "model/number.h"
#include "wire/exposition.h"

namespace thermocline {
namespace {

void AppendEscaped(std::string* out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\\') {
      *out += "\\\\";
    } else if (c == '\n') {
      *out += "\\n";
    } else if (c == '"' && quotes) {
      *out += "\\\"";
    } else {
      *out += c;
    }
  }
}

void AppendQuoted(std::string* out, std::string_view text) {
  *out += '"';
  AppendEscaped(out, text, true);
  *out += '"';
}

void AppendLabel(std::string* out, std::string_view name, std::string_view value) {
  if (IsLegacyLabelName(name)) {
    *out += name;
  } else {
    AppendQuoted(out, name);
  }
  *out += '=';
  AppendQuoted(out, value);
}

}  // namespace

void ExpositionWriter::Family(std::string_view name, std::string_view help, std::string_view type) {
  std::string shown;
  if (IsLegacyMetricName(name)) {
    shown = name;
  } else {
    AppendQuoted(&shown, name);
  }
  *out_ += "# HELP " + shown + " ";
  AppendEscaped(out_, help, false);
  *out_ += "\n# TYPE " + shown + " ";
  *out_ += type;
  *out_ += '\n';
}

void ExpositionWriter::Sample(std::string_view name, LabelSpan labels, double value) {
  Line(name, "", labels, nullptr, value);
}

void ExpositionWriter::Histogram(std::string_view name, LabelSpan labels,
                                 std::span<const std::pair<double, uint64_t>> buckets, double sum,
                                 uint64_t count) {
  std::string bound;
  bool has_infinity = false;
  for (const auto& [upper, cumulative] : buckets) {
    has_infinity = has_infinity || (std::isinf(upper) && upper > 0);
    bound.clear();
    AppendFloatG(&bound, upper);
    Line(name, "_bucket", labels, &bound, static_cast<double>(cumulative));
  }
  if (!has_infinity) {
    bound = "+Inf";
    Line(name, "_bucket", labels, &bound, static_cast<double>(count));
  }
  Line(name, "_sum", labels, nullptr, sum);
  Line(name, "_count", labels, nullptr, static_cast<double>(count));
}

void ExpositionWriter::Line(std::string_view name, std::string_view suffix, LabelSpan labels,
                            const std::string* bucket_bound, double value) {
  std::string full(name);
  full += suffix;
  const bool legacy = IsLegacyMetricName(full);
  if (legacy) *out_ += full;
  if (!legacy || !labels.empty() || bucket_bound != nullptr) {
    *out_ += '{';
    bool first = true;
    const auto separate = [this, &first] {
      if (!first) *out_ += ',';
      first = false;
    };
    if (!legacy) {
      separate();
      AppendQuoted(out_, full);
    }
    for (const auto& [label, text] : labels) {
      separate();
      AppendLabel(out_, label, text);
    }
    if (bucket_bound != nullptr) {
      separate();
      AppendLabel(out_, kBucketLabel, *bucket_bound);
    }
    *out_ += '}';
  }
  *out_ += ' ';
  AppendFloatG(out_, value);
  *out_ += '\n';
}

}  // namespace thermocline
