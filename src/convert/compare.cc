#include "convert/compare.h"

#include <fmt/core.h>

#include <bit>
#include <memory>
#include <numeric>
#include <utility>

#include "convert/series_walk.h"

namespace thermocline {
namespace {

// One source's series in label order, with a read-ahead of samples.
class Side {
 public:
  explicit Side(std::unique_ptr<SeriesSet> set) : set_(std::move(set)) {}

  // Moves to the next series with samples.
  Status Next() {
    while (true) {
      if (++at_ >= held_) {
        if (next_ >= set_->series_count()) {
          done_ = true;
          return Status::Ok();
        }
        RETURN_IF_ERROR(ReadMore());
      }
      if (!batch_.times(at_).empty()) break;
    }
    labels_ = set_->labels(first_ + at_);
    return Status::Ok();
  }
  bool done() const { return done_; }
  const Labels& labels() const { return labels_; }
  const SeriesBatch& batch() const { return batch_; }
  size_t begin() const { return batch_.offsets[at_]; }
  size_t end() const { return batch_.offsets[at_ + 1]; }

 private:
  Status ReadMore() {
    if (held_ > 0) size_.Saw(held_, batch_.timestamps_ms.size());
    first_ = next_;
    held_ = std::min(size_.series(), set_->series_count() - next_);
    next_ += held_;
    at_ = 0;
    std::vector<uint32_t> indexes(held_);
    std::iota(indexes.begin(), indexes.end(), static_cast<uint32_t>(first_));
    return set_->Read(indexes, &batch_);
  }

  const std::unique_ptr<SeriesSet> set_;
  ReadSize size_;
  SeriesBatch batch_;
  Labels labels_;
  size_t first_ = 0;  // of the set, what batch_ begins with
  size_t held_ = 0;
  size_t at_ = SIZE_MAX;  // in batch_; Next wraps it to 0
  size_t next_ = 0;
  bool done_ = false;
};

TimestampMs StartOf(const SeriesBatch& batch, size_t i) {
  return batch.start_timestamps_ms.empty() ? 0 : batch.start_timestamps_ms[i];
}

std::string SampleText(const SeriesBatch& batch, size_t i) {
  std::string text;
  if (const Histogram* const h = batch.histogram(i); h != nullptr) {
    text = fmt::format("histogram schema {} count {} sum {:016x}", h->schema,
                       h->is_float() ? h->float_count : static_cast<double>(h->count),
                       std::bit_cast<uint64_t>(h->sum));
  } else {
    text = fmt::format("{} ({:016x})", batch.values[i], std::bit_cast<uint64_t>(batch.values[i]));
  }
  if (const TimestampMs start = StartOf(batch, i); start != 0) {
    text += fmt::format(" start {}", start);
  }
  return text;
}

bool SameValue(const SeriesBatch& a, size_t i, const SeriesBatch& b, size_t j) {
  const Histogram* const left = a.histogram(i);
  const Histogram* const right = b.histogram(j);
  if ((left == nullptr) != (right == nullptr)) return false;
  if (left != nullptr) return SameBuckets(*left, *right);
  return std::bit_cast<uint64_t>(a.values[i]) == std::bit_cast<uint64_t>(b.values[j]);
}

class Comparer {
 public:
  explicit Comparer(const CompareOptions& options) : options_(options) {}

  void OnlyIn(const Side& side, bool is_a) {
    ++(is_a ? found_.series_only_a : found_.series_only_b);
    Note("{}: only in {}, {} samples", side.labels().ToString(), is_a ? "A" : "B",
         side.end() - side.begin());
  }

  void Both(const Side& a, const Side& b) {
    ++found_.series;
    const uint64_t before = Wrong();
    size_t i = a.begin();
    size_t j = b.begin();
    while (i < a.end() || j < b.end()) {
      const TimestampMs left = i < a.end() ? a.batch().timestamps_ms[i] : kMaxTimestampMs;
      const TimestampMs right = j < b.end() ? b.batch().timestamps_ms[j] : kMaxTimestampMs;
      if (j == b.end() || (i < a.end() && left < right)) {
        ++found_.samples_only_a;
        Note("{} @{}: only in A: {}", a.labels().ToString(), left, SampleText(a.batch(), i++));
      } else if (i == a.end() || right < left) {
        ++found_.samples_only_b;
        Note("{} @{}: only in B: {}", b.labels().ToString(), right, SampleText(b.batch(), j++));
      } else {
        const bool value = SameValue(a.batch(), i, b.batch(), j);
        const bool start = StartOf(a.batch(), i) == StartOf(b.batch(), j);
        if (value && !start) ++found_.samples_other_start;
        if (value && (start || options_.ignore_starts)) {
          ++found_.samples;
        } else {
          ++found_.samples_differing;
          Note("{} @{}: A {}, B {}", a.labels().ToString(), left, SampleText(a.batch(), i),
               SampleText(b.batch(), j));
        }
        ++i;
        ++j;
      }
    }
    if (Wrong() > before) ++found_.series_differing;
  }

  Comparison Take() { return std::move(found_); }

 private:
  uint64_t Wrong() const {
    return found_.samples_only_a + found_.samples_only_b + found_.samples_differing;
  }
  template <typename... Args>
  void Note(fmt::format_string<Args...> format, Args&&... args) {
    if (found_.differences.size() >= options_.differences_kept) return;
    found_.differences.push_back(fmt::format(format, std::forward<Args>(args)...));
  }

  const CompareOptions options_;
  Comparison found_;
};

}  // namespace

Result<Comparison> Compare(const Queryable& a, const Queryable& b, const SelectRequest& request,
                           const CompareOptions& options) {
  SelectRequest sorted = request;
  sorted.hints.sorted = true;
  ASSIGN_OR_RETURN(auto set_a, a.Select(sorted));
  ASSIGN_OR_RETURN(auto set_b, b.Select(sorted));
  return CompareSets(std::move(set_a), std::move(set_b), options);
}

Result<Comparison> CompareSets(std::unique_ptr<SeriesSet> a, std::unique_ptr<SeriesSet> b,
                               const CompareOptions& options) {
  Side left(std::move(a));
  Side right(std::move(b));
  RETURN_IF_ERROR(left.Next());
  RETURN_IF_ERROR(right.Next());
  Comparer comparer(options);
  while (!left.done() || !right.done()) {
    const auto order = left.done()    ? std::strong_ordering::greater
                       : right.done() ? std::strong_ordering::less
                                      : left.labels() <=> right.labels();
    if (order < 0) {
      comparer.OnlyIn(left, true);
    } else if (order > 0) {
      comparer.OnlyIn(right, false);
    } else {
      comparer.Both(left, right);
    }
    if (order <= 0) RETURN_IF_ERROR(left.Next());
    if (order >= 0) RETURN_IF_ERROR(right.Next());
  }
  return comparer.Take();
}

}  // namespace thermocline
