// Remote read: the samples of selections, as one message or as a stream of chunks.
// Source: Prometheus' storage/remote/read_handler.go.
#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <numeric>
#include <utility>

#include "codec/compression.h"
#include "server/call_budget.h"
#include "server/piece_sender.h"
#include "wire/read_request.h"
#include "wire/read_response.h"

namespace thermocline {
namespace {

// How much of a selection is decoded at once.
constexpr size_t kFirstSeries = 16;
constexpr size_t kMostSeries = 1024;
constexpr size_t kSamplesAtOnce = 1 << 18;

Response Plain(int status, std::string_view text) {
  Response response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = fmt::format("{}\n", text);
  if (status == 503) response.headers.emplace_back("Retry-After", "5");
  return response;
}

// As for queries, but that a limit is the asker's fault: 400 is what Prometheus answers.
Response FromStatus(const Status& status) {
  switch (status.code()) {
    case Code::kInvalidArgument:
    case Code::kOutOfRange: return Plain(400, status.message());
    case Code::kCancelled: return Plain(499, status.message());
    case Code::kDeadlineExceeded:
    case Code::kUnavailable:
    case Code::kResourceExhausted: return Plain(503, status.message());
    default: return Plain(500, status.message());
  }
}

// Whether the client calls itself a Prometheus that knows chunks with start timestamps: encodings 4
// to 6 are all there from 3.14 on. Nothing in the protocol tells.
bool KnowsStartTimestamps(const Request& request) {
  constexpr std::string_view kName = "Prometheus/";
  std::string_view agent = request.Header("user-agent");
  if (!agent.starts_with(kName)) return false;
  agent.remove_prefix(kName.size());
  int major = 0;
  int minor = 0;
  const char* const end = agent.data() + agent.size();
  const auto first = std::from_chars(agent.data(), end, major);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != '.') return false;
  const auto second = std::from_chars(first.ptr + 1, end, minor);
  if (second.ec != std::errc()) return false;
  return major > 3 || (major == 3 && minor >= 14);
}

uint64_t BytesOf(const SeriesBatch& batch) {
  return batch.timestamps_ms.size() * (sizeof(TimestampMs) + sizeof(double)) +
         batch.histograms.size() * sizeof(Histogram);
}

// One remote read while it runs.
class RunningRead {
 public:
  RunningRead(const RouteCall& call, Response head)
      : call_(call),
        sender_(call, std::move(head)),
        budget_(BudgetOf(call, [this] { return sender_.excused_ns(); })) {}

  PieceSender& sender() { return sender_; }
  QueryBudget& budget() { return budget_; }

  Result<std::unique_ptr<SeriesSet>> Select(const ReadQuery& query) {
    SelectRequest select;
    select.matchers = query.matchers;
    select.range = query.range;
    select.hints.sorted = true;
    select.hints.step_ms = query.step_ms;
    select.hints.range_ms = query.range_ms;
    select.hints.function = query.function;
    select.budget = &budget_;
    return call_.context.storage.Select(select);
  }

  // Calls `take` (a Status of labels, batch and the series' place in it) with each series of `set`,
  // in its order.
  template <typename Take>
  Status ForEach(const SeriesSet& set, const Take& take) {
    size_t at_once = kFirstSeries;
    for (size_t first = 0; first < set.series_count();) {
      RETURN_IF_ERROR(budget_.Check());
      std::vector<uint32_t> wanted(std::min(at_once, set.series_count() - first));
      std::iota(wanted.begin(), wanted.end(), static_cast<uint32_t>(first));
      SeriesBatch batch;
      RETURN_IF_ERROR(set.Read(wanted, &batch));
      const uint64_t bytes = BytesOf(batch);
      RETURN_IF_ERROR(budget_.Charge(bytes));
      for (size_t i = 0; i < wanted.size(); ++i) {
        if (batch.offsets[i + 1] == batch.offsets[i]) continue;
        RETURN_IF_ERROR(take(set.labels(wanted[i]), batch, i));
      }
      budget_.Release(bytes);
      first += wanted.size();
      const size_t samples = std::max<size_t>(1, batch.timestamps_ms.size());
      at_once = std::clamp<size_t>(kSamplesAtOnce * wanted.size() / samples, 1, kMostSeries);
    }
    return {};
  }

