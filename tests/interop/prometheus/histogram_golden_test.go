// Native histograms through Prometheus' own arithmetic: the answers that src/model must give bit for
// bit (tests/golden/histograms/README.md).
package prometheus

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser/posrange"
	"github.com/prometheus/prometheus/promql/promqltest"
)

const goldenFile = "../../golden/histograms/answers.jsonl"

// number writes a double so that every bit can be read back.
func number(v float64) string {
	if math.IsNaN(v) {
		return fmt.Sprintf("n%x", math.Float64bits(v))
	}
	return strconv.FormatFloat(v, 'x', -1, 64)
}

func numbers(list []float64) string {
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = number(v)
	}
	return strings.Join(texts, " ")
}

func spans(list []histogram.Span) string {
	texts := make([]string, len(list))
	for i, s := range list {
		texts[i] = fmt.Sprintf("%d+%d", s.Offset, s.Length)
	}
	return strings.Join(texts, " ")
}

func shown(h *histogram.FloatHistogram) string {
	return strings.Join([]string{
		strconv.Itoa(int(h.CounterResetHint)), strconv.Itoa(int(h.Schema)),
		numbers([]float64{h.ZeroThreshold, h.ZeroCount, h.Count, h.Sum}),
		spans(h.PositiveSpans), spans(h.NegativeSpans),
		numbers(h.PositiveBuckets), numbers(h.NegativeBuckets), numbers(h.CustomValues),
	}, "|")
}

type drawn struct{ *rand.Rand }

func (r drawn) count() float64 {
	switch r.Intn(12) {
	case 0, 1, 2:
		return 0
	case 3:
		return r.Float64() * 1e-3
	case 4:
		return r.Float64() * 1e17
	case 5:
		return r.Float64() * 10
	case 6:
		if r.Intn(20) == 0 {
			return math.MaxFloat64 * r.Float64()
		}
	}
	return float64(r.Intn(30))
}

func (r drawn) side(first, most int) ([]histogram.Span, []float64) {
	var s []histogram.Span
	var b []float64
	for i := r.Intn(4); i > 0; i-- {
		offset := int32(r.Intn(4))
		if len(s) == 0 {
			offset = int32(first + r.Intn(8))
		}
		length := uint32(1 + r.Intn(4))
		if len(b)+int(length) > most {
			break
		}
		s = append(s, histogram.Span{Offset: offset, Length: length})
		for ; length > 0; length-- {
			b = append(b, r.count())
		}
	}
	return s, b
}

var thresholds = []float64{0, 0, 0.001, 2.938735877055719e-39, 0.25, 0.3, 0.5946035575013605, 1, 3, 17, 100}

func (r drawn) sum(buckets ...[]float64) float64 {
	total := 0.0
	for _, list := range buckets {
		for _, v := range list {
			total += v
		}
	}
	return total
}

func (r drawn) histogram() *histogram.FloatHistogram {
	h := &histogram.FloatHistogram{Sum: r.NormFloat64() * 1000}
	h.CounterResetHint = histogram.CounterResetHint([]int{0, 0, 0, 1, 2, 3}[r.Intn(6)])
	if r.Intn(3) == 0 {
		h.Schema = histogram.CustomBucketsSchema
		bound := float64(r.Intn(5)) - 3
		for i := r.Intn(6); i > 0; i-- {
			h.CustomValues = append(h.CustomValues, bound)
			bound += []float64{0.5, 1, 1, 2, 2.5}[r.Intn(5)]
		}
		at, last := 0, len(h.CustomValues)
		for at <= last {
			offset := r.Intn(3)
			length := 1 + r.Intn(3)
			if at+offset+length > last+1 {
				break
			}
			h.PositiveSpans = append(h.PositiveSpans, histogram.Span{Offset: int32(offset), Length: uint32(length)})
			for i := 0; i < length; i++ {
				h.PositiveBuckets = append(h.PositiveBuckets, r.count())
			}
			at += offset + length
		}
	} else {
		h.Schema = int32(r.Intn(13) - 4)
		first := -4
		if h.Schema > 3 {
			first = r.Intn(400) - 200
		}
		if r.Intn(15) == 0 { // the last buckets before infinity
			first = 1 << 20
			if h.Schema <= 8 {
				first = int(math.Ldexp(1024, int(h.Schema))) - 4
			}
		}
		h.PositiveSpans, h.PositiveBuckets = r.side(first, 10)
		h.NegativeSpans, h.NegativeBuckets = r.side(first, 10)
		h.ZeroThreshold = thresholds[r.Intn(len(thresholds))]
		if r.Intn(3) > 0 {
			h.ZeroCount = r.count()
		}
	}
	h.Count = h.ZeroCount + r.sum(h.PositiveBuckets, h.NegativeBuckets)
	switch r.Intn(12) {
	case 0: // observations of NaN
		h.Sum = math.NaN()
		h.Count += float64(r.Intn(5))
	case 1:
		h.Sum = math.Inf(1)
	case 2:
		h.Count -= h.Count * 1e-16
	}
	return h
}

