// Package shardcheck opens parquet-common shards with parquet-go and holds them to what the Go
// library of that format takes for granted of a file.
package shardcheck

import (
	"bytes"
	"encoding/binary"
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

// Open opens <prefix>.labels.parquet and <prefix>.chunks.parquet, and no more: see Demands.
func Open(prefix string) (*Shard, error) {
	shard := &Shard{}
	var err error
	if shard.Labels, err = openFile(prefix + ".labels.parquet"); err != nil {
		return nil, err
	}
	if shard.Chunks, err = openFile(prefix + ".chunks.parquet"); err != nil {
		return nil, err
	}
	return shard, nil
}

// Demand is one thing that the Go library of the format takes for granted.
type Demand struct {
	Key, Name string
	check     func(*Shard) error
}

// Demands are all of them, in the order of the library's code paths. Those that are asked of the
// data columns need what the footers say of them: each reads the footers itself.
func Demands() []Demand {
	return []Demand{
		{"names", "columns have the names that the footers imply",
			(*Shard).checkNames},
		{"labels", "labels are optional, of level 1, each page through the dictionary",
			(*Shard).checkLabels},
		{"required", "other columns are required and never through a dictionary",
			(*Shard).checkRequired},
		{"version", "data pages are of version 2",
			(*Shard).checkVersion},
		{"indexes", "each column has both indexes, with a bound for each page",
			(*Shard).checkIndexes},
		{"runs", "column indexes stand in one run, offset indexes in another",
			(*Shard).checkRuns},
		{"null pages", "null pages are told by the bytes 0 and 1",
			(*Shard).checkNullPages},
		{"dictionaries", "a dictionary stands directly before the first data page",
			(*Shard).checkDictionaries},
		{"rows", "both files have the same row groups and rows",
			(*Shard).checkRowGroups},
		{"footers", "both footers have the three numbers",
			(*Shard).readFooters},
		{"order", "labels are sorted by the first sorting column, NULL as empty",
			(*Shard).checkOrder},
	}
}

// Check holds the shard to every demand.
func (s *Shard) Check() error {
	for _, demand := range Demands() {
		if err := demand.check(s); err != nil {
			return fmt.Errorf("%s: %w", demand.Name, err)
		}
	}
	return nil
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
	if err := s.readFooters(); err != nil {
		return err
	}
	names := leafNames(s.Labels)
	if !sort.StringsAreSorted(names) {
		return fmt.Errorf("label columns are not sorted: %v", names)
	}
	if len(names) < 2 {
		return fmt.Errorf("only columns %v", names)
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

// column is a chunk of a column in a row group.
type column struct {
	file   *File
	leaf   *parquet.Column
	chunk  *format.ColumnChunk
	label  bool
	pages  []format.PageLocation
	bounds format.ColumnIndex
}

func (c *column) errorf(text string, arguments ...any) error {
	return fmt.Errorf("%s: %w", c.leaf.Name(), fmt.Errorf(text, arguments...))
}

// each calls `check` for every chunk of every column of both files.
func (s *Shard) each(check func(*column) error) error {
	for _, file := range s.files() {
		for g := range file.Metadata().RowGroups {
			group := &file.Metadata().RowGroups[g]
			for c := range group.Columns {
				leaf, at := file.Root().Columns()[c], g*len(group.Columns)+c
				if err := check(&column{
					file, leaf, &group.Columns[c], strings.HasPrefix(leaf.Name(), labelPrefix),
					file.OffsetIndexes()[at].PageLocations, file.ColumnIndexes()[at],
				}); err != nil {
					return fmt.Errorf("row group %d: %w", g, err)
				}
			}
		}
	}
	return nil
}

// pageEncodings calls `check` with the encoding of every data page of version 2.
func (c *column) pageEncodings(check func(format.Encoding) error) error {
	for _, page := range c.pages {
		header, _, err := c.file.header(page.Offset)
		if err != nil {
			return c.errorf("%w", err)
		}
		if header.Type != format.DataPageV2 {
			continue // a demand of its own
		}
		if err := check(encodingOf(header)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Shard) checkLabels() error {
	return s.each(func(c *column) error {
		if !c.label {
			return nil
		}
		if !c.leaf.Optional() || c.leaf.MaxDefinitionLevel() != 1 {
			return c.errorf("optional %v, level %d", c.leaf.Optional(), c.leaf.MaxDefinitionLevel())
		}
		if c.chunk.MetaData.DictionaryPageOffset == 0 {
			return c.errorf("no dictionary")
		}
		return c.pageEncodings(func(encoding format.Encoding) error {
			if encoding != format.RLEDictionary {
				return c.errorf("a page of encoding %v", encoding)
			}
			return nil
		})
	})
}

func (s *Shard) checkRequired() error {
	return s.each(func(c *column) error {
		if c.label {
			return nil
		}
		if c.leaf.Optional() || c.leaf.Repeated() || c.leaf.MaxDefinitionLevel() != 0 {
			return c.errorf("not required")
		}
		if c.chunk.MetaData.DictionaryPageOffset != 0 {
			return c.errorf("a dictionary at %d", c.chunk.MetaData.DictionaryPageOffset)
		}
		return c.pageEncodings(func(encoding format.Encoding) error {
			if encoding == format.RLEDictionary || encoding == format.PlainDictionary {
				return c.errorf("a page of encoding %v", encoding)
			}
			return nil
		})
	})
}

func (s *Shard) checkVersion() error {
	return s.each(func(c *column) error {
		for _, page := range c.pages {
			header, _, err := c.file.header(page.Offset)
			if err != nil {
				return c.errorf("%w", err)
			}
			if header.Type != format.DataPageV2 {
				return c.errorf("page type %v", header.Type)
			}
		}
		return nil
	})
}

func (s *Shard) checkDictionaries() error {
	return s.each(func(c *column) error {
		meta := c.chunk.MetaData
		if meta.DataPageOffset != c.pages[0].Offset {
			return c.errorf("data from %d, first page at %d", meta.DataPageOffset, c.pages[0].Offset)
		}
		if meta.DictionaryPageOffset == 0 {
			return nil
		}
		header, size, err := c.file.header(meta.DictionaryPageOffset)
		if err != nil {
			return c.errorf("%w", err)
		}
		if header.Type != format.DictionaryPage ||
			meta.DictionaryPageOffset+int64(size)+int64(header.CompressedPageSize) !=
				c.pages[0].Offset {
			return c.errorf("dictionary %+v of %d bytes", header, size)
		}
		return nil
	})
}

// Bounds of labels are cut to 16 bytes, which the library's search by a prefix counts on; those of
// other columns are empty.
func (s *Shard) checkIndexes() error {
	return s.each(func(c *column) error {
		if c.chunk.ColumnIndexLength == 0 || c.chunk.OffsetIndexLength == 0 {
			return c.errorf("an index is missing")
		}
		index := c.bounds
		if len(c.pages) == 0 || len(index.NullPages) != len(c.pages) ||
			len(index.MinValues) != len(c.pages) || len(index.MaxValues) != len(c.pages) {
			return c.errorf("%d pages, index of %d, %d, %d", len(c.pages), len(index.NullPages),
				len(index.MinValues), len(index.MaxValues))
		}
		most := 0
		if c.label {
			most = 16
		}
		for i := range c.pages {
			if len(index.MinValues[i]) > most || len(index.MaxValues[i]) > most {
				return c.errorf("page %d: bounds %q and %q", i, index.MinValues[i], index.MaxValues[i])
			}
		}
		return nil
	})
}

// Each kind of index in one run, from the first column of the first row group on.
func (s *Shard) checkRuns() error {
	for _, file := range s.files() {
		columnEnd, offsetEnd := int64(-1), int64(-1)
		for g, group := range file.Metadata().RowGroups {
			for c, chunk := range group.Columns {
				if columnEnd >= 0 && (chunk.ColumnIndexOffset != columnEnd ||
					chunk.OffsetIndexOffset != offsetEnd) {
					return fmt.Errorf("row group %d column %d: indexes at %d and %d, not %d and %d",
						g, c, chunk.ColumnIndexOffset, chunk.OffsetIndexOffset, columnEnd, offsetEnd)
				}
				columnEnd = chunk.ColumnIndexOffset + int64(chunk.ColumnIndexLength)
				offsetEnd = chunk.OffsetIndexOffset + int64(chunk.OffsetIndexLength)
			}
		}
	}
	return nil
}

// The first field of a stored column index is the list of null pages, a byte each. One generation of
// the library takes every byte but 0 for true, and what a writer may also put for false is 2.
func (s *Shard) checkNullPages() error {
	return s.each(func(c *column) error {
		stored := c.file.raw[c.chunk.ColumnIndexOffset:]
		if stored[0] != 0x19 {
			return c.errorf("a column index that begins with %x", stored[0])
		}
		count, at := uint64(stored[1]>>4), 2
		if count == 15 {
			size := 0
			count, size = binary.Uvarint(stored[2:])
			at += size
		}
		if count != uint64(len(c.pages)) {
			return c.errorf("%d null pages of %d", count, len(c.pages))
		}
		for i, flag := range stored[at : at+int(count)] {
			if flag > 1 {
				return c.errorf("page %d: byte %d", i, flag)
			}
			if !c.label && flag != 0 {
				return c.errorf("page %d of nulls in a required column", i)
			}
		}
		return nil
	})
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
