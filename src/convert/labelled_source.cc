#include "convert/labelled_source.h"

#include <algorithm>
#include <utility>

#include "convert/series_views.h"
#include "convert/wrapped.h"
#include "model/exemplar.h"

namespace thermocline {
namespace {

class LabelledSource final : public WrappedSource {
 public:
  LabelledSource(std::unique_ptr<Source> source, Labels labels)
      : WrappedSource(std::move(source)), labels_(std::move(labels)) {}

  Result<std::unique_ptr<SeriesSet>> Select(const SelectRequest& request) const override {
    SelectRequest below = request;
    // The series that are listed first are not the first ones any more.
    below.hints.limit = 0;
    if (!Answer(&below.matchers)) return MergeSeriesSets({}, request);
    ASSIGN_OR_RETURN(auto set, source_->Select(below));
    return LabelledSeries::Make(std::move(set), labels_);
  }

  Result<std::vector<std::string>> LabelNames(const LabelRequest& request) const override {
    ASSIGN_OR_RETURN(const LabelRequest below, Below(request));
    if (Nothing(request, below)) return std::vector<std::string>();
    ASSIGN_OR_RETURN(std::vector<std::string> names, source_->LabelNames(below));
    if (names.empty()) return names;
    for (const LabelPair& pair : labels_) names.emplace_back(pair.name);
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    if (request.limit != 0 && names.size() > request.limit) names.resize(request.limit);
    return names;
  }

  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               const LabelRequest& request) const override {
    ASSIGN_OR_RETURN(const LabelRequest below, Below(request));
    if (Nothing(request, below)) return std::vector<std::string>();
    const std::string_view own = labels_.Get(name);
    if (own.empty()) return source_->LabelValues(name, below);
    ASSIGN_OR_RETURN(const auto names, source_->LabelNames(below));
    if (names.empty()) return std::vector<std::string>();
    return std::vector<std::string>{std::string(own)};
  }

  Result<std::vector<SeriesExemplars>> Exemplars(const ExemplarRequest& request) const override {
    ExemplarRequest below = request;
    std::erase_if(below.matcher_sets, [this](std::vector<Matcher>& set) { return !Answer(&set); });
    if (!request.matcher_sets.empty() && below.matcher_sets.empty()) {
      return std::vector<SeriesExemplars>();
    }
    ASSIGN_OR_RETURN(auto all, source_->Exemplars(below));
    LayOver(labels_, &all);
    PutInOrder(request.range, &all);
    return all;
  }
  std::string Describe() const override {
    return source_->Describe() + "with " + labels_.ToString() + "\n";
  }

 private:
  // Takes out the matchers of labels_; false when one of them refuses.
  bool Answer(std::vector<Matcher>* matchers) const {
    for (const Matcher& matcher : *matchers) {
      const std::string_view value = labels_.Get(matcher.name());
      if (!value.empty() && !matcher.Matches(value)) return false;
    }
    std::erase_if(*matchers,
                  [this](const Matcher& matcher) { return !labels_.Get(matcher.name()).empty(); });
    return true;
  }
  // The request without the sets of matchers that labels_ refuse.
  Result<LabelRequest> Below(const LabelRequest& request) const {
    LabelRequest below = request;
    below.limit = 0;
    std::erase_if(below.matcher_sets, [this](std::vector<Matcher>& set) { return !Answer(&set); });
    return below;
  }
  static bool Nothing(const LabelRequest& request, const LabelRequest& below) {
    return !request.matcher_sets.empty() && below.matcher_sets.empty();
  }

  const Labels labels_;
};

}  // namespace

std::unique_ptr<Source> WithLabels(std::unique_ptr<Source> source, Labels labels) {
  return std::make_unique<LabelledSource>(std::move(source), std::move(labels));
}

}  // namespace thermocline
