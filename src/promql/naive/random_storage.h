// Series in memory as the source of queries.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/queryable.h"
#include "promql/naive/values.h"

namespace thermocline::promql::naive {

// A Queryable of series as they are, reset hints included.
class RandomStorage : public Queryable {
 public:
  explicit RandomStorage(Matrix series) : series_(std::move(series)) {}

  Result<std::unique_ptr<SeriesSet>> Select(const SelectRequest& request) const override;
  // None: queries do not ask for them.
  Result<std::vector<std::string>> LabelNames(const LabelRequest&) const override;
  Result<std::vector<std::string>> LabelValues(std::string_view,
                                               const LabelRequest&) const override;
  Result<std::vector<BatchMetadata>> Metadata(const MetadataRequest&) const override;

 private:
  class Set;
  const Matrix series_;
};

}  // namespace thermocline::promql::naive
