package shardcheck

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/prometheus/prometheus/model/histogram"
)

// truthSeries is a line of a truth dump: what Prometheus reads of a series.
type truthSeries struct {
	Labels [][2]string
	Floats struct {
		T []int64
		V []string
	}
	Hists []truthHistogram
}

type truthHistogram struct {
	T             int64
	Kind          string
	Schema        int32
	ZeroThreshold string          `json:"zero_threshold"`
	ZeroCount     json.RawMessage `json:"zero_count"`
	Count         json.RawMessage
	Sum           string
	PosSpans      [][2]int64 `json:"pos_spans"`
	NegSpans      [][2]int64 `json:"neg_spans"`
	Pos, Neg      []json.RawMessage
	Custom        []string
}

func hexFloat(digits string) float64 {
	bits, err := strconv.ParseUint(digits, 16, 64)
	if err != nil {
		panic(err)
	}
	return math.Float64frombits(bits)
}

// number is a count: an integer, or the hex digits of a float in quotes.
func number(raw json.RawMessage) (uint64, float64) {
	if raw[0] == '"' {
		return 0, hexFloat(string(raw[1 : len(raw)-1]))
	}
	whole, err := strconv.ParseUint(string(raw), 10, 64)
	if err != nil {
		panic(err)
	}
	return whole, 0
}

func spans(pairs [][2]int64) []histogram.Span {
	var all []histogram.Span
	for _, pair := range pairs {
		all = append(all, histogram.Span{Offset: int32(pair[0]), Length: uint32(pair[1])})
	}
	return all
}

func floats(digits []string) []float64 {
	var all []float64
	for _, one := range digits {
		all = append(all, hexFloat(one))
	}
	return all
}

// text is what describe tells of such a sample.
func (h *truthHistogram) text() string {
	sum := hexFloat(h.Sum)
	count, floatCount := number(h.Count)
	zero, floatZero := number(h.ZeroCount)
	if h.Kind == "float" {
		buckets := func(counts []json.RawMessage) []float64 {
			var all []float64
			for _, raw := range counts {
				_, value := number(raw)
				all = append(all, value)
			}
			return all
		}
		return fmt.Sprintf("%x %s", math.Float64bits(sum), (&histogram.FloatHistogram{
			Schema: h.Schema, ZeroThreshold: hexFloat(h.ZeroThreshold), ZeroCount: floatZero,
			Count: floatCount, Sum: sum, PositiveSpans: spans(h.PosSpans),
			NegativeSpans: spans(h.NegSpans), PositiveBuckets: buckets(h.Pos),
			NegativeBuckets: buckets(h.Neg), CustomValues: floats(h.Custom),
		}).String())
	}
	deltas := func(counts []json.RawMessage) []int64 {
		var all []int64
		before := uint64(0)
		for _, raw := range counts {
			value, _ := number(raw)
			all = append(all, int64(value-before))
			before = value
		}
		return all
	}
	return fmt.Sprintf("%x %s", math.Float64bits(sum), (&histogram.Histogram{
		Schema: h.Schema, ZeroThreshold: hexFloat(h.ZeroThreshold), ZeroCount: zero, Count: count,
		Sum: sum, PositiveSpans: spans(h.PosSpans), NegativeSpans: spans(h.NegSpans),
		PositiveBuckets: deltas(h.Pos), NegativeBuckets: deltas(h.Neg),
		CustomValues: floats(h.Custom),
	}).String())
}

// readTruth returns the samples of a truth dump as Read returns those of a shard, and how many of
// them are histograms of integers and of floats.
func readTruth(path string) (all map[string]Series, whole, float int, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, 0, err
	}
	defer file.Close()
	decoder, err := zstd.NewReader(file, zstd.WithDecoderMaxWindow(1<<27))
	if err != nil {
		return nil, 0, 0, err
	}
	defer decoder.Close()
	lines := bufio.NewScanner(decoder)
	lines.Buffer(nil, 1<<24)
	all = map[string]Series{}
	for lines.Scan() {
		var one truthSeries
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			return nil, 0, 0, err
		}
		name, samples := "", Series{}
		for _, pair := range one.Labels {
			name += fmt.Sprintf("%q=%q,", pair[0], pair[1])
		}
		for i, t := range one.Floats.T {
			samples[t] = fmt.Sprintf("%x", math.Float64bits(hexFloat(one.Floats.V[i])))
		}
		for _, h := range one.Hists {
			samples[h.T] = h.text()
			if h.Kind == "float" {
				float++
			} else {
				whole++
			}
		}
		all[name] = samples
	}
	return all, whole, float, lines.Err()
}

// TestLogs holds shards of a Prometheus log with histograms of every kind, which the repository has,
// to every demand and to what Prometheus itself reads of the log.
func TestLogs(t *testing.T) {
	data := "../../../src/blocks/testdata"
	wanted, whole, float, err := readTruth(filepath.Join(data, "truth/wal-torn/series.jsonl.zst"))
	if err != nil {
		t.Fatal(err)
	}
	if whole < 100 || float < 100 {
		t.Fatalf("%d histograms of integers, %d of floats", whole, float)
	}
	for name, options := range map[string][]string{
		"default": nil,
		"small":   {"--rowgroup-size=20", "--column-duration=30m", "--samples-per-chunk=7"},
		"sorted":  {"--sort-label=job", "--sort-label=instance", "--rowgroup-count=2"},
	} {
		t.Run(name, func(t *testing.T) {
			to := filepath.Join(t.TempDir(), "to")
			arguments := append([]string{"convert", filepath.Join(data, "wal-torn"), "--to=" + to,
				"--layout=parquet-common", "--progress=none"}, options...)
			if output, err := exec.Command(program(), arguments...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, output)
			}
			shards := openAll(t, to+"/")
			for _, shard := range shards {
				if err := shard.Check(); err != nil {
					t.Error(err)
				}
			}
			series, count, err := ReadAll(shards)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d series, %d samples in %d shards", len(series), count, len(shards))
			if len(series) != len(wanted) {
				t.Errorf("not %d series", len(wanted))
			}
			for labels, samples := range wanted {
				if len(series[labels]) != len(samples) {
					t.Fatalf("%s: %d samples, not %d", labels, len(series[labels]), len(samples))
				}
				for at, text := range samples {
					if series[labels][at] != text {
						t.Fatalf("%s at %d: %s, not %s", labels, at, series[labels][at], text)
					}
				}
			}
		})
	}
}
