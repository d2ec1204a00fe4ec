#include "promql/test_script/histogram_literal.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <string>
#include <utility>

#include "model/labels.h"
#include "promql/text.h"

namespace thermocline::promql {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool IsWordCharacter(char c) {
  return c == '_' || ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z');
}

class LiteralParser {
 public:
  explicit LiteralParser(std::string_view* rest) : rest_(*rest), left_(rest) {}

  Status Run(HistogramLiteral* literal) {
    if (!Take("{{")) return Status::InvalidArgument("a histogram begins with {{");
    auto histogram = std::make_shared<FloatHistogram>();
    histogram_ = histogram.get();
    const bool space = TakeSpace();
    if (!Take("}}")) {
      if (space) return Bad();
      RETURN_IF_ERROR(Items());
    }
    AddSpan(positive_offset_, histogram->positive_buckets.size(), &histogram->positive_spans);
    AddSpan(negative_offset_, histogram->negative_buckets.size(), &histogram->negative_spans);
    literal->histogram = std::move(histogram);
    literal->hint_set = hint_set_;
    *left_ = rest_;
    return Status::Ok();
  }

 private:
  Status Bad() const {
    return Status::InvalidArgument("bad histogram description at " + GoQuote(rest_.substr(0, 20)));
  }
  bool Take(std::string_view prefix) {
    if (rest_.substr(0, prefix.size()) != prefix) return false;
    rest_.remove_prefix(prefix.size());
    return true;
  }
  bool TakeSpace() {
    const size_t before = rest_.size();
    while (!rest_.empty() && IsSpace(rest_.front())) rest_.remove_prefix(1);
    return rest_.size() < before;
  }
  std::string TakeWord() {
    size_t size = 0;
    while (size < rest_.size() && IsWordCharacter(rest_[size])) ++size;
    std::string word(rest_.substr(0, size));
    for (char& c : word) {
      if ('A' <= c && c <= 'Z') c = static_cast<char>(c + 32);
    }
    rest_.remove_prefix(size);
    return word;
  }

  // key:value pairs with spaces between them, and the end.
  Status Items() {
    while (true) {
      RETURN_IF_ERROR(Item());
      const bool space = TakeSpace();
      if (Take("}}")) return Status::Ok();
      if (!space) return Bad();
    }
  }
  Status Item() {
    const std::string key = TakeWord();
    if (!Take(":")) return Bad();
    if (!seen_.insert(key).second) {
      return Status::InvalidArgument("duplicate key \"" + key + "\" in histogram");
    }
    FloatHistogram& h = *histogram_;
    if (key == "schema") return Integer(&h.schema);
    if (key == "offset") return Integer(&positive_offset_);
    if (key == "n_offset") return Integer(&negative_offset_);
    if (key == "sum") return Number(&h.sum);
    if (key == "count") return Number(&h.count);
    if (key == "z_bucket") return Number(&h.zero_count);
    if (key == "z_bucket_w") {
      return !rest_.empty() && rest_.front() == '-' ? Bad() : Number(&h.zero_threshold);
    }
    if (key == "buckets") return Numbers(&h.positive_buckets);
    if (key == "n_buckets") return Numbers(&h.negative_buckets);
    if (key == "custom_values") return Numbers(&h.custom_bounds);
    if (key == "counter_reset_hint") return Hint(&h.reset_hint);
    return Status::InvalidArgument("bad histogram descriptor found: " + GoQuote(key));
  }
  Status Integer(int32_t* value) {
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), *value);
    if (error != std::errc()) return Bad();
    rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
    return Status::Ok();
  }
  Status Number(double* value) {
    const bool negative = Take("-");
    size_t size = 0;
    while (size < rest_.size() && !IsSpace(rest_[size]) && rest_[size] != ']' &&
           rest_[size] != '}') {
      ++size;
    }
    bool out_of_range = false;
    if (size == 0 || rest_[0] == '+' || rest_[0] == '-' ||
        !ParseGoNumber(rest_.substr(0, size), value, &out_of_range)) {
      return Bad();
    }
    if (negative) *value = -*value;
    rest_.remove_prefix(size);
    return Status::Ok();
  }
  Status Numbers(std::vector<double>* values) {
    if (!Take("[")) return Bad();
    while (true) {
      RETURN_IF_ERROR(Number(&values->emplace_back()));
      const bool space = TakeSpace();
      if (Take("]")) return Status::Ok();
      if (!space) return Bad();
    }
  }
  Status Hint(CounterResetHint* hint) {
    const std::string word = TakeWord();
    if (word == "unknown") {
      *hint = CounterResetHint::kUnknown;
    } else if (word == "reset") {
      *hint = CounterResetHint::kReset;
    } else if (word == "not_reset") {
      *hint = CounterResetHint::kNotReset;
    } else if (word == "gauge") {
      *hint = CounterResetHint::kGauge;
    } else {
      return Bad();
    }
    hint_set_ = true;
    return Status::Ok();
  }
  static void AddSpan(int32_t offset, size_t buckets, std::vector<HistogramSpan>* spans) {
    if (buckets > 0) spans->push_back({offset, static_cast<uint32_t>(buckets)});
  }

  std::string_view rest_;
  std::string_view* left_;
  FloatHistogram* histogram_ = nullptr;
  std::set<std::string> seen_;
  int32_t positive_offset_ = 0;
  int32_t negative_offset_ = 0;
  bool hint_set_ = false;
};

}  // namespace

Status TakeHistogramLiteral(std::string_view* rest, HistogramLiteral* literal) {
  return LiteralParser(rest).Run(literal);
}

Status ExpandHistograms(const HistogramLiteral& base, const HistogramLiteral& step, bool subtract,
                        uint64_t times, std::vector<HistogramLiteral>* out) {
  // Whether a hint was written is taken from the step.
  out->push_back({base.histogram, step.hint_set});
  for (uint64_t i = 0; i < times; ++i) {
    auto next = std::make_shared<FloatHistogram>(*out->back().histogram);
    if (next->schema > step.histogram->schema) {
      return Status::InvalidArgument("error combining histograms: cannot merge from schema " +
                                     std::to_string(step.histogram->schema) + " to " +
                                     std::to_string(next->schema));
    }
    const auto notes =
        subtract ? Subtract(next.get(), *step.histogram) : Add(next.get(), *step.histogram);
    if (!notes) {
      return Status::InvalidArgument(
          "cannot apply this operation on histograms with a mix of exponential and custom bucket "
          "schemas");
    }
    out->push_back({std::move(next), step.hint_set});
  }
  return Status::Ok();
}

}  // namespace thermocline::promql
