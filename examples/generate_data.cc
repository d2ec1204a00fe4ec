// Makes the data set of a busy fleet and writes it as Parquet, for a benchmark to read.
// Usage: generate_data DST [SERIES [SAMPLES of each]]
#include <cstdio>
#include <cstdlib>
#include <string>

#include <thermocline/convert.h>
#include <thermocline/generate.h>

namespace tc = thermocline::api;

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: generate_data DST [SERIES [SAMPLES]]\n");
    return 2;
  }
  tc::GenerateOptions options;
  if (argc > 2) options.series = static_cast<uint32_t>(std::strtoul(argv[2], nullptr, 10));
  if (argc > 3) options.samples = static_cast<uint32_t>(std::strtoul(argv[3], nullptr, 10));
  const auto fleet = tc::Generate(options);
  if (!fleet.ok()) {
    std::fprintf(stderr, "generate_data: %s\n", fleet.status().ToString().c_str());
    return 1;
  }
  tc::ConvertOptions to;
  to.layout = tc::Layout::kSamples;
  const auto done = tc::Convert(*fleet, argv[1], to);
  if (!done.ok()) {
    std::fprintf(stderr, "generate_data: %s\n", done.status().ToString().c_str());
    return 1;
  }
  std::printf("%llu series, %llu samples, %.2f bytes a sample\n",
              static_cast<unsigned long long>(done->series),
              static_cast<unsigned long long>(done->samples),
              static_cast<double>(done->bytes_out) / static_cast<double>(done->samples));
  return 0;
}
