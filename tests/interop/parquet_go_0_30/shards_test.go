// Package shards holds shards written by us to what parquet-go v0.30.1 reads of them.
package shards

import (
	"testing"

	_ "github.com/parquet-go/parquet-go"
	"thermocline/tests/interop/shardcheck"
)

func TestMeetsEachDemand(t *testing.T) { shardcheck.TestDemands(t) }

func TestNoticesEachBrokenDemand(t *testing.T) { shardcheck.TestBroken(t) }

func TestReadsWhatWeWrite(t *testing.T) { shardcheck.TestShards(t) }

func TestReadsTheLogsOfPrometheus(t *testing.T) { shardcheck.TestLogs(t) }

func TestAsksTheBloomFilters(t *testing.T) { shardcheck.TestBloomFilters(t) }
