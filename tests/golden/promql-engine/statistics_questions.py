"""Questions about samples counted, for statistics_test.go; see README.md.

Usage: python3 statistics_questions.py answers.jsonl histogram_answers.jsonl > questions.jsonl
The questions of the files without their answers. Histograms of a series get one layout: how large
a stored one counts is Prometheus' chunks' own choice when layouts change.
"""

import json
import re
import sys

LAYOUT = re.compile(r"(schema|offset|custom_values):(\[[^]]*\]|-?\d+)")


def one_layout(line):
    """A series of a load command, laid out as its first histogram is."""
    line = re.sub(r" n_buckets:\[[^]]*\]", "", line)
    first = {}
    for key, value in LAYOUT.findall(line):
        first.setdefault(key, value)
    return LAYOUT.sub(lambda found: f"{found[1]}:{first[found[1]]}", line)


def main():
    for name in sys.argv[1:]:
        with open(name, encoding="utf-8") as lines:
            for text in lines:
                asked = json.loads(text)
                load, *series = asked["load"].split("\n")
                print(json.dumps({
                    "load": "\n".join([load, *map(one_layout, series)]),
                    "delayed_name_removal": asked["delayed_name_removal"],
                    "questions": [{key: one[key] for key in ("query", "start_ms", "end_ms",
                                                             "step_ms")}
                                  for one in asked["questions"]]}))


if __name__ == "__main__":
    main()
