#include "wire/exposition_format.h"

#include <gtest/gtest.h>

namespace thermocline {
namespace {

constexpr std::string_view kProtobuf =
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";

std::string Accepting(const std::string& accept) {
  return NegotiateExposition(accept).ContentType();
}
const std::string kText = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";
const std::string kMessages =
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
    "encoding=delimited; escaping=underscores";

TEST(ExpositionFormat, TheHeaviestClauseThatIsServedIsTaken) {
  const std::string protobuf(kProtobuf);
  EXPECT_EQ(Accepting(""), kText);
  EXPECT_EQ(Accepting("*/*"), kText);
  EXPECT_EQ(Accepting(protobuf), kMessages);
  EXPECT_EQ(Accepting("text/plain;q=0.3," + protobuf + ";q=0.7"), kMessages);
  EXPECT_EQ(Accepting("text/plain;q=0.8," + protobuf + ";q=0.7"), kText);
  EXPECT_EQ(Accepting("application/openmetrics-text," + protobuf + ";q=0.7"), kMessages);
  EXPECT_EQ(Accepting("text/plain;version=1.0.0," + protobuf + ";q=0.7"), kMessages);
}

TEST(ExpositionFormat, WhatIsNoClauseIsPassedOver) {
  for (const char* accept :
       {",", ";", "/", "a", "a/b/c", ";;;=", "text/plain;=;a==b;q=", "=,=/=;="}) {
    EXPECT_EQ(Accepting(accept), kText) << accept;
  }
}

TEST(ExpositionFormat, TheEscapingOfAnEarlierClauseHolds) {
  EXPECT_EQ(NegotiateExposition("a/b;escaping=dots,text/plain;q=0.5").escaping,
            NameEscaping::kDots);
  EXPECT_EQ(NegotiateExposition("text/plain;escaping=nothing").escaping,
            NameEscaping::kUnderscores);
}

TEST(ExpositionFormat, NamesAreEscapedAsAsked) {
  const std::string_view name = "1a.b_c-\xc3\xa9";
  EXPECT_EQ(EscapeName(name, NameEscaping::kAllowUtf8), name);
  EXPECT_EQ(EscapeName(name, NameEscaping::kUnderscores), "_a_b_c__");
  EXPECT_EQ(EscapeName(name, NameEscaping::kDots), "__a_dot_b__c____");
  EXPECT_EQ(EscapeName(name, NameEscaping::kValues), "U___31_a_2e_b__c_2d__e9_");
  EXPECT_EQ(EscapeName("a_b:c", NameEscaping::kValues), "a_b:c");
}

}  // namespace
}  // namespace thermocline
