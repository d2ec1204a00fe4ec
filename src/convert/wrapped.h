// Sets and sources that answer as another one does but for what a class of their own changes.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "convert/source.h"
#include "model/exemplar.h"
#include "model/queryable.h"

namespace thermocline {

class WrappedSeries : public SeriesSet {
 public:
  explicit WrappedSeries(std::unique_ptr<SeriesSet> set) : set_(std::move(set)) {}

  size_t series_count() const override { return set_->series_count(); }
  SeriesId id(size_t series) const override { return set_->id(series); }
  Labels labels(size_t series) const override { return set_->labels(series); }
  Status Read(std::span<const uint32_t> series, SeriesBatch* out) const override {
    return set_->Read(series, out);
  }
  bool has_encoded() const override { return set_->has_encoded(); }
  Status ReadEncoded(std::span<const uint32_t> series, EncodedBatch* out) const override {
    return set_->ReadEncoded(series, out);
  }
  const std::vector<std::string>& warnings() const override { return set_->warnings(); }

 protected:
  const std::unique_ptr<SeriesSet> set_;
};

// TryCount is not among them: what it answers depends on labels and samples that may be changed.
class WrappedSource : public Source {
 public:
  explicit WrappedSource(std::unique_ptr<Source> source) : source_(std::move(source)) {}

  Result<std::unique_ptr<SeriesSet>> Select(const SelectRequest& request) const override {
    return source_->Select(request);
  }
  Result<std::vector<std::string>> LabelNames(const LabelRequest& request) const override {
    return source_->LabelNames(request);
  }
  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               const LabelRequest& request) const override {
    return source_->LabelValues(name, request);
  }
  Result<std::vector<BatchMetadata>> Metadata(const MetadataRequest& request) const override {
    return source_->Metadata(request);
  }
  Result<std::vector<SeriesExemplars>> Exemplars(const ExemplarRequest& request) const override {
    return source_->Exemplars(request);
  }
  SourceLayout layout() const override { return source_->layout(); }
  TimeRange range() const override { return source_->range(); }
  std::string Describe() const override { return source_->Describe(); }
  SourceDamage damage() const override { return source_->damage(); }

 protected:
  const std::unique_ptr<Source> source_;
};

}  // namespace thermocline
