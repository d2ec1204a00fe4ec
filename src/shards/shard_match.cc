// Matchers to rows: page bounds first, then dictionaries, then codes.
#include <algorithm>
#include <optional>

#include "columnar/bloom_filter.h"
#include "shards/shard.h"

namespace thermocline::shards {

using columnar::PagedFileIndex;

namespace {

// All matchers on one label; a row passes when its value passes each.
struct Constraint {
  struct Test {
    const Matcher* matcher = nullptr;
    std::optional<std::vector<std::string>> literals;
  };
  std::vector<Test> tests;
  uint32_t leaf = 0;
  bool takes_empty = true;
  std::vector<RowRange> sure;  // rows that pass, as the page index alone tells
  std::vector<RowRange> open;  // rows that may pass: their pages have to be read
  uint64_t bytes = 0;          // of those pages

  bool Passes(std::string_view value) const {
    return std::all_of(tests.begin(), tests.end(),
                       [&](const Test& test) { return test.matcher->Matches(value); });
  }
};

// Whether a page of values from `min` to `max`, some of them perhaps NULL, may hold a row that
// passes.
bool MayPass(const Constraint::Test& test, std::string_view min, std::string_view max,
             bool may_hold_null) {
  const Matcher& matcher = *test.matcher;
  if (matcher.MatchesEmpty()) {
    // Nothing but a missing label passes `=""`.
    return matcher.type() != MatchType::kEqual || may_hold_null || min.empty();
  }
  if (matcher.negative()) return true;
  if (test.literals) {
    return std::any_of(test.literals->begin(), test.literals->end(),
                       [&](const std::string& value) { return min <= value && value <= max; });
  }
  const std::string_view prefix = matcher.prefix();
  return min.substr(0, prefix.size()) <= prefix && prefix <= max;
}

bool AcceptsAnything(const Matcher& matcher) {
  return matcher.type() == MatchType::kRegex && matcher.value() == ".*";
}

void Append(RowRange rows, std::vector<RowRange>* out) {
  if (!out->empty() && out->back().end() == rows.first) {
    out->back().count += rows.count;
  } else {
    out->push_back(rows);
  }
}

// What the page index says of a constraint's rows, within `rows`.
void JudgePages(const PagedFileIndex& index, std::span<const RowRange> rows,
                Constraint* constraint) {
  const columnar::ColumnEntry& entry = index.entry(constraint->leaf);
  std::string_view last;  // a constant, and what was found of it
  bool passes = false;
  VisitPages(*entry.layout, rows, [&](uint32_t page, RowRange held) {
    const PageValues values = ValuesOf(entry, page);
    if (values.constant) {
      if (values.min.empty()) {
        passes = constraint->takes_empty;
      } else if (values.min != last) {
        passes = constraint->Passes(values.min);
      }
      last = values.min;
      if (passes) Append(held, &constraint->sure);
      return;
    }
    const auto may_pass = [&](const Constraint::Test& test) {
      return !values.bounded || MayPass(test, values.min, values.max, values.may_hold_null);
    };
    if (std::all_of(constraint->tests.begin(), constraint->tests.end(), may_pass)) {
      Append(held, &constraint->open);
    }
  });
}

// Appends the rows of one page whose value passes. Every distinct value is tried once: verdicts
// are kept per dictionary, whose codes the runs are.
class PageFilter {
 public:
  explicit PageFilter(const Constraint& constraint) : constraint_(constraint) {}

  void Filter(const columnar::ColumnVector& page, RowRange held, std::vector<RowRange>* out) {
    const bool dictionary = page.values.data() != page.own_values.data();
    if (!dictionary || page.values.data() != values_) {
      values_ = page.values.data();
      verdicts_.assign(page.values.size(), kUnknown);
    }
    uint64_t row = held.first;
    for (const columnar::CodeRun& run : page.runs) {
      if (Passes(page, run.code)) Append({row, run.count}, out);
      row += run.count;
    }
  }

 private:
  static constexpr uint8_t kUnknown = 2;

  bool Passes(const columnar::ColumnVector& page, uint32_t code) {
    if (code == columnar::kNullCode) return constraint_.takes_empty;
    uint8_t& verdict = verdicts_[code];
    if (verdict == kUnknown) verdict = constraint_.Passes(page.values[code]) ? 1 : 0;
    return verdict == 1;
  }

