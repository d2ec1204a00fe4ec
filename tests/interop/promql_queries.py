"""Queries that a real Prometheus and Thermocline must answer alike, over metrics of Prometheus and
of the node exporter scraped every second. Each is asked as an instant and as a range query."""

SELECTORS = [
    "up",
    '{job="node"}',
    'node_cpu_seconds_total{mode="idle"}',
    'node_cpu_seconds_total{mode!~"idle|iowait", cpu="0"}',
    '{__name__=~"node_memory_Mem.*"}',
    'prometheus_http_requests_total{handler=~"/api/.*", code!=""}',
    'up{job="nothing"}',
    'go_goroutines{instance=~".+", job=~"prom.*|x"}',
    "node_load1 offset 5s",
    "node_load1 offset -3s",
    'node_time_seconds{absent_label=""}',
]
AGGREGATIONS = [
    "sum(node_cpu_seconds_total)",
    "sum by (mode) (node_cpu_seconds_total)",
    "sum without (cpu, instance) (node_cpu_seconds_total)",
    'avg by (job) ({__name__=~"go_.*"})',
    "min by (job) (process_resident_memory_bytes)",
    'max by (job, instance) ({__name__=~"process_.*"})',
    "count by (mode) (node_cpu_seconds_total)",
    'count by (__name__) ({job="prometheus"})',
    "count(up)",
    "group by (job) (up)",
    "stddev by (mode) (node_cpu_seconds_total)",
    "stdvar(node_cpu_seconds_total)",
    "quantile(0.9, node_cpu_seconds_total)",
    "quantile by (mode) (0.5, node_cpu_seconds_total)",
    "topk(3, node_cpu_seconds_total)",
    "bottomk by (cpu) (1, node_cpu_seconds_total)",
    'count_values("value", up)',
]
RATES = [
    'rate(node_cpu_seconds_total{cpu="0"}[10s])',
    "increase(prometheus_tsdb_head_samples_appended_total[15s])",
    "sum by (mode) (rate(node_cpu_seconds_total[10s]))",
    "irate(node_cpu_seconds_total[5s])",
    "delta(process_resident_memory_bytes[10s])",
    "idelta(go_goroutines[5s])",
    "deriv(process_resident_memory_bytes[10s])",
    "predict_linear(node_memory_MemFree_bytes[10s], 60)",
    "resets(go_goroutines[15s])",
    "changes(process_open_fds[15s])",
]
OVER_TIME = [
    "avg_over_time(go_goroutines[10s])",
    "sum_over_time(up[10s])",
    "min_over_time(go_memstats_alloc_bytes[10s])",
    "max_over_time(go_memstats_alloc_bytes[10s])",
    "count_over_time(node_load1[10s])",
    "last_over_time(node_load1[10s])",
    "stddev_over_time(go_goroutines[10s])",
    "stdvar_over_time(go_goroutines[10s])",
    "quantile_over_time(0.75, go_goroutines[10s])",
    "present_over_time(up[10s])",
    "absent_over_time(nothing[10s])",
    "max_over_time(rate(node_cpu_seconds_total[5s])[10s:2s])",
    "avg_over_time(go_goroutines[10s] offset 4s)",
]
ARITHMETIC = [
    "1 + 2 * 3 ^ 2 % 5",
    "node_memory_MemFree_bytes / node_memory_MemTotal_bytes",
    "node_memory_MemTotal_bytes - node_memory_MemFree_bytes - node_memory_Cached_bytes",
    "process_resident_memory_bytes / 1024 / 1024",
    "-node_load1",
    "process_open_fds > 10",
    "process_open_fds > bool 10",
    "up == 1 and on (job) process_open_fds",
    "up unless go_goroutines",
    'go_goroutines or up{job="node"}',
    "go_goroutines * on (job) group_left up",
    "sum by (job) (process_open_fds) / on (job) group_left count by (job) (up)",
    "100 * (1 - avg by (instance) (rate(node_cpu_seconds_total{mode=\"idle\"}[10s])))",
]
FUNCTIONS = [
    "abs(-node_load1)",
    "ceil(node_load1)",
    "round(node_load5, 0.1)",
    "clamp(process_open_fds, 5, 20)",
    "exp(node_load1)",
    "sqrt(process_open_fds)",
    "ln(process_resident_memory_bytes)",
    "timestamp(up)",
    "time()",
    "vector(1)",
    "scalar(sum(up))",
    "absent(nothing{a=\"b\"})",
    'label_replace(up, "host", "$1", "instance", "(.*):.*")',
    'label_join(up, "both", "-", "job", "instance")',
    "histogram_quantile(0.9, sum by (le, handler) ("
    "rate(prometheus_http_request_duration_seconds_bucket[15s])))",
    "hour(process_start_time_seconds)",
    "sort_desc(process_open_fds)",
]
ALL = SELECTORS + AGGREGATIONS + RATES + OVER_TIME + ARITHMETIC + FUNCTIONS

# The order of these answers is part of the answer.
ORDERED = ("sort", "topk", "bottomk")
