#pragma once

#include <atomic>

#include "env/random.h"

namespace thermocline {

// Seeded once by the kernel; not for secrets.
class PosixRandom final : public Random {
 public:
  PosixRandom();
  uint64_t Next() override;

 private:
  std::atomic<uint64_t> state_;
};

}  // namespace thermocline