 private:
  const RouteCall& call_;
  PieceSender sender_;
  QueryBudget budget_;
};

// What selects nothing in Prometheus: no matcher at all, or no time.
bool IsNothing(const ReadQuery& query) { return query.matchers.empty() || query.range.empty(); }

Status AddSamples(const ReadQuery& query, uint64_t max_samples, RunningRead* read,
                  std::string* response) {
  std::string result;
  uint64_t charged = 0;
  // A copy of the text is made twice: into the response, and compressed.
  const auto charge = [&] {
    const Status status = read->budget().Charge(3 * (result.size() - charged));
    charged = result.size();
    return status;
  };
  if (!IsNothing(query)) {
    ASSIGN_OR_RETURN(const auto set, read->Select(query));
    if (query.function == "series") {
      SeriesBatch none;
      none.offsets = {0, 0};
      for (size_t i = 0; i < set->series_count(); ++i) {
        if ((i & 1023) == 0) RETURN_IF_ERROR(read->budget().Check());
        AppendReadSeries(set->labels(i), none, 0, &result);
        RETURN_IF_ERROR(charge());
      }
    } else {
      uint64_t samples = 0;
      RETURN_IF_ERROR(read->ForEach(
          *set, [&](const Labels& labels, const SeriesBatch& batch, size_t i) -> Status {
            samples += batch.offsets[i + 1] - batch.offsets[i];
            if (max_samples != 0 && samples > max_samples) {
              return Status::OutOfRange(fmt::format("exceeded sample limit ({})", max_samples));
            }
            AppendReadSeries(labels, batch, i, &result);
            return charge();
          }));
    }
  }
  AppendReadResult(result, response);
  return {};
}

Response ReadSamples(const RouteCall& call, const ReadRequest& request) {
  Response response;
  response.content_type = "application/x-protobuf";
  response.headers.emplace_back("Content-Encoding", "snappy");
  response.compressible = false;
  RunningRead read(call, Response());
  std::string message;
  for (const ReadQuery& query : request.queries) {
    const Status status = AddSamples(query, call.context.options.read_max_samples, &read, &message);
    if (!status.ok()) return FromStatus(status);
  }
  SnappyEncode(message, &response.body);
  return response;
}

Status StreamChunks(const RouteCall& call, const ReadRequest& request, RunningRead* read,
                    std::string* text) {
  const bool with_starts = KnowsStartTimestamps(call.request);
  for (size_t index = 0; index < request.queries.size(); ++index) {
    ReadQuery query = request.queries[index];
    if (IsNothing(query)) continue;
    // Chunks are sent whatever the caller wants them for.
    if (query.function == "series") query.function.clear();
    ASSIGN_OR_RETURN(const auto set, read->Select(query));
    RETURN_IF_ERROR(
        read->ForEach(*set, [&](const Labels& labels, SeriesBatch& batch, size_t i) -> Status {
          if (!with_starts) batch.start_timestamps_ms.clear();
          RETURN_IF_ERROR(AppendChunkFrames(labels, batch, i, index,
                                            call.context.options.read_max_frame_bytes, text));
          return read->sender().Offer(text);
        }));
  }
  return {};
}

Response ReadChunks(const RouteCall& call, const ReadRequest& request) {
  Response head;
  head.content_type = "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";
  head.compressible = false;
  RunningRead read(call, std::move(head));
  std::string text;
  const Status status = StreamChunks(call, request, &read, &text);
  if (status.ok()) return read.sender().Finish(std::move(text));
  Response failure = read.sender().Fail(FromStatus(status));
  if (failure.sent) {
    call.context.env.logger.Log(LogLevel::kWarn, "server", "A remote read broke off",
                                {{"error", status.ToString()}});
  }
  return failure;
}

Response Read(const RouteCall& call) {
  const auto request = DecodeReadRequest(call.request.body, ReadRequestLimits());
  if (!request.ok()) return Plain(400, request.status().message());
  return request->response_type == ReadResponseType::kSamples ? ReadSamples(call, *request)
                                                              : ReadChunks(call, *request);
}

constexpr Route kRoutes[] = {
    {"/api/v1/read", "POST", Lane::kRead, &Read},
};

}  // namespace

std::span<const Route> ReadRoutes() { return kRoutes; }

}  // namespace thermocline
