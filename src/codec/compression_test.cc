#include "codec/compression.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace thermocline {
namespace {

using Decode = Status (*)(std::string_view, uint64_t, std::string*);

struct Format {
  const char* name;
  Decode decode;
  std::string (*encode)(const std::string&);
};

const Format kFormats[] = {
    {"snappy", &SnappyDecode,
     [](const std::string& text) {
       std::string out;
       SnappyEncode(text, &out);
       return out;
     }},
    {"gzip", &GzipDecode,
     [](const std::string& text) {
       std::string out;
       GzipEncode(text, 1, &out);
       return out;
     }},
    {"zstd",
     [](std::string_view bytes, uint64_t limit, std::string* out) {
       return ZstdDecode(bytes, limit, out);
     },
     [](const std::string& text) {
       std::string out;
       ZstdEncode(text, 3, &out);
       return out;
     }},
};

std::vector<std::string> Texts() {
  std::mt19937 random(7);
  std::string noise(100000, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  return {"", "a", std::string(1000000, 'x'), noise, noise + std::string(50000, 'y')};
}

TEST(Compression, ReturnsWhatWentIn) {
  for (const Format& format : kFormats) {
    std::string out = "what was there before";
    for (const std::string& text : Texts()) {
      const Status status = format.decode(format.encode(text), text.size(), &out);
      ASSERT_TRUE(status.ok()) << format.name << " " << text.size() << ": " << status.ToString();
      EXPECT_EQ(out, text) << format.name;
    }
  }
}

TEST(Compression, RefusesMoreThanTheLimit) {
  for (const Format& format : kFormats) {
    std::string out;
    for (const std::string& text : Texts()) {
      if (text.empty()) continue;
      const Status status = format.decode(format.encode(text), text.size() - 1, &out);
      EXPECT_EQ(status.code(), Code::kResourceExhausted) << format.name << " " << text.size();
    }
  }
}

TEST(Compression, RefusesEveryTruncationAndSurvivesDamage) {
  std::mt19937 random(11);
  for (const Format& format : kFormats) {
    const std::string text = "some text, some text, some other text and some text again";
    const std::string good = format.encode(text);
    std::string out;
    for (size_t size = 0; size < good.size(); ++size) {
      const Status status = format.decode(std::string_view(good).substr(0, size), 1 << 20, &out);
      EXPECT_EQ(status.code(), Code::kCorruption) << format.name << " cut at " << size;
    }
    for (int round = 0; round < 3000; ++round) {
      std::string bad = good;
      bad[random() % bad.size()] ^= static_cast<char>(1 + random() % 255);
      if (format.decode(bad, 1 << 16, &out).ok()) {
        EXPECT_LE(out.size(), size_t{1} << 16);
      }
    }
  }
}

TEST(Compression, DoesNotBelieveALargeSnappyPreamble) {
  std::string out;
  const std::string lie("\x80\x80\x80\x08\x00", 5);  // claims 16 MiB
  EXPECT_EQ(SnappyDecode(lie, 32 << 20, &out).code(), Code::kCorruption);
  EXPECT_LT(out.capacity(), size_t{1} << 20);
}

TEST(Compression, JoinsGzipMembersAndZstdFrames) {
  for (const Format& format : {kFormats[1], kFormats[2]}) {
    std::string out;
    ASSERT_TRUE(
        format.decode(format.encode("ab") + format.encode("") + format.encode("cd"), 100, &out)
            .ok());
    EXPECT_EQ(out, "abcd") << format.name;
  }
}

}  // namespace
}  // namespace thermocline
