#include "server/query_trace.h"

#include <fmt/core.h>

#include <utility>

#include "wire/json.h"

namespace thermocline {
namespace {

// Adds what a selection counted to what its query counts.
void AddTo(const ReadCounters& from, ReadCounters* to) {
  const auto add = [](const std::atomic<uint64_t>& more, std::atomic<uint64_t>* sum) {
    sum->fetch_add(more.load());
  };
  add(from.blocks_considered, &to->blocks_considered);
  add(from.blocks_skipped_by_time, &to->blocks_skipped_by_time);
  add(from.blocks_skipped_by_index, &to->blocks_skipped_by_index);
  add(from.pages_considered, &to->pages_considered);
  add(from.pages_skipped, &to->pages_skipped);
  add(from.pages_read, &to->pages_read);
  add(from.requests, &to->requests);
  add(from.bytes_read, &to->bytes_read);
  add(from.rows_read, &to->rows_read);
  add(from.head_series, &to->head_series);
  add(from.head_samples, &to->head_samples);
  add(from.cold_series, &to->cold_series);
  add(from.cold_samples, &to->cold_samples);
}

std::string TiersOf(const ReadCounters& c) {
  const uint64_t skipped = c.blocks_skipped_by_time.load() + c.blocks_skipped_by_index.load();
  return fmt::format(
      R"({{"head":{{"series":{},"samples":{}}},"cold":{{"series":{},"samples":{},)"
      R"("files":{{"considered":{},"skippedByTime":{},"skippedByIndex":{},"read":{}}},)"
      R"("pages":{{"considered":{},"skippedByIndex":{},"read":{}}},)"
      R"("requests":{},"bytesRead":{},"rowsRead":{}}}}})",
      c.head_series.load(), c.head_samples.load(), c.cold_series.load(), c.cold_samples.load(),
      c.blocks_considered.load(), c.blocks_skipped_by_time.load(), c.blocks_skipped_by_index.load(),
      c.blocks_considered.load() - skipped, c.pages_considered.load(), c.pages_skipped.load(),
      c.pages_read.load(), c.requests.load(), c.bytes_read.load(), c.rows_read.load());
}

// Without the brace at the end.
std::string NodeBegin(int64_t duration_ns, std::string_view message) {
  std::string json =
      fmt::format(R"({{"duration_msec":{:.3f},"message":)", static_cast<double>(duration_ns) / 1e6);
  AppendJsonText(&json, message);
  return json;
}

std::string SelectorText(const std::vector<Matcher>& matchers) {
  std::string text = "{";
  for (const Matcher& matcher : matchers) {
    if (text.size() > 1) text += ", ";
    text += matcher.ToString();
  }
  return text + "}";
}

}  // namespace

class QueryTrace::TracedSet final : public SeriesSet {
 public:
  TracedSet(std::unique_ptr<SeriesSet> set, Selection* selection, const Clock& clock)
      : set_(std::move(set)), selection_(*selection), clock_(clock) {}
  ~TracedSet() override {
    // The source may count until it goes.
    set_.reset();
    if (selection_.asked != nullptr) AddTo(selection_.counters, selection_.asked);
  }
  TracedSet(const TracedSet&) = delete;
  TracedSet& operator=(const TracedSet&) = delete;

  size_t series_count() const override { return set_->series_count(); }
  SeriesId id(size_t series) const override { return set_->id(series); }
  Labels labels(size_t series) const override { return set_->labels(series); }
  Status Read(std::span<const uint32_t> series, SeriesBatch* out) const override {
    const int64_t started_ns = clock_.SteadyNs();
    const Status status = set_->Read(series, out);
    selection_.reading_ns += clock_.SteadyNs() - started_ns;
    ++selection_.reads;
    selection_.samples += out->timestamps_ms.size();
    return status;
  }
  bool has_encoded() const override { return set_->has_encoded(); }
  Status ReadEncoded(std::span<const uint32_t> series, EncodedBatch* out) const override {
    return set_->ReadEncoded(series, out);
  }
  const std::vector<std::string>& warnings() const override { return set_->warnings(); }

 private:
  std::unique_ptr<SeriesSet> set_;
  Selection& selection_;
  const Clock& clock_;
};

QueryTrace::Selection* QueryTrace::Begin(const SelectRequest& request) const {
  const MutexLock lock(mutex_);
  Selection& selection = selections_.emplace_back();
  selection.selector = SelectorText(request.matchers);
  selection.range = request.range;
  selection.asked = request.counters;
  selection.started_ns = clock_.SteadyNs();
  return &selection;
}

Result<std::unique_ptr<SeriesSet>> QueryTrace::Select(const SelectRequest& request) const {
  Selection* selection = Begin(request);
  SelectRequest traced = request;
  traced.counters = &selection->counters;
  auto set = storage_.Select(traced);
  selection->listing_ns = clock_.SteadyNs() - selection->started_ns;
  if (!set.ok()) return set.status();
  selection->series = (*set)->series_count();
  return std::unique_ptr<SeriesSet>(
      std::make_unique<TracedSet>(*std::move(set), selection, clock_));
}

Result<std::optional<uint64_t>> QueryTrace::TryCount(const SelectRequest& request,
                                                     TimestampMs at_ms, int64_t lookback_ms) const {
  Selection* selection = Begin(request);
  auto count = storage_.TryCount(request, at_ms, lookback_ms);
  selection->listing_ns = clock_.SteadyNs() - selection->started_ns;
  selection->counted = true;
  if (count.ok() && *count) selection->series = **count;
  return count;
}

std::string QueryTrace::SelectionJson(const Selection& selection) const {
  const std::string what = fmt::format(
      "{} {} from {} to {}: {} series", selection.counted ? "count by the index" : "select",
      selection.selector, selection.range.start_ms, selection.range.end_ms, selection.series);
  std::string json = NodeBegin(selection.listing_ns + selection.reading_ns.load(), what);
  if (selection.counted) return json + '}';
  json += R"(,"children":[)" + NodeBegin(selection.listing_ns, "find the series") + "},";
  json += NodeBegin(selection.reading_ns.load(),
                    fmt::format("read {} samples in {} reads, times of all threads added",
                                selection.samples.load(), selection.reads.load()));
  return json + R"(}],"tiers":)" + TiersOf(selection.counters) + '}';
}

std::string QueryTrace::Json(std::string_view message, int64_t sending_ns) const {
  const int64_t now_ns = clock_.SteadyNs();
  const MutexLock lock(mutex_);
  std::string json = NodeBegin(now_ns - started_ns_, message) + R"(,"children":[)";
  if (selections_.empty()) {
    json += NodeBegin(now_ns - started_ns_ - sending_ns, "parse, plan and evaluate");
  } else {
    const int64_t planned_ns = selections_.front().started_ns;
    json += NodeBegin(planned_ns - started_ns_, "parse and plan") + "},";
    json += NodeBegin(now_ns - planned_ns - sending_ns, "evaluate") + R"(,"children":[)";
    for (const Selection& selection : selections_) {
      json += (json.back() == '[' ? "" : ",") + SelectionJson(selection);
    }
    json += ']';
  }
  json += '}';
  if (sending_ns > 0) json += ',' + NodeBegin(sending_ns, "wait for the client") + '}';
  return json + "]}";
}

}  // namespace thermocline
