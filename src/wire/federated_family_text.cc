#include <limits>

#include "model/number.h"
#include "wire/federated_family.h"

namespace thermocline {
namespace {

void AppendQuoted(std::string_view text, std::string* out) {
  *out += '"';
  for (const char c : text) {
    if (c == '\\' || c == '"') *out += '\\';
    if (c == '\n') {
      *out += "\\n";
    } else {
      *out += c;
    }
  }
  *out += '"';
}

void AppendName(std::string_view name, std::string* out) {
  if (IsLegacyMetricName(name)) {
    *out += name;
  } else {
    AppendQuoted(name, out);
  }
}

// The lines of one family.
class FamilyLines {
 public:
  FamilyLines(const FederatedFamily& family, NameEscaping escaping, std::string* out)
      : escaping_(escaping), name_(EscapeName(family.name, escaping)), out_(out) {
    *out_ += "# TYPE ";
    AppendName(name_, out_);
    *out_ += family.kind == FamilyKind::kUntyped ? " untyped\n" : " histogram\n";
  }

  void Add(const FamilyMember& member) {
    if (member.histogram == nullptr) return Line(member, "", nullptr, member.value);
    const Histogram& h = *member.histogram;
    const double count = h.is_float() ? h.float_count : static_cast<double>(h.count);
    const std::vector<double> counts = CumulativeCounts(h);
    for (size_t i = 0; i < counts.size(); ++i) {
      Line(member, "_bucket", &h.custom_bounds[i], counts[i]);
    }
    // Custom bounds are finite.
    Line(member, "_bucket", &kInfinity, count);
    Line(member, "_sum", nullptr, h.sum);
    Line(member, "_count", nullptr, count);
  }

 private:
  static constexpr double kInfinity = std::numeric_limits<double>::infinity();

  void Line(const FamilyMember& member, std::string_view suffix, const double* bound,
            double value) {
    const std::string name = name_ + std::string(suffix);
    const bool quoted = !IsLegacyMetricName(name);
    if (!quoted) *out_ += name;
    *out_ += '{';
    if (quoted) AppendQuoted(name, out_);
    bool has_instance = false;
    for (const LabelPair& label : member.labels) {
      if (label.name == kMetricNameLabel) continue;
      has_instance = has_instance || label.name == "instance";
      AppendLabel(EscapeName(label.name, escaping_), label.value);
    }
    if (!has_instance) AppendLabel("instance", "");
    if (bound != nullptr) {
      std::string text;
      AppendFloatG(&text, *bound);
      AppendLabel(kBucketLabel, text);
    }
    *out_ += "} ";
    AppendFloatG(out_, value == 0 ? 0.0 : value);
    *out_ += ' ' + std::to_string(member.t_ms) + '\n';
  }

  void AppendLabel(std::string_view name, std::string_view value) {
    if (out_->back() != '{') *out_ += ',';
    AppendName(name, out_);
    *out_ += '=';
    AppendQuoted(value, out_);
  }

  const NameEscaping escaping_;
  const std::string name_;
  std::string* const out_;
};

}  // namespace

void AppendFamilyText(const FederatedFamily& family, NameEscaping escaping, std::string* out) {
  FamilyLines lines(family, escaping, out);
  for (const FamilyMember& member : family.members) lines.Add(member);
}

std::vector<double> CumulativeCounts(const Histogram& h) {
  std::vector<double> counts(h.custom_bounds.size());
  size_t bucket = 0;  // of the spans
  int64_t index = 0;
  for (const HistogramSpan& span : h.positive_spans) {
    index += span.offset;
    for (uint32_t i = 0; i < span.length; ++i, ++index, ++bucket) {
      if (index < 0 || static_cast<size_t>(index) >= counts.size()) continue;
      counts[static_cast<size_t>(index)] =
          h.is_float() ? h.positive_floats[bucket] : static_cast<double>(h.positive_counts[bucket]);
    }
  }
  for (size_t i = 1; i < counts.size(); ++i) counts[i] += counts[i - 1];
  return counts;
}

}  // namespace thermocline
