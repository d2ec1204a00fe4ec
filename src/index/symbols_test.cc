#include "index/symbols.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

namespace thermocline {
namespace {

TEST(SymbolTable, GivesEqualTextsOneNumber) {
  SymbolTable table;
  const SymbolId a = table.Acquire("a");
  const SymbolId b = table.Acquire("b");
  EXPECT_NE(a, b);
  EXPECT_EQ(table.Acquire("a"), a);
  EXPECT_EQ(table.Find("b"), b);
  EXPECT_EQ(table.Find("c"), kNoSymbol);
  EXPECT_EQ(table.Text(a), "a");
  EXPECT_EQ(table.size(), 2u);
  EXPECT_EQ(table.Text(table.Acquire("")), "");
}

TEST(SymbolTable, KeepsLongTexts) {
  SymbolTable table;
  for (const size_t length : {254, 255, 256, 20000, 200000}) {
    const std::string text(length, 'x');
    EXPECT_EQ(table.Text(table.Acquire(text)), text);
  }
}

TEST(SymbolTable, ForgetsATextAfterItsLastReference) {
  SymbolTable table;
  const SymbolId a = table.Acquire("a");
  table.Acquire("a");
  table.Release(a);
  EXPECT_EQ(table.Find("a"), a);
  table.Release(a);
  EXPECT_EQ(table.Find("a"), kNoSymbol);
  EXPECT_EQ(table.size(), 0u);
  EXPECT_EQ(table.Acquire("b"), a) << "numbers are reused";
}

TEST(SymbolTable, GivesMemoryBackAfterCompact) {
  SymbolTable table;
  std::vector<SymbolId> ids;
  for (int i = 0; i < 100000; ++i) ids.push_back(table.Acquire("value-" + std::to_string(i)));
  const uint64_t full = table.memory_bytes();
  // One in a hundred stays, spread over every chunk.
  for (size_t i = 0; i < ids.size(); ++i) {
    if (i % 100 != 0) table.Release(ids[i]);
  }
  table.Compact();
  EXPECT_LT(table.memory_bytes(), full / 2);
  for (size_t i = 0; i < ids.size(); i += 100) {
    EXPECT_EQ(table.Text(ids[i]), "value-" + std::to_string(i));
    EXPECT_EQ(table.Find("value-" + std::to_string(i)), ids[i]);
  }
}

TEST(SymbolTable, AgreesWithAMapUnderRandomUse) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  SymbolTable table;
  std::map<std::string, std::pair<SymbolId, int>> oracle;
  for (int round = 0; round < 30000; ++round) {
    const std::string text = std::to_string(random() % 3000) + std::string(random() % 3, '.');
    const auto it = oracle.find(text);
    if (random() % 2 == 0) {
      const SymbolId id = table.Acquire(text);
      if (it == oracle.end()) {
        oracle[text] = {id, 1};
      } else {
        ASSERT_EQ(id, it->second.first);
        ++it->second.second;
      }
    } else if (it != oracle.end()) {
      table.Release(it->second.first);
      if (--it->second.second == 0) oracle.erase(it);
    }
    if (round % 5000 == 4999) table.Compact();
  }
  EXPECT_EQ(table.size(), oracle.size());
  for (const auto& [text, entry] : oracle) {
    ASSERT_EQ(table.Find(text), entry.first);
    ASSERT_EQ(table.Text(entry.first), text);
  }
}

}  // namespace
}  // namespace thermocline
