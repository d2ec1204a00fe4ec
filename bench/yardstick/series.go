package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/index"
)

const (
	manyMetrics = 500
	manyPods    = 20_000
	manyBegin   = 1_700_006_400_000
	manyRangeMs = 7_200_000
	manyULID    = "01DXXFZDYD1MQW6079WK0K6EDQ"
)

func manyLabels(metric, pod int) labels.Labels {
	return labels.FromStrings(
		"__name__", fmt.Sprintf("some_metric_name_%03d_total", metric),
		"container", "app",
		"instance", fmt.Sprintf("10.%d.%d.%d:8080", pod/65536, pod/256%256, pod%256),
		"job", fmt.Sprintf("namespace-%d/job", pod%100),
		"namespace", fmt.Sprintf("namespace-%d", pod%100),
		"pod", fmt.Sprintf("deployment-%05d-7f9c6d5b8-%05d", pod, pod))
}

// The one chunk that all series share.
func manyChunk(folder string) ([]chunks.Meta, error) {
	chunk := chunkenc.NewXORChunk()
	appender, err := chunk.Appender()
	if err != nil {
		return nil, err
	}
	appender.Append(0, manyBegin, 1)
	metas := []chunks.Meta{{MinTime: manyBegin, MaxTime: manyBegin, Chunk: chunk}}
	writer, err := chunks.NewWriter(filepath.Join(folder, "chunks"))
	if err != nil {
		return nil, err
	}
	if err := writer.WriteChunks(metas...); err != nil {
		return nil, err
	}
	return metas, writer.Close()
}

func manySymbols(writer *index.Writer) error {
	known := map[string]struct{}{"": {}}
	add := func(l labels.Label) {
		known[l.Name] = struct{}{}
		known[l.Value] = struct{}{}
	}
	for pod := range manyPods {
		manyLabels(0, pod).Range(add)
	}
	for metric := range manyMetrics {
		manyLabels(metric, 0).Range(add)
	}
	symbols := make([]string, 0, len(known))
	for symbol := range known {
		symbols = append(symbols, symbol)
	}
	slices.Sort(symbols)
	for _, symbol := range symbols {
		if err := writer.AddSymbol(symbol); err != nil {
			return err
		}
	}
	return nil
}

// A block of ten million series with one sample each.
func manySeries(folder string) (any, error) {
	block := filepath.Join(folder, manyULID)
	if err := os.MkdirAll(block, 0o755); err != nil {
		return nil, err
	}
	metas, err := manyChunk(block)
	if err != nil {
		return nil, err
	}
	writer, err := index.NewWriter(context.Background(), filepath.Join(block, "index"))
	if err != nil {
		return nil, err
	}
	if err := manySymbols(writer); err != nil {
		return nil, err
	}
	sets := make([]labels.Labels, manyPods)
	for metric := range manyMetrics {
		for pod := range sets {
			sets[pod] = manyLabels(metric, pod)
		}
		slices.SortFunc(sets, labels.Compare)
		for i, set := range sets {
			if err := writer.AddSeries(storage.SeriesRef(metric*manyPods+i), set, metas...); err != nil {
				return nil, err
			}
		}
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	const series = manyMetrics * manyPods
	meta := fmt.Sprintf(`{"ulid":%q,"minTime":%d,"maxTime":%d,"version":1,"stats":{"numSeries":%d}}`,
		manyULID, manyBegin, manyBegin+manyRangeMs, series)
	if err := os.WriteFile(filepath.Join(block, "meta.json"), []byte(meta), 0o644); err != nil {
		return nil, err
	}
	return map[string]any{"block": block, "series": series}, nil
}
