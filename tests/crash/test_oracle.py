"""The observer notices each kind of broken promise."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from oracle import ABSENT, ACKNOWLEDGED, PRESENT, Oracle, Request  # noqa: E402


def matrix(*requests):
    merged = {}
    for request in requests:
        for name, samples in request.series().items():
            merged.setdefault(name, []).extend(samples)
    return [{"metric": {"series": name},
             "values": [[at / 1000, str(value)] for at, value in sorted(samples)]}
            for name, samples in merged.items()]


class OracleTest(unittest.TestCase):
    def setUp(self):
        self.oracle = Oracle()
        self.first = Request(0, 0, 1, [1000, 1001])
        self.second = Request(0, 0, 2, [1002, 1003])
        self.first.state = ACKNOWLEDGED
        self.oracle.add(self.first)
        self.oracle.add(self.second)

    def test_accepts_what_was_sent_and_settles_what_was_under_way(self):
        self.assertEqual(self.oracle.check(0, matrix(self.first)), [])
        self.assertEqual(self.second.state, ABSENT)
        self.second.state = "sent"
        self.assertEqual(self.oracle.check(0, matrix(self.first, self.second)), [])
        self.assertEqual(self.second.state, PRESENT)

    def test_notices_a_lost_request(self):
        self.assertIn("is gone", self.oracle.check(0, [])[0])

    def test_notices_a_partial_request(self):
        self.assertIn("samples of a request",
                      self.oracle.check(0, matrix(self.first, self.second)[:-1])[0])

    def test_notices_a_sample_twice(self):
        found = matrix(self.first)
        found[0]["values"].append(found[0]["values"][0])
        self.assertIn("twice", self.oracle.check(0, found)[0])

    def test_notices_a_wrong_value(self):
        found = matrix(self.first)
        found[0]["values"][0][1] = "1"
        self.assertIn("has the value", self.oracle.check(0, found)[0])

    def test_notices_a_phantom(self):
        found = matrix(self.first, Request(0, 9, 1, [1000]))
        self.assertIn("never sent", self.oracle.check(0, found)[0])

    def test_notices_what_comes_back_from_the_dead(self):
        self.oracle.check(0, matrix(self.first))
        self.assertIn("came back", self.oracle.check(0, matrix(self.first, self.second))[0])


if __name__ == "__main__":
    unittest.main()
