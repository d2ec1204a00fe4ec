// Series that a program gives, as a Source.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include <thermocline/samples.h>

#include "convert/source.h"

namespace thermocline::api {

// Replaces the batch with the samples of a series; safe to call from several threads at once.
using MakeSamples = std::function<thermocline::Status(size_t series, SampleBatch* out)>;

// InvalidArgument when two series have the same labels.
thermocline::Result<std::unique_ptr<thermocline::Source>> NewMadeSource(
    std::vector<thermocline::Labels> labels, MakeSamples make);

}  // namespace thermocline::api
