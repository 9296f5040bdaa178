#!/usr/bin/python3 -B
"""Ctrl-C in the middle of a round ends everything; every further start goes on where the chain stood."""

import json

from support import Devnet, FunctionalTest, envelope, main, wait_until


class InterruptTest(FunctionalTest):
    def test_ctrl_c_and_resume(self):
        folder = self.scratch / "devnet"
        small = ["--miners", "1", "--validators", "1", "--cheat", "none", "--rounds", "1", "--keep"]
        first = Devnet(folder, self.scratch, small, "first")
        self.addCleanup(first.stop)
        wait_until(lambda: (first.health() or {}).get("committed"), 120, "the first commitment", first.process)
        before = first.health()
        self.assertEqual(before["round"], 0)
        first.process.interrupt()
        done = first.wait(60)
        self.assertEqual(done.code, 130, done)
        self.assertEqual(first.left_behind(), [])
        self.assertEqual(first.folder, folder)
        committed = self.succeed("rounds", 0, "--datadir", folder)["commitments"]
        self.assertEqual(len(committed), 1)

        # Each start of anvil brings a genesis block of its own: the chain must stay the same one.
        for time in range(3):
            again = Devnet(folder, self.scratch, small, f"again-{time}")
            self.addCleanup(again.stop)
            after = wait_until(again.health, 60, "the explorer of a further start", again.process)
            self.assertEqual(after["run"], before["run"])
            again.process.interrupt()
            self.assertEqual(again.wait(60).code, 130)

        second = Devnet(folder, self.scratch, small, "second")
        self.addCleanup(second.stop)
        after = wait_until(second.health, 60, "the explorer of the second start", second.process)
        self.assertEqual(after["run"], before["run"])
        done = second.wait(240)
        print(f"resumed devnet took {done.seconds:.1f} s", flush=True)
        self.assertEqual(done.code, 0, done)
        self.assertEqual(second.left_behind(), [])
        data = envelope(done.out)["data"]
        self.assertEqual(data["run"], before["run"])
        self.assertEqual([{**row, "key_shown": True} for row in committed], data["rounds"][0]["commitments"])
        self.assertIsNotNone(data["rounds"][-1]["heldout_loss"], json.dumps(data["rounds"][-1])[:800])
        for one in data["rounds"]:  # a round without a result is not settled
            self.assertEqual(one["settled"], one["heldout_loss"] is not None, one)
        self.assertNotIn("0", [row["balance"] for row in data["totals"]["paid"]])


if __name__ == "__main__":
    main()
