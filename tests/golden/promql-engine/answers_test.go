// Fills answers.jsonl with what Prometheus' engine says; see README.md. Not part of a Go module of
// its own: copy it into one that requires github.com/prometheus/prometheus v0.314.0.
package answers

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"sort"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
)

type series struct {
	Labels string   `json:"labels"`
	Times  []int64  `json:"times_ms"`
	Values []string `json:"values"`
	// Histograms as scripts write them.
	HistogramTimes []int64  `json:"histogram_times_ms,omitempty"`
	Histograms     []string `json:"histograms,omitempty"`
}

type answer struct {
	Error       string   `json:"error,omitempty"`
	Kind        string   `json:"kind,omitempty"`
	Series      []series `json:"series,omitempty"`
	Annotations []string `json:"annotations,omitempty"`
}

type question struct {
	Query   string `json:"query"`
	StartMs int64  `json:"start_ms"`
	EndMs   int64  `json:"end_ms"`
	StepMs  int64  `json:"step_ms"`
	Instant answer `json:"instant"`
	Range   answer `json:"range"`
}

type round struct {
	Load               string      `json:"load"`
	DelayedNameRemoval bool        `json:"delayed_name_removal"`
	Questions          []*question `json:"questions"`
}

func format(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

func run(query promql.Query, err error, text string) answer {
	if err != nil {
		return answer{Error: err.Error()}
	}
	defer query.Close()
	result := query.Exec(context.Background())
	if result.Err != nil {
		return answer{Error: result.Err.Error()}
	}
	var a answer
	switch value := result.Value.(type) {
	case promql.Matrix:
		a.Kind = "matrix"
		for _, s := range value {
			one := series{Labels: s.Metric.String()}
			for _, p := range s.Floats {
				one.Times = append(one.Times, p.T)
				one.Values = append(one.Values, format(p.F))
			}
			for _, p := range s.Histograms {
				one.HistogramTimes = append(one.HistogramTimes, p.T)
				one.Histograms = append(one.Histograms, p.H.TestExpression())
			}
			a.Series = append(a.Series, one)
		}
	case promql.Vector:
		a.Kind = "vector"
		for _, s := range value {
			one := series{Labels: s.Metric.String()}
			if s.H != nil {
				one.HistogramTimes = []int64{s.T}
				one.Histograms = []string{s.H.TestExpression()}
			} else {
				one.Times = []int64{s.T}
				one.Values = []string{format(s.F)}
			}
			a.Series = append(a.Series, one)
		}
	}
	sort.Slice(a.Series, func(i, j int) bool { return a.Series[i].Labels < a.Series[j].Labels })
	warnings, infos := result.Warnings.AsStrings(text, 0, 0)
	a.Annotations = append(warnings, infos...)
	sort.Strings(a.Annotations)
	return a
}

func newEngine(delayed bool) *promql.Engine {
	return promql.NewEngine(promql.EngineOpts{
		MaxSamples:               50_000_000,
		Timeout:                  100 * time.Second,
		NoStepSubqueryIntervalFn: func(int64) int64 { return 60_000 },
		EnableAtModifier:         true,
		EnableNegativeOffset:     true,
		EnableDelayedNameRemoval: delayed,
		Parser: parser.NewParser(parser.Options{
			EnableExperimentalFunctions:  true,
			ExperimentalDurationExpr:     true,
			EnableExtendedRangeSelectors: true,
			EnableBinopFillModifiers:     true,
		}),
	})
}

func TestAnswer(t *testing.T) {
	text, err := os.Open(os.Getenv("QUESTIONS"))
	if err != nil {
		t.Skip("QUESTIONS and ANSWERS name the files")
	}
	out, err := os.Create(os.Getenv("ANSWERS"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	lines := bufio.NewScanner(text)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var r round
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		storage := promqltest.LoadedStorage(t, r.Load)
		engine := newEngine(r.DelayedNameRemoval)
		for _, q := range r.Questions {
			start, end := time.UnixMilli(q.StartMs), time.UnixMilli(q.EndMs)
			step := time.Duration(q.StepMs) * time.Millisecond
			instant, err := engine.NewInstantQuery(context.Background(), storage, nil, q.Query, start)
			q.Instant = run(instant, err, q.Query)
			ranged, err := engine.NewRangeQuery(context.Background(), storage, nil, q.Query, start, end, step)
			q.Range = run(ranged, err, q.Query)
		}
		if err := encoder.Encode(r); err != nil {
			t.Fatal(err)
		}
		engine.Close()
		storage.Close()
	}
}
