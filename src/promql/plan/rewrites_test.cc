// Each rewrite by itself: the plan before and after it.
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "promql/engine.h"
#include "promql/parser.h"
#include "promql/plan/explain_plan.h"

namespace thermocline::promql {
namespace {

constexpr QueryTimes kTimes{100'000, 400'000, 50'000, 60'000};

// name(children); shared answers as =name, how often a node is used as *N, a selector that reads
// another's list as &.
std::string Shown(const PlanNode& node) {
  std::string text = ExplainPlan(node, nullptr).name;
  if (node.kind == PlanKind::kShared) return "=" + text;
  if (node.source != nullptr) text = "&" + text;
  if (node.uses > 0) text += "*" + std::to_string(node.uses);
  if (node.children.empty()) return text;
  std::string children;
  for (const PlanPtr& child : node.children) {
    children += (children.empty() ? "" : ", ") + Shown(*child);
  }
  return text + "(" + children + ")";
}

using Pass = std::function<void(PlanPtr&)>;

// The plan of `query`, after the rewrite when there is one.
std::string Planned(std::string_view query, const Pass& pass) {
  ParseOptions options;
  options.experimental_functions = true;
  options.fill_modifiers = true;
  options.extended_range_selectors = true;
  const auto expr = Parse(query, options);
  if (!expr.ok()) return std::string(expr.status().message());
  auto plan = MakePlan(**expr, kTimes);
  if (!plan.ok()) return std::string(plan.status().message());
  if (pass) pass(*plan);
  return Shown(**plan);
}

struct Case {
  const char* query;
  const char* before;
  const char* after;  // null: as before
};

void ExpectAll(std::initializer_list<Case> cases, const Pass& pass) {
  for (const Case& one : cases) {
    SCOPED_TRACE(one.query);
    EXPECT_EQ(Planned(one.query, nullptr), one.before);
    EXPECT_EQ(Planned(one.query, pass), one.after == nullptr ? one.before : one.after);
  }
}

TEST(Rewrites, SortMatchersPutsTheCheapOnesFirstAndEachOnce) {
  ExpectAll(
      {
          {R"(m{z="1",a!="2",b=~"x|y",c=~"x.*",d=""})", R"(m{z="1",a!="2",b=~"x|y",c=~"x.*",d=""})",
           R"(m{z="1",b=~"x|y",c=~"x.*",a!="2",d=""})"},
          {R"(m{b="1",a="2",b="1"}[1m])", R"(m{b="1",a="2",b="1"}[1m])", R"(m{a="2",b="1"}[1m])"},
          {R"(m{a="1",a=~"1"})", R"(m{a="1",a=~"1"})", nullptr},
          {R"(rate({x!~"a.*",__name__=~"b|c"}[1m]))", R"(rate({x!~"a.*",__name__=~"b|c"}[1m]))",
           R"(rate({__name__=~"b|c",x!~"a.*"}[1m]))"},
      },
      [](PlanPtr& plan) { SortMatchers(*plan); });
}

TEST(Rewrites, PropagateMatchersTellsOperandsOfEachOther) {
  ExpectAll(
      {
          {R"(a{x="1"} / b)", R"(/(a{x="1"}, b))", R"(/(a{x="1"}, b{x="1"}))"},
          {R"(a / b{x!~"1.*"})", R"(/(a, b{x!~"1.*"}))", R"(/(a{x!~"1.*"}, b{x!~"1.*"}))"},
          {R"(a{x="1"} > bool b{y="2"})", R"(> bool(a{x="1"}, b{y="2"}))",
           R"(> bool(a{x="1",y="2"}, b{y="2",x="1"}))"},
          {R"(a{x="1"} / b{x="1"})", R"(/(a{x="1"}, b{x="1"}))", nullptr},
          {R"((a{x="1"} offset 5m) - a)", R"(-(a{x="1"} offset 5m, a))",
           R"(-(a{x="1"} offset 5m, a{x="1"}))"},
          // Sets: whatever stands on the other side only has to match.
          {R"(a{x="1"} and on (x) b)", R"(and on (x)(a{x="1"}, b))",
           R"(and on (x)(a{x="1"}, b{x="1"}))"},
          {R"(a and ignoring (y) b{x="1",y="2"})", R"(and ignoring (y)(a, b{x="1",y="2"}))",
           R"(and ignoring (y)(a{x="1"}, b{x="1",y="2"}))"},
          {R"(a{x="1"} unless b{y="2"})", R"(unless(a{x="1"}, b{y="2"}))",
           R"(unless(a{x="1"}, b{y="2",x="1"}))"},
          // Through what keeps labels, and to what is unique by its groups.
          {R"(sum by (x) (rate(a{x="1",y="2"}[1m])) / on (x) group by (x) (b))",
           R"(/ on (x)(sum by (x)(rate(a{x="1",y="2"}[1m])), group by (x)(b)))",
           R"(/ on (x)(sum by (x)(rate(a{x="1",y="2"}[1m])), group by (x)(b{x="1"})))"},
          {R"(a{x="1"} * on (x) group_left () count by (x) (b))",
           R"(* on (x) group_left ()(a{x="1"}, count by (x)(b)))",
           R"(* on (x) group_left ()(a{x="1"}, count by (x)(b{x="1"})))"},
          {R"((a{x="1"} / b) and c)", R"(and(/(a{x="1"}, b), c))",
           R"(and(/(a{x="1"}, b{x="1"}), c{x="1"}))"},
          {R"(count_values by (x) ("y", a{x="1",y="2"}) and on (x, y) b)",
           R"(and on (x, y)(count_values by (x)(a{x="1",y="2"}, "y"), b))",
           R"(and on (x, y)(count_values by (x)(a{x="1",y="2"}, "y"), b{x="1"}))"},
      },
      [](PlanPtr& plan) { PropagateMatchers(*plan); });
}

TEST(Rewrites, PropagateMatchersLeavesAloneWhatWouldShow) {
  ExpectAll(
      {
          // Values without a partner are part of the answer.
          {R"(a{x="1"} or b)", R"(or(a{x="1"}, b))", nullptr},
          {R"(a unless b{x="1"})", R"(unless(a, b{x="1"}))", nullptr},
          {R"(a{x="1"} + fill (0) b)", R"(+ fill (0)(a{x="1"}, b))", nullptr},
          {R"(a{x="1"} + fill_left (0) b)", R"(+ fill_left (0)(a{x="1"}, b))", nullptr},
          // Labels that do not match.
          {R"(a{x="1"} and on (y) b)", R"(and on (y)(a{x="1"}, b))", nullptr},
          {R"(a{x="1"} and on () b)", R"(and on ()(a{x="1"}, b))", nullptr},
          {R"(a{x="1"} and ignoring (x) b)", R"(and ignoring (x)(a{x="1"}, b))", nullptr},
          {R"({__name__=~"a|b"} and on (__name__) c)", R"(and on (__name__)({__name__=~"a|b"}, c))",
           nullptr},
          {R"(a{__type__="gauge"} and b)", R"(and(a{__type__="gauge"}, b))", nullptr},
          // Duplicates of the one side are an error even where nothing matches them.
          {R"(a{x="1"} / on (x) b)", R"(/ on (x)(a{x="1"}, b))", nullptr},
          {R"(a{x="1"} / ignoring (y) b)", R"(/ ignoring (y)(a{x="1"}, b))", nullptr},
          {R"(a{x="1"} / {__name__=~"b|c"})", R"(/(a{x="1"}, {__name__=~"b|c"}))", nullptr},
          {R"(a * on (x) group_left () b{x="1"})", R"(* on (x) group_left ()(a, b{x="1"}))",
           nullptr},
          {R"(a * on (x) group_left () count without (x) (b{x="1"}))",
           R"(* on (x) group_left ()(a, count without (x)(b{x="1"})))", nullptr},
          // Annotations of series that meet nothing, and errors about names.
          {R"(a{x="1"} / rate(b[1m]))", R"(/(a{x="1"}, rate(b[1m])))", nullptr},
          {R"(a{x="1"} / on (x) sum by (x) (b))", R"(/ on (x)(a{x="1"}, sum by (x)(b)))", nullptr},
          {R"(a{x="1"} and (b > 1))", R"(and(a{x="1"}, >(b, 1)))", nullptr},
          {R"(a{x="1"} and b smoothed)", R"(and(a{x="1"}, b smoothed))", nullptr},
          {R"(a{x="1"} and topk(1, b))", R"(and(a{x="1"}, topk(b, 1)))", nullptr},
          // Labels that are no longer what the source said.
          {R"(label_replace(a{x="1"}, "x", "2", "", "") and b)",
           R"(and(label_replace(a{x="1"}, "x", "2", "", ""), b))", nullptr},
          {R"(sum without (x) (a{x="1"}) and b)", R"(and(sum without (x)(a{x="1"}), b))", nullptr},
          {R"(count_values("x", a{x="1"}) and b)", R"(and(count_values(a{x="1"}, "x"), b))",
           nullptr},
          {R"((a * on (y) group_left (x) count by (x, y) (c{x="1"})) and b)",
           R"(and(* on (y) group_left (x)(a, count by (x, y)(c{x="1"})), b))", nullptr},
          {R"(scalar(a{x="1"}) + b)", R"(+(scalar(a{x="1"}), b))", nullptr},
      },
      [](PlanPtr& plan) { PropagateMatchers(*plan); });
}

TEST(Rewrites, PropagateMatchersTellsSixteenAtMost) {
  std::string matchers;
  for (char c = 'a'; c < 'a' + 20; ++c)
    matchers += std::string(matchers.empty() ? "" : ",") + c + "=\"1\"";
  const std::string planned =
      Planned("m{" + matchers + "} / n", [](PlanPtr& plan) { PropagateMatchers(*plan); });
  EXPECT_EQ(planned, "/(m{" + matchers + "}, n{" + matchers.substr(0, 16 * 6 - 1) + "})");
}

TEST(Rewrites, ShareSubexpressionsEvaluatesTheLastOfEqualOnes) {
  const EngineOptions engine;
  ExpectAll(
      {
          {"sum(a) / (sum(a) + sum(b))", "/(sum(a), +(sum(a), sum(b)))",
           "/(=sum, +(sum*2(a), sum(b)))"},
          {"sum by (x, y) (a) - sum by (y, x) (a) + sum by (x) (a)",
           "+(-(sum by (x, y)(a), sum by (y, x)(a)), sum by (x)(a))",
           "+(-(=sum by (y, x), sum by (y, x)*2(a)), sum by (x)(a))"},
          {"max_over_time(a[5m:1m]) - min_over_time(a[5m:1m])",
           "-(max_over_time([5m:1m](a)), min_over_time([5m:1m](a)))",
           "-(max_over_time(=[5m:1m]), min_over_time([5m:1m]*2(a)))"},
          // What only stands in what is shared is not shared once more.
          {"abs(a / sum(b)) + ceil(a / sum(b))", "+(abs(/(a, sum(b))), ceil(/(a, sum(b))))",
           "+(abs(=/), ceil(/*2(a, sum(b))))"},
          {"(a + sum(b)) / (a + sum(b)) * sum(b)", "*(/(+(a, sum(b)), +(a, sum(b))), sum(b))",
           "*(/(=+, +*2(a, =sum)), sum*2(b))"},
          {"clamp_max(sum(a), 2) / clamp_max(sum(a), 3)",
           "/(clamp_max(sum(a), 2), clamp_max(sum(a), 3))",
           "/(clamp_max(=sum, 2), clamp_max(sum*2(a), 3))"},
          // Not the same, or not for the same steps.
          {"sum(a) / sum(a offset 1m)", "/(sum(a), sum(a offset 1m))", nullptr},
          {"sum(a) / sum without () (a)", "/(sum(a), sum without ()(a))", nullptr},
          {R"(sum(a) / sum(a{x=""}))", R"(/(sum(a), sum(a{x=""})))", nullptr},
          {"topk(1, a) + topk(2, a)", "+(topk(a, 1), topk(a, 2))", nullptr},
          {"sum(a) / max_over_time(sum(a)[5m:1m])", "/(sum(a), max_over_time([5m:1m](sum(a))))",
           nullptr},
          {"max_over_time(sum(a)[5m:1m]) / max_over_time(sum(a)[5m:30s])",
           "/(max_over_time([5m:1m](sum(a))), max_over_time([5m:30s](sum(a))))", nullptr},
          // Streamed by their operators: shared, they would be held.
          {"rate(a[1m]) / rate(a[1m])", "/(rate(a[1m]), rate(a[1m]))", nullptr},
          {"(a > 1) / (a > 1)", "/(>(a, 1), >(a, 1))", nullptr},
          // Counted annotations.
          {"sum(histogram_quantile(1, a)) / sum(histogram_quantile(1, a))",
           "/(sum(histogram_quantile(1, a)), sum(histogram_quantile(1, a)))", nullptr},
          {"absent(vector(1)) + absent(vector(1))", "+(absent(vector(1)), absent(vector(1)))",
           nullptr},
      },
      [&engine](PlanPtr& plan) { ShareSubexpressions(plan, engine); });
}

TEST(Rewrites, ShareSubexpressionsCountsStartOverlapsEachForItself) {
  EngineOptions engine;
  engine.use_start_timestamps = true;
  ExpectAll(
      {
          {"sum(rate(a[1m])) / sum(rate(a[1m]))", "/(sum(rate(a[1m])), sum(rate(a[1m])))", nullptr},
          {"sum(delta(a[1m])) / sum(delta(a[1m]))", "/(sum(delta(a[1m])), sum(delta(a[1m])))",
           "/(=sum, sum*2(delta(a[1m])))"},
      },
      [&engine](PlanPtr& plan) { ShareSubexpressions(plan, engine); });
}

TEST(Rewrites, ShareSelectorsListsOnce) {
  ExpectAll(
      {
          {"sum(a) / count(a) / max(a)", "/(/(sum(a), count(a)), max(a))",
           "/(/(sum(a*3), count(&a)), max(&a))"},
          {"rate(a[1m]) / rate(a[1m])", "/(rate(a[1m]), rate(a[1m]))",
           "/(rate(a[1m]*2), rate(&a[1m]))"},
          {"rate(a[1m]) / rate(a[2m])", "/(rate(a[1m]), rate(a[2m]))", nullptr},
          {"a - a offset 1m", "-(a, a offset 1m)", nullptr},
          {"a + max_over_time(a[5m:1m])", "+(a, max_over_time([5m:1m](a)))", nullptr},
          {"max_over_time(a[5m:1m]) + min_over_time(a[5m:1m])",
           "+(max_over_time([5m:1m](a)), min_over_time([5m:1m](a)))",
           "+(max_over_time([5m:1m](a*2)), min_over_time([5m:1m](&a)))"},
          {"timestamp(a) - a", "-(timestamp(a), a)", "-(timestamp(a*2), &a)"},
          {"a smoothed + a", "+(a smoothed, a)", nullptr},
          // info() looks at what its second argument says, and selects by itself.
          {R"(info(a, {x="1"}) + {x="1"})", R"(+(info(a, {x="1"}), {x="1"}))", nullptr},
      },
      [](PlanPtr& plan) { ShareSelectors(*plan); });
}

TEST(Rewrites, SharedSelectorsTellTheSourceWhatTheyAreForWhenThatIsOneThing) {
  const auto function_of = [](std::string_view query) {
    const auto expr = Parse(query).value();
    auto plan = MakePlan(*expr, kTimes).value();
    NameFunctions(*plan);
    ShareSelectors(*plan);
    return std::string(plan->children[0]->children[0]->function);
  };
  EXPECT_EQ(function_of("sum(a) / sum(a)"), "sum");
  EXPECT_EQ(function_of("sum(a) / count(a)"), "");
}

}  // namespace
}  // namespace thermocline::promql
