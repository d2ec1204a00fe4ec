#include "server/search_parameters.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "model/labels.h"
#include "server/match_parameters.h"

namespace thermocline {
namespace {

constexpr size_t kMostTerms = 32;
// Longer than any name; the time of scoring grows with it.
constexpr size_t kMostTermBytes = 4096;

Status Refuse(std::string text) { return Status::InvalidArgument(std::move(text)); }

// As TimeParameter; the error does not name the parameter a second time.
Result<TimestampMs> PlainTime(const Parameters& parameters, std::string_view name,
                              TimestampMs absent) {
  const std::string_view text = parameters.Get(name);
  if (text.empty()) return absent;
  Result<TimestampMs> time = ParseTime(text);
  if (time.ok()) return time;
  return Refuse(fmt::format("invalid time value for '{}': {}", name, time.status().message()));
}

// A number above zero, `absent` when missing or empty.
Result<uint64_t> PositiveParameter(const Parameters& parameters, std::string_view name,
                                   uint64_t absent) {
  const std::string_view text = parameters.Get(name);
  if (text.empty()) return absent;
  const Result<uint64_t> value = LimitParameter(parameters, name);
  if (value.ok() && *value > 0) return *value;
  return Refuse(fmt::format("invalid {} {}: must be a positive integer", name, GoQuote(text)));
}

Status ParseTerms(const Parameters& parameters, NameFilterOptions* filter) {
  const std::vector<std::string_view> terms = parameters.GetAll("search[]");
  if (terms.size() > kMostTerms) {
    return Refuse(
        fmt::format("too many search[] terms: got {}, maximum is {}", terms.size(), kMostTerms));
  }
  for (const std::string_view term : terms) {
    if (term.size() > kMostTermBytes) {
      return Refuse(
          fmt::format("a search[] term has {} bytes, maximum is {}", term.size(), kMostTermBytes));
    }
    filter->terms.emplace_back(term);
  }
  if (const std::string_view text = parameters.Get("fuzz_threshold"); !text.empty()) {
    const Result<uint64_t> percent = LimitParameter(parameters, "fuzz_threshold");
    if (!percent.ok() || *percent > 100) {
      return Refuse(fmt::format("invalid fuzz_threshold {}: must be 0-100", GoQuote(text)));
    }
    filter->threshold = static_cast<double>(*percent) / 100.0;
  }
  if (const std::string_view name = parameters.Get("fuzz_alg"); !name.empty()) {
    const auto* found = std::ranges::find(kFuzzAlgorithms, name);
    if (found == std::end(kFuzzAlgorithms)) {
      return Refuse(fmt::format("unsupported fuzz_alg {}: must be one of [{}]", GoQuote(name),
                                fmt::join(kFuzzAlgorithms, " ")));
    }
    filter->algorithm = static_cast<FuzzAlgorithm>(found - std::begin(kFuzzAlgorithms));
  }
  ASSIGN_OR_RETURN(filter->case_sensitive, BoolParameter(parameters, "case_sensitive", true));
  return {};
}

// All of the order but whether sort_by has a value that is known.
Status CheckOrder(const Parameters& parameters, bool has_terms) {
  const std::string_view by = parameters.Get("sort_by");
  const std::string_view direction = parameters.Get("sort_dir");
  if (!direction.empty() && by.empty()) {
    return Refuse("sort_dir is only valid when sort_by is set");
  }
  if (!direction.empty() && by == "score") {
    return Refuse("sort_dir is not supported for sort_by=score");
  }
  if (!direction.empty() && direction != "asc" && direction != "dsc") {
    return Refuse(
        fmt::format(R"(invalid sort_dir {}: must be "asc" or "dsc")", GoQuote(direction)));
  }
  if (by == "score" && !has_terms) return Refuse("sort_by=score requires search[] to be set");
  return {};
}

Result<uint64_t> ParseLimit(const Parameters& parameters, uint64_t max_limit) {
  const uint64_t usual = SearchQuery().limit;
  const uint64_t absent = max_limit > 0 ? std::min(usual, max_limit) : usual;
  ASSIGN_OR_RETURN(const uint64_t limit, PositiveParameter(parameters, "limit", absent));
  if (max_limit > 0 && limit > max_limit) {
    return Refuse(
        fmt::format("limit {} exceeds the configured maximum ({}, see --web.search.max-limit)",
                    limit, max_limit));
  }
  return limit;
}

}  // namespace

Result<SearchQuery> ParseSearch(const Parameters& parameters, std::string_view endpoint,
                                TimestampMs now_ms, uint64_t max_limit) {
  SearchQuery query;
  ASSIGN_OR_RETURN(query.range.start_ms, PlainTime(parameters, "start", now_ms - kHourMs));
  ASSIGN_OR_RETURN(query.range.end_ms, PlainTime(parameters, "end", now_ms));
  if (query.range.empty()) return Refuse("end timestamp must not be before start timestamp");
  ASSIGN_OR_RETURN(query.matcher_sets, MatcherSetsOf(parameters));
  RETURN_IF_ERROR(ParseTerms(parameters, &query.filter));
  ASSIGN_OR_RETURN(query.include_score, BoolParameter(parameters, "include_score", false));
  RETURN_IF_ERROR(CheckOrder(parameters, !query.filter.terms.empty()));
  ASSIGN_OR_RETURN(query.limit, ParseLimit(parameters, max_limit));
  ASSIGN_OR_RETURN(query.batch_size, PositiveParameter(parameters, "batch_size", query.batch_size));
  const std::string_view by = parameters.Get("sort_by");
  if (by == "score") {
    query.order = NameOrder::kBestFirst;
  } else if (by == "alpha") {
    const bool down = parameters.Get("sort_dir") == "dsc";
    query.order = down ? NameOrder::kDescending : NameOrder::kAscending;
  } else if (!by.empty()) {
    return Refuse(fmt::format(R"(invalid sort_by {} for {}: must be "alpha" or "score")",
                              GoQuote(by), endpoint));
  }
  return query;
}

}  // namespace thermocline
