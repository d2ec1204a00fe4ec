// What this processor has beyond x86-64-v2. Asked once per call site, kernels are chosen by it.
#pragma once

namespace thermocline::columnar {

// AVX2 and BMI2 kernels may run. Old AMD processors have a slow pext/pdep; they only lose speed.
inline bool HasAvx2() {
  static const bool has = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
  return has;
}

inline bool HasPclmul() {
  static const bool has = __builtin_cpu_supports("pclmul");
  return has;
}

}  // namespace thermocline::columnar
