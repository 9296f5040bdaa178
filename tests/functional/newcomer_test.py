#!/usr/bin/python3 -B
"""A fourth miner by hand, as miner/README.md has it: `check` names each missing thing, the commands that it names mend
it, and the newcomer's work is committed, included and paid."""

import json

from support import Background, Devnet, FunctionalTest, Paths, envelope, main, run, wait_until


class NewcomerTest(FunctionalTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = cls.scratch / "devnet"
        cls.network = cls.folder / "network.json"
        cls.owner, cls.miner = cls.scratch / "owner", cls.scratch / "miner"
        cls.password = cls.scratch / "password"
        cls.password.write_text("a newcomer's\n")
        cls.password.chmod(0o600)
        cls.devnet = Devnet(cls.folder, cls.scratch, ["--miners", "1", "--validators", "1", "--cheat", "none",
                                                      "--rounds", "6", "--keep"])
        cls.addClassCleanup(cls.devnet.stop)
        wait_until(cls.devnet.health, 240, "the devnet's explorer", cls.devnet.process)

    def node(self, command):
        return [Paths.program("covenant-miner"), command, "--datadir", self.miner, "--network", self.network,
                "--store", self.folder / "store", "--data", self.folder / "data", "--password-file", self.password,
                "--threads", "1"]

    def check(self, code):
        """{name: finding} of `covenant-miner check`, which must end with `code`."""
        done = run([*self.node("check"), "--json"], self.home)
        self.assertEqual(done.code, code, done)
        value = envelope(done.out)
        self.assertEqual(value["ok"], code == 0, done)
        return {one["name"]: one for one in value["data"]}

    def owned(self, *words):
        return self.succeed(*words, "--network", self.network, "--datadir", self.owner, "--coldkey", "owner",
                            "--password-file", self.password, "--yes")

    def test_from_nothing_to_paid(self):
        found = self.check(3)
        self.assertTrue(found["network"]["ok"], found)
        self.assertFalse(found["key"]["ok"], found)
        self.assertIn(f"covenant wallet new-hotkey hotkey --datadir {self.miner}", found["key"]["mend"])

        self.succeed("wallet", "new-hotkey", "hotkey", "--datadir", self.miner, "--password-file", self.password)
        owner = self.succeed("wallet", "new-coldkey", "owner", "--datadir", self.owner, "--password-file",
                             self.password)["address"]
        found = self.check(3)
        self.assertTrue(found["key"]["ok"], found)
        self.assertFalse(found["ether"]["ok"], found)
        self.assertIn("covenant wallet fund 0x", found["ether"]["mend"])
        self.assertFalse(found["registration"]["ok"], found)
        self.assertIn("covenant register --role miner --hotkey hotkey", found["registration"]["mend"])

        hotkey = self.succeed("wallet", "show", "hotkey", "--datadir", self.miner)["address"]
        funded = self.succeed("wallet", "fund", hotkey, "--network", self.network)
        self.assertEqual((funded["ether"], funded["balance"]), ("10", "1000"))
        self.succeed("wallet", "fund", owner, "--network", self.network)
        self.assertTrue(self.check(3)["ether"]["ok"])

        uid = self.owned("register", "--role", "miner", "--hotkey-keys", self.miner / "keys")["uid"]
        found = self.check(3)
        self.assertTrue(found["registration"]["ok"], found)
        self.assertFalse(found["stake"]["ok"], found)
        self.assertIn(f"covenant stake add {uid} AMOUNT", found["stake"]["mend"])

        self.owned("stake", "add", str(uid), "99")
        found = self.check(3)
        self.assertIn("the run asks 100 COV", json.dumps(found), "less than the run's bond")
        self.owned("stake", "add", str(uid), "1")
        self.assertTrue(all(one["ok"] for one in self.check(0).values()))

        miner = Background(self.node("run"), self.scratch, self.home, "newcomer")
        self.addCleanup(miner.stop)

        def paid():
            rounds = self.succeed("rounds", "--datadir", self.folder)
            return [one for one in rounds for row in one["emission"]
                    if row["hotkey"].lower() == hotkey.lower() and float(row["amount"]) > 0]

        wait_until(paid, 400, "the newcomer's first emission", self.devnet.process)
        in_use = run([*self.node("check"), "--json"], self.home)
        self.assertNotEqual(in_use.code, 0)
        self.assertIn(f"in use by covenant-miner (pid {miner.pid})", in_use.out)

    def test_only_a_devnet_gives_money_away(self):
        lonely = self.scratch / "lonely.json"
        lonely.write_text(self.network.read_text())
        self.refused(3, "wallet", "fund", "0x" + "11" * 20, "--network", lonely, words=["devnet.json"])


if __name__ == "__main__":
    main()
