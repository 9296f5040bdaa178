#!/usr/bin/python3 -B
"""An honest devnet in which a miner, again and again, and a validator are killed in the middle of a round: it goes on,
it learns what an undisturbed one learns, and nothing that was committed is signed again differently."""

import os
import signal

from support import Background, Devnet, FunctionalTest, Paths, answers, envelope, free_port, get, main
from support import pid_of_node, rpc, run, stat_of, wait_until

HELDOUT_LIMIT = 4.65
KILLS = 4
ROUNDS = 6
COMMITTED = ("ArtifactCommitted(bytes32,uint64,uint16,"
             "(bytes32,uint64,uint32,bytes32,bytes32,bytes32,bytes32,uint64,bytes32,uint16),bytes)")


class KillTest(FunctionalTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = cls.scratch / "devnet"
        cls.devnet = Devnet(cls.folder, cls.scratch, ["--cheat", "none", "--rounds", str(ROUNDS), "--keep"])
        cls.addClassCleanup(cls.devnet.stop)
        cls.topic = run([Paths.foundry("cast"), "keccak", COMMITTED], cls.home).out.strip()
        cls.killed, cls.early = [], {}
        # A miner between its commitment and its key.
        cls.await_commitment(2, 1)
        for _ in range(KILLS):
            cls.kill("bob")
        # A validator between its inclusion vote and its scores.
        wait_until(lambda: cls.voted("vera", 3), 200, "vera's inclusion vote in round 3", cls.devnet.process)
        cls.kill("vera")
        cls.early = cls.events()
        cls.done = cls.devnet.wait(400)
        print(f"devnet with two kills took {cls.done.seconds:.1f} s", flush=True)
        if cls.done.code != 0:
            raise AssertionError(str(cls.done))
        cls.left = cls.devnet.left_behind()
        cls.data = envelope(cls.done.out)["data"]

    @classmethod
    def events(cls):
        """{(round, uid): [(data, transaction)]} of ArtifactCommitted, straight from the chain."""
        network = cls.devnet.network()
        found = {}
        for log in rpc(network["rpc_url"], "eth_getLogs", {
                "fromBlock": "0x0", "address": network["contracts"]["RoundManager"]["address"], "topics": [cls.topic]}):
            key = (int(log["topics"][2], 16), int(log["topics"][3], 16))
            found.setdefault(key, []).append((log["data"], log["transactionHash"]))
        return found

    @classmethod
    def await_commitment(cls, round_index, uid):
        def committed():
            health = cls.devnet.health()
            return health and (health.get("round") or 0) >= round_index and (round_index, uid) in cls.events()

        wait_until(committed, 240, f"the commitment of uid {uid} in round {round_index}", cls.devnet.process)

    @classmethod
    def voted(cls, name, round_index):
        log = cls.folder / "logs" / f"{name}.log"
        return log.exists() and f"votes on inclusion  round={round_index} " in log.read_text(errors="replace")

    @classmethod
    def kill(cls, name):
        pid = wait_until(lambda: pid_of_node(cls.folder, name), 10, f"the process of {name}", cls.devnet.process)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: stat_of(pid) is None, 10, f"the end of {name}", cls.devnet.process)
        again = wait_until(lambda: pid_of_node(cls.folder, name), 30, f"the restart of {name}", cls.devnet.process)
        ready = 2 + sum(1 for other, _, _ in cls.killed if other == name)
        wait_until(lambda: cls.log(name).count(" ready ") == ready, 60, f"{name} at work again", cls.devnet.process)
        cls.killed.append((name, pid, again))

    @classmethod
    def log(cls, name):
        return (cls.folder / "logs" / f"{name}.log").read_text(errors="replace")

    def test_the_killed_nodes_came_back(self):
        self.assertEqual([name for name, _, _ in self.killed], ["bob"] * KILLS + ["vera"])
        for _, before, after in self.killed:
            self.assertNotEqual(before, after)
        self.assertEqual(self.log("bob").count(" ready "), 1 + KILLS, self.log("bob"))
        self.assertEqual(self.log("vera").count(" ready "), 2, self.log("vera"))

    def test_all_rounds_are_complete(self):
        self.assertEqual(len(self.data["rounds"]), ROUNDS)
        self.assertLessEqual(self.data["totals"]["null_rounds"], 1)
        for one in self.data["rounds"][2:]:  # those of the kills and after
            with self.subTest(round=one["index"]):
                self.assertEqual(len(one["commitments"]), 3)
                self.assertIsNotNone(one["parameters_root"])
        for one in self.data["rounds"]:
            with self.subTest(round=one["index"]):
                self.assertEqual(one["settled"], one["parameters_root"] is not None, one["weights"])

    def test_the_killed_miners_round_still_counts(self):
        row = next(row for row in self.data["rounds"][2]["artifacts"] if row["uid"] == 1)
        self.assertTrue(row["included"])

    def test_the_killed_validator_revealed_its_scores(self):
        self.assertEqual(len(self.data["rounds"][3]["weights"]), 3)

    def test_nobody_is_accused(self):
        self.assertEqual(self.data["totals"]["audits_failed"], 0)

    def test_it_trains(self):
        losses = [one["heldout_loss"] for one in self.data["rounds"]]
        print("held-out losses", losses, flush=True)
        self.assertIsNotNone(losses[-1])
        self.assertLess(losses[-1], HELDOUT_LIMIT)

    def test_each_commitment_is_one_event_and_did_not_change(self):
        self.assertIn((2, 1), self.early)
        port = free_port()
        explorer = Background([Paths.program("covenant-explorer"), "run", "--datadir", self.folder, "--listen",
                               f"127.0.0.1:{port}"], self.scratch, self.home, "explorer")
        self.addCleanup(explorer.stop)
        wait_until(lambda: answers(port), 30, "the explorer's port", explorer)
        late, after = [], "0"
        while after is not None:
            page = get(f"http://127.0.0.1:{port}/api/events?limit=100&after={after}")[1]
            late += [one for one in page["events"] if one["kind"] == "artifact_committed"]
            after = page["next_after"]
        self.assertEqual(len(late), sum(len(one["commitments"]) for one in self.data["rounds"]))
        transactions = {one["transaction"] for one in late}
        self.assertEqual(len(transactions), len(late))
        for key, rows in self.early.items():
            self.assertEqual(len(rows), 1, key)
            self.assertIn(rows[0][1], transactions, key)

    def test_nothing_is_left_behind(self):
        self.assertEqual(self.left, [])


if __name__ == "__main__":
    main()
