// The calling thread's share of the processors.
#pragma once

namespace thermocline {

// From here on the calling thread, and threads that it starts, get the processor after others that
// want it. Best effort; there is no way back.
void LowerThreadPriority();

}  // namespace thermocline
