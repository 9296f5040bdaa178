#!/usr/bin/python3 -B
"""A miner that misses its deadline: the devnet says so while it runs, and the folder's next start gives more time."""

import os
import signal
import time

from support import Devnet, FunctionalTest, envelope, main, pid_of_node, rpc, wait_until

import json

SLOWER = 2  # wall seconds a second of chain time, after deadlines were missed once


class LateTest(FunctionalTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = cls.scratch / "devnet"
        small = ["--miners", "2", "--validators", "1", "--cheat", "none", "--rounds", "2", "--keep"]
        first = Devnet(cls.folder, cls.scratch, small, "first")
        cls.addClassCleanup(first.stop)
        alice = wait_until(lambda: pid_of_node(cls.folder, "alice"), 180, "the process of alice", first.process)
        os.kill(alice, signal.SIGSTOP)  # as a machine that is too slow
        cls.addClassCleanup(cls.go_on, alice)
        wait_until(lambda: cls.record()["next_factor"] > 1, 240, "the missed deadline", first.process)
        cls.go_on(alice)
        first.process.interrupt()
        cls.first = first.wait(60)
        second = Devnet(cls.folder, cls.scratch, small, "second")
        cls.addClassCleanup(second.stop)
        wait_until(second.health, 120, "the explorer of the second start", second.process)
        cls.pace = cls.measure_pace(second.network()["rpc_url"])
        os.kill(second.process.pid, signal.SIGHUP)  # as a terminal that is closed
        cls.second = second.wait(60)
        cls.left = first.left_behind() + second.left_behind()

    @staticmethod
    def go_on(pid):
        try:
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            pass

    @classmethod
    def record(cls):
        try:
            return json.loads((cls.folder / "devnet.json").read_text())
        except OSError:
            return {"next_factor": 0}

    @staticmethod
    def measure_pace(url):
        """Wall seconds and chain seconds of a few blocks."""
        def head():
            block = rpc(url, "eth_getBlockByNumber", "latest", False)
            return int(block["number"], 16), int(block["timestamp"], 16)

        start = head()
        first = wait_until(lambda: (now := head())[0] > start[0] and now, 20, "a block")
        began = time.monotonic()
        last = wait_until(lambda: (now := head())[0] >= first[0] + 3 and now, 30, "three more blocks")
        return time.monotonic() - began, last[1] - first[1]

    def test_it_says_who_was_late(self):
        self.assertEqual(self.first.code, 130, self.first)
        warnings = envelope(self.first.out)["warnings"]
        self.assertTrue(any("round 0 missed by alice: no commitment with its key within the" in text for text in warnings), warnings)
        self.assertFalse(any("bob" in text for text in warnings), warnings)

    def test_the_next_start_has_more_time(self):
        self.assertIn(f"clock goes {SLOWER} times slower", self.second.err)
        wall, chain = self.pace
        self.assertGreater(wall / chain, SLOWER * 0.8)

    def test_a_closed_terminal_is_a_clean_stop(self):
        self.assertIn(self.second.code, (129, 130, 143), self.second)
        self.assertIn("stopped; nodes ended cleanly", self.second.err)
        self.assertEqual(self.left, [])


if __name__ == "__main__":
    main()
