// What holds of every conversion, on random blocks.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <memory>
#include <random>

#include "cold/cold_tier.h"
#include "convert/convert.h"
#include "convert/random_block.h"
#include "env/simulated/simulated_env.h"

namespace thermocline {
namespace {

constexpr TimeRange kAlways = {kMinTimestampMs, kMaxTimestampMs};
constexpr SourceLayout kLayouts[] = {SourceLayout::kParquetCommon, SourceLayout::kGateway,
                                     SourceLayout::kSamples};
constexpr int kRounds = 6;

// What a layout keeps of its inputs.
constexpr bool KeepsStarts(SourceLayout layout) { return layout == SourceLayout::kSamples; }

// The samples layout as a source, as app opens it by way of the store.
class TierSource final : public Source {
 public:
  explicit TierSource(std::unique_ptr<ColdTier> tier) : tier_(std::move(tier)) {}
  Result<std::unique_ptr<SeriesSet>> Select(const SelectRequest& request) const override {
    return tier_->Select(request);
  }
  Result<std::vector<std::string>> LabelNames(const LabelRequest& request) const override {
    return tier_->LabelNames(request);
  }
  Result<std::vector<std::string>> LabelValues(std::string_view name,
                                               const LabelRequest& request) const override {
    return tier_->LabelValues(name, request);
  }
  Result<std::vector<BatchMetadata>> Metadata(const MetadataRequest& request) const override {
    return tier_->Metadata(request);
  }
  SourceLayout layout() const override { return SourceLayout::kSamples; }
  TimeRange range() const override { return kAlways; }
  std::string Describe() const override { return ""; }

 private:
  const std::unique_ptr<ColdTier> tier_;
};

// One simulated machine with blocks in /blocks.
class Machine {
 public:
  Machine() {
    EXPECT_TRUE(env_.files.CreateDirectories("/out").ok());
    EXPECT_TRUE(env_.files.SyncDirectory("/").ok());
  }
  SimulatedFileSystem* files() { return &env_.files; }

  std::vector<ConvertInput> Open(const std::vector<std::string>& paths) {
    std::vector<ConvertInput> inputs;
    for (const std::string& path : paths) {
      const auto layout = RecogniseLayout(env_.files, path);
      EXPECT_TRUE(layout.ok()) << layout.status().ToString();
      auto places = FindInputs(env_.files, path, layout.value());
      EXPECT_TRUE(places.ok()) << places.status().ToString();
      for (InputPlace& place : *places) {
        auto source = OpenOne(place);
        EXPECT_TRUE(source.ok()) << place.path << ": " << source.status().ToString();
        opened_.push_back(*std::move(source));
        inputs.push_back({std::move(place), opened_.back().get()});
      }
    }
    return inputs;
  }
  Result<ConvertSummary> Run(const std::vector<std::string>& from, const std::string& to,
                             const ConvertOptions& options) {
    return Convert(env_.env(), Open(from), to, options, nullptr);
  }
  Truth Read(const std::vector<std::string>& paths, TimeRange range = kAlways) {
    std::vector<ConvertInput> inputs = Open(paths);
    OrderInputs(&inputs);
    std::vector<const Source*> sources;
    for (const ConvertInput& input : inputs) sources.push_back(input.source);
    auto truth = ReadTruth(JoinedInputs(sources), range);
    EXPECT_TRUE(truth.ok()) << truth.status().ToString();
    return truth.ok() ? *std::move(truth) : Truth{};
  }
  // Path below `folder` -> bytes.
  std::map<std::string, std::string> FilesBelow(const std::string& folder) {
    std::map<std::string, std::string> out;
    for (auto& [path, bytes] : env_.files.TakeImage()) {
      if (path.starts_with(folder + "/")) out[path.substr(folder.size())] = bytes;
    }
    return out;
  }

 private:
  Result<std::unique_ptr<Source>> OpenOne(const InputPlace& place) {
    if (place.layout != SourceLayout::kSamples) {
      return OpenSource(env_.files, nullptr, place.path, place.layout, {});
    }
    ColdTierOptions options;
    ASSIGN_OR_RETURN(options.directory, ColdDirectory(place.path, TenantId()));
    ColdOpenSummary summary;
    ASSIGN_OR_RETURN(auto tier, ColdTier::Open(options, env_.env(), /*writable=*/false, &summary));
    return std::unique_ptr<Source>(new TierSource(std::move(tier)));
  }

