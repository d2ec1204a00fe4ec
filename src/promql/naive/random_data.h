// Random data for the comparison of the engine with the naive evaluator.
#pragma once

#include <random>

#include "promql/naive/values.h"

namespace thermocline::promql::naive {

// Where all random samples lie: [0, kDataEndMs].
inline constexpr TimestampMs kDataEndMs = 30 * kMinuteMs;

// Series in label order, about every 15 s a sample, with gaps, stale markers, resets, NaN and
// infinities, start timestamps, and histograms of every kind: floats a, b (gauges), c_total
// (counters), u (distinct values), h_bucket (classic histograms, one with a native one beside it
// and one without a bound), t (with instance and job) and its target_info and build_info, s (with
// __type__ and __unit__); histograms e (exponential), n (custom buckets), g (gauges), x (mixed with
// floats).
Matrix RandomData(std::mt19937_64* random);

}  // namespace thermocline::promql::naive
