#include "server/body_pipe.h"

#include <gtest/gtest.h>

#include <atomic>

#include "codec/compression.h"
#include "env/background_thread.h"
#include "server/body_writer.h"

namespace thermocline {
namespace {

using Next = BodyPipe::Next;

TEST(BodyPipe, PiecesComeOutInOrderAndThenTheEnd) {
  BodyPipe pipe(100, 1'000);
  std::string piece;
  EXPECT_EQ(pipe.Take(&piece), Next::kLater);
  ASSERT_TRUE(pipe.Write("one").ok());
  ASSERT_TRUE(pipe.Write("").ok());
  ASSERT_TRUE(pipe.Write("two").ok());
  pipe.End(true);
  pipe.End(false);  // too late
  ASSERT_EQ(pipe.Take(&piece), Next::kPiece);
  EXPECT_EQ(piece, "one");
  ASSERT_EQ(pipe.Take(&piece), Next::kPiece);
  EXPECT_EQ(piece, "two");
  EXPECT_EQ(pipe.Take(&piece), Next::kWhole);
}

TEST(BodyPipe, CallsBackOnceWhenThereIsNews) {
  BodyPipe pipe(100, 1'000);
  int calls = 0;
  pipe.WhenReady([&calls] { ++calls; });
  EXPECT_EQ(calls, 0);
  ASSERT_TRUE(pipe.Write("").ok());
  EXPECT_EQ(calls, 0);
  ASSERT_TRUE(pipe.Write("x").ok());
  ASSERT_TRUE(pipe.Write("y").ok());
  EXPECT_EQ(calls, 1);
  pipe.WhenReady([&calls] { ++calls; });  // at once
  EXPECT_EQ(calls, 2);
}

TEST(BodyPipe, AFullPipeWaitsForTheConsumer) {
  BodyPipe pipe(10, 60'000);
  ASSERT_TRUE(pipe.Write("0123456789").ok());
  std::atomic<bool> written{false};
  Status status = Status::Internal("not run");
  {
    BackgroundThread producer("producer", [&] {
      status = pipe.Write("more");
      written.store(true);
    });
    EXPECT_FALSE(written.load());
    std::string piece;
    ASSERT_EQ(pipe.Take(&piece), Next::kPiece);
  }
  EXPECT_TRUE(status.ok());
  std::string piece;
  ASSERT_EQ(pipe.Take(&piece), Next::kPiece);
  EXPECT_EQ(piece, "more");
}

TEST(BodyPipe, AConsumerThatTakesNothingIsGivenUp) {
  BodyPipe pipe(1, 20);
  ASSERT_TRUE(pipe.Write("x").ok());
  EXPECT_EQ(pipe.Write("y").code(), Code::kDeadlineExceeded);
}

TEST(BodyPipe, DroppingItEndsBothSides) {
  BodyPipe pipe(1, 60'000);
  ASSERT_TRUE(pipe.Write("x").ok());
  Status status;
  {
    BackgroundThread producer("producer", [&] { status = pipe.Write("y"); });
    pipe.Drop();
  }
  EXPECT_EQ(status.code(), Code::kCancelled);
  std::string piece;
  EXPECT_EQ(pipe.Take(&piece), Next::kBroken);
  int calls = 0;
  pipe.WhenReady([&calls] { ++calls; });
  EXPECT_EQ(calls, 1);
}

std::string TakeAll(BodyPipe& pipe, Next* end) {
  std::string all;
  std::string piece;
  while ((*end = pipe.Take(&piece)) == Next::kPiece) all += piece;
  return all;
}

TEST(BodyWriter, FinishesABodyOrBreaksItOff) {
  for (const bool whole : {true, false}) {
    const auto pipe = std::make_shared<BodyPipe>(1 << 20, 1'000);
    {
      BodyWriter writer(pipe, false, {});
      ASSERT_TRUE(writer.Write("some ").ok());
      ASSERT_TRUE(writer.Write("text").ok());
      if (whole) {
        ASSERT_TRUE(writer.Finish().ok());
      }
    }
    Next end = Next::kLater;
    EXPECT_EQ(TakeAll(*pipe, &end), "some text");
    EXPECT_EQ(end, whole ? Next::kWhole : Next::kBroken);
  }
}

TEST(BodyWriter, CompressesIntoOneText) {
  const auto pipe = std::make_shared<BodyPipe>(1 << 20, 1'000);
  BodyWriter writer(pipe, true, {});
  std::string text;
  for (int i = 0; i < 1'000; ++i) {
    const std::string piece = std::to_string(i) + " and so on, ";
    ASSERT_TRUE(writer.Write(piece).ok());
    text += piece;
  }
  ASSERT_TRUE(writer.Finish().ok());
  Next end = Next::kLater;
  std::string back;
  ASSERT_TRUE(GzipDecode(TakeAll(*pipe, &end), 1 << 20, &back).ok());
  EXPECT_EQ(back, text);
}

TEST(BodyWriter, ARequestThatIsStoppedIsNotWaitedFor) {
  const auto pipe = std::make_shared<BodyPipe>(1, 60'000);
  std::stop_source stop;
  BodyWriter writer(pipe, false, stop.get_token());
  ASSERT_TRUE(writer.Write("x").ok());
  stop.request_stop();
  EXPECT_EQ(writer.Write("y").code(), Code::kCancelled);
}

}  // namespace
}  // namespace thermocline
