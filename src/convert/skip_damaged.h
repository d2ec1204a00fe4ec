// A source whose damaged series are left out of answers and counted.
#pragma once

#include <memory>

#include "convert/source.h"

namespace thermocline {

// For layouts that cannot pass over a single chunk: a series of which anything cannot be read has
// no samples, and stands in damage() with the reason. What fails otherwise still fails.
std::unique_ptr<Source> SkipDamagedSeries(std::unique_ptr<Source> source);

}  // namespace thermocline
