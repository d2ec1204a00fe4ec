#include "server/router.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "codec/compression.h"
#include "env/simulated/simulated_env.h"
#include "promql/test_script/memory_storage.h"

namespace thermocline {
namespace {

constexpr TimestampMs kNowMs = 1'760'000'400'000;

// What the routes below do not use: writing has its tests against the real store.
class NoAppender final : public Appender {
 public:
  Result<AppendSummary> Append(const WriteBatch&) override {
    return Status::Unavailable("read-only");
  }
};
class NoAdmin final : public Admin {
 public:
  Result<FlushSummary> FlushAll() override { return Status::Unavailable("nothing to flush"); }
  HeadStatus GetHeadStatus(uint64_t) const override { return {}; }
  Health GetHealth() const override { return {true, false, "read-only"}; }
};

// The routes over samples in memory.
class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    machine_.clock.SetNowMs(kNowMs);
    for (int i = 0; i < 60; ++i) {
      storage_.Add(Labels{{"__name__", "m"}, {"instance", "i" + std::to_string(i)}}, kNowMs, i);
    }
  }

  Response Ask(Request request) {
    const ServerContext context{options_,   storage_,       appender_,         admin_,
                                engine_,    machine_.env(), {{"a.flag", "1"}}, "v",
                                "revision", "/data",        "unlimited"};
    return Answer(context, request, FindRoute(request.method, request.path), {});
  }
  Response Get(std::string path, std::string query = "", std::string accept_encoding = "") {
    Request request;
    request.method = "GET";
    request.path = std::move(path);
    request.query = std::move(query);
    if (!accept_encoding.empty()) request.headers = {{"accept-encoding", accept_encoding}};
    return Ask(std::move(request));
  }
  Response PostForm(std::string path, std::string body, std::string query = "") {
    Request request;
    request.method = "POST";
    request.path = std::move(path);
    request.query = std::move(query);
    request.headers = {{"content-type", "application/x-www-form-urlencoded; charset=utf-8"}};
    request.body = std::move(body);
    return Ask(std::move(request));
  }
  static std::string HeaderOf(const Response& response, std::string_view name) {
    for (const auto& [key, value] : response.headers) {
      if (key == name) return value;
    }
    return "";
  }

  SimulatedEnv machine_;
  ServerOptions options_;
  promql::MemoryStorage storage_;
  NoAppender appender_;
  NoAdmin admin_;
  const promql::Engine engine_{promql::EngineOptions(), machine_.executor, machine_.clock};
};

TEST(Router, EveryEndpointHasItsMethodsAndItsLane) {
  const auto lane = [](std::string_view path, std::string_view method = "GET") {
    const RouteMatch match = FindRoute(method, path);
    EXPECT_TRUE(match.route != nullptr && match.method_allowed) << method << " " << path;
    return match.route == nullptr ? Lane::kOther : match.route->lane;
  };
  for (const std::string_view method : {"GET", "POST"}) {
    for (const std::string_view path : {"/api/v1/query", "/api/v1/query_range", "/api/v1/series",
                                        "/api/v1/labels", "/api/v1/query_exemplars"}) {
      EXPECT_EQ(lane(path, method), Lane::kQuery) << path;
    }
  }
  EXPECT_EQ(lane("/api/v1/label/job/values"), Lane::kQuery);
  EXPECT_EQ(lane("/api/v1/search/metric_names"), Lane::kQuery);
  EXPECT_EQ(lane("/api/v1/write", "POST"), Lane::kWrite);
  EXPECT_EQ(lane("/api/v1/read", "POST"), Lane::kRead);
  EXPECT_EQ(lane("/api/v1/admin/tsdb/flush", "POST"), Lane::kAdmin);
  for (const std::string_view path :
       {"/-/healthy", "/-/ready", "/metrics", "/", "/api/v1/metadata", "/api/v1/rules",
        "/api/v1/alerts", "/api/v1/status/buildinfo", "/api/v1/status/runtimeinfo",
        "/api/v1/status/flags", "/api/v1/status/tsdb"}) {
    EXPECT_EQ(lane(path), Lane::kOther) << path;
    EXPECT_EQ(lane(path, "HEAD"), Lane::kOther) << path;
  }
}

