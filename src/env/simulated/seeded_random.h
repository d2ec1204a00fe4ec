#pragma once

#include <atomic>

#include "env/random.h"

namespace thermocline {

// splitmix64 (Steele, Lea, Flood 2014): the sequence is fixed by the seed. Threads: safe.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}
  uint64_t Next() override {
    uint64_t z = state_.fetch_add(0x9E3779B97F4A7C15ull) + 0x9E3779B97F4A7C15ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }
  // In [0, bound); `bound` > 0.
  uint64_t Below(uint64_t bound) { return Next() % bound; }

 private:
  std::atomic<uint64_t> state_;
};

}  // namespace thermocline
