package shardcheck

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"
)

// Shards of the Go library: the repository's own, and a larger one with histograms where the shared
// data is.
func goldenFolders() []string {
	folders := []string{"../../../src/shards/testdata/small-shards"}
	shared := filepath.Join(os.Getenv("THERMOCLINE_SHARED"), "data/golden/parquet-common/default")
	if exists(shared) {
		folders = append(folders, shared)
	}
	return folders
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func generator(t *testing.T) string {
	binary := os.Getenv("THERMOCLINE_BINARY")
	if binary == "" {
		binary = "../../../build/release/thermocline"
	}
	return filepath.Join(filepath.Dir(binary), "tools/generate/thermocline_shards")
}

// TestShards holds shards that we wrote to every demand: the series of a golden shard, read and
// written by us with several settings, are those that Go reads in it. Paths are relative to a
// sibling of this package.
func TestShards(t *testing.T) {
	for _, golden := range goldenFolders() {
		folder := t.TempDir()
		output, err := exec.Command(generator(t), golden, folder).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, output)
		}
		wanted, samples, err := ReadGolden(golden + "/0")
		if err != nil {
			t.Fatal(err)
		}
		for _, variant := range []string{"default", "small", "sorted"} {
			t.Run(filepath.Base(golden)+"/"+variant, func(t *testing.T) {
				prefix := filepath.Join(folder, variant) + "/"
				series, count, shards, err := ReadAll(prefix, exists)
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("%d series, %d samples in %d shards", len(series), count, shards)
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
