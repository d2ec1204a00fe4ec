// Input: a page of the text exposition format. What is accepted is a batch consistent in itself,
// whose samples, written as text again, read back as the same.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "wire/exposition.h"

namespace thermocline {
namespace {

constexpr TimestampMs kDefaultTimeMs = 1'700'000'000'000;

ExpositionOptions Options() {
  ExpositionOptions options;
  options.default_time_ms = kDefaultTimeMs;
  options.max_samples = 1000;
  return options;
}

void CheckBatch(const WriteBatch& batch) {
  CHECK(batch.samples.size() <= Options().max_samples);
  for (const auto& series : batch.series) {
    CHECK(uint64_t{series.first_sample} + series.sample_count <= batch.samples.size());
    const Labels labels(batch.labels(series));
    std::string_view before;
    for (const auto& [name, value] : labels) {
      CHECK(before < name && !value.empty());
      before = name;
    }
  }
}

// Each sample as a line of its own, timestamps left out.
std::string Rewritten(const WriteBatch& batch) {
  std::string text;
  ExpositionWriter writer(&text);
  for (const auto& series : batch.series) {
    std::string name;
    std::vector<std::pair<std::string, std::string>> others;
    for (const auto& [key, value] : batch.labels(series)) {
      if (key == kMetricNameLabel) {
        name = value;
      } else {
        others.emplace_back(key, value);
      }
    }
    for (uint32_t i = 0; i < series.sample_count; ++i) {
      writer.Sample(name, others, batch.samples[series.first_sample + i].value);
    }
  }
  return text;
}

bool SameValue(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b) || (a != a && b != b);
}

void CheckRoundTrip(const WriteBatch& batch) {
  WriteBatch again;
  const std::string text = Rewritten(batch);
  CHECK(ParseExposition(text, Options(), &again).ok());
  CHECK(again.samples.size() == batch.samples.size());
  for (size_t i = 0; i < batch.samples.size(); ++i) {
    CHECK(SameValue(again.samples[i].value, batch.samples[i].value));
  }
  size_t line = 0;
  for (const auto& series : batch.series) {
    for (uint32_t i = 0; i < series.sample_count; ++i, ++line) {
      CHECK(Labels(again.labels(again.series[line])) == Labels(batch.labels(series)));
    }
  }
}

}  // namespace
}  // namespace thermocline

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size_bytes) {
  using namespace thermocline;  // NOLINT(google-build-using-namespace)
  const std::string_view input(reinterpret_cast<const char*>(data), size_bytes);
  WriteBatch batch;
  if (ParseExposition(input, Options(), &batch).ok()) {
    CheckBatch(batch);
    CheckRoundTrip(batch);
  }
  // As a scrape adds its target's labels; the names of both may collide.
  ExpositionOptions scrape = Options();
  scrape.honor_timestamps = false;
  scrape.target_labels = Labels{{"instance", "a:1"}, {"job", "j"}};
  WriteBatch scraped;
  if (ParseExposition(input, scrape, &scraped).ok()) {
    CheckBatch(scraped);
    for (const auto& sample : scraped.samples) CHECK(sample.timestamp_ms == kDefaultTimeMs);
  }
  return 0;
}
