// A source seen with labels that all its series are said to have.
#pragma once

#include <memory>

#include "convert/source.h"
#include "model/labels.h"

namespace thermocline {

// `labels` are laid over the own labels of every series, as Thanos does with external labels; an
// own label of the same name is hidden. Selecting is InvalidArgument when two series become one by
// that. Memory: a select holds the label sets of its series.
std::unique_ptr<Source> WithLabels(std::unique_ptr<Source> source, Labels labels);

}  // namespace thermocline