  const Constraint& constraint_;
  const std::string_view* values_ = nullptr;
  std::vector<uint8_t> verdicts_;
};

}  // namespace

class RowMatcher {
 public:
  RowMatcher(const Shard& shard, ShardReads* reads) : shard_(shard), reads_(reads) {}

  Result<std::vector<RowRange>> Run(const std::vector<Matcher>& matchers) {
    if (!Collect(matchers)) return std::vector<RowRange>();
    rows_ = {{0, index().rows()}};
    if (index().rows() == 0) rows_.clear();
    for (size_t i = 0; i < constraints_.size() && !rows_.empty(); ++i) {
      JudgePages(index(), rows_, &constraints_[i]);
      rows_ = columnar::IntersectRows(rows_, Candidates(constraints_[i]));
    }
    if (!rows_.empty() && DropDecided()) RETURN_IF_ERROR(AskBlooms());
    while (!rows_.empty() && DropDecided()) RETURN_IF_ERROR(Round());
    return std::move(rows_);
  }

 private:
  const PagedFileIndex& index() const {
    return static_cast<const PagedFileIndex&>(*shard_.labels().index);
  }

  // Rows that are not known to fail.
  static std::vector<RowRange> Candidates(const Constraint& constraint) {
    if (constraint.open.empty()) return constraint.sure;
    if (constraint.sure.empty()) return constraint.open;
    std::vector<RowRange> rows = constraint.sure;
    rows.insert(rows.end(), constraint.open.begin(), constraint.open.end());
    return columnar::NormalizeRows(std::move(rows));
  }

  // Sorts matchers by label. False when one can be answered without columns, and with no.
  bool Collect(const std::vector<Matcher>& matchers) {
    for (const Matcher& matcher : matchers) {
      if (AcceptsAnything(matcher)) continue;
      const std::string_view external = shard_.external().Get(matcher.name());
      const LabelColumn* column = shard_.columns().FindLabel(matcher.name());
      if (!external.empty() || column == nullptr) {
        if (!matcher.Matches(external)) return false;
        continue;
      }
      Constraint& constraint = ConstraintOf(column->leaf);
      constraint.tests.push_back({&matcher, matcher.LiteralValues()});
      constraint.takes_empty &= matcher.MatchesEmpty();
    }
    return true;
  }

  Constraint& ConstraintOf(uint32_t leaf) {
    for (Constraint& constraint : constraints_) {
      if (constraint.leaf == leaf) return constraint;
    }
    Constraint& fresh = constraints_.emplace_back();
    fresh.leaf = leaf;
    return fresh;
  }

  // Drops constraints that need no page of the rows that are left; whether some do.
  bool DropDecided() {
    std::erase_if(constraints_, [&](Constraint& constraint) {
      constraint.open = columnar::IntersectRows(rows_, constraint.open);
      return constraint.open.empty();
    });
    return !constraints_.empty();
  }

  // A row group of which a filter may say that none of a constraint's values is in it.
  struct BloomQuestion {
    Constraint* constraint = nullptr;
    uint32_t group = 0;
    RowRange rows;
    std::vector<std::string_view> any_of;
    bool may_contain = true;
    columnar::ReadStats stats;
  };

  std::vector<BloomQuestion> BloomQuestions() {
    std::vector<BloomQuestion> questions;
    for (Constraint& constraint : constraints_) {
      // A missing label stands in no filter.
      const auto listed = std::find_if(constraint.tests.begin(), constraint.tests.end(),
                                       [](const Constraint::Test& test) {
                                         return test.literals && !test.matcher->MatchesEmpty();
                                       });
      if (listed == constraint.tests.end() ||
          FetchBytes(index(), {constraint.leaf, constraint.open}) <=
              shard_.options().bloom_worth_bytes) {
        continue;
      }
      const columnar::PageLayout& layout = *index().entry(constraint.leaf).layout;
      for (uint32_t group = 0; group < index().row_groups(); ++group) {
        const uint64_t first = layout.first_row[layout.group_begin[group]];
        const RowRange rows{first, layout.first_row[layout.group_begin[group + 1]] - first};
        if (columnar::IntersectRows(constraint.open, {&rows, 1}).empty() ||
            !columnar::HasBloomFilter(index(), constraint.leaf, group)) {
          continue;
        }
        questions.push_back({&constraint, group, rows, {}, true, {}});
        questions.back().any_of.assign(listed->literals->begin(), listed->literals->end());
      }
    }
    return questions;
  }

