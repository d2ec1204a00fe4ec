package shardcheck

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/parquet-go/parquet-go"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// values reads one column of a row group; nil is NULL. Pages are read as the Go library of the
// format reads them: codes of a dictionary as integers, page by page.
func (f *File) values(group, column int) ([][]byte, error) {
	chunk := f.RowGroups()[group].ColumnChunks()[column]
	label := strings.HasPrefix(f.Root().Columns()[column].Name(), labelPrefix)
	index, err := chunk.ColumnIndex()
	if err != nil {
		return nil, err
	}
	pages := chunk.Pages()
	defer pages.Close()
	var all [][]byte
	for i := 0; ; i++ {
		page, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		if (page.Dictionary() != nil) != label {
			return nil, fmt.Errorf("column %d page %d: dictionary %v", column, i, page.Dictionary())
		}
		if label {
			data := page.Data()
			if codes := data.Int32(); int64(len(codes)) != page.NumValues()-page.NumNulls() {
				return nil, fmt.Errorf("column %d page %d: %d codes of %d values", column, i,
					len(codes), page.NumValues()-page.NumNulls())
			}
		}
		if index.NullPage(i) != (page.NumNulls() == page.NumValues()) {
			return nil, fmt.Errorf("column %d page %d: null page %v, %d nulls of %d", column, i,
				index.NullPage(i), page.NumNulls(), page.NumValues())
		}
		values := make([]parquet.Value, page.NumValues())
		if n, err := page.Values().ReadValues(values); n != len(values) {
			return nil, fmt.Errorf("column %d page %d: %d values of %d, %w", column, i, n,
				len(values), err)
		}
		for _, value := range values {
			if value.IsNull() {
				all = append(all, nil)
				continue
			}
			bytes := append([]byte{}, value.ByteArray()...)
			if label && (string(bytes) < index.MinValue(i).String() || above(bytes, index.MaxValue(i))) {
				return nil, fmt.Errorf("column %d page %d: %q outside its bounds", column, i, bytes)
			}
			all = append(all, bytes)
		}
		parquet.Release(page)
	}
}

func above(value []byte, bound parquet.Value) bool {
	return string(value) > string(bound.ByteArray())
}

// Series is the samples of a label set by time, as text that tells all bits.
type Series map[int64]string

// Read returns every sample of the shard by the text of its labels, and how many there are.
func (s *Shard) Read() (map[string]Series, int, error) {
	all := map[string]Series{}
	samples := 0
	for g := range s.Labels.RowGroups() {
		names, err := s.readLabels(g)
		if err != nil {
			return nil, 0, err
		}
		for _, name := range names {
			all[name] = Series{}
		}
		for c, column := range s.Chunks.Root().Columns() {
			cells, err := s.Chunks.values(g, c)
			if err != nil {
				return nil, 0, err
			}
			for row, cell := range cells {
				count, err := readCell(cell, all[names[row]])
				if err != nil {
					return nil, 0, fmt.Errorf("%s row %d: %w", column.Name(), row, err)
				}
				samples += count
			}
		}
	}
	return all, samples, nil
}

// readLabels returns each row's labels, and checks its list of columns and its hash against them.
func (s *Shard) readLabels(group int) ([]string, error) {
	columns := s.Labels.Root().Columns()
	rows := s.Labels.RowGroups()[group].NumRows()
	texts := make([]string, rows)
	hashed := make([][]byte, rows)
	lists := make([][]byte, rows)
	counts := make([]int64, rows)
	for c, column := range columns {
		values, err := s.Labels.values(group, c)
		if err != nil {
			return nil, err
		}
		for row, value := range values {
			name, isLabel := strings.CutPrefix(column.Name(), labelPrefix)
			switch {
			case isLabel && value != nil:
				texts[row] += fmt.Sprintf("%q=%q,", name, value)
				hashed[row] = append(append(append(append(hashed[row], name...), 0xff), value...), 0xff)
				lists[row] = binary.AppendVarint(lists[row], int64(c))
				counts[row]++
			case column.Name() == "s_col_indexes":
				wanted := append(binary.AppendVarint(nil, counts[row]), lists[row]...)
				if string(value) != string(wanted) {
					return nil, fmt.Errorf("row %d: list %x, not %x", row, value, wanted)
				}
			case column.Name() == "s_series_hash":
				if got := binary.BigEndian.Uint64(value); got != xxhash.Sum64(hashed[row]) {
					return nil, fmt.Errorf("row %d: hash %x", row, got)
				}
			}
		}
	}
	return texts, nil
}

func readCell(cell []byte, into Series) (int, error) {
	samples := 0
	number := func() uint64 {
		value, size := binary.Uvarint(cell)
		cell = cell[size:]
		return value
	}
	for len(cell) > 0 {
		encoding, minT, maxT, size := number(), int64(number()), int64(number()), number()
		chunk, err := chunkenc.FromData(chunkenc.Encoding(encoding), cell[:size])
		if err != nil {
			return samples, err
		}
		cell = cell[size:]
		first, last := int64(math.MaxInt64), int64(math.MinInt64)
		it := chunk.Iterator(nil)
		for kind := it.Next(); kind != chunkenc.ValNone; kind = it.Next() {
			t, text := describe(it, kind)
			if _, twice := into[t]; twice {
				return samples, fmt.Errorf("two samples at %d", t)
			}
			into[t] = text
			first, last = min(first, t), max(last, t)
			samples++
		}
		if it.Err() != nil {
			return samples, it.Err()
		}
		if first != minT || last != maxT {
			return samples, fmt.Errorf("samples from %d to %d in a chunk from %d to %d", first, last,
				minT, maxT)
		}
	}
	return samples, nil
}

func describe(it chunkenc.Iterator, kind chunkenc.ValueType) (int64, string) {
	switch kind {
	case chunkenc.ValHistogram:
		t, h := it.AtHistogram(nil)
		return t, fmt.Sprintf("%x %s", math.Float64bits(h.Sum), h.String())
	case chunkenc.ValFloatHistogram:
		t, h := it.AtFloatHistogram(nil)
		return t, fmt.Sprintf("%x %s", math.Float64bits(h.Sum), h.String())
	default:
		t, v := it.At()
		return t, fmt.Sprintf("%x", math.Float64bits(v))
	}
}

// OpenAll opens the shards <prefix>0, <prefix>1 and so on, at least one.
func OpenAll(prefix string) ([]*Shard, error) {
	var shards []*Shard
	for {
		name := fmt.Sprintf("%s%d", prefix, len(shards))
		if len(shards) > 0 && !exists(name+".labels.parquet") {
			return shards, nil
		}
		shard, err := Open(name)
		if err != nil {
			return nil, err
		}
		shards = append(shards, shard)
	}
}

// ReadAll returns every sample of the shards, as Read does of one.
func ReadAll(shards []*Shard) (map[string]Series, int, error) {
	all := map[string]Series{}
	samples := 0
	for _, shard := range shards {
		series, count, err := shard.Read()
		if err != nil {
			return nil, 0, err
		}
		for name, one := range series {
			if _, twice := all[name]; twice {
				return nil, 0, fmt.Errorf("%s stands twice", name)
			}
			all[name] = one
		}
		samples += count
	}
	return all, samples, nil
}
