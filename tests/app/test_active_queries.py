"""Running queries are listed, and one is ended by its id or by its client going away."""
import pathlib
import shutil
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from server_process import thermocline  # noqa: E402

LIST = "/api/v1/status/active_queries"
CANCEL = "/api/v1/admin/cancel_query"
# Some minutes of work that needs no data.
HEAVY = "quantile_over_time(0.9, vector(1)[1h:100ms])"
PATIENCE_S = 30


class ActiveQueriesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="thermocline-active-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.server = thermocline(cls.folder, "--query.timeout=10m").start()
        cls.addClassCleanup(cls.server.kill)

    def listed(self):
        status, answer = self.server.get(LIST)
        self.assertEqual(status, 200)
        return answer["data"]["queries"]

    def await_listed(self, count):
        deadline = time.monotonic() + PATIENCE_S
        while len(found := self.listed()) != count:
            self.assertLess(time.monotonic(), deadline, found)
            time.sleep(0.01)
        return found

    def begin(self, **parameters):
        """A query on a thread of its own; its answer is appended to the list that is returned."""
        answers = []
        path = "/api/v1/query_range" if "step" in parameters else "/api/v1/query"
        thread = threading.Thread(
            target=lambda: answers.append(self.server.get(path, 600, query=HEAVY, **parameters)))
        thread.start()
        self.addCleanup(thread.join)
        return thread, answers

    def test_nothing_runs_and_nothing_is_listed(self):
        self.assertEqual(self.listed(), [])

    def test_a_query_is_listed_with_what_it_uses_and_ended_by_its_id(self):
        began_s = time.time()
        thread, answers = self.begin(start=1000, end=4600.5, step=0.5)
        (query,) = self.await_listed(1)
        self.assertEqual(list(query), ["id", "query", "start", "end", "step", "started", "elapsed",
                                       "samples", "bytes", "client"])
        self.assertEqual({key: query[key] for key in ("query", "start", "end", "step", "client")},
                         {"query": HEAVY, "start": 1000, "end": 4600.5, "step": 0.5,
                          "client": "127.0.0.1"})
        self.assertGreaterEqual(query["started"], began_s - 1)
        self.assertGreaterEqual(query["elapsed"], 0)
        self.assertEqual(self.server.post(f"{CANCEL}?id={query['id']}"),
                         (200, {"status": "success", "data": {"id": query["id"]}}))
        thread.join(PATIENCE_S)
        self.assertEqual(answers, [(499, {
            "status": "error", "errorType": "canceled",
            "error": "query was canceled in expression evaluation"})])
        self.await_listed(0)
        status, answer = self.server.post(f"{CANCEL}?id={query['id']}")
        self.assertEqual((status, answer["errorType"]), (404, "not_found"))

    def test_only_the_query_of_the_id_is_ended(self):
        self.begin(start=1000, end=4600, step=0.5)
        stays = self.await_listed(1)[0]["id"]
        thread, answers = self.begin(start=1001, end=4600, step=0.5)
        goes = self.await_listed(2)[1]["id"]
        self.server.post(f"{CANCEL}?id={goes}")
        thread.join(PATIENCE_S)
        self.assertEqual(answers[0][0], 499)
        self.assertEqual([query["id"] for query in self.await_listed(1)], [stays])
        self.server.post(f"{CANCEL}?id={stays}")
        self.await_listed(0)

    def test_a_query_whose_client_goes_is_listed_no_more(self):
        with self.assertRaises(OSError):
            self.server.get("/api/v1/query_range", 0.3, query=HEAVY, start=1000, end=4600,
                            step=0.5)
        self.await_listed(0)

    def test_bad_ids_are_told(self):
        for path, status in ((CANCEL, 400), (f"{CANCEL}?id=x", 400), (f"{CANCEL}?id=-1", 400),
                             (f"{CANCEL}?id=12345", 404)):
            self.assertEqual(self.server.post(path)[0], status, path)
        self.assertEqual(self.server.get(f"{CANCEL}?id=1")[0], 405)

    def test_without_the_admin_api_nothing_is_ended(self):
        folder = self.folder / "closed"
        folder.mkdir()
        server = thermocline(folder)
        server.command.remove("--web.enable-admin-api")
        server.start()
        self.addCleanup(server.kill)
        status, answer = server.post(f"{CANCEL}?id=1")
        self.assertEqual(status, 403)
        self.assertIn("--web.enable-admin-api", answer["error"])
        self.assertEqual(server.get(LIST)[0], 200)


if __name__ == "__main__":
    unittest.main()
