// Keeps writers out of a folder while it is read, without writing to it.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "env/file_system.h"

namespace thermocline {

// Shares the lock file with others that read; FileSystem::Lock of a writer fails meanwhile. Null
// when there is no such file: nobody ever wrote there. Errors: Unavailable (a writer holds it; the
// message names it), PermissionDenied, Io.
Result<std::unique_ptr<FileLock>> LockForReading(const std::string& path);

}  // namespace thermocline
