#!/usr/bin/python3 -B
"""A kept devnet without its chain: anyone repeats an audit, refutes the cheat, and finds a changed byte."""

import decimal
import json
import shlex
import shutil

from support import FunctionalTest, Paths, envelope, flipped_byte, main


class ReplayTest(FunctionalTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = Paths.kept / "devnet"
        cls.data = json.loads((Paths.kept / "devnet.out.json").read_text())
        cls.record = json.loads((cls.folder / "devnet.json").read_text())
        cls.people = {one["name"]: one for one in cls.record["participants"]}

    def drawn(self, round_index, name):
        hotkey = self.people[name]["hotkey"]
        return next(row["drawn"] for row in self.data["rounds"][round_index]["audits"] if row["hotkey"] == hotkey)

    def object_of(self, digest):
        return self.folder / "store/objects" / digest[2:4] / digest[2:]

    def opening_name(self, round_index, name, segment):
        return (self.folder / "store/names" / self.data["run"][2:] / str(round_index) / str(self.people[name]["uid"])
                / f"@segment-{segment}")

    def opening(self, round_index, name, segment):
        return self.object_of("0x" + self.opening_name(round_index, name, segment).read_text().strip())

    def arguments(self, *extra):
        return ("--datadir", self.folder, *extra)

    # --- replay

    def test_an_honest_drawn_segment_is_reproduced(self):
        for segment in self.drawn(2, "alice"):
            data = self.succeed("replay", *self.arguments("--round", 2, "--hotkey", "alice", "--segment", segment))
            self.assertTrue(data["same"])
            self.assertEqual([row["segment"] for row in data["segments"]], [segment])
            self.assertEqual(data["segments"][0]["claimed"], data["segments"][0]["recomputed"])

    def test_every_instruction_set_and_thread_count_gives_the_same_digest(self):
        """The miner ran one thread of this CPU's best kernels; others must come to the same bits."""
        segment = self.drawn(2, "bob")[0]
        line = self.arguments("--round", 2, "--hotkey", "bob", "--segment", segment)
        flags = set(next(row for row in open("/proc/cpuinfo", encoding="utf-8") if row.startswith("flags")).split())
        needs = {"amx": {"amx_bf16", "avx512f"}, "avx512": {"avx512f", "avx512bw", "avx512vl", "avx512dq"},
                 "avx2": {"avx2", "fma"}, "scalar": set()}
        digests = set()
        for isa, threads in (("amx", 2), ("avx512", 1), ("avx2", 1), ("avx2", 4), ("scalar", 2)):
            command = ("replay", *line, "--isa", isa, "--threads", threads)
            if not needs[isa] <= flags:
                self.refused(3, *command, words=[isa])
                continue
            data = self.succeed(*command, timeout=240)
            self.assertTrue(data["same"], isa)
            digests.add(data["segments"][0]["recomputed"])
        self.assertEqual(len(digests), 1)
        self.refused(2, "replay", *line, "--isa", "sse9", words=["sse9", "avx2"])

    def test_hotkeys_may_be_named_by_address_and_uid_and_all_drawn_segments_are_taken(self):
        for who in (self.people["bob"]["hotkey"], self.people["bob"]["uid"]):
            data = self.succeed("replay", *self.arguments("--round", 1, "--hotkey", who))
            self.assertEqual([row["segment"] for row in data["segments"]], self.drawn(1, "bob"))
            self.assertEqual(data["hotkey"], self.people["bob"]["hotkey"])

    def test_the_printed_lines_are_what_they_say(self):
        for line, code in ((self.data["replay"], 0), (self.data["refute"], 5)):
            words = shlex.split(line)
            self.assertEqual(words[:2], ["covenant", "replay"])
            self.assertEqual(self.covenant(*words[1:]).code, code, line)

    def test_the_cheat_is_refuted(self):
        words = shlex.split(self.data["refute"])
        value = self.refused(5, *words[1:])
        self.assertFalse(value["data"]["same"])
        self.assertEqual(value["errors"][0]["code"], "mismatch")
        row = value["data"]["segments"][0]
        self.assertEqual(str(row["segment"]), words[words.index("--segment") + 1])
        self.assertNotEqual(row["claimed"], row["recomputed"])

    def test_what_cannot_be_replayed_is_an_error(self):
        self.refused(2, "replay", *self.arguments("--round", 2, "--hotkey", "zoe"), words=["zoe"])
        self.refused(3, "replay", *self.arguments("--round", 99, "--hotkey", "alice"), words=["99"])
        self.refused(2, "replay", *self.arguments("--round", 2, "--hotkey", "alice", "--segment", 6), words=["0 to 5"])
        undrawn = min(set(range(6)) - set(self.drawn(2, "alice")))
        self.refused(3, "replay", *self.arguments("--round", 2, "--hotkey", "alice", "--segment", undrawn),
                     words=["not opened"])

    def test_a_flipped_bit_in_an_opening_is_found(self):
        segment = self.drawn(3, "bob")[0]
        line = self.arguments("--round", 3, "--hotkey", "bob", "--segment", segment)
        with flipped_byte(self.opening(3, "bob", segment)):
            self.refused(3, "replay", *line, words=["damaged here"])
        self.succeed("replay", *line)

    def test_a_flipped_bit_in_an_artifact_is_found(self):
        row = next(row for row in self.data["rounds"][3]["artifacts"] if row["hotkey"] == self.people["bob"]["hotkey"])
        line = self.arguments("--round", 3, "--hotkey", "bob")
        with flipped_byte(self.object_of(row["ciphertext"])):
            self.refused(5, "artifact", "verify", *line, words=["ciphertext", "not whole"])
            self.refused(3, "replay", *line, words=["ciphertext", "damaged here"])
        self.succeed("artifact", "verify", *line)

    def test_what_is_missing_or_cut_here_is_no_verdict_on_the_miner(self):
        row = next(row for row in self.data["rounds"][3]["artifacts"] if row["hotkey"] == self.people["bob"]["hotkey"])
        line = self.arguments("--round", 3, "--hotkey", "bob")
        segment = self.drawn(3, "bob")[0]
        for path, part in ((self.object_of(row["ciphertext"]), "ciphertext"),
                           (self.opening(3, "bob", segment), "")):
            kept = path.with_suffix(".kept")
            path.rename(kept)
            try:
                self.refused(3, "replay", *line, "--segment", segment, words=[part, path.name])
                if part:
                    value = self.refused(3, "artifact", "verify", *line, words=[part, "not here"])
                    self.assertEqual(value["data"]["verdict"], "unavailable")
                path.write_bytes(kept.read_bytes()[:-1])
                self.refused(3, "replay", *line, "--segment", segment, words=[part, "damaged here"])
                path.write_bytes(kept.read_bytes() + b"x" * 8192)
                self.refused(3, "replay", *line, "--segment", segment, words=[part, "damaged here"])
            finally:
                kept.replace(path)
        name = self.opening_name(3, "bob", segment)
        kept = self.scratch / "opening-name"
        shutil.move(name, kept)
        try:
            self.refused(3, "replay", *line, "--segment", segment, words=["was drawn", "not published", "lost here"])
        finally:
            shutil.move(kept, name)
        self.succeed("replay", *line, "--segment", segment)

    def test_a_damaged_devnet_file_costs_the_names_only(self):
        folder = self.scratch / "nameless"
        folder.mkdir()
        for path in self.folder.iterdir():
            if path.name in ("network.json", "run.spec") or path.name.startswith("index.sqlite"):
                shutil.copy(path, folder / path.name)
        for name in ("data", "store"):
            (folder / name).symlink_to(self.folder / name)
        (folder / "devnet.json").write_text("{")
        uid, segment = self.people["bob"]["uid"], self.drawn(1, "bob")[0]
        for command in (("status",), ("rounds",), ("metagraph",), ("miner", uid), ("audit", "list"),
                        ("replay", "--round", 1, "--hotkey", uid, "--segment", segment)):
            done = self.covenant(*command, "--datadir", folder, "--json")
            self.assertEqual(done.code, 0, done)
            self.assertIn("devnet.json", " ".join(envelope(done.out)["warnings"]), done)
        self.refused(2, "miner", "bob", "--datadir", folder, words=["devnet.json"])
        (folder / "devnet.json").unlink()
        self.succeed("replay", "--round", 1, "--hotkey", uid, "--segment", segment, "--datadir", folder)
        (folder / "network.json").unlink()
        (folder / "network.json").mkdir()
        for command in (("status",), ("replay", "--round", 1, "--hotkey", uid)):
            self.refused(1, *command, "--datadir", folder, words=["network.json", "regular file"])

    # --- the record in the simulator

    def test_the_record_simulates_to_the_same_rounds(self):
        data = self.succeed("simulate", *self.arguments(), timeout=300)
        self.assertTrue(data["same"])
        self.assertEqual([row["index"] for row in data["rounds"]], list(range(len(self.data["rounds"]))))
        for row, one in zip(data["rounds"], self.data["rounds"]):
            self.assertEqual((row["same"], row["differences"]), (True, []))
            self.assertEqual(row["recorded"], row["simulated"])
            self.assertIn(one["parameters_root"], row["simulated"])

    def test_another_record_does_not_simulate_to_the_same_rounds(self):
        copy = self.scratch / "edited"
        copy.mkdir()
        for name in ("index.sqlite", "index.sqlite-wal", "network.json", "run.spec"):
            if (self.folder / name).exists():
                shutil.copy(self.folder / name, copy / name)
        (copy / "data").symlink_to(self.folder / "data")
        edited = dict(self.record, rounds=1, participants=[
            dict(one, cheat="noise") if one["name"] == "mallory" else one for one in self.record["participants"]])
        (copy / "devnet.json").write_text(json.dumps(edited))
        value = self.refused(5, "simulate", "--datadir", copy, timeout=240)
        self.assertFalse(value["data"]["same"])
        self.assertIn("mallory's commitment", json.dumps(value["data"]["rounds"][0]["differences"]))

    # --- the reading commands say what the devnet said

    def test_rounds_are_the_devnets(self):
        rounds = self.succeed("rounds", *self.arguments())
        self.assertEqual(rounds[:len(self.data["rounds"])], self.data["rounds"])
        self.assertEqual(self.succeed("rounds", 2, *self.arguments()), self.data["rounds"][2])

    def test_metagraph_has_the_totals(self):
        rows = {row["hotkey"]: row for row in self.succeed("metagraph", *self.arguments())}
        for total in self.data["totals"]["emission"]:
            self.assertEqual(rows[total["hotkey"]]["credited"], total["amount"])
        failed = sum(any(row["verdict"] == "fail" for row in one["audits"]) for one in self.data["rounds"])
        self.assertEqual(rows[self.people["mallory"]["hotkey"]]["fails"], failed)
        self.assertEqual({row["name"] for row in rows.values()}, set(self.people))

    def test_metagraph_has_the_claims(self):
        rows = {row["hotkey"]: row for row in self.succeed("metagraph", *self.arguments())}
        for paid in self.data["totals"]["paid"]:
            row = rows[paid["hotkey"]]
            self.assertEqual((row["claimed"], row["claimable"]), (paid["balance"], "0"), paid["name"])

    def test_a_hotkeys_rounds_add_up(self):
        data = self.succeed("miner", "alice", *self.arguments())
        amounts = [decimal.Decimal(row["credited"]) for row in data["per_round"][:len(self.data["rounds"])]]
        by_round = [decimal.Decimal(next(row["amount"] for row in one["emission"]
                                         if row["hotkey"] == self.people["alice"]["hotkey"]))
                    for one in self.data["rounds"]]
        self.assertEqual(amounts, by_round)

    def test_audits_are_the_devnets(self):
        listed = self.succeed("audit", "list", *self.arguments("--round", 1))
        for one in (listed, self.data["rounds"][1]["audits"]):
            self.assertTrue(one)
        verdicts = sorted((row["hotkey"], row["verdict"]) for row in self.data["rounds"][1]["audits"])
        self.assertEqual(sorted((row["hotkey"], row["verdict"]) for row in listed), verdicts)

    def test_every_artifact_is_stored_and_verifies(self):
        rows = self.succeed("artifact", "ls", *self.arguments())
        expected = sum(len(one["artifacts"]) for one in self.data["rounds"])
        self.assertGreaterEqual(len(rows), expected)
        for row in rows[:expected]:
            self.assertTrue(row["stored"] and row["key_shown"], row)
        for name in ("alice", "mallory"):
            data = self.succeed("artifact", "verify", *self.arguments("--round", 2, "--hotkey", name))
            self.assertEqual(data["verdict"], "accept")
            shown = next(row for row in self.data["rounds"][2]["artifacts"] if row["hotkey"] == data["hotkey"])
            self.assertEqual(data["ciphertext"], shown["ciphertext"])
        decoded = self.succeed("artifact", "inspect", shown["ciphertext"], *self.arguments())
        self.assertEqual(decoded["ciphertext"], shown["ciphertext"])

    def test_text_names_the_cheats_failing_segment(self):
        done = self.covenant("rounds", *self.arguments())
        self.assertEqual(done.code, 0, done)
        self.assertRegex(done.out, r"mallory segment \d")
        shown = self.covenant("audit", "show", *self.arguments("--round", 0, "--hotkey", "mallory"))
        self.assertEqual(shown.code, 0, shown)
        self.assertIn("covenant replay", shown.out)


if __name__ == "__main__":
    main()
