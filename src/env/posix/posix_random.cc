#include "env/posix/posix_random.h"

#include <sys/random.h>

#include "base/check.h"

namespace thermocline {

PosixRandom::PosixRandom() {
  uint64_t seed = 0;
  CHECK(::getrandom(&seed, sizeof(seed), 0) == sizeof(seed));
  state_ = seed;
}

// splitmix64: one atomic add, so threads never see the same state.
uint64_t PosixRandom::Next() {
  constexpr uint64_t kStep = 0x9E3779B97F4A7C15ull;
  uint64_t z = state_.fetch_add(kStep, std::memory_order_relaxed) + kStep;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

}  // namespace thermocline