// follower is what the same target might report after h.
func (r drawn) follower(h *histogram.FloatHistogram) *histogram.FloatHistogram {
	f := h.Copy()
	f.CounterResetHint = histogram.CounterResetHint([]int{0, 0, 0, 0, 1, 2, 3}[r.Intn(7)])
	if !f.UsesCustomBuckets() && f.Schema > -4 && r.Intn(3) == 0 {
		if err := f.ReduceResolution(f.Schema - 1); err != nil {
			panic(err)
		}
	}
	for i := range f.PositiveBuckets {
		if r.Intn(2) == 0 {
			f.PositiveBuckets[i] += float64(r.Intn(3))
		}
	}
	if len(f.PositiveBuckets) > 0 && r.Intn(4) == 0 {
		f.PositiveBuckets[r.Intn(len(f.PositiveBuckets))] *= 0.5
	}
	if f.UsesCustomBuckets() {
		if len(f.CustomValues) > 0 && r.Intn(2) == 0 {
			bounds := append([]float64{}, f.CustomValues...)
			bounds[r.Intn(len(bounds))] += 0.25
			f.CustomValues = bounds
		}
	} else if r.Intn(4) == 0 {
		f.ZeroThreshold = thresholds[r.Intn(len(thresholds))]
		f.ZeroCount += float64(r.Intn(40))
	}
	if r.Intn(3) == 0 {
		f.Compact(0)
	}
	f.Count += float64(r.Intn(20))
	return f
}

type sum struct {
	H         string `json:"h"`
	C         string `json:"c,omitempty"`
	Collision bool   `json:"collision,omitempty"`
	Bounds    bool   `json:"bounds,omitempty"`
}

type pairCase struct {
	A           string   `json:"a"`
	B           string   `json:"b"`
	Error       bool     `json:"error,omitempty"`
	Add         *sum     `json:"add,omitempty"`
	Sub         *sum     `json:"sub,omitempty"`
	Kahan       []sum    `json:"kahan,omitempty"`
	KahanTotal  string   `json:"kahan_total,omitempty"`
	ResetAB     bool     `json:"reset_ab,omitempty"`
	ResetBA     bool     `json:"reset_ba,omitempty"`
	Equals      bool     `json:"equals,omitempty"`
	KahanOthers []string `json:"kahan_others,omitempty"`
}

type estimate struct {
	Args  string `json:"args"`
	Value string `json:"value"`
	Note  string `json:"note,omitempty"`
}

type singleCase struct {
	H         string            `json:"one"`
	Scaled    map[string]string `json:"scaled"`
	Divided   map[string]string `json:"divided"`
	Compact   map[string]string `json:"compact"`
	Trims     []estimate        `json:"trims"`
	Reduced   map[string]string `json:"reduced,omitempty"`
	Quantiles []estimate        `json:"quantiles"`
	Fractions []estimate        `json:"fractions"`
	Variance  string            `json:"variance"`
	String    string            `json:"string"`
	Test      string            `json:"test,omitempty"`
	Size      int               `json:"size"`
	Validate  string            `json:"validate,omitempty"`
	Overflow  bool              `json:"overflow,omitempty"`
	Buckets   string            `json:"buckets"`
}

