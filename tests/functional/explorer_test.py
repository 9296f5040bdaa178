#!/usr/bin/python3 -B
"""The explorer over a kept devnet whose chain has stopped: every route, and what bad requests get."""

import json
import urllib.error
import urllib.request

from support import Background, FunctionalTest, Paths, answers, free_port, get, main, wait_until


class ExplorerTest(FunctionalTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = Paths.kept / "devnet"
        cls.data = json.loads((Paths.kept / "devnet.out.json").read_text())
        cls.record = json.loads((cls.folder / "devnet.json").read_text())
        cls.port = free_port()
        cls.url = f"http://127.0.0.1:{cls.port}"
        cls.explorer = Background([Paths.program("covenant-explorer"), "run", "--datadir", cls.folder, "--listen",
                                   f"127.0.0.1:{cls.port}"], cls.scratch, cls.home, "explorer")
        cls.addClassCleanup(cls.explorer.stop)
        wait_until(lambda: answers(cls.port), 30, "the explorer's port", cls.explorer)

    def ok(self, path):
        status, value = get(self.url + path)
        self.assertEqual(status, 200, (path, value))
        return value

    def bad(self, status, path):
        got, value = get(self.url + path)
        self.assertEqual(got, status, (path, value))
        self.assertEqual(set(value), {"error"}, (path, value))
        self.assertLessEqual({"code", "message"}, set(value["error"]), path)
        self.assertTrue(value["error"]["message"], path)

    def test_health_says_that_the_chain_is_gone(self):
        health = self.ok("/api/health")
        self.assertTrue(health["ok"])
        self.assertFalse(health["following"])
        self.assertEqual(health["run"], self.data["run"])
        self.assertGreater(health["events"], 0)

    def test_runs(self):
        runs = self.ok("/api/runs")["runs"]
        self.assertEqual([row["run"] for row in runs], [self.data["run"]])
        self.assertEqual(self.ok("/api/runs/" + self.data["run"])["run"], self.data["run"])

    def test_rounds_are_the_devnets(self):
        page = self.ok("/api/rounds?limit=500")
        self.assertEqual(page["rounds"][:len(self.data["rounds"])], self.data["rounds"])
        for one in self.data["rounds"]:
            self.assertEqual(self.ok(f"/api/rounds/{one['index']}"), one)

    def test_rounds_are_the_command_lines(self):
        self.assertEqual(self.ok("/api/rounds?limit=500")["rounds"], self.succeed("rounds", "--datadir", self.folder))

    def test_rounds_in_pages(self):
        first = self.ok("/api/rounds?limit=2")
        self.assertEqual([one["index"] for one in first["rounds"]], [0, 1])
        second = self.ok(f"/api/rounds?limit=2&offset={first['next_offset']}")
        self.assertEqual([one["index"] for one in second["rounds"]], [2, 3])
        newest = self.ok("/api/rounds?limit=1&order=newest")
        self.assertEqual(newest["rounds"][0]["index"], newest["total"] - 1)

    def test_hotkeys_are_the_metagraphs(self):
        rows = self.ok("/api/hotkeys")["hotkeys"]
        self.assertEqual(rows, self.succeed("metagraph", "--datadir", self.folder))
        for one in self.record["participants"]:
            for name in (one["hotkey"], one["name"], one["uid"]):
                self.assertEqual(self.ok(f"/api/hotkeys/{name}")["hotkey"], one["hotkey"])

    def test_emission_is_the_devnets(self):
        rows = json.dumps(self.ok("/api/emission"))
        for total in self.data["totals"]["emission"]:
            if total["amount"] != "0":
                self.assertIn(f'"{total["amount"]}"', rows)

    def test_scores(self):
        text = json.dumps(self.ok("/api/scores/1"))
        for row in self.data["rounds"][1]["weights"]:
            self.assertIn(row["validator"], text)

    def test_audits(self):
        mallory = next(one for one in self.record["participants"] if one["name"] == "mallory")
        page = self.ok("/api/audits?round=1&hotkey=mallory")
        expected = [row for row in self.data["rounds"][1]["audits"] if row["hotkey"] == mallory["hotkey"]]
        self.assertEqual([(row["validator"], row["segment"], row["verdict"]) for row in page["audits"]],
                         [(row["validator"], row["segment"], row["verdict"]) for row in expected])
        self.assertEqual(self.ok("/api/audits?limit=500")["total"],
                         sum(len(one["audits"]) for one in self.data["rounds"]))

    def test_every_committed_artifact_is_one_event(self):
        events, after = [], "0"
        while after is not None:
            page = self.ok(f"/api/events?limit=100&after={after}")
            events += page["events"]
            after = page["next_after"]
        committed = [one for one in events if one["kind"] == "artifact_committed"]
        self.assertEqual(len(committed), sum(len(one["commitments"]) for one in self.data["rounds"]))

    def test_search(self):
        root = self.data["rounds"][1]["parameters_root"]
        self.assertEqual([(row["kind"], row["url"]) for row in self.ok("/api/search?q=" + root)["matches"]],
                         [("parameters_root", "/api/rounds/1")])
        self.assertEqual(self.ok("/api/search?q=0x" + "0" * 63 + "1")["matches"], [])

    def test_bad_requests_get_json_errors(self):
        for path in ("/api/rounds/x", "/api/rounds/-1", "/api/rounds?limit=0", "/api/rounds?limit=9999999",
                     "/api/rounds?offset=z", "/api/rounds?order=sideways", "/api/runs/0x12", "/api/search",
                     "/api/search?q=" + "a" * 200, "/api/events?after=x", "/api/events?after=1:2:3",
                     "/api/audits?round=x", "/api/scores/1.5", "/api/hotkeys/zoe", "/api/rounds/99999999999999999999"):
            with self.subTest(path=path):
                self.bad(400, path)
        for path in ("/api/rounds/9999", "/api/runs/0x" + "1" * 64, "/api/hotkeys/0x" + "1" * 40,
                     "/api/nothing", "/nothing", "/api/scores/9999"):
            with self.subTest(path=path):
                self.bad(404, path)

    def test_only_get_is_answered(self):
        request = urllib.request.Request(self.url + "/api/health", b"{}", method="POST")
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=10)
        with refused.exception as reply:
            self.assertEqual(reply.code, 405)
            self.assertIn("error", json.loads(reply.read()))

    def test_the_page_is_served(self):
        with urllib.request.urlopen(self.url + "/", timeout=10) as reply:
            self.assertIn("text/html", reply.headers["Content-Type"])
            self.assertIn("Content-Security-Policy", reply.headers)
            self.assertIn("<html", reply.read().decode().lower())

    def test_a_taken_port_is_an_error(self):
        self.refused(1, "run", "--datadir", self.folder, "--listen", f"127.0.0.1:{self.port}",
                     program="covenant-explorer", words=["in use", str(self.port)])


if __name__ == "__main__":
    main()
