// Options of a conversion from their public form.
#pragma once

#include <thermocline/convert.h>

#include "convert/convert.h"

namespace thermocline::api {

// InvalidArgument for a layout that is not written.
thermocline::Result<thermocline::ConvertOptions> InnerOptions(const ConvertOptions& options);

}  // namespace thermocline::api
