// Package shardcheck opens parquet-common shards with parquet-go and holds them to what the Go
// library of that format takes for granted of a file.
package shardcheck

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

const (
	labelPrefix = "l_"
	dataPrefix  = "s_data_"
)

// Shard is one pair of files.
type Shard struct {
	Labels, Chunks *File
	MinT, MaxT     int64
	Duration       int64
	Columns        int
}

// File is an open Parquet file and its bytes.
type File struct {
	*parquet.File
	raw []byte
}

func openFile(path string) (*File, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	file, err := parquet.OpenFile(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &File{file, raw}, nil
}

// Open opens <prefix>.labels.parquet and <prefix>.chunks.parquet and checks every demand.
func Open(prefix string) (*Shard, error) {
	shard := &Shard{}
	var err error
	if shard.Labels, err = openFile(prefix + ".labels.parquet"); err != nil {
		return nil, err
	}
	if shard.Chunks, err = openFile(prefix + ".chunks.parquet"); err != nil {
		return nil, err
	}
	for _, demand := range []func() error{
		shard.readFooters, shard.checkNames, shard.checkRowGroups, shard.checkPages,
		shard.checkIndexes, shard.checkOrder,
	} {
		if err := demand(); err != nil {
			return nil, fmt.Errorf("%s: %w", prefix, err)
		}
	}
	return shard, nil
}

func (s *Shard) files() []*File { return []*File{s.Labels, s.Chunks} }

func (s *Shard) readFooters() error {
	for _, file := range s.files() {
		for key, to := range map[string]*int64{
			"data_col_duration_ms": &s.Duration, "minT": &s.MinT, "maxT": &s.MaxT,
		} {
			text, ok := file.Lookup(key)
			if !ok {
				return fmt.Errorf("no footer key %s", key)
			}
			value, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return err
			}
			if file == s.Chunks && *to != value {
				return fmt.Errorf("%s is %d in the labels file, %d in the other", key, *to, value)
			}
			*to = value
		}
	}
	s.Columns = int((s.MaxT-s.MinT)/s.Duration) + 1
	return nil
}

func (s *Shard) checkNames() error {
	names := leafNames(s.Labels)
	if !sort.StringsAreSorted(names) {
		return fmt.Errorf("label columns are not sorted: %v", names)
	}
	for i, name := range names {
		if strings.HasPrefix(name, labelPrefix) != (i < len(names)-2) {
			return fmt.Errorf("column %d is %s", i, name)
		}
	}
	if got := names[len(names)-2:]; got[0] != "s_col_indexes" || got[1] != "s_series_hash" {
		return fmt.Errorf("the last columns are %v", got)
	}
	wanted := map[string]bool{}
	for i := range s.Columns {
		wanted[fmt.Sprintf("%s%d", dataPrefix, i)] = true
	}
	chunks := leafNames(s.Chunks)
	if !sort.StringsAreSorted(chunks) || len(chunks) != len(wanted) {
		return fmt.Errorf("%d columns of chunks, and they are %v", s.Columns, chunks)
	}
	for _, name := range chunks {
		if !wanted[name] {
			return fmt.Errorf("unexpected column %s", name)
		}
	}
	return nil
}

func leafNames(file *File) []string {
	var names []string
	for _, column := range file.Root().Columns() {
		names = append(names, column.Name())
	}
	return names
}

func (s *Shard) checkRowGroups() error {
	labels, chunks := s.Labels.RowGroups(), s.Chunks.RowGroups()
	if len(labels) != len(chunks) {
		return fmt.Errorf("%d row groups of labels, %d of chunks", len(labels), len(chunks))
	}
	for i := range labels {
		if labels[i].NumRows() != chunks[i].NumRows() {
			return fmt.Errorf("row group %d: %d and %d rows", i, labels[i].NumRows(),
				chunks[i].NumRows())
		}
	}
	return nil
}

func (f *File) header(offset int64) (format.PageHeader, int, error) {
	reader := bytes.NewReader(f.raw[offset:])
	var header format.PageHeader
	decoder := thrift.NewDecoder(new(thrift.CompactProtocol).NewReader(reader))
	err := decoder.Decode(&header)
	return header, int(int64(len(f.raw))-offset) - reader.Len(), err
}

// encodingOf reads DataPageHeaderV2.Encoding, which one version of parquet-go has behind a pointer
// and the other in a field V.
func encodingOf(header format.PageHeader) format.Encoding {
	field := reflect.Indirect(reflect.ValueOf(header).FieldByName("DataPageHeaderV2"))
	if inner := field.FieldByName("V"); inner.IsValid() {
		field = reflect.Indirect(inner)
	}
	return field.FieldByName("Encoding").Interface().(format.Encoding)
}

