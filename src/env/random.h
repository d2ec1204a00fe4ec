#pragma once

#include <cstdint>

namespace thermocline {

// Threads: safe. simulated/ gives a sequence fixed by its seed.
class Random {
 public:
  virtual ~Random() = default;
  virtual uint64_t Next() = 0;
};

}  // namespace thermocline
