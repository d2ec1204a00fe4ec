package shardcheck

import (
	"bytes"
	"os"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// shape is what the library's own writer is told to write a shard of.
type shape struct {
	label, other parquet.Node
	version      int
	names        []string // of the metric, a row each; empty is NULL
	dataColumns  []string
	chunkRows    int
	footers      []string
}

func keeping() *shape {
	return &shape{
		label:       parquet.Optional(parquet.Encoded(parquet.String(), &parquet.RLEDictionary)),
		other:       parquet.Encoded(parquet.Leaf(parquet.ByteArrayType), &parquet.DeltaLengthByteArray),
		version:     2,
		names:       []string{"", "a", "a", "a metric of a name longer than bounds"},
		dataColumns: []string{"s_data_0", "s_data_1"},
		chunkRows:   4,
		footers:     []string{"data_col_duration_ms", "1000", "maxT", "1999", "minT", "0"},
	}
}

func (s *shape) write(t *testing.T, group parquet.Group, rows []parquet.Row) *File {
	t.Helper()
	options := []parquet.WriterOption{
		parquet.NewSchema("compressed", group), parquet.DataPageVersion(s.version),
	}
	for i := 0; i < len(s.footers); i += 2 {
		options = append(options, parquet.KeyValueMetadata(s.footers[i], s.footers[i+1]))
	}
	for name := range group {
		if !bytes.HasPrefix([]byte(name), []byte(labelPrefix)) {
			options = append(options, parquet.SkipPageBounds(name))
		}
	}
	if _, ok := group["l___name__"]; ok {
		options = append(options, parquet.SortingWriterConfig(parquet.SortingColumns(
			parquet.NullsFirst(parquet.Ascending("l___name__")))))
	}
	path := t.TempDir() + "/file"
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	writer := parquet.NewWriter(out, options...)
	if _, err := writer.WriteRows(rows); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := openFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// shard has the library write both files.
func (s *shape) shard(t *testing.T) *Shard {
	t.Helper()
	labels := parquet.Group{"l___name__": s.label, "s_col_indexes": s.other, "s_series_hash": s.other}
	var rows []parquet.Row
	for _, name := range s.names {
		value := parquet.ByteArrayValue([]byte(name)).Level(0, 1, 0)
		switch {
		case !s.label.Optional():
			value = value.Level(0, 0, 0)
		case name == "":
			value = parquet.NullValue().Level(0, 0, 0)
		}
		rows = append(rows, parquet.Row{value, parquet.ByteArrayValue([]byte{2, 0}).Level(0, 0, 1),
			parquet.ByteArrayValue(make([]byte, 8)).Level(0, 0, 2)})
	}
	shard := &Shard{Labels: s.write(t, labels, rows)}
	data := parquet.Group{}
	for _, name := range s.dataColumns {
		data[name] = s.other
	}
	rows = nil
	for range s.chunkRows {
		var row parquet.Row
		for c := range s.dataColumns {
			row = append(row, parquet.ByteArrayValue([]byte("cell")).Level(0, 0, c))
		}
		rows = append(rows, row)
	}
	shard.Chunks = s.write(t, data, rows)
	return shard
}

// TestBroken writes shards with the library's own writer, one that keeps every demand and for each
// demand some that do not keep it, and has that demand notice.
func TestBroken(t *testing.T) {
	if err := keeping().shard(t).Check(); err != nil {
		t.Fatal(err)
	}
	kept := func(*shape) {}
	first := func(f *File) *format.ColumnChunk { return &f.Metadata().RowGroups[0].Columns[0] }
	tests := []struct {
		demand string
		what   string
		write  func(*shape)
		alter  func(*Shard)
	}{
		{"names", "a column less than the footers say",
			func(s *shape) { s.dataColumns = s.dataColumns[:1] }, nil},
		{"names", "a column more", func(s *shape) { s.dataColumns = append(s.dataColumns, "x") }, nil},
		{"labels", "plain pages", func(s *shape) {
			s.label = parquet.Optional(parquet.Encoded(parquet.String(), &parquet.Plain))
		}, nil},
		{"labels", "a required label", func(s *shape) {
			s.label = parquet.Encoded(parquet.String(), &parquet.RLEDictionary)
		}, nil},
		{"required", "a dictionary", func(s *shape) {
			s.other = parquet.Encoded(parquet.Leaf(parquet.ByteArrayType), &parquet.RLEDictionary)
		}, nil},
		{"required", "an optional column", func(s *shape) { s.other = parquet.Optional(s.other) }, nil},
		{"version", "version 1", func(s *shape) { s.version = 1 }, nil},
		{"indexes", "no column index", kept, func(s *Shard) { first(s.Chunks).ColumnIndexLength = 0 }},
		{"indexes", "no offset index", kept, func(s *Shard) { first(s.Chunks).OffsetIndexLength = 0 }},
		{"indexes", "bounds of some pages only", kept, func(s *Shard) {
			s.Labels.ColumnIndexes()[0].MinValues = nil
		}},
		{"indexes", "bounds of cells", kept, func(s *Shard) {
			s.Chunks.ColumnIndexes()[0].MaxValues[0] = []byte("cell")
		}},
		{"runs", "a gap between column indexes", kept, func(s *Shard) {
			first(s.Chunks).ColumnIndexLength++
		}},
		{"runs", "a gap between offset indexes", kept, func(s *Shard) {
			first(s.Labels).OffsetIndexLength++
		}},
		{"null pages", "false as Thrift has it", kept, func(s *Shard) {
			s.Chunks.raw[first(s.Chunks).ColumnIndexOffset+2] = 2
		}},
		{"dictionaries", "a gap before the data", kept, func(s *Shard) {
			first(s.Labels).MetaData.DictionaryPageOffset--
		}},
		{"dictionaries", "data from elsewhere", kept, func(s *Shard) {
			first(s.Labels).MetaData.DataPageOffset++
		}},
		{"rows", "a row more", func(s *shape) { s.chunkRows++ }, nil},
		{"footers", "no minT", func(s *shape) { s.footers = s.footers[:4] }, nil},
		{"footers", "a number that is none", func(s *shape) { s.footers[1] = "8h" }, nil},
		{"order", "labels out of order", func(s *shape) { s.names[0] = "z" }, nil},
		{"order", "NULL after the others", func(s *shape) { s.names[3] = "" }, nil},
		{"order", "no order declared", kept, func(s *Shard) {
			s.Labels.Metadata().RowGroups[0].SortingColumns = nil
		}},
	}
	demands, left := map[string]Demand{}, map[string]bool{}
	for _, demand := range Demands() {
		demands[demand.Key], left[demand.Key] = demand, true
	}
	for _, test := range tests {
		t.Run(test.demand+"/"+test.what, func(t *testing.T) {
			shape := keeping()
			test.write(shape)
			shard := shape.shard(t)
			if test.alter != nil {
				test.alter(shard)
			}
			demand, ok := demands[test.demand]
			if !ok {
				t.Fatal("no such demand")
			}
			err := demand.check(shard)
			if err == nil {
				t.Fatalf("%q is met", demand.Name)
			}
			t.Log(err)
		})
		delete(left, test.demand)
	}
	if len(left) > 0 {
		t.Errorf("never broken: %v", left)
	}
}
