#!/usr/bin/python3 -B
"""The main job: `covenant devnet` with its defaults trains, pays, catches the cheat, and cleans up after itself."""

import decimal
import hashlib
import json
import pathlib
import re
import shutil
import struct

from support import Devnet, FunctionalTest, Paths, envelope, main

HASH = re.compile(r"0x[0-9a-f]{64}")
ADDRESS = re.compile(r"0x[0-9a-f]{40}")
HELDOUT_LIMIT = 4.8
ROUNDS = 6
DUST = decimal.Decimal("1e-6")  # rounding down, not minted


def tagged(tag, data):
    return hashlib.sha256(b"covenant/" + tag.encode() + b"\0" + data).digest()


def devnet_secret(seed, kind, name):
    """The hex of a development key: they follow from the seed, and still no program may print one."""
    fields = struct.pack("<Q", seed)
    for text in (kind, name):
        fields += struct.pack("<I", len(text)) + text.encode()
    return tagged("key-from-seed", tagged("devnet-key", fields)).hex()


class DevnetTest(FunctionalTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.kept = Paths.kept or cls.scratch / "kept"
        shutil.rmtree(cls.kept, ignore_errors=True)
        cls.kept.mkdir(parents=True)
        cls.folder = cls.kept / "devnet"
        devnet = Devnet(cls.folder, cls.scratch, ["--keep"])
        cls.addClassCleanup(devnet.stop)
        cls.done = devnet.wait(500)
        print(f"covenant devnet took {cls.done.seconds:.1f} s", flush=True)
        if cls.done.code != 0:
            raise AssertionError(str(cls.done))
        cls.left = devnet.left_behind()
        cls.processes = {pathlib.Path(argv[0]).name for argv in devnet.seen.values() if argv}
        cls.envelope = envelope(cls.done.out)
        cls.data = cls.envelope["data"]
        (cls.kept / "devnet.out.json").write_text(json.dumps(cls.data))
        cls.record = json.loads((cls.folder / "devnet.json").read_text())
        cls.hotkeys = {one["name"]: one["hotkey"] for one in cls.record["participants"]}
        cls.miners = [one["hotkey"] for one in cls.record["participants"] if one["role"] == "miner"]

    def test_prints_one_envelope_and_the_totals(self):
        self.assertTrue(self.envelope["ok"])
        self.assertEqual(self.done.out.count("\n"), 1)
        totals = self.data["totals"]
        self.assertRegex(self.data["run"], HASH)
        self.assertEqual(totals["rounds"], ROUNDS)
        self.assertEqual(len(self.data["rounds"]), ROUNDS)
        self.assertGreater(totals["audits_passed"], 0)
        self.assertGreater(totals["audits_failed"], 0)
        self.assertLessEqual(totals["null_rounds"], 1)
        self.assertEqual(totals["null_rounds"], sum(one["heldout_loss"] is None for one in self.data["rounds"]))
        self.assertEqual({one["name"] for one in totals["paid"]}, set(self.hotkeys))

    def test_runs_three_miners_three_validators_one_cheat_as_real_processes(self):
        roles = [one["role"] for one in self.record["participants"]]
        self.assertEqual((roles.count("miner"), roles.count("validator")), (3, 3))
        self.assertEqual([one["name"] for one in self.record["participants"] if one["cheat"] != "none"], ["mallory"])
        self.assertLessEqual({"covenant-miner", "covenant-adversary", "covenant-validator", "covenant-explorer",
                              "anvil"}, self.processes)

    def test_every_round_has_every_field(self):
        for index, one in enumerate(self.data["rounds"]):
            with self.subTest(round=index):
                self.assertEqual(one["index"], index)
                self.assertRegex(one["beacon"], HASH)
                self.assertEqual(one["parameters_root"] is None, one["heldout_loss"] is None)
                if one["heldout_loss"] is not None:  # else a null round: the machine was too busy for it
                    self.assertRegex(one["parameters_root"], HASH)
                    self.assertIsInstance(one["heldout_loss"], float)
                committed = [row["hotkey"] for row in one["commitments"]]
                self.assertTrue(committed)
                self.assertEqual(committed, [hotkey for hotkey in self.miners if hotkey in committed])
                self.assertEqual([row["hotkey"] for row in one["artifacts"]], committed)
                for row in one["artifacts"]:
                    self.assertGreater(row["bytes"], 0)
                    self.assertGreater(row["compression_ratio"], 1)
                self.assertTrue(one["audits"])
                for row in one["audits"]:
                    self.assertIn(row["hotkey"], self.miners)
                    self.assertIn(row["verdict"], ("pass", "fail"))
                    self.assertEqual(len(row["drawn"]), 2)
                    self.assertRegex(row["evidence"], HASH)
                    self.assertEqual(row["segment"] is None, row["verdict"] == "pass")
                self.assertTrue(one["weights"])
                for row in one["weights"]:
                    self.assertRegex(row["validator"], ADDRESS)
                    self.assertTrue(all(0 <= weight <= 65535 for weight in row["weights"]))
                self.assertEqual({row["hotkey"] for row in one["emission"]}, set(self.hotkeys.values()))
                self.assertEqual(one["settled"], one["heldout_loss"] is not None)

    def test_beacons_and_roots_are_each_rounds_own(self):
        self.assertEqual(len({one["beacon"] for one in self.data["rounds"]}), ROUNDS)
        roots = [one["parameters_root"] for one in self.data["rounds"] if one["parameters_root"]]
        self.assertEqual(len(set(roots)), len(roots))
        for before, after in zip(self.data["rounds"], self.data["rounds"][1:]):
            self.assertEqual(after["base_root"], before["parameters_root"] or before["base_root"])

    def test_nearly_every_miner_commits_in_every_round(self):
        commitments = sum(len(one["commitments"]) for one in self.data["rounds"])
        self.assertGreaterEqual(commitments, 3 * ROUNDS - 3)

    def test_it_trains(self):
        losses = [one["heldout_loss"] for one in self.data["rounds"]]
        print("held-out losses", losses, flush=True)
        self.assertIsNotNone(losses[-1])
        self.assertLess(losses[-1], HELDOUT_LIMIT)
        self.assertGreater(self.data["totals"]["initial_heldout_loss"], 7.0)
        self.assertEqual(self.data["totals"]["heldout_loss"], losses[-1])

    def test_it_catches_the_cheat_and_nobody_else(self):
        failed = [(one["index"], row) for one in self.data["rounds"] for row in one["audits"]
                  if row["verdict"] == "fail"]
        self.assertTrue(failed)
        self.assertEqual({row["hotkey"] for _, row in failed}, {self.hotkeys["mallory"]})
        for _, row in failed:
            self.assertIn(row["segment"], row["drawn"])
        first, row = failed[0]
        self.assertEqual(self.data["refute"], f"covenant replay --datadir {self.folder} --round {first} "
                                              f"--hotkey mallory --segment {row['segment']}")

    def test_it_pays_the_honest_and_not_the_cheat(self):
        paid = {one["name"]: decimal.Decimal(one["balance"]) for one in self.data["totals"]["paid"]}
        for name in ("alice", "bob", "vera", "victor", "vince"):
            self.assertGreater(paid[name], 0, name)
        for one in self.data["rounds"]:
            amounts = {row["hotkey"]: decimal.Decimal(row["amount"]) for row in one["emission"]}
            if any(row["verdict"] == "fail" for row in one["audits"]):
                self.assertEqual(amounts[self.hotkeys["mallory"]], 0, one["index"])
        self.assertEqual(paid["mallory"], 0)

    def test_the_sums_hold(self):
        credited = {row["hotkey"]: decimal.Decimal(row["amount"]) for row in self.data["totals"]["emission"]}
        paid = {one["hotkey"]: decimal.Decimal(one["balance"]) for one in self.data["totals"]["paid"]}
        self.assertEqual(paid, credited)
        for hotkey, amount in credited.items():
            by_round = sum(decimal.Decimal(row["amount"]) for one in self.data["rounds"] for row in one["emission"]
                           if row["hotkey"] == hotkey)
            self.assertEqual(by_round, amount, hotkey)
        minted = decimal.Decimal(self.data["totals"]["treasury"])
        for one in self.data["rounds"]:
            failed = any(row["verdict"] == "fail" for row in one["audits"])
            included = all(row["included"] for row in one["artifacts"])
            for role, share in (("miner", 57), ("validator", 38)):
                part = sum(decimal.Decimal(row["amount"]) for row in one["emission"] if row["role"] == role)
                minted += part
                self.assertLessEqual(part, share, (one["index"], role))
                if role == "miner" and one["settled"] and included and not failed:
                    self.assertGreater(part, share - DUST, one["index"])
                if role == "miner" and failed:  # what the cheat does not earn is not minted
                    self.assertLess(part, share - 10, one["index"])
        self.assertLessEqual(minted, 100 * ROUNDS)
        self.assertGreater(minted, 70 * (ROUNDS - 2))

    def test_nothing_is_left_behind(self):
        self.assertEqual(self.left, [])

    def test_no_key_is_printed_or_logged(self):
        secrets = [devnet_secret(self.record["seed"], kind, name) for kind in ("hotkey", "coldkey")
                   for name in self.hotkeys] + [devnet_secret(self.record["seed"], "operator", "")]
        logs = [path.read_text(errors="replace") for path in (self.folder / "logs").glob("*.log")]
        self.assertGreaterEqual(len(logs), 7)
        self.assert_no_secret(secrets, [self.done.out, self.done.err, *logs])


if __name__ == "__main__":
    main()
