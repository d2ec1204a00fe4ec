#include "cold/label_columns.h"

#include <gtest/gtest.h>

#include <random>

#include "cold/label_runs.h"

namespace thermocline {
namespace {

std::string ColumnOf(LabelColumns& columns, std::string_view label) {
  const auto column = columns.FindOrAdd(label);
  return column ? std::string(*column) : "(none)";
}

struct SeriesRows {
  Labels labels;
  uint32_t rows = 0;
};

// How a block of these series maps to the columns of `samples`: column -> the value of each row,
// "-" for NULL. The metric name is under `metric`, what has no column under `labels`.
std::map<std::string, std::vector<std::string>> MapToColumns(const std::vector<SeriesRows>& series,
                                                             LabelColumns* columns) {
  for (const SeriesRows& one : series) {
    for (const auto& [name, value] : one.labels) {
      if (name != "__name__") columns->FindOrAdd(name);
    }
  }
  std::vector<std::string_view> labels;
  std::vector<std::string> names{"metric"};
  for (const auto& [label, column] : columns->pairs()) {
    labels.push_back(label);
    names.push_back(column);
  }
  names.emplace_back("labels");
  LabelRuns runs(labels);
  for (const SeriesRows& one : series) runs.Add(one.labels, one.rows);
  runs.Finish();
  EXPECT_EQ(runs.column_count(), names.size());
  std::map<std::string, std::vector<std::string>> out;
  for (size_t i = 0; i < runs.column_count(); ++i) {
    const LabelColumnRuns& column = runs.column(i);
    for (const columnar::CodeRun& run : column.runs) {
      const std::string value =
          run.code == columnar::kNullCode ? "-" : std::string(column.dictionary[run.code]);
      out[names[i]].insert(out[names[i]].end(), run.count, value);
    }
  }
  return out;
}

using Rows = std::vector<std::string>;

TEST(SchemaMapperTest, ASimpleMetricHasItsNameInMetricAndAColumnPerLabel) {
  LabelColumns columns;
  const auto mapped =
      MapToColumns({{Labels{{"__name__", "up"}, {"instance", "a"}, {"job", "node"}}, 2},
                    {Labels{{"__name__", "up"}, {"instance", "b"}, {"job", "node"}}, 1}},
                   &columns);
  EXPECT_EQ(columns.ToJson(), R"([["instance","instance"],["job","job"]])");
  EXPECT_EQ(mapped.size(), 4u);
  EXPECT_EQ(mapped.at("metric"), (Rows{"up", "up", "up"}));
  EXPECT_EQ(mapped.at("instance"), (Rows{"a", "a", "b"}));
  EXPECT_EQ(mapped.at("job"), (Rows{"node", "node", "node"}));
  EXPECT_EQ(mapped.at("labels"), (Rows{"-", "-", "-"}));
}

TEST(SchemaMapperTest, SparseLabelsAreNullWhereASeriesHasThemNot) {
  LabelColumns columns;
  const auto mapped = MapToColumns({{Labels{{"__name__", "a"}, {"cpu", "0"}}, 2},
                                    {Labels{{"__name__", "b"}}, 1},
                                    {Labels{{"cpu", "1"}, {"value", "x"}}, 1},
                                    {Labels{{"__name__", "c"}, {"device", "sda"}}, 3}},
                                   &columns);
  EXPECT_EQ(mapped.at("metric"), (Rows{"a", "a", "b", "-", "c", "c", "c"}));
  EXPECT_EQ(mapped.at("cpu"), (Rows{"0", "0", "-", "1", "-", "-", "-"}));
  EXPECT_EQ(mapped.at("label_value"), (Rows{"-", "-", "-", "x", "-", "-", "-"}));
  EXPECT_EQ(mapped.at("device"), (Rows{"-", "-", "-", "-", "sda", "sda", "sda"}));
  EXPECT_EQ(mapped.at("labels"), (Rows{"-", "-", "-", "-", "-", "-", "-"}));
}

TEST(SchemaMapperTest, LabelsWithoutAColumnAreOneCanonicalJsonObject) {
  LabelColumns columns(1);
  const auto mapped =
      MapToColumns({{Labels{{"__name__", "m"}, {"a", "1"}, {"b", "q\"t"}, {"c", "3"}}, 2},
                    {Labels{{"__name__", "m"}, {"a", "2"}}, 1}},
                   &columns);
  EXPECT_EQ(mapped.at("a"), (Rows{"1", "1", "2"}));
  EXPECT_EQ(mapped.at("labels"), (Rows{R"({"b":"q\"t","c":"3"})", R"({"b":"q\"t","c":"3"})", "-"}));
}

TEST(SchemaMapperTest, ASimpleLabelKeepsItsName) {
  LabelColumns columns;
  EXPECT_EQ(ColumnOf(columns, "job"), "job");
  EXPECT_EQ(ColumnOf(columns, "instance"), "instance");
  EXPECT_EQ(ColumnOf(columns, "job"), "job");
  EXPECT_EQ(columns.pairs().size(), 2u);
  EXPECT_FALSE(columns.Find("pod").has_value());
}

TEST(SchemaMapperTest, NamesThatCollideIgnoringCaseGetAPrefixUntilUnique) {
  LabelColumns columns;
  EXPECT_EQ(ColumnOf(columns, "value"), "label_value");
  EXPECT_EQ(ColumnOf(columns, "Value"), "label_label_Value");
  EXPECT_EQ(ColumnOf(columns, "timestamp"), "label_timestamp");
  EXPECT_EQ(ColumnOf(columns, "date"), "label_date");
  EXPECT_EQ(ColumnOf(columns, "Date"), "label_label_Date");
  EXPECT_EQ(ColumnOf(columns, "label_value"), "label_label_label_value");
  EXPECT_EQ(ColumnOf(columns, "metric"), "label_metric");
  EXPECT_EQ(ColumnOf(columns, "series_id"), "label_series_id");
  EXPECT_EQ(ColumnOf(columns, "labels"), "label_labels");
}

TEST(SchemaMapperTest, NamesOutsideAsciiAreKeptAndFoldedForComparing) {
  LabelColumns columns;
  EXPECT_EQ(ColumnOf(columns, "série"), "série");
  EXPECT_EQ(ColumnOf(columns, "SÉRIE"), "label_SÉRIE");
  EXPECT_EQ(ColumnOf(columns, "日本"), "日本");
  EXPECT_EQ(ColumnOf(columns, "Ключ"), "Ключ");
  EXPECT_EQ(ColumnOf(columns, "ключ"), "label_ключ");
}

TEST(SchemaMapperTest, CharactersThatDeltaRefusesAreEscaped) {
  LabelColumns columns;
  EXPECT_EQ(ColumnOf(columns, "a.b.c"), "a.b.c");
  EXPECT_EQ(ColumnOf(columns, "with space"), "with_x20_space");
  EXPECT_EQ(ColumnOf(columns, "with_x20_space"), "label_with_x20_space");
  EXPECT_EQ(ColumnOf(columns, "a,b;c{d}e(f)g=h"), "a_x2C_b_x3B_c_x7B_d_x7D_e_x28_f_x29_g_x3D_h");
  EXPECT_EQ(ColumnOf(columns, "tab\there\n"), "tab_x09_here_x0A_");
}

TEST(SchemaMapperTest, LabelsBeyondTheLimitHaveNoColumnAndNeverGetOneLater) {
  LabelColumns columns;
  for (int i = 0; i < 96; ++i) EXPECT_NE(ColumnOf(columns, "l" + std::to_string(i)), "(none)");
  EXPECT_EQ(ColumnOf(columns, "one_more"), "(none)");
  EXPECT_EQ(ColumnOf(columns, "l95"), "l95");
}

TEST(SchemaMapperTest, AMapSurvivesItsJsonAndEveryCutOfItIsRefused) {
  LabelColumns columns;
  for (const char* label : {"job", "Value", "with \"quotes\" and \\", "日本", "a\tb", "x\x01y"}) {
    columns.FindOrAdd(label);
  }
  const std::string json = columns.ToJson();
  Result<LabelColumns> back = LabelColumns::FromJson(json);
  ASSERT_TRUE(back.ok()) << back.status().ToString();
  EXPECT_TRUE(*back == columns);
  EXPECT_EQ(LabelColumns::FromJson("[]")->pairs().size(), 0u);
  for (size_t size = 0; size < json.size(); ++size) {
    EXPECT_FALSE(LabelColumns::FromJson(json.substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(LabelColumns::FromJson(json + " ").ok());
  EXPECT_FALSE(LabelColumns::FromJson(R"([["a","x"],["a","y"]])").ok());
  EXPECT_FALSE(LabelColumns::FromJson(R"([["a","x"],["b","X"]])").ok());
  EXPECT_FALSE(LabelColumns::FromJson(R"([["a","timestamp"]])").ok());
}

TEST(SchemaMapperTest, MergingKeepsEveryPlaceAndAddsWhatIsNew) {
  LabelColumns mine;
  mine.FindOrAdd("job");
  mine.FindOrAdd("Path");
  LabelColumns theirs;
  theirs.FindOrAdd("path");  // column "path", which collides with ours
  theirs.FindOrAdd("zone");
  mine.Merge(theirs);
  ASSERT_EQ(mine.pairs().size(), 3u);
  EXPECT_EQ(mine.pairs()[2].first, "zone");
  EXPECT_EQ(ColumnOf(mine, "path"), "label_path");
}

TEST(SchemaMapperTest, RandomNamesNeverShareAColumnIgnoringCase) {
  const uint32_t seed = 7;
  std::mt19937 random(seed);
  for (int round = 0; round < 50; ++round) {
    LabelColumns columns;
    std::set<std::string> folded;
    for (int i = 0; i < 90; ++i) {
      std::string label;
      const size_t size = 1 + random() % 4;
      for (size_t k = 0; k < size; ++k) label.push_back("aAbB _{vV"[random() % 9]);
      if (columns.Find(label)) continue;
      EXPECT_TRUE(folded.insert(FoldColumnName(ColumnOf(columns, label))).second)
          << "seed " << seed << " label " << label;
    }
  }
}

}  // namespace
}  // namespace thermocline