TEST(Router, AStarIsOneSegmentThatIsNotEmpty) {
  EXPECT_EQ(FindRoute("GET", "/api/v1/label/a%2Fb/values").segment, "a%2Fb");
  for (const std::string_view path :
       {"/api/v1/label//values", "/api/v1/label/a/b/values", "/api/v1/label/values",
        "/api/v1/queryx", "/api/v1/query/", "/api/v1/QUERY", "//", ""}) {
    EXPECT_EQ(FindRoute("GET", path).route, nullptr) << path;
  }
}

TEST_F(RouterTest, UnknownPathsAndWrongMethodsAreErrorsInTheEnvelope) {
  EXPECT_EQ(Get("/api/v1/nothing").status, 404);
  EXPECT_NE(Get("/api/v1/nothing").body.find("\"errorType\":\"not_found\""), std::string::npos);
  const Response response = Get("/api/v1/write");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(HeaderOf(response, "Allow"), "POST");
}

TEST_F(RouterTest, TheBodysParametersComeBeforeTheUrls) {
  EXPECT_EQ(PostForm("/api/v1/query", "query=1&time=0", "query=2").body,
            R"({"status":"success","data":{"resultType":"scalar","result":[0,"1"]}})");
  EXPECT_EQ(PostForm("/api/v1/query", "time=0", "query=2").body,
            R"({"status":"success","data":{"resultType":"scalar","result":[0,"2"]}})");
  EXPECT_EQ(PostForm("/api/v1/query", "query=%zz").status, 400);
}

TEST_F(RouterTest, LongParametersAreRefusedWhereTheyStand) {
  EXPECT_EQ(Get("/api/v1/query", "query=" + std::string(16 << 10, '1')).status, 414);
  EXPECT_EQ(PostForm("/api/v1/query", "query=" + std::string(64 << 10, '1')).status, 413);
  EXPECT_EQ(PostForm("/api/v1/query", "time=0&query=1" + std::string(16 << 10, '+')).status, 200);
}

TEST_F(RouterTest, LargeAnswersAreCompressedForThoseWhoWantIt) {
  const std::string path = "/api/v1/series";
  const std::string query = "match[]={__name__!=%22%22}";
  const Response plain = Get(path, query);
  ASSERT_EQ(plain.status, 200) << plain.body;
  ASSERT_GT(plain.body.size(), 1024u);
  EXPECT_EQ(HeaderOf(plain, "Content-Encoding"), "");
  for (const std::string_view accepted :
       {"gzip", "deflate, gzip", "gzip;q=0.5", "br , gzip ; q=1"}) {
    const Response packed = Get(path, query, std::string(accepted));
    EXPECT_EQ(HeaderOf(packed, "Content-Encoding"), "gzip") << accepted;
    EXPECT_EQ(HeaderOf(packed, "Vary"), "Accept-Encoding");
    EXPECT_LT(packed.body.size(), plain.body.size() / 2);
  }
  for (const std::string_view refused : {"gzip;q=0", "gzip; q=0.000", "br", "x-gzipped", "*;q=0"}) {
    EXPECT_EQ(Get(path, query, std::string(refused)).body, plain.body) << refused;
  }
  EXPECT_EQ(HeaderOf(Get("/api/v1/rules", "", "gzip"), "Content-Encoding"), "");
}

TEST_F(RouterTest, CorsHeadersAreSentOnlyWhenAnOriginIsSet) {
  Request preflight;
  preflight.method = "OPTIONS";
  preflight.path = "/api/v1/query";
  EXPECT_EQ(Ask(preflight).status, 204);
  EXPECT_EQ(HeaderOf(Ask(preflight), "Access-Control-Allow-Origin"), "");
  options_.cors_origin = "https://grafana.example";
  EXPECT_EQ(HeaderOf(Ask(preflight), "Access-Control-Allow-Origin"), "https://grafana.example");
  EXPECT_EQ(HeaderOf(Get("/api/v1/rules"), "Access-Control-Allow-Origin"),
            "https://grafana.example");
}

