#include "convert/named_files.h"

#include <gtest/gtest.h>

#include "convert/gateway_place.h"
#include "convert/inputs.h"
#include "env/simulated/simulated_env.h"

namespace thermocline {
namespace {

TEST(NamedFiles, JoinsThePathToAFileAndElsePutsItBefore) {
  SimulatedEnv env;
  env.files.PutFile("/a/chunks/000001", "x");
  env.files.PutFile("/a/0.chunks.parquet", "x");
  env.files.PutFile("/a/cold/samples/b.parquet", "x");
  env.files.PutFile("chunks/chunks/000001", "x");
  const auto with = [&](const std::string& path, std::string_view message) {
    return WithPath(env.files, path, message);
  };
  EXPECT_EQ(with("/a", "chunks/000001: offset 5: bad"), "/a/chunks/000001: offset 5: bad");
  EXPECT_EQ(with("/a/", "chunks/000001: offset 5: bad"), "/a/chunks/000001: offset 5: bad");
  EXPECT_EQ(with("chunks", "chunks/000001: bad"), "chunks/chunks/000001: bad");
  EXPECT_EQ(with("/a", "0.chunks.parquet column 'x' page"), "/a/0.chunks.parquet column 'x' page");
  EXPECT_EQ(with("/a", "samples/b.parquet: bad"), "/a/cold/samples/b.parquet: bad");
  EXPECT_EQ(with("/a", "chunks/000002: bad"), "/a: chunks/000002: bad");
  EXPECT_EQ(with("/a", "cold block x is damaged"), "/a: cold block x is damaged");
  EXPECT_EQ(with("/a", "holds no blocks"), "/a: holds no blocks");
  EXPECT_EQ(with("/a", "/ab: bad"), "/a: /ab: bad");
  EXPECT_EQ(with("/a", ""), "/a: ");
  // Named already.
  EXPECT_EQ(with("/a", "open /a/chunks/000001: denied"), "open /a/chunks/000001: denied");
  EXPECT_EQ(with("/a/", "/a: not a folder"), "/a: not a folder");
}

TEST(NamedFiles, EqualPathsArePlainlyEqual) {
  for (const char* path : {"/a/b", "/a/b/", "/a//b", "/a/./b", "/a/c/../b", "/a/b/."}) {
    EXPECT_EQ(PlainPath(path), "/a/b") << path;
  }
  EXPECT_NE(PlainPath("a/b"), PlainPath("/a/b"));
  EXPECT_EQ(PlainPath("/"), "/");
}

TEST(GatewayPlace, AStreamIsFoundByTheNameOfItsFolder) {
  SimulatedEnv env;
  for (const char* folder : {"/b/123", "/b/stream", "/b/0", "7"}) {
    env.files.PutFile(std::string(folder) + "/stream.pb", "x");
  }
  const auto bucket = GatewayAt(env.files, "/b");
  ASSERT_TRUE(bucket.ok());
  EXPECT_EQ(bucket->bucket, "/b");
  EXPECT_FALSE(bucket->stream.has_value());
  for (const auto& [path, root, hash] :
       {std::tuple("/b/123", "/b", 123), {"/b/123/", "/b", 123}, {"7", ".", 7}}) {
    const auto stream = GatewayAt(env.files, path);
    ASSERT_TRUE(stream.ok()) << stream.status().ToString();
    EXPECT_EQ(stream->bucket, root);
    EXPECT_EQ(stream->stream, static_cast<uint64_t>(hash));
  }
  EXPECT_EQ(GatewayAt(env.files, "/b/stream").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(GatewayAt(env.files, "/b/0").status().code(), Code::kInvalidArgument);
}

TEST(GatewayPlace, ATargetHoldsNothingButStreamsAndDays) {
  SimulatedEnv env;
  EXPECT_TRUE(CheckGatewayTarget(env.files, "/b").ok());
  env.files.PutFile("/b/123/stream.pb", "x");
  env.files.PutFile("/b/0/2023-11-15/0.labels.parquet", "x");
  env.files.PutFile("/b/2023-11-15/meta.pb", "x");
  env.files.PutFile("/b/2023/11/15/meta.pb", "x");
  env.files.PutFile("/b/.hidden", "x");
  EXPECT_TRUE(CheckGatewayTarget(env.files, "/b").ok());
  env.files.PutFile("/b/01DXXFZDYD1MQW6079WK0K6EDQ/meta.json", "x");
  const Status mixed = CheckGatewayTarget(env.files, "/b");
  EXPECT_EQ(mixed.code(), Code::kAlreadyExists);
  EXPECT_NE(mixed.message().find("01DXXFZDYD1MQW6079WK0K6EDQ"), std::string_view::npos);
  env.files.PutFile("/c/123", "x");
  EXPECT_EQ(CheckGatewayTarget(env.files, "/c").code(), Code::kAlreadyExists);
}

}  // namespace
}  // namespace thermocline
