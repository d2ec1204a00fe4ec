// Evaluates PromQL over a Prometheus block, or any other source of time series.
// Usage: query_block SRC QUERY [TIME in seconds; default: the end of the data]
#include <cstdio>
#include <cstdlib>
#include <string>

#include <thermocline/query.h>
#include <thermocline/source.h>

namespace tc = thermocline::api;

namespace {

tc::Status Run(const std::string& path, const std::string& query, const char* time) {
  const auto source = tc::Source::Open(path);
  if (!source.ok()) return source.status();
  const auto engine = tc::QueryEngine::Make();
  if (!engine.ok()) return engine.status();
  const auto at_ms = time == nullptr ? source->range().end_ms
                                     : static_cast<int64_t>(std::strtod(time, nullptr) * 1000);
  const auto answer = engine->Instant(*source, query, at_ms);
  if (!answer.ok()) return answer.status();
  for (const tc::QuerySeries& series : answer->series) {
    for (const double value : series.values) {
      std::printf("%s %.17g\n", series.labels.ToString().c_str(), value);
    }
  }
  for (const std::string& warning : answer->warnings) {
    std::fprintf(stderr, "%s\n", warning.c_str());
  }
  return tc::Status::Ok();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: query_block SRC QUERY [TIME]\n");
    return 2;
  }
  const tc::Status status = Run(argv[1], argv[2], argc > 3 ? argv[3] : nullptr);
  if (!status.ok()) std::fprintf(stderr, "query_block: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