TEST_F(RouterTest, ExemplarsAndRulesCheckWhatTheyAreAsked) {
  EXPECT_EQ(Get("/api/v1/query_exemplars", "query=up&start=1&end=2").body,
            R"({"status":"success","data":[]})");
  for (const std::string_view wrong :
       {"query=up(&start=1&end=2", "query=up&start=2&end=1", "query=up&start=x&end=1"}) {
    EXPECT_EQ(Get("/api/v1/query_exemplars", std::string(wrong)).status, 400) << wrong;
  }
  for (const std::string_view right :
       {"", "type=alert", "type=record", "group_limit=10", "exclude_alerts=true"}) {
    EXPECT_EQ(Get("/api/v1/rules", std::string(right)).body,
              R"({"status":"success","data":{"groups":[]}})")
        << right;
  }
  for (const std::string_view wrong :
       {"type=both", "group_limit=x", "group_limit=-1", "group_next_token=a", "match[]=}"}) {
    EXPECT_EQ(Get("/api/v1/rules", std::string(wrong)).status, 400) << wrong;
  }
}

TEST_F(RouterTest, FederationShowsTheNewestSampleAsText) {
  const Response response = Get("/federate", "match[]=m{instance=%22i7%22}&match[]=m");
  EXPECT_EQ(response.content_type,
            "text/plain; version=0.0.4; charset=utf-8; escaping=underscores");
  EXPECT_TRUE(response.body.starts_with("# TYPE m untyped\nm{instance=\"i0\"} 0 1760000400000\n"));
  EXPECT_EQ(std::count(response.body.begin(), response.body.end(), '\n'), 61);
  machine_.clock.SetNowMs(kNowMs + 5 * kMinuteMs + 1);
  EXPECT_EQ(Get("/federate", "match[]=m").body, "");
  EXPECT_EQ(Get("/federate", "match[]={").status, 400);
}

TEST_F(RouterTest, ExpressionsAreReadWithTheFeaturesThatAreOn) {
  EXPECT_EQ(Get("/api/v1/format_query", "query=a%3Cb").body,
            R"({"status":"success","data":"a \u003c b"})");
  for (const std::string_view path : {"/api/v1/format_query", "/api/v1/parse_query"}) {
    EXPECT_EQ(Get(std::string(path), "query=limitk(1,a)").status, 400) << path;
  }
  const std::string features = Get("/api/v1/features").body;
  EXPECT_NE(features.find(R"("limitk":false)"), std::string::npos) << features;
  EXPECT_NE(features.find(R"("rate":true)"), std::string::npos);
  EXPECT_EQ(Get("/api/v1/query_exemplars", "query=1").status, 204);
}

TEST_F(RouterTest, AdminEndpointsAreOffAndNameTheirFlag) {
  Request request;
  request.method = "POST";
  request.path = "/api/v1/admin/tsdb/flush";
  EXPECT_EQ(Ask(request).status, 403);
  EXPECT_NE(Ask(request).body.find("--web.enable-admin-api"), std::string::npos);
  options_.enable_admin_api = true;
  EXPECT_EQ(Ask(request).status, 503);
  EXPECT_EQ(HeaderOf(Ask(request), "Retry-After"), "5");
}

TEST_F(RouterTest, AReadOnlyServerIsReadyAndSaysSo) {
  const Response response = Get("/-/ready");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "Thermocline is Ready, read-only: read-only\n");
}

TEST_F(RouterTest, ACancelledRequestIs499) {
  std::stop_source gone;
  gone.request_stop();
  Request request;
  request.method = "GET";
  request.path = "/api/v1/query";
  request.query = "query=count(count_over_time({__name__!=%22%22}[5m]))";
  request.stop = gone.get_token();
  EXPECT_EQ(Ask(request).status, 499);
}

}  // namespace
}  // namespace thermocline