func (r drawn) pair() pairCase {
	a := r.histogram()
	b := r.histogram()
	if r.Intn(2) == 0 {
		b = r.follower(a)
	}
	if r.Intn(20) == 0 {
		b = a.Copy()
	}
	p := pairCase{A: shown(a), B: shown(b), Equals: a.Equals(b)}
	p.ResetAB, p.ResetBA = a.DetectReset(b), b.DetectReset(a)
	res, collision, bounds, err := a.Copy().Add(b)
	if err != nil {
		p.Error = true
		return p
	}
	p.Add = &sum{H: shown(res), Collision: collision, Bounds: bounds}
	res, collision, bounds, _ = a.Copy().Sub(b)
	p.Sub = &sum{H: shown(res), Collision: collision, Bounds: bounds}
	h := a.Copy()
	var c *histogram.FloatHistogram
	others := []*histogram.FloatHistogram{b, r.follower(b), r.histogram()}
	for _, o := range others {
		if o.UsesCustomBuckets() != h.UsesCustomBuckets() {
			continue
		}
		p.KahanOthers = append(p.KahanOthers, shown(o))
		c, collision, bounds, _ = h.KahanAdd(o, c)
		p.Kahan = append(p.Kahan, sum{shown(h), shown(c), collision, bounds})
	}
	h, _, _, _ = h.Add(c)
	p.KahanTotal = shown(h.Compact(0))
	return p
}