// Every page V2; labels optional and every page of theirs through a dictionary that stands directly
// before the first; other columns required and never through one.
func (s *Shard) checkPages() error {
	for _, file := range s.files() {
		for g, group := range file.Metadata().RowGroups {
			for c, chunk := range group.Columns {
				leaf := file.Root().Columns()[c]
				label := strings.HasPrefix(leaf.Name(), labelPrefix)
				if leaf.Optional() != label || (label && leaf.MaxDefinitionLevel() != 1) {
					return fmt.Errorf("%s: optional %v, level %d", leaf.Name(), leaf.Optional(),
						leaf.MaxDefinitionLevel())
				}
				meta := chunk.MetaData
				if label != (meta.DictionaryPageOffset != 0) {
					return fmt.Errorf("%s: dictionary at %d", leaf.Name(), meta.DictionaryPageOffset)
				}
				pages := file.OffsetIndexes()[g*len(group.Columns)+c].PageLocations
				if meta.DataPageOffset != pages[0].Offset {
					return fmt.Errorf("%s: data from %d, first page at %d", leaf.Name(),
						meta.DataPageOffset, pages[0].Offset)
				}
				if label {
					header, size, err := file.header(meta.DictionaryPageOffset)
					if err != nil || header.Type != format.DictionaryPage ||
						meta.DictionaryPageOffset+int64(size)+int64(header.CompressedPageSize) !=
							pages[0].Offset {
						return fmt.Errorf("%s: dictionary %+v of %d bytes, %v", leaf.Name(), header,
							size, err)
					}
				}
				for _, page := range pages {
					header, _, err := file.header(page.Offset)
					if err != nil || header.Type != format.DataPageV2 {
						return fmt.Errorf("%s: page type %v, %v", leaf.Name(), header.Type, err)
					}
					encoding := encodingOf(header)
					if coded := encoding == format.RLEDictionary; coded != label {
						return fmt.Errorf("%s: page encoding %v", leaf.Name(), encoding)
					}
				}
			}
		}
	}
	return nil
}

// Both indexes of every column, each kind in one run from the first column on.
func (s *Shard) checkIndexes() error {
	for _, file := range s.files() {
		columnEnd, offsetEnd := int64(-1), int64(-1)
		for g, group := range file.Metadata().RowGroups {
			for c, chunk := range group.Columns {
				if columnEnd >= 0 && (chunk.ColumnIndexOffset != columnEnd ||
					chunk.OffsetIndexOffset != offsetEnd) {
					return fmt.Errorf("row group %d column %d: indexes at %d and %d, not %d and %d",
						g, c, chunk.ColumnIndexOffset, chunk.OffsetIndexOffset, columnEnd, offsetEnd)
				}
				if chunk.ColumnIndexLength == 0 || chunk.OffsetIndexLength == 0 {
					return fmt.Errorf("row group %d column %d has no index", g, c)
				}
				columnEnd = chunk.ColumnIndexOffset + int64(chunk.ColumnIndexLength)
				offsetEnd = chunk.OffsetIndexOffset + int64(chunk.OffsetIndexLength)
				at := g*len(group.Columns) + c
				index, pages := file.ColumnIndexes()[at], file.OffsetIndexes()[at].PageLocations
				if len(index.NullPages) != len(pages) || len(index.MinValues) != len(pages) ||
					len(index.MaxValues) != len(pages) {
					return fmt.Errorf("row group %d column %d: %d pages, index of %d, %d, %d", g, c,
						len(pages), len(index.NullPages), len(index.MinValues), len(index.MaxValues))
				}
			}
		}
	}
	return nil
}

// Labels are sorted by the leaf that the first sorting column names, NULL as the empty string.
func (s *Shard) checkOrder() error {
	before := ""
	for g, group := range s.Labels.Metadata().RowGroups {
		if len(group.SortingColumns) == 0 {
			return fmt.Errorf("row group %d declares no order", g)
		}
		sorting := group.SortingColumns[0]
		if sorting.Descending || !sorting.NullsFirst {
			return fmt.Errorf("row group %d: %+v", g, sorting)
		}
		values, err := s.Labels.values(g, int(sorting.ColumnIdx))
		if err != nil {
			return err
		}
		for _, value := range values {
			if string(value) < before {
				return fmt.Errorf("row group %d: %q after %q", g, value, before)
			}
			before = string(value)
		}
	}
	return nil
}
