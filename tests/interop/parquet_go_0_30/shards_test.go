// Package shards holds shards written by us to what parquet-go v0.30.1 reads of them.
package shards

import (
	"testing"

	_ "github.com/parquet-go/parquet-go"
	"thermocline/tests/interop/shardcheck"
)

func TestReadsWhatWeWrite(t *testing.T) { shardcheck.TestShards(t) }