// stdvar asks the engine, for the function is not exported.
func stdvar(t *testing.T, h *histogram.FloatHistogram) float64 {
	store := promqltest.LoadedStorage(t, "")
	defer store.Close()
	app := store.Appender(context.Background())
	stored := h.Copy()
	if _, err := app.AppendHistogram(0, labels.FromStrings("__name__", "h"), 1000, nil, stored); err != nil {
		t.Fatal(err)
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
	engine := promqltest.NewTestEngine(t, false, time.Minute, 1000000)
	q, err := engine.NewInstantQuery(context.Background(), store, nil, "histogram_stdvar(h)", time.UnixMilli(1000))
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	v, err := q.Exec(context.Background()).Vector()
	if err != nil {
		t.Fatal(err)
	}
	return v[0].F
}

func (r drawn) bound(h *histogram.FloatHistogram) float64 {
	switch r.Intn(8) {
	case 0:
		return math.Inf(1 - 2*r.Intn(2))
	case 1:
		return 0
	}
	var at []float64
	for it := h.AllBucketIterator(); it.Next(); {
		at = append(at, it.At().Lower, it.At().Upper, it.At().Lower+(it.At().Upper-it.At().Lower)*r.Float64())
	}
	if len(at) == 0 {
		return r.NormFloat64()
	}
	return at[r.Intn(len(at))]
}

func noteOf(annos interface{ AsErrors() []error }) string {
	for _, err := range annos.AsErrors() {
		return err.Error()
	}
	return ""
}

// keepsBuckets is false where Compact moves counts into other buckets: compactBuckets forgets the
// length of a span it joined, so the empty buckets of the next gap land too early. We do not.
func keepsBuckets(h *histogram.FloatHistogram, maxEmpty int) bool {
	return h.Copy().Compact(maxEmpty).String() == h.String()
}

func (r drawn) single(t *testing.T) singleCase {
	h := r.histogram()
	s := singleCase{
		H: shown(h), String: h.String(), Size: h.Size(), Overflow: h.HasOverflow(),
		Scaled: map[string]string{}, Divided: map[string]string{}, Compact: map[string]string{},
	}
	for _, x := range []float64{[]float64{0, -1, math.Inf(1)}[r.Intn(3)], r.NormFloat64()} {
		s.Scaled[number(x)] = shown(h.Copy().Mul(x))
		s.Divided[number(x)] = shown(h.Copy().Div(x))
	}
	for _, n := range []int{0, 1 + r.Intn(3)} {
		if keepsBuckets(h, n) {
			s.Compact[strconv.Itoa(n)] = shown(h.Copy().Compact(n))
		}
	}
	if keepsBuckets(h, math.MaxInt) {
		s.Test = h.TestExpression()
	}
	for i := 0; i < 3; i++ {
		x := r.bound(h)
		s.Trims = append(s.Trims,
			estimate{"</ " + number(x), shown(h.Copy().TrimBuckets(x, true)), ""},
			estimate{">/ " + number(x), shown(h.Copy().TrimBuckets(x, false)), ""})
	}
	if !h.UsesCustomBuckets() && h.Schema > -4 {
		s.Reduced = map[string]string{}
		to := h.Schema - 1 - int32(r.Intn(int(h.Schema+4)))
		reduced := h.Copy()
		if err := reduced.ReduceResolution(to); err != nil {
			t.Fatal(err)
		}
		s.Reduced[strconv.Itoa(int(to))] = shown(reduced)
	}
	for _, q := range []float64{-0.1, 0, 1, r.Float64(), r.Float64(), 0.5, r.Float64()} {
		v, annos := promql.HistogramQuantile(q, h, "h", posrange.PositionRange{})
		s.Quantiles = append(s.Quantiles, estimate{number(q), number(v), noteOf(annos)})
	}
	for i := 0; i < 5; i++ {
		from, to := r.bound(h), r.bound(h)
		v, annos := promql.HistogramFraction(from, to, h, "h", posrange.PositionRange{})
		s.Fractions = append(s.Fractions, estimate{numbers([]float64{from, to}), number(v), noteOf(annos)})
	}
	var buckets []string
	for it := h.AllBucketIterator(); it.Next(); {
		b := it.At()
		buckets = append(buckets, b.String()+"@"+numbers([]float64{b.Lower, b.Upper}))
	}
	s.Buckets = strings.Join(buckets, ";")
	s.Variance = number(stdvar(t, h))
	if r.Intn(3) == 0 {
		r.damage(h)
		s.Validate = shown(h) + "=" + fmt.Sprint(h.Validate())
	}
	return s
}

// boundsOf lists bucket bounds from index first.
func boundsOf(schema, first int32, n int) string {
	h := histogram.FloatHistogram{
		Schema: schema, PositiveBuckets: make([]float64, n),
		PositiveSpans: []histogram.Span{{Offset: first, Length: uint32(n)}},
	}
	var bounds []float64
	for it := h.PositiveBucketIterator(); it.Next(); {
		bounds = append(bounds, it.At().Upper)
	}
	return numbers(bounds)
}

type boundsCase struct {
	Schema int32  `json:"schema"`
	First  int32  `json:"first"`
	Bounds string `json:"bounds"`
}

func (r drawn) damage(h *histogram.FloatHistogram) {
	switch r.Intn(9) {
	case 0:
		h.Schema = int32(r.Intn(100) - 50)
	case 1:
		h.Count = -r.Float64()
	case 2:
		h.ZeroCount = -1.5
	case 3:
		h.PositiveBuckets = append(h.PositiveBuckets, 1)
	case 4:
		if len(h.PositiveBuckets) > 0 {
			h.PositiveBuckets[r.Intn(len(h.PositiveBuckets))] = -2
		}
	case 5:
		h.CustomValues = append(append([]float64{}, h.CustomValues...), []float64{math.NaN(), math.Inf(1), -1e9, 1e9}[r.Intn(4)])
	case 6:
		h.PositiveSpans = append(h.PositiveSpans, histogram.Span{Offset: int32(r.Intn(9) - 4), Length: 0})
	case 7:
		h.NegativeSpans = append(h.NegativeSpans, histogram.Span{Offset: -1, Length: 1})
		h.NegativeBuckets = append(h.NegativeBuckets, -1)
	default:
		h.CustomValues = nil
	}
}

func TestHistogramGolden(t *testing.T) {
	r := drawn{rand.New(rand.NewSource(20261130))}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	for i := 0; i < 260; i++ {
		if err := encoder.Encode(r.pair()); err != nil {
			t.Fatal(err)
		}
	}
	for i := 0; i < 140; i++ {
		if err := encoder.Encode(r.single(t)); err != nil {
			t.Fatal(err)
		}
	}
	write := func(schema, first int32, n int) {
		if err := encoder.Encode(boundsCase{schema, first, boundsOf(schema, first, n)}); err != nil {
			t.Fatal(err)
		}
	}
	write(8, 1, 256) // the whole table
	for schema := int32(-4); schema <= 8; schema++ {
		last := int32(math.Ldexp(1024, int(schema)))
		for _, first := range []int32{-last - last/16 - 2, -5, last - 3} {
			write(schema, first, 6)
		}
	}
	if os.Getenv("WRITE_GOLDEN") != "" {
		if err := os.WriteFile(goldenFile, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	committed, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(committed, out.Bytes()) {
		t.Error("Prometheus answers otherwise than the committed file; WRITE_GOLDEN=1 writes it anew")
	}
}