  SimulatedEnv env_;
  std::vector<std::unique_ptr<Source>> opened_;
};

std::string UlidOf(int i) { return "01DXXFZDYD1MQW6079WK0K6ED" + std::to_string(i); }

uint64_t NewSeed() { return std::random_device{}(); }

class ConvertPropertiesTest : public ::testing::Test {
 protected:
  // Some days around the epoch, long before it or now.
  static TimeRange RandomDays(RandomBlocks* random) {
    const TimestampMs begins[] = {-3 * kDayMs + 1, -40'000 * kDayMs, 0, 19'700 * kDayMs + 77};
    const TimestampMs begin = begins[random->Below(4)];
    return {begin, begin + static_cast<int64_t>(kHourMs + random->Below(4 * kDayMs))};
  }
  // Anything from tiny pieces to one.
  static ConvertOptions RandomOptions(SourceLayout layout, RandomBlocks* random) {
    ConvertOptions options;
    options.layout = layout;
    options.verify = random->OneIn(2);
    options.shards.row_group_rows = 1 + random->Below(30);
    options.shards.row_groups_per_shard = random->Below(4);
    options.shards.label_page_rows = static_cast<uint32_t>(1 + random->Below(10));
    options.shards.chunk_page_bytes = 1 + random->Below(2000);
    options.shards.samples_per_chunk = static_cast<uint32_t>(1 + random->Below(200));
    options.shards.column_ms = kHourMs + static_cast<int64_t>(random->Below(kDayMs));
    if (random->OneIn(2)) options.shards.sort_labels = {"zone", "pod"};
    options.samples.page_rows = 64u << random->Below(4);
    options.samples.row_group_rows = options.samples.page_rows * (1 + random->Below(4));
    options.samples.series_page_rows = 64;
    options.samples.dictionary_max_values = static_cast<uint32_t>(random->Below(30));
    return options;
  }
  static Truth WithoutStarts(Truth truth) {
    for (auto& [labels, points] : truth) {
      for (auto& [t, point] : points) point.start_ms = 0;
    }
    return truth;
  }
  static std::vector<std::string> Shuffled(std::vector<std::string> paths, RandomBlocks* random) {
    for (size_t i = paths.size(); i > 1; --i) std::swap(paths[i - 1], paths[random->Below(i)]);
    return paths;
  }
  static size_t CountOf(const Truth& truth) {
    size_t samples = 0;
    for (const auto& [labels, points] : truth) samples += points.size();
    return samples;
  }
};

TEST_F(ConvertPropertiesTest, ThereAndBackIsTheIdentityForEachPairOfLayouts) {
  for (int round = 0; round < kRounds; ++round) {
    const uint64_t seed = NewSeed();
    for (const SourceLayout first : kLayouts) {
      for (const SourceLayout second : kLayouts) {
        SCOPED_TRACE("seed " + std::to_string(seed) + ", " + std::string(LayoutName(first)) +
                     " then " + std::string(LayoutName(second)));
        RandomBlocks random(seed, {});
        Machine machine;
        Truth wanted = random.Put(machine.files(), "/blocks", UlidOf(1), RandomDays(&random));
        ASSERT_EQ(FirstDifference(wanted, machine.Read({"/blocks"})), "");
        const auto there = machine.Run({"/blocks"}, "/out/a", RandomOptions(first, &random));
        ASSERT_TRUE(there.ok()) << there.status().ToString();
        ASSERT_EQ(there->samples, CountOf(wanted));
        const auto back = machine.Run({"/out/a"}, "/out/b", RandomOptions(second, &random));
        ASSERT_TRUE(back.ok()) << back.status().ToString();
        if (!KeepsStarts(first)) wanted = WithoutStarts(std::move(wanted));
        ASSERT_EQ(FirstDifference(wanted, machine.Read({"/out/a"})), "");
        if (!KeepsStarts(second)) wanted = WithoutStarts(std::move(wanted));
        ASSERT_EQ(FirstDifference(wanted, machine.Read({"/out/b"})), "");
      }
    }
  }
}

TEST_F(ConvertPropertiesTest, OverlappingInputsAreMergedAndTheLastOneWins) {
  for (int round = 0; round < kRounds; ++round) {
    const uint64_t seed = NewSeed();
    for (const SourceLayout layout : kLayouts) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", " + std::string(LayoutName(layout)));
      RandomBlocks random(seed, {KeepsStarts(layout)});
      Machine machine;
      const TimeRange days = RandomDays(&random);
      std::vector<std::pair<std::string, Truth>> blocks;
      for (int i = 0; i < 4; ++i) {
        const std::string ulid = UlidOf(i);
        blocks.emplace_back(ulid, random.Put(machine.files(), "/blocks", ulid, days));
      }
      std::sort(blocks.begin(), blocks.end(), [&](const auto& a, const auto& b) {
        return std::pair(random.start_of(a.first), a.first) <
               std::pair(random.start_of(b.first), b.first);
      });
      Truth wanted;
      size_t all = 0;
      for (const auto& [ulid, truth] : blocks) {
        all += CountOf(truth);
        for (const auto& [labels, points] : truth) {
          for (const auto& [t, point] : points) wanted[labels][t] = point;
        }
      }
      EXPECT_LT(CountOf(wanted), all);  // equal times were drawn
      const auto summary = machine.Run({"/blocks"}, "/out/a", RandomOptions(layout, &random));
      ASSERT_TRUE(summary.ok()) << summary.status().ToString();
      EXPECT_EQ(summary->samples, CountOf(wanted));
      ASSERT_EQ(FirstDifference(wanted, machine.Read({"/out/a"})), "");
    }
  }
}

