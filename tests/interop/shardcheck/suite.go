package shardcheck

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// The variants of a shard that the generator writes.
var variants = []string{"default", "small", "sorted"}

// Shards of the Go library: the repository's own, and larger ones where the shared data is. Paths
// are relative to a sibling of this package.
func goldenFolders() []string {
	folders := []string{"../../../src/shards/testdata/small-shards"}
	shared := os.Getenv("THERMOCLINE_SHARED")
	if shared == "" {
		shared = "../../../../shared"
	}
	for _, name := range []string{"default", "day-parquet-go-0.30"} {
		if folder := filepath.Join(shared, "data/golden/parquet-common", name); exists(folder) {
			folders = append(folders, folder)
		}
	}
	return folders
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func program() string {
	if binary := os.Getenv("THERMOCLINE_BINARY"); binary != "" {
		return binary
	}
	return "../../../build/release/thermocline"
}

// generate has us read a shard of the Go library and write it with several settings.
func generate(t *testing.T, golden string) string {
	t.Helper()
	folder := t.TempDir()
	generator := filepath.Join(filepath.Dir(program()), "tools/generate/thermocline_shards")
	output, err := exec.Command(generator, golden, folder).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	return folder
}

func openAll(t *testing.T, prefix string) []*Shard {
	t.Helper()
	shards, err := OpenAll(prefix)
	if err != nil {
		t.Fatal(err)
	}
	return shards
}

// TestDemands holds shards that we wrote to each demand by itself.
func TestDemands(t *testing.T) {
	for _, golden := range goldenFolders() {
		folder := generate(t, golden)
		for _, variant := range variants {
			shards := openAll(t, filepath.Join(folder, variant)+"/")
			for _, demand := range Demands() {
				t.Run(filepath.Base(golden)+"/"+variant+"/"+demand.Key, func(t *testing.T) {
					for i, shard := range shards {
						if err := demand.check(shard); err != nil {
							t.Errorf("shard %d: not so: %s: %v", i, demand.Name, err)
						}
					}
				})
			}
		}
	}
}

// TestShards reads every cell of shards that we wrote: the series of a golden shard, read and
// written by us with several settings, are those that Go reads in it.
func TestShards(t *testing.T) {
	for _, golden := range goldenFolders() {
		folder := generate(t, golden)
		wanted, samples, err := ReadAll(openAll(t, golden+"/"))
		if err != nil {
			t.Fatal(err)
		}
		for _, variant := range variants {
			t.Run(filepath.Base(golden)+"/"+variant, func(t *testing.T) {
				shards := openAll(t, filepath.Join(folder, variant)+"/")
				series, count, err := ReadAll(shards)
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("%d series, %d samples in %d shards", len(series), count, len(shards))
				if count != samples || len(series) != len(wanted) {
					t.Errorf("not %d samples of %d series", samples, len(wanted))
				}
				for labels, one := range wanted {
					if !reflect.DeepEqual(series[labels], one) {
						t.Fatalf("%s differs", labels)
					}
				}
			})
		}
	}
}

// The labels with a Bloom filter in each variant.
var bloomLabels = map[string][]string{
	"default": {"__name__"}, "small": {"__name__", "job"}, "sorted": {"__name__"},
}

// TestBloomFilters asks the library's own reader of Bloom filters for every value of a column, and
// for as many that are in none.
func TestBloomFilters(t *testing.T) {
	for _, golden := range goldenFolders() {
		folder := generate(t, golden)
		for _, variant := range variants {
			t.Run(filepath.Base(golden)+"/"+variant, func(t *testing.T) {
				shards := openAll(t, filepath.Join(folder, variant)+"/")
				asked, wrong := 0, 0
				for _, shard := range shards {
					a, w, err := shard.askBlooms(bloomLabels[variant])
					if err != nil {
						t.Fatal(err)
					}
					asked, wrong = asked+a, wrong+w
				}
				t.Logf("%d of %d absent values are maybe there", wrong, asked)
				if asked < 1000 || wrong > asked/20 {
					t.Errorf("%d of %d", wrong, asked)
				}
			})
		}
	}
}

// askBlooms returns how many absent values it asked for and of how many the filters say maybe.
func (s *Shard) askBlooms(labels []string) (asked, wrong int, err error) {
	filters := map[string]int{}
	for g, group := range s.Labels.RowGroups() {
		for c, leaf := range s.Labels.Root().Columns() {
			filter := group.ColumnChunks()[c].BloomFilter()
			if filter == nil || reflect.ValueOf(filter).IsNil() {
				continue
			}
			filters[leaf.Name()]++
			values, err := s.Labels.values(g, c)
			if err != nil {
				return 0, 0, err
			}
			for _, value := range values {
				if value == nil {
					continue
				}
				maybe, err := filter.Check(parquet.ByteArrayValue(value))
				if err != nil {
					return 0, 0, err
				}
				if !maybe {
					return 0, 0, fmt.Errorf("%s: %q is not there", leaf.Name(), value)
				}
			}
			for i := range 1000 {
				maybe, err := filter.Check(parquet.ByteArrayValue(fmt.Appendf(nil, "absent %d", i)))
				if err != nil {
					return 0, 0, err
				}
				asked++
				if maybe {
					wrong++
				}
			}
		}
	}
	for _, label := range labels {
		if filters[labelPrefix+label] != len(s.Labels.RowGroups()) {
			return 0, 0, errors.New(label + " has no filter in some row group")
		}
		delete(filters, labelPrefix+label)
	}
	if len(filters) > 0 {
		return 0, 0, fmt.Errorf("filters on %v", filters)
	}
	return asked, wrong, nil
}
