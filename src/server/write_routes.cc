// Remote write 1.0.
#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "model/number.h"
#include "server/reply.h"
#include "server/router.h"
#include "wire/remote_write.h"
#include "wire/remote_write_type.h"

namespace thermocline {
namespace {

Response Plain(int status, std::string_view text) {
  Response response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = fmt::format("{}\n", text);
  if (status == 503) response.headers.emplace_back("Retry-After", "5");
  return response;
}

// Decode buffers of a thread, kept so that a request of usual size costs no allocation.
struct Buffers {
  std::string scratch;
  WriteBatch batch;

  // One large request must not hold its memory for ever.
  void Trim() {
    const size_t histogram_bytes = batch.histograms.capacity() * sizeof(Histogram);
    if (scratch.capacity() + batch.label_bytes.capacity() + histogram_bytes > kKeptBytes) {
      *this = Buffers();
    }
  }
  static constexpr size_t kKeptBytes = 4 << 20;
};

void CountSkipped(const RemoteWriteSkipped& skipped, Metrics& metrics) {
  const std::pair<const char*, uint64_t> reasons[] = {{"invalid_labels", skipped.invalid_series},
                                                      {"label_limits", skipped.over_limit_series},
                                                      {"exemplar", skipped.exemplars}};
  for (const auto& [reason, count] : reasons) {
    if (count == 0) continue;
    metrics
        .GetCounter("thermocline_remote_write_skipped_total",
                    "Parts of remote write requests that were not stored.", {{"reason", reason}})
        .Add(static_cast<double>(count));
  }
}

// Prometheus' text, for a duplicate of floats with both values.
std::string RejectionText(const WriteBatch& batch, const RejectedSample& rejected) {
  std::string text(RejectReasonText(rejected.reason));
  if (rejected.reason != RejectReason::kDuplicate) return text;
  if (batch.histogram(rejected.sample_index) != nullptr) return text;
  const Sample& sample = batch.samples[rejected.sample_index];
  text += fmt::format(" {}; overrides not allowed: existing ", sample.timestamp_ms);
  if (rejected.existing_is_histogram) {
    text += "is a histogram";
  } else {
    AppendFloatG(&text, rejected.existing);
  }
  text += ", new value ";
  AppendFloatG(&text, sample.value);
  return text;
}

Response RefusalText(const WriteBatch& batch, const AppendSummary& summary) {
  std::string text = fmt::format("{}; {} of {} samples rejected, nothing was stored",
                                 RejectionText(batch, summary.rejected.front()),
                                 summary.rejected_count, batch.samples.size());
  constexpr size_t kShown = 3;
  for (size_t i = 0; i < std::min(kShown, summary.rejected.size()); ++i) {
    const RejectedSample& rejected = summary.rejected[i];
    text += fmt::format("; {}: series {} timestamp {}", RejectReasonText(rejected.reason),
                        batch.labels(batch.series[rejected.series_index]).ToString(),
                        batch.samples[rejected.sample_index].timestamp_ms);
  }
  return Plain(400, text);
}

// Sender-visible statuses: 2xx stored, 4xx never try again, 5xx try again.
Response FromStatus(const Status& status) {
  switch (status.code()) {
    case Code::kInvalidArgument: return Plain(400, status.message());
    case Code::kUnavailable:
    case Code::kResourceExhausted: return Plain(503, status.message());
    default: return Plain(500, status.message());
  }
}

// Accepts one message type: 415 with Prometheus' words for any other.
std::optional<Response> RefuseType(std::string_view content_type) {
  const auto type = ParseRemoteWriteType(content_type);
  if (!type.ok()) return Plain(415, type.status().message());
  if (*type == RemoteWriteMessage::kVersion1) return std::nullopt;
  return Plain(415, fmt::format("{} protobuf message is not accepted by this server; only accepts "
                                "{}",
                                RemoteWriteMessageName(*type),
                                RemoteWriteMessageName(RemoteWriteMessage::kVersion1)));
}

// The order of the checks is Prometheus': senders and their tests see which one fails first.
Response Write(const RouteCall& call) {
  const Request& request = call.request;
  const std::string_view encoding = request.Header("content-encoding");
  if (!encoding.empty() && encoding != "snappy") {
    return Plain(415, fmt::format("{} encoding (compression) is not accepted by this server; only "
                                  "snappy is acceptable",
                                  encoding));
  }
  const uint64_t limit_bytes = call.context.options.max_write_bytes;
  if (request.body.size() > limit_bytes) {
    return Plain(413, fmt::format("request body exceeds the {} bytes limit", limit_bytes));
  }
  thread_local Buffers buffers;
  buffers.Trim();
  RemoteWriteLimits limits;
  limits.max_decoded_bytes = limit_bytes;
  Status decoded = DecompressRemoteWrite(request.body, limits, &buffers.scratch);
  if (!decoded.ok()) return Plain(400, decoded.message());
  if (auto refused = RefuseType(request.Header("content-type"))) return *std::move(refused);
  RemoteWriteSkipped skipped;
  decoded = ParseWriteRequest1(buffers.scratch, limits, &buffers.batch, &skipped);
  if (!decoded.ok()) return Plain(400, decoded.message());
  CountSkipped(skipped, call.context.env.metrics);
  auto summary = call.context.appender.Append(buffers.batch);
  if (!summary.ok()) return FromStatus(summary.status());
  if (summary->rolled_back) return RefusalText(buffers.batch, *summary);
  Response response;
  response.status = 204;
  response.content_type.clear();
  return response;
}

constexpr Route kRoutes[] = {
    {"/api/v1/write", "POST", Lane::kWrite, &Write},
};

}  // namespace

std::span<const Route> WriteRoutes() { return kRoutes; }

}  // namespace thermocline
