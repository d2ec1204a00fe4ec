// Fills statistics.jsonl with the samples that Prometheus' engine counts; see README.md. Belongs
// beside answers_test.go.
package answers

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
)

// Total, read and peak samples, then total and read by step; null for a query that fails.
type counts []any

type counted struct {
	Query   string `json:"query"`
	StartMs int64  `json:"start_ms"`
	EndMs   int64  `json:"end_ms"`
	StepMs  int64  `json:"step_ms"`
	Instant counts `json:"instant"`
	Range   counts `json:"range"`
}

type countedRound struct {
	Load               string     `json:"load"`
	DelayedNameRemoval bool       `json:"delayed_name_removal"`
	Questions          []*counted `json:"questions"`
}

// Asks several times: a peak that depends on the order of Go's maps is null.
func countedBy(ask func() (promql.Query, error)) counts {
	var all counts
	for range 10 {
		query, err := ask()
		if err != nil {
			return nil
		}
		if query.Exec(context.Background()).Err != nil {
			return nil
		}
		s := query.Stats().Samples
		if all == nil {
			all = counts{s.TotalSamples, s.SamplesRead, s.PeakSamples, s.TotalSamplesPerStep, s.SamplesReadPerStep}
		} else if all[2] != s.PeakSamples {
			all[2] = nil
		}
		query.Close()
	}
	return all
}

// One load command per series, so that they are created in the order of the script.
func inOrder(load string) string {
	lines := strings.Split(load, "\n")
	var script strings.Builder
	for _, line := range lines[1:] {
		if strings.TrimSpace(line) != "" {
			script.WriteString(lines[0] + "\n" + line + "\n\n")
		}
	}
	return script.String()
}

func countRound(t *testing.T, r *countedRound) {
	storage := promqltest.LoadedStorage(t, inOrder(r.Load))
	defer storage.Close()
	engine := promql.NewEngine(promql.EngineOpts{
		MaxSamples:               50_000_000,
		Timeout:                  100 * time.Second,
		NoStepSubqueryIntervalFn: func(int64) int64 { return 60_000 },
		EnableAtModifier:         true,
		EnableNegativeOffset:     true,
		EnablePerStepStats:       true,
		EnableDelayedNameRemoval: r.DelayedNameRemoval,
		Parser: parser.NewParser(parser.Options{
			EnableExperimentalFunctions:  true,
			ExperimentalDurationExpr:     true,
			EnableExtendedRangeSelectors: true,
			EnableBinopFillModifiers:     true,
		}),
	})
	defer engine.Close()
	options := promql.NewPrometheusQueryOpts(true, 0)
	for _, q := range r.Questions {
		start, end := time.UnixMilli(q.StartMs), time.UnixMilli(q.EndMs)
		step := time.Duration(q.StepMs) * time.Millisecond
		q.Instant = countedBy(func() (promql.Query, error) {
			return engine.NewInstantQuery(context.Background(), storage, options, q.Query, start)
		})
		q.Range = countedBy(func() (promql.Query, error) {
			return engine.NewRangeQuery(context.Background(), storage, options, q.Query, start, end, step)
		})
	}
}

func TestStatistics(t *testing.T) {
	text, err := os.Open(os.Getenv("QUESTIONS"))
	if err != nil {
		t.Skip("QUESTIONS and STATISTICS name the files")
	}
	out, err := os.Create(os.Getenv("STATISTICS"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	lines := bufio.NewScanner(text)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var r countedRound
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		countRound(t, &r)
		if err := encoder.Encode(r); err != nil {
			t.Fatal(err)
		}
	}
}