  Status AskBlooms() {
    std::vector<BloomQuestion> questions = BloomQuestions();
    if (questions.empty()) return Status::Ok();
    RETURN_IF_ERROR(reads_->Check());
    const auto ask = [&](size_t i) -> Status {
      BloomQuestion& one = questions[i];
      ASSIGN_OR_RETURN(one.may_contain,
                       columnar::MayContain(*shard_.labels().object, index(), one.constraint->leaf,
                                            one.group, one.any_of, &one.stats));
      return Status::Ok();
    };
    if (reads_->executor != nullptr) {
      ++reads_->rounds;
      RETURN_IF_ERROR(ParallelFor(*reads_->executor, questions.size(), ask));
    } else {
      reads_->rounds += questions.size();
      for (size_t i = 0; i < questions.size(); ++i) RETURN_IF_ERROR(ask(i));
    }
    for (const BloomQuestion& one : questions) {
      reads_->stats.Add(one.stats);
      if (one.may_contain) continue;
      const std::vector<RowRange> others = {{0, one.rows.first},
                                            {one.rows.end(), index().rows() - one.rows.end()}};
      one.constraint->open = columnar::IntersectRows(one.constraint->open, others);
    }
    for (const Constraint& constraint : constraints_) {
      rows_ = columnar::IntersectRows(rows_, Candidates(constraint));
    }
    return Status::Ok();
  }

  // Reads and applies the cheapest constraints, at least one; all of them the second time.
  Status Round() {
    for (Constraint& constraint : constraints_) {
      constraint.bytes = FetchBytes(index(), {constraint.leaf, constraint.open});
    }
    std::stable_sort(constraints_.begin(), constraints_.end(),
                     [](const Constraint& a, const Constraint& b) { return a.bytes < b.bytes; });
    size_t count = 0;
    uint64_t bytes = 0;
    std::vector<ColumnRows> wanted;
    for (const Constraint& constraint : constraints_) {
      bytes += constraint.bytes;
      if (first_round_ && count > 0 && bytes > shard_.options().filter_round_bytes) break;
      wanted.push_back({constraint.leaf, constraint.open});
      ++count;
    }
    first_round_ = false;
    ++reads_->rounds;
    RETURN_IF_ERROR(reads_->Check());
    ASSIGN_OR_RETURN(const auto fetch,
                     shard_.labels().Fetch(wanted, shard_.options().fetch, &reads_->stats));
    for (size_t slot = 0; slot < count && !rows_.empty(); ++slot) {
      RETURN_IF_ERROR(Apply(constraints_[slot], *fetch, slot));
    }
    constraints_.erase(constraints_.begin(), constraints_.begin() + static_cast<ptrdiff_t>(count));
    return Status::Ok();
  }

  Status Apply(const Constraint& constraint, const PageFetch& fetch, size_t slot) {
    PageFilter filter(constraint);
    std::vector<RowRange> passing;
    columnar::ColumnVector page;
    size_t next = 0;  // ranges of rows_ that end before the page are done
    for (size_t i = 0; i < fetch.page_count(slot); ++i) {
      const RowRange held = fetch.page_rows(slot, i);
      while (next < rows_.size() && rows_[next].end() <= held.first) ++next;
      // An earlier constraint may have emptied the page.
      if (next == rows_.size()) break;
      if (rows_[next].first >= held.end()) continue;
      RETURN_IF_ERROR(reads_->Check());
      RETURN_IF_ERROR(fetch.Decode(slot, i, decoder_, &page));
      reads_->stats.rows_decoded += held.count;
      filter.Filter(page, held, &passing);
    }
    if (!constraint.sure.empty()) {
      passing.insert(passing.end(), constraint.sure.begin(), constraint.sure.end());
      passing = columnar::NormalizeRows(std::move(passing));
    }
    rows_ = columnar::IntersectRows(rows_, passing);
    return Status::Ok();
  }

  const Shard& shard_;
  ShardReads* const reads_;
  std::vector<Constraint> constraints_;
  std::vector<RowRange> rows_;
  columnar::PageDecoder decoder_;
  bool first_round_ = true;
};

Result<std::vector<RowRange>> Shard::Match(const std::vector<Matcher>& matchers,
                                           ShardReads* reads) const {
  return RowMatcher(*this, reads).Run(matchers);
}

}  // namespace thermocline::shards