TEST_F(ConvertPropertiesTest, TheOrderOfInputsLeavesTheBytesAlone) {
  for (int round = 0; round < kRounds; ++round) {
    const uint64_t seed = NewSeed();
    for (const SourceLayout layout : kLayouts) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", " + std::string(LayoutName(layout)));
      std::map<std::string, std::string> wanted;
      for (uint64_t order = 0; order < 4; ++order) {
        // A machine each, so that clock and random numbers are the same.
        RandomBlocks random(seed, {KeepsStarts(layout)});
        Machine machine;
        const TimeRange days = RandomDays(&random);
        std::vector<std::string> paths;
        for (int i = 0; i < 4; ++i) {
          random.Put(machine.files(), "/blocks", UlidOf(i), days);
          paths.push_back("/blocks/" + UlidOf(i));
        }
        const ConvertOptions options = RandomOptions(layout, &random);
        RandomBlocks shuffle(order, {});
        const auto summary = machine.Run(Shuffled(paths, &shuffle), "/out/a", options);
        ASSERT_TRUE(summary.ok()) << summary.status().ToString();
        auto files = machine.FilesBelow("/out/a");
        ASSERT_FALSE(files.empty());
        if (order == 0)
          wanted = std::move(files);
        else
          ASSERT_TRUE(files == wanted) << order;
      }
    }
  }
}

TEST_F(ConvertPropertiesTest, TimeCutAtRandomPointsAndJoinedIsTheWhole) {
  for (int round = 0; round < kRounds; ++round) {
    const uint64_t seed = NewSeed();
    for (const SourceLayout layout : kLayouts) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", " + std::string(LayoutName(layout)));
      RandomBlocks random(seed, {KeepsStarts(layout)});
      Machine machine;
      const TimeRange days = RandomDays(&random);
      for (int i = 0; i < 2; ++i) random.Put(machine.files(), "/blocks", UlidOf(i), days);
      const Truth wanted = machine.Read({"/blocks"});
      std::vector<TimestampMs> cuts = {kMinTimestampMs, kMaxTimestampMs};
      for (uint64_t left = 1 + random.Below(4); left > 0; --left) {
        cuts.push_back(days.start_ms + static_cast<int64_t>(random.Below(
                                           static_cast<uint64_t>(days.end_ms - days.start_ms))));
      }
      std::sort(cuts.begin(), cuts.end());
      std::vector<std::string> parts;
      uint64_t samples = 0;
      for (size_t i = 0; i + 1 < cuts.size(); ++i) {
        ConvertOptions options = RandomOptions(layout, &random);
        options.range = {cuts[i], i + 2 == cuts.size() ? kMaxTimestampMs : cuts[i + 1] - 1};
        const std::string part = "/out/part" + std::to_string(i);
        const auto summary = machine.Run({"/blocks"}, part, options);
        if (!summary.ok() && summary.status().code() == Code::kNotFound) continue;
        ASSERT_TRUE(summary.ok()) << summary.status().ToString();
        samples += summary->samples;
        parts.push_back(part);
      }
      EXPECT_EQ(samples, CountOf(wanted));
      parts = Shuffled(parts, &random);
      ASSERT_EQ(FirstDifference(wanted, machine.Read(parts)), "");
      const auto joined = machine.Run(parts, "/out/joined", RandomOptions(layout, &random));
      ASSERT_TRUE(joined.ok()) << joined.status().ToString();
      ASSERT_EQ(FirstDifference(wanted, machine.Read({"/out/joined"})), "");
    }
  }
}

}  // namespace
}  // namespace thermocline
