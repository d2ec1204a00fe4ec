// Marks what the shared library gives to programs; everything else in it is hidden.
#pragma once

#if defined(__GNUC__)
#define THERMOCLINE_API [[gnu::visibility("default")]]
#else
#define THERMOCLINE_API
#endif
