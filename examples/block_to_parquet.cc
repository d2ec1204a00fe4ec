// Reads a Prometheus block (or any other source of time series) and writes it as Parquet.
// Usage: block_to_parquet SRC DST [samples|parquet-common|gateway]
#include <cstdio>
#include <string>

#include <thermocline/convert.h>
#include <thermocline/source.h>

namespace tc = thermocline::api;

namespace {

// Says how many series and samples of which kind there are.
tc::Status Count(const tc::Source& source) {
  const auto all = source.Select({});
  if (!all.ok()) return all.status();
  size_t floats = 0, histograms = 0;
  const tc::Status read =
      all->ForEach([&](const tc::Labels&, const tc::SampleBatch& batch, size_t i) {
        for (size_t sample = batch.offsets[i]; sample < batch.offsets[i + 1]; ++sample) {
          ++(batch.histogram(sample) == nullptr ? floats : histograms);
        }
        return tc::Status::Ok();
      });
  std::printf("%zu series: %zu floats, %zu histograms\n", all->size(), floats, histograms);
  return read;
}

tc::Status Run(const std::string& from, const std::string& to, const std::string& layout) {
  const auto source = tc::Source::Open(from);
  if (!source.ok()) return source.status();
  if (tc::Status counted = Count(*source); !counted.ok()) return counted;

  tc::ConvertOptions options;
  if (layout == "samples") options.layout = tc::Layout::kSamples;
  if (layout == "gateway") options.layout = tc::Layout::kGateway;
  options.verify = true;
  const auto done = tc::Convert(*source, to, options);
  if (!done.ok()) return done.status();
  std::printf("%llu samples, %llu bytes of Parquet, read back and compared\n",
              static_cast<unsigned long long>(done->samples),
              static_cast<unsigned long long>(done->bytes_out));
  return tc::Status::Ok();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: block_to_parquet SRC DST [samples|parquet-common|gateway]\n");
    return 2;
  }
  const tc::Status status = Run(argv[1], argv[2], argc > 3 ? argv[3] : "parquet-common");
  if (!status.ok()) std::fprintf(stderr, "block_to_parquet: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
