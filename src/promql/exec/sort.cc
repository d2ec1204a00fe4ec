#include "promql/exec/sort.h"

#include <algorithm>
#include <cmath>

#include "base/asking_sort.h"

namespace thermocline::promql {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The run of digits, or of anything else, that `text` starts with.
std::string_view TakeChunk(std::string_view* text) {
  size_t length = 1;
  const bool digits = IsDigit((*text)[0]);
  while (length < text->size() && IsDigit((*text)[length]) == digits) ++length;
  const std::string_view chunk = text->substr(0, length);
  text->remove_prefix(length);
  return chunk;
}

std::string_view WithoutZeros(std::string_view digits) {
  while (digits.size() > 1 && digits[0] == '0') digits.remove_prefix(1);
  return digits;
}

class SortOperator : public MatrixOperator {
 public:
  SortOperator(QueryContext& context, const PlanNode& call, const StepGrid& grid, VectorPtr source)
      : MatrixOperator(context, grid),
        call_(call),
        function_(As<Call>(*call.expr).function->function),
        source_(std::move(source)) {}

  Status Open() override {
    if (!grid_.alone) {
      context_.annotations().Warn(
          "sort is ineffective for range queries since results are always ordered by labels",
          {call_.position, call_.order});
    }
    RETURN_IF_ERROR(source_->Open());
    ASSIGN_OR_RETURN(result_, Materialize(context_, *source_, grid_.count));
    source_.reset();
    const bool by_value = function_ == Function::kSort || function_ == Function::kSortDesc;
    if (by_value && result_.has_histograms()) RETURN_IF_ERROR(DropHistograms());
    if (!grid_.alone) return Status::Ok();
    return by_value ? SortByValue(function_ == Function::kSortDesc)
                    : SortByLabels(function_ == Function::kSortByLabelDesc);
  }

 private:
  // Only floats have an order of values.
  Status DropHistograms() {
    for (Matrix::Row& row : result_.rows()) {
      std::replace(row.kinds, row.kinds + grid_.count, StepKind::kHistogram, StepKind::kAbsent);
    }
    result_.RemoveEmptyRows();
    return result_.HoldSamples();
  }

  // NaN comes last in both directions.
  Status SortByValue(bool descending) {
    const auto less = [descending](const Matrix::Row& a, const Matrix::Row& b) {
      if (std::isnan(a.values[0])) return false;
      if (std::isnan(b.values[0])) return true;
      return descending ? a.values[0] > b.values[0] : a.values[0] < b.values[0];
    };
    return SortAsking(&result_.rows(), less, [this] { return context_.Check(); });
  }

  Status SortByLabels(bool descending) {
    std::vector<std::string> names;
    for (size_t i = 1; i < call_.children.size(); ++i) {
      names.push_back(As<StringLiteral>(*call_.children[i]->expr).value);
    }
    const auto less = [&names](const Matrix::Row& a, const Matrix::Row& b) {
      for (const std::string& name : names) {
        const std::string_view left = a.labels.Get(name);
        const std::string_view right = b.labels.Get(name);
        if (left != right) return NaturalLess(left, right);
      }
      return a.labels < b.labels;
    };
    return SortAsking(
        &result_.rows(),
        [&](const Matrix::Row& a, const Matrix::Row& b) {
          return descending ? less(b, a) : less(a, b);
        },
        [this] { return context_.Check(); });
  }

  const PlanNode& call_;
  Function function_;
  VectorPtr source_;
};

}  // namespace

bool NaturalLess(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    const std::string_view left = TakeChunk(&a);
    const std::string_view right = TakeChunk(&b);
    if (IsDigit(left[0]) && IsDigit(right[0])) {
      const std::string_view left_number = WithoutZeros(left);
      const std::string_view right_number = WithoutZeros(right);
      if (left_number.size() != right_number.size()) {
        return left_number.size() < right_number.size();
      }
      if (left_number != right_number) return left_number < right_number;
    } else if (left != right) {
      return left < right;
    }
  }
  return a.empty() && !b.empty();
}

Result<VectorPtr> BuildSort(QueryContext& context, const PlanNode& call, const StepGrid& grid) {
  ASSIGN_OR_RETURN(VectorPtr source, BuildVector(context, *call.children[0], grid));
  return VectorPtr(std::make_unique<SortOperator>(context, call, grid, std::move(source)));
}

}  // namespace thermocline::promql
