// The yardstick of the format benchmarks: Prometheus' own writers make the block, and its own block
// querier scans it. One line of JSON on standard output.
//
//	yardstick write FOLDER   a block of the series on standard input, which come in label order
//	yardstick check BLOCK    counts, and a checksum over all labels, times and value bits
//	yardstick series FOLDER  a block of ten million series of one sample
//	yardstick scan BLOCK     counts, a sum of times and value bits, the processor seconds of three scans
package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/cespare/xxhash/v2"
	"github.com/oklog/ulid/v2"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/index"
)

const (
	samplesPerChunk = 120 // as the head and the compactor cut
	rounds          = 3
)

func main() {
	if len(os.Args) != 3 {
		fail(errors.New("usage: yardstick write|series|check|scan FOLDER"))
	}
	var report any
	var err error
	switch os.Args[1] {
	case "write":
		report, err = write(os.Args[2], bufio.NewReaderSize(os.Stdin, 1<<20))
	case "series":
		report, err = manySeries(os.Args[2])
	case "check":
		report, err = check(os.Args[2])
	case "scan":
		report, err = scan(os.Args[2])
	default:
		err = fmt.Errorf("unknown verb %q", os.Args[1])
	}
	if err != nil {
		fail(err)
	}
	line, err := json.Marshal(report)
	if err != nil {
		fail(err)
	}
	fmt.Println(string(line))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "yardstick:", err)
	os.Exit(1)
}

// A frame of standard input: u32 labels, each name and value with a u32 length before it; u32
// samples, all times (i64), all values (f64). Little-endian.
type frame struct {
	labels labels.Labels
	times  []int64
	values []float64
}

func readString(in *bufio.Reader) (string, error) {
	var size uint32
	if err := binary.Read(in, binary.LittleEndian, &size); err != nil {
		return "", err
	}
	bytes := make([]byte, size)
	_, err := io.ReadFull(in, bytes)
	return string(bytes), err
}

// io.EOF when there is no further frame.
func readFrame(in *bufio.Reader, raw *[]byte) (frame, error) {
	var f frame
	var pairs, count uint32
	if err := binary.Read(in, binary.LittleEndian, &pairs); err != nil {
		return f, err
	}
	var texts []string
	for range 2 * pairs {
		text, err := readString(in)
		if err != nil {
			return f, err
		}
		texts = append(texts, text)
	}
	f.labels = labels.FromStrings(texts...)
	if err := binary.Read(in, binary.LittleEndian, &count); err != nil {
		return f, err
	}
	if need := 16 * int(count); len(*raw) < need {
		*raw = make([]byte, need)
	}
	if _, err := io.ReadFull(in, (*raw)[:16*count]); err != nil {
		return f, err
	}
	for i := range int(count) {
		f.times = append(f.times, int64(binary.LittleEndian.Uint64((*raw)[8*i:])))
		at := 8 * (int(count) + i)
		f.values = append(f.values, math.Float64frombits(binary.LittleEndian.Uint64((*raw)[at:])))
	}
	return f, nil
}

// XOR chunks of one series.
func encode(f frame) ([]chunks.Meta, error) {
	var metas []chunks.Meta
	for begin := 0; begin < len(f.times); begin += samplesPerChunk {
		end := min(begin+samplesPerChunk, len(f.times))
		chunk := chunkenc.NewXORChunk()
		appender, err := chunk.Appender()
		if err != nil {
			return nil, err
		}
		for i := begin; i < end; i++ {
			appender.Append(0, f.times[i], f.values[i])
		}
		metas = append(metas, chunks.Meta{MinTime: f.times[begin], MaxTime: f.times[end-1], Chunk: chunk})
	}
	return metas, nil
}

type indexed struct {
	labels labels.Labels
	chunks []chunks.Meta
}

func writeIndex(path string, all []indexed) error {
	symbols := map[string]struct{}{}
	for _, series := range all {
		series.labels.Range(func(l labels.Label) {
			symbols[l.Name] = struct{}{}
			symbols[l.Value] = struct{}{}
		})
	}
	sorted := make([]string, 0, len(symbols))
	for symbol := range symbols {
		sorted = append(sorted, symbol)
	}
	slices.Sort(sorted)
	writer, err := index.NewWriter(context.Background(), path)
	if err != nil {
		return err
	}
	for _, symbol := range sorted {
		if err := writer.AddSymbol(symbol); err != nil {
			return err
		}
	}
	for i, series := range all {
		if err := writer.AddSeries(storage.SeriesRef(i), series.labels, series.chunks...); err != nil {
			return err
		}
	}
	return writer.Close()
}

