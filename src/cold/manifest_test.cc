#include "cold/manifest.h"

#include <gtest/gtest.h>

#include "cold/tombstone.h"
#include "env/simulated/simulated_env.h"

namespace thermocline {
namespace {

BlockEntry Block(uint64_t n) {
  BlockEntry block;
  block.id = BlockId::Make(static_cast<int64_t>(1'700'000'000'000 + n), 7, n);
  block.range = {static_cast<int64_t>(n) * 1000, static_cast<int64_t>(n) * 1000 + 999};
  block.generation = static_cast<uint32_t>(n % 3);
  block.series = n;
  block.samples = n * 100;
  block.flushed = {{{0, 7'199'999}, Lsn(n)}};
  for (const BlockFileKind kind : {BlockFileKind::kSamples, BlockFileKind::kSeries}) {
    BlockFile file;
    file.kind = kind;
    file.key = std::string(FolderOf(kind)) + "/" + block.id.ToString() + ".parquet";
    file.size_bytes = 4000 + n;
    file.rows = n;
    file.file_hash = n * 0x1234567;
    file.tail = {300, n * 77};
    block.files.push_back(file);
  }
  return block;
}

Manifest Sample(uint64_t number) {
  Manifest manifest;
  manifest.number = number;
  manifest.writer_epoch = 3;
  manifest.label_columns.FindOrAdd("job");
  manifest.label_columns.FindOrAdd("value");
  for (uint64_t n = 1; n <= 4; ++n) {
    manifest.blocks.push_back(Block(n));
    for (const FlushMark& mark : manifest.blocks.back().flushed) manifest.AddMark(mark);
  }
  manifest.blocks[3].replaces = {BlockId::Make(5, 5, 5)};
  manifest.removed.push_back({BlockId::Make(9, 9, 9), 123, 456, {"series/x", "samples/x"}});
  return manifest;
}

TEST(Manifest, ComesBackAsItWas) {
  const Manifest manifest = Sample(12);
  const Result<Manifest> back = DecodeManifest(EncodeManifest(manifest));
  ASSERT_TRUE(back.ok()) << back.status().ToString();
  EXPECT_EQ(back->number, 12u);
  EXPECT_EQ(back->writer_epoch, 3u);
  EXPECT_EQ(back->blocks, manifest.blocks);
  EXPECT_EQ(back->removed, manifest.removed);
  EXPECT_EQ(back->flushed, manifest.flushed);
  EXPECT_EQ(back->flushed.size(), 1u);
  EXPECT_EQ(back->last_flushed_lsn, Lsn(4));
  EXPECT_TRUE(back->label_columns == manifest.label_columns);
}

TEST(Manifest, EveryFlippedByteAndEveryCutIsNoticed) {
  const std::string bytes = EncodeManifest(Sample(12));
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (const int bit : {1, 0x80, 0xff}) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ bit);
      EXPECT_FALSE(DecodeManifest(damaged).ok()) << "byte " << i;
    }
    EXPECT_FALSE(DecodeManifest(bytes.substr(0, i)).ok()) << "cut at " << i;
  }
  EXPECT_FALSE(DecodeManifest(bytes + '\0').ok());
}

TEST(Manifest, WhatCannotBeIsRefused) {
  Manifest twice = Sample(1);
  twice.blocks.push_back(twice.blocks.back());
  EXPECT_FALSE(twice.Validate().ok());
  Manifest climbing = Sample(1);
  climbing.blocks[0].files[0].key = "samples/../../../etc/passwd";
  EXPECT_FALSE(climbing.Validate().ok());
  Manifest days = Sample(1);
  days.blocks[0].range.end_ms = kDayMs;
  EXPECT_FALSE(days.Validate().ok());
  Manifest both = Sample(1);
  both.blocks[3].replaces = {both.blocks[0].id};
  EXPECT_FALSE(both.Validate().ok());
  Manifest stranger = Sample(1);
  stranger.blocks[0].tenant = TenantId("other");
  EXPECT_FALSE(stranger.Validate().ok());
  EXPECT_TRUE(Sample(1).Validate().ok());
}

TEST(Manifest, TheLastTwoAreKeptAndADamagedNewestFallsBack) {
  SimulatedEnv env;
  ASSERT_TRUE(env.files.CreateDirectories("cold").ok());
  ManifestFiles files(env.files, "cold");
  EXPECT_EQ(files.Load().status().code(), Code::kNotFound);
  for (uint64_t n = 1; n <= 5; ++n) ASSERT_TRUE(files.Install(Sample(n)).ok());
  EXPECT_EQ(*files.Numbers(), (std::vector<uint64_t>{4, 5}));
  Result<ManifestFiles::Loaded> loaded = files.Load();
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(loaded->manifest.number, 5u);
  EXPECT_TRUE(loaded->warnings.empty());
  env.files.PutFile(files.PathOf(5), "rubbish");
  loaded = files.Load();
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(loaded->manifest.number, 4u);
  EXPECT_EQ(loaded->warnings.size(), 1u);
  // A manifest under another's number is no better than rubbish.
  env.files.PutFile(files.PathOf(4), EncodeManifest(Sample(3)));
  EXPECT_EQ(files.Load().status().code(), Code::kCorruption);
}

TEST(Manifest, ATombstoneComesBackAndEveryFlipIsNoticed) {
  const Tombstone tombstone{BlockId::Make(1'700'000'000'000, 1, 2), 99};
  const std::string bytes = EncodeTombstone(tombstone);
  const Result<Tombstone> back = DecodeTombstone(bytes);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->block, tombstone.block);
  EXPECT_EQ(back->removed_at_ms, 99);
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x20);
    EXPECT_FALSE(DecodeTombstone(damaged).ok()) << i;
  }
}

}  // namespace
}  // namespace thermocline
