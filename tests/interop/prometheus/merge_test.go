// Blocks that overlap, merged by Prometheus' compactor, by its querier and by us.
package prometheus

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

const (
	baseMs          = int64(1700006400000)
	stepMs          = int64(15000)
	rangeMs         = int64(2 * 3600 * 1000)
	seriesCount     = 12
	samplesPerBlock = 200
)

func integerHistogram(r *rand.Rand) *histogram.Histogram {
	a, b := int64(1+r.Intn(50)), int64(1+r.Intn(50))
	return &histogram.Histogram{
		Schema: 1, Count: uint64(a + b), Sum: r.Float64() * 100, ZeroThreshold: 0.001,
		PositiveSpans:   []histogram.Span{{Offset: int32(r.Intn(4)), Length: 2}},
		PositiveBuckets: []int64{a, b - a},
	}
}

// writeBlock puts floats and histograms at drawn times into one block. Blocks of the same seed have
// the same sample wherever they have one of the same series and time.
func writeBlock(t *testing.T, folder string, r *rand.Rand, begin, seed int64) {
	t.Helper()
	w, err := tsdb.NewBlockWriter(slog.New(slog.DiscardHandler), folder, rangeMs)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for s := int64(0); s < seriesCount; s++ {
		app := w.Appender(ctx)
		l := labels.FromStrings("__name__", "merged", "series", fmt.Sprint(s))
		for i := begin; i < begin+samplesPerBlock; i++ {
			if i > begin && r.Intn(3) == 0 {
				continue
			}
			at := baseMs + i*stepMs
			of := rand.New(rand.NewSource(seed + s<<32 + i))
			kind := (i/50 + s) % 3 // long runs of one kind, now and then another
			if of.Intn(20) == 0 {
				kind = (kind + 1) % 3
			}
			switch kind {
			case 0:
				_, err = app.Append(0, l, at, of.Float64())
			case 1:
				_, err = app.AppendHistogram(0, l, at, integerHistogram(of), nil)
			default:
				_, err = app.AppendHistogram(0, l, at, nil, integerHistogram(of).ToFloat(nil))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := app.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// answered tells every sample of Prometheus' querier over the blocks of a folder, a line each.
func answered(t *testing.T, folder string) []string {
	t.Helper()
	db, err := tsdb.OpenDBReadOnly(folder, "", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	blocks, err := db.Blocks()
	if err != nil {
		t.Fatal(err)
	}
	var queriers []storage.Querier
	for _, block := range blocks { // ascending by their begins
		one, err := tsdb.NewBlockQuerier(block, math.MinInt64, math.MaxInt64)
		if err != nil {
			t.Fatal(err)
		}
		queriers = append(queriers, one)
	}
	q := storage.NewMergeQuerier(queriers, nil, storage.ChainedSeriesMerge)
	defer q.Close()
	set := q.Select(context.Background(), true, nil,
		labels.MustNewMatcher(labels.MatchEqual, "__name__", "merged"))
	var lines []string
	for set.Next() {
		name := set.At().Labels().Get("series")
		it := set.At().Iterator(nil)
		for kind := it.Next(); kind != chunkenc.ValNone; kind = it.Next() {
			var at int64
			var value, count float64
			switch kind {
			case chunkenc.ValFloat:
				at, value = it.At()
			default:
				var h *histogram.FloatHistogram
				at, h = it.AtFloatHistogram(nil)
				value, count = h.Sum, h.Count
			}
			lines = append(lines, line(name, at, kind.String(), value, count))
		}
	}
	if set.Err() != nil {
		t.Fatal(set.Err())
	}
	sort.Strings(lines)
	return lines
}

func line(series string, at int64, kind string, value, count float64) string {
	return fmt.Sprintf("%s @%d %s %x %v", series, at, kind, math.Float64bits(value), count)
}

// dumped tells the same of our program.
func dumped(t *testing.T, binary, folder string) []string {
	t.Helper()
	out, err := exec.Command(binary, "dump", folder).Output()
	if err != nil {
		t.Fatal(err)
	}
	bits := func(text string) float64 {
		number, err := strconv.ParseUint(text, 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		return math.Float64frombits(number)
	}
	var lines []string
	decoder := json.NewDecoder(bytes.NewReader(out))
	for decoder.More() {
		var series struct {
			Labels [][2]string
			Floats struct {
				T []int64
				V []string
			}
			Hists []struct {
				T     int64
				Kind  string
				Count json.RawMessage
				Sum   string
			}
		}
		if err := decoder.Decode(&series); err != nil {
			t.Fatal(err)
		}
		name := series.Labels[1][1]
		for i, at := range series.Floats.T {
			lines = append(lines, line(name, at, "float", bits(series.Floats.V[i]), 0))
		}
		for _, h := range series.Hists {
			text := strings.Trim(string(h.Count), `"`)
			kind, count := "floathistogram", 0.0
			if h.Kind == "float" {
				count = bits(text)
			} else {
				kind = "histogram"
				count, err = strconv.ParseFloat(text, 64)
				if err != nil {
					t.Fatal(err)
				}
			}
			lines = append(lines, line(name, h.T, kind, bits(h.Sum), count))
		}
	}
	sort.Strings(lines)
	return lines
}

// overlappingBlocks makes a folder of three blocks, each of which begins within the one before it;
// they are written in drawn order, so that ULIDs say nothing.
func overlappingBlocks(t *testing.T, r *rand.Rand, seeds [3]int64) string {
	t.Helper()
	folder := t.TempDir()
	begins := []int64{0, 20 + r.Int63n(160), 190 + r.Int63n(20)}
	for _, i := range r.Perm(len(begins)) {
		writeBlock(t, folder, r, begins[i], seeds[i])
	}
	return folder
}

func binaryUnderTest(t *testing.T) string {
	t.Helper()
	binary := os.Getenv("THERMOCLINE_BINARY")
	if binary == "" {
		t.Fatal("THERMOCLINE_BINARY is not set")
	}
	return binary
}

func TestOverlappingBlocksMergeAsCompactorAndQuerierMergeThem(t *testing.T) {
	binary := binaryUnderTest(t)
	for round := 0; round < 8; round++ {
		seed := time.Now().UnixNano()
		r := rand.New(rand.NewSource(seed))
		source, merged := overlappingBlocks(t, r, [3]int64{seed, seed, seed}), t.TempDir()
		if ours, theirs := dumped(t, binary, source), answered(t, source); !slices.Equal(ours, theirs) {
			t.Fatalf("seed %d: %d samples, the querier has %d", seed, len(ours), len(theirs))
		}
		folders, err := filepath.Glob(filepath.Join(source, "*"))
		if err != nil {
			t.Fatal(err)
		}
		compactor, err := tsdb.NewLeveledCompactor(context.Background(), nil,
			slog.New(slog.DiscardHandler), []int64{rangeMs, 3 * rangeMs}, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := compactor.Compact(merged, folders, nil); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(binary, "verify", source, merged).CombinedOutput()
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, out)
		}
		if !strings.Contains(string(out), "12 in both, 0 only in A, 0 only in B, 0 differing") {
			t.Fatalf("seed %d: %s", seed, out)
		}
	}
}

// Which of two different samples of one time Prometheus takes depends on where its iterators stand;
// we take that of the block that begins last, so that the order of inputs does not matter. Every
// time is there once in both.
func TestBlocksThatContradictOneAnotherGiveTheSampleOfTheLastBegun(t *testing.T) {
	binary := binaryUnderTest(t)
	seed := time.Now().UnixNano()
	r := rand.New(rand.NewSource(seed))
	source := overlappingBlocks(t, r, [3]int64{seed, seed + 1<<20, seed + 1<<21})
	ours, theirs := dumped(t, binary, source), answered(t, source)
	times := func(lines []string) []string {
		var out []string
		for _, one := range lines {
			out = append(out, strings.Join(strings.Fields(one)[:2], " "))
		}
		return out
	}
	if !slices.Equal(times(ours), times(theirs)) {
		t.Fatalf("seed %d: %d samples, the querier has %d", seed, len(ours), len(theirs))
	}
	folders, err := filepath.Glob(filepath.Join(source, "*"))
	if err != nil {
		t.Fatal(err)
	}
	type block struct {
		begin int64
		lines []string
	}
	var blocks []block
	for _, folder := range folders {
		lines := dumped(t, binary, folder)
		begin := int64(math.MaxInt64)
		for _, one := range lines {
			at, err := strconv.ParseInt(strings.Fields(one)[1][1:], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			begin = min(begin, at)
		}
		blocks = append(blocks, block{begin, lines})
	}
	slices.SortFunc(blocks, func(a, b block) int { return int(a.begin - b.begin) })
	want := map[string]string{}
	for _, one := range blocks {
		for i, key := range times(one.lines) {
			want[key] = one.lines[i]
		}
	}
	for i, key := range times(ours) {
		if ours[i] != want[key] {
			t.Fatalf("seed %d: %s, not %s", seed, ours[i], want[key])
		}
	}
}
