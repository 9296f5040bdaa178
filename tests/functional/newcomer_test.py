#!/usr/bin/python3 -B
"""A fourth miner by hand, as miner/README.md has it: `check` names each missing thing, the commands that it names mend
it, and the newcomer's work is committed, included and paid."""

import json
import shutil
import urllib.request

from endpoint_test import Stub
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

    def node(self, command, **options):
        given = {"datadir": self.miner, "network": self.network, "store": self.folder / "store",
                 "data": self.folder / "data", "password-file": self.password, "threads": "1", **options}
        return [Paths.program("covenant-miner"), command, *(word for name, value in given.items()
                                                            for word in (f"--{name}", value))]

    def check(self, code, **options):
        """{name: finding} of `covenant-miner check`, which must end with `code`."""
        done = run([*self.node("check", **options), "--json"], self.home)
        self.assertEqual(done.code, code, done)
        self.assertNotRegex(done.err, r"start\s+ready", "a look starts nothing")
        value = envelope(done.out)
        self.assertEqual(value["ok"], code == 0, done)
        return {one["name"]: one for one in value["data"]}

    def without_old_blocks(self):
        """network.json by way of an endpoint that no longer has the first blocks."""
        known = json.loads(self.network.read_text())

        def answer(document):
            request = urllib.request.Request(known["rpc_url"], json.dumps(document).encode(),
                                             {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=30) as reply:
                answers = json.load(reply)
            calls = document if isinstance(document, list) else [document]
            for call, one in zip(calls, answers if isinstance(answers, list) else [answers]):
                if call["method"] == "eth_getBlockByNumber" and call["params"][0] in ("0x1", "0x2", "0x3"):
                    one["result"] = None
            return "application/json", json.dumps(answers).encode()

        stub = Stub(answer)
        self.addCleanup(stub.close)
        path = self.scratch / "pruned.json"
        path.write_text(json.dumps({**known, "rpc_url": f"http://127.0.0.1:{stub.port}"}))
        return path

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

        nowhere = self.scratch / "nowhere"
        found = self.check(3, store=nowhere, data=nowhere)
        self.assertIn(f"mkdir {nowhere}", found["store"]["mend"])
        self.assertIn("--data DIR", found["data"]["mend"])
        self.assertFalse(nowhere.exists(), "a look makes nothing")
        fresh = self.scratch / "fresh"  # has followed no chain yet
        shutil.copytree(self.miner / "keys", fresh / "keys")
        found = self.check(4, datadir=fresh, network=self.without_old_blocks())
        self.assertIn("block 1", found["node"]["found"])

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
        self.refused(3, "wallet", "fund", "0x" + "11" * 20, "--network", lonely, words=["devnet.json", "not by a copy"])


if __name__ == "__main__":
    main()