func write(folder string, in *bufio.Reader) (any, error) {
	id := ulid.MustNew(1, strings.NewReader("a block for the benchmarks"))
	block := filepath.Join(folder, id.String())
	writer, err := chunks.NewWriter(filepath.Join(block, "chunks"))
	if err != nil {
		return nil, err
	}
	meta := tsdb.BlockMeta{ULID: id, MinTime: math.MaxInt64, MaxTime: math.MinInt64, Version: 1}
	meta.Compaction.Level = 1
	meta.Compaction.Sources = []ulid.ULID{id}
	var all []indexed
	var raw []byte
	for {
		f, err := readFrame(in, &raw)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		metas, err := encode(f)
		if err != nil {
			return nil, err
		}
		if err := writer.WriteChunks(metas...); err != nil {
			return nil, err
		}
		for i := range metas {
			metas[i].Chunk = nil
		}
		all = append(all, indexed{f.labels, metas})
		meta.MinTime = min(meta.MinTime, f.times[0])
		meta.MaxTime = max(meta.MaxTime, f.times[len(f.times)-1]+1)
		meta.Stats.NumSamples += uint64(len(f.times))
		meta.Stats.NumFloatSamples += uint64(len(f.times))
		meta.Stats.NumChunks += uint64(len(metas))
		meta.Stats.NumSeries++
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	if err := writeIndex(filepath.Join(block, "index"), all); err != nil {
		return nil, err
	}
	text, err := json.Marshal(meta)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(block, "meta.json"), text, 0o644); err != nil {
		return nil, err
	}
	return map[string]any{"block": block, "series": meta.Stats.NumSeries, "samples": meta.Stats.NumSamples}, nil
}

// Calls visit with every series of the block.
func visitBlock(folder string, visit func(storage.Series) error) error {
	block, err := tsdb.OpenBlock(nil, folder, nil, nil)
	if err != nil {
		return err
	}
	defer block.Close()
	return visitSeries(block, visit)
}

func visitSeries(block *tsdb.Block, visit func(storage.Series) error) error {
	querier, err := tsdb.NewBlockQuerier(block, math.MinInt64, math.MaxInt64)
	if err != nil {
		return err
	}
	defer querier.Close()
	everything := labels.MustNewMatcher(labels.MatchRegexp, labels.MetricName, ".+")
	set := querier.Select(context.Background(), false, nil, everything)
	for set.Next() {
		if err := visit(set.At()); err != nil {
			return err
		}
	}
	return set.Err()
}

// Independent of the order of series and samples; bench/formats_bench.cc has the same.
type checksum struct {
	Series   uint64 `json:"series"`
	Samples  uint64 `json:"samples"`
	Checksum string `json:"checksum"`
	sum      uint64
}

func seriesHash(l labels.Labels) uint64 {
	var text []byte
	l.Range(func(pair labels.Label) {
		text = append(append(text, pair.Name...), 0xff)
		text = append(append(text, pair.Value...), 0xff)
	})
	return xxhash.Sum64(text)
}

func (c *checksum) add(series uint64, t int64, value float64) {
	x := series ^ uint64(t)*0x9E3779B97F4A7C15
	x = (x ^ x>>29 ^ math.Float64bits(value)) * 0xBF58476D1CE4E5B9
	c.sum += (x ^ x>>32) * 0x94D049BB133111EB
	c.Samples++
}

func check(folder string) (any, error) {
	var total checksum
	var it chunkenc.Iterator
	err := visitBlock(folder, func(series storage.Series) error {
		total.Series++
		hash := seriesHash(series.Labels())
		it = series.Iterator(it)
		for kind := it.Next(); kind != chunkenc.ValNone; kind = it.Next() {
			if kind != chunkenc.ValFloat {
				return fmt.Errorf("%s: a histogram", series.Labels())
			}
			t, value := it.At()
			total.add(hash, t, value)
		}
		return it.Err()
	})
	total.Checksum = fmt.Sprintf("%016x", total.sum)
	return total, err
}

func processorSeconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		fail(err)
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}

func scan(folder string) (any, error) {
	block, err := tsdb.OpenBlock(nil, folder, nil, nil)
	if err != nil {
		return nil, err
	}
	defer block.Close()
	var samples, sum uint64
	var seconds []float64
	for range rounds {
		samples, sum = 0, 0
		var it chunkenc.Iterator
		begin := processorSeconds()
		err := visitSeries(block, func(series storage.Series) error {
			it = series.Iterator(it)
			for it.Next() != chunkenc.ValNone {
				t, value := it.At()
				sum += uint64(t) + math.Float64bits(value)
				samples++
			}
			return it.Err()
		})
		if err != nil {
			return nil, err
		}
		seconds = append(seconds, processorSeconds()-begin)
	}
	return map[string]any{"samples": samples, "sum": sum, "cpu_s": seconds}, nil
}
