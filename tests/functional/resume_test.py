#!/usr/bin/python3 -B
"""A finished, kept devnet goes on; meanwhile cast, `covenant` and the explorer read the same numbers."""

import decimal
import json
import struct

from support import Devnet, FunctionalTest, Paths, envelope, get, main, run, wait_until

TOKEN = decimal.Decimal(10) ** 18


class ResumeTest(FunctionalTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = Paths.kept / "devnet"
        cls.before = json.loads((Paths.kept / "devnet.out.json").read_text())
        cls.old_url = json.loads((cls.folder / "network.json").read_text())["rpc_url"]
        cls.devnet = Devnet(cls.folder, cls.scratch, ["--keep", "--rounds", "1"])
        cls.addClassCleanup(cls.devnet.stop)
        wait_until(lambda: cls.devnet.network()["rpc_url"] != cls.old_url, 60, "the new address of the chain",
                   cls.devnet.process)
        wait_until(lambda: (cls.devnet.health() or {}).get("following"), 60, "the explorer's look at the chain",
                   cls.devnet.process)
        network = cls.devnet.network()
        cls.url, cls.run_id = network["rpc_url"], network["run"]
        cls.contracts = {name: one["address"] for name, one in network["contracts"].items()}
        cls.people = json.loads((cls.folder / "devnet.json").read_text())["participants"]

    def cast(self, contract, signature, *arguments):
        """What `cast call` prints, one value a line, without its notes."""
        done = run([Paths.foundry("cast"), "call", "--rpc-url", self.url, self.contracts[contract], signature,
                    *arguments], self.home)
        self.assertEqual(done.code, 0, done)
        values = [line.split(" [")[0] for line in done.out.splitlines()]
        return values[0] if len(values) == 1 else values

    def test_1_cast_reads_the_rounds(self):
        listed = self.succeed("rounds", "--datadir", self.folder)
        served = get(self.devnet.explorer_url() + "/api/rounds?limit=100")[1]["rounds"]
        rounds = len(self.before["rounds"])
        self.assertEqual(listed[:rounds], self.before["rounds"])
        self.assertEqual(served[:rounds], self.before["rounds"])
        for one in (listed[0], listed[rounds // 2], listed[rounds - 1]):
            index = one["index"]
            with self.subTest(round=index):
                where = (self.run_id, index)
                base = self.cast("RoundManager", "baseRoot(bytes32,uint64)(bytes32)", *where)
                self.assertEqual(base, one["base_root"])
                self.assertEqual(self.cast("RoundManager", "rho(bytes32,uint64)(bytes32)", *where), one["rho"])
                self.assertEqual(self.cast("RoundManager", "sigma(bytes32,uint64)(bytes32)", self.run_id, index + 1),
                                 one["beacon"])
                accepted, root, bits = self.cast("RoundManager", "accepted(bytes32,uint64)(bool,bytes32,uint32)",
                                                 *where)
                self.assertEqual(accepted, "true" if one["parameters_root"] else "false")
                if accepted == "true":
                    self.assertEqual(root, one["parameters_root"])
                    self.assertEqual(struct.unpack("<f", struct.pack("<I", int(bits)))[0], one["heldout_loss"])
                committed = int(self.cast("RoundManager", "committed(bytes32,uint64)(uint256)", *where))
                self.assertEqual(committed, sum(1 << row["uid"] for row in one["commitments"]))
                included = int(self.cast("RoundManager", "included(bytes32,uint64)(uint256)", *where))
                self.assertEqual(included, sum(1 << row["uid"] for row in one["artifacts"] if row["included"]))
                # A round without a result is not settled.
                self.assertEqual(self.cast("Emissions", "settled(bytes32,uint64)(bool)", *where), accepted)
                for row in one["emission"]:
                    units = self.cast("Emissions", "credited(bytes32,uint64,uint16)(uint256)", *where, row["uid"])
                    self.assertEqual(decimal.Decimal(units) / TOKEN, decimal.Decimal(row["amount"]))

    def test_2_cast_reads_the_balances(self):
        for one in self.people:
            def agree(one=one):
                """Settlement may fall between two readings: equal once, with the same reading before and after."""
                first = self.cast("Emissions", "claimable(uint16)(uint256)", one["uid"])
                served = get(f"{self.devnet.explorer_url()}/api/hotkeys/{one['hotkey']}")[1]
                listed = next(row for row in self.succeed("metagraph", "--datadir", self.folder)
                              if row["uid"] == one["uid"])
                if self.cast("Emissions", "claimable(uint16)(uint256)", one["uid"]) != first:
                    return False
                expected = decimal.Decimal(first) / TOKEN
                return decimal.Decimal(served["claimable"]) == expected == decimal.Decimal(listed["claimable"])

            with self.subTest(name=one["name"]):
                wait_until(agree, 20, f"the same claimable of {one['name']} everywhere", self.devnet.process)
                units = self.cast("Token", "balanceOf(address)(uint256)", one["coldkey"])
                paid = next(row for row in self.before["totals"]["paid"] if row["name"] == one["name"])
                self.assertEqual(decimal.Decimal(units) / TOKEN, decimal.Decimal(paid["balance"]))
                data = self.succeed("wallet", "balance", one["coldkey"], "--datadir", self.folder)
                self.assertEqual(decimal.Decimal(data["balance"]), decimal.Decimal(paid["balance"]))
                stake = self.cast("Registry", "stakeOf(uint16)(uint256)", one["uid"])
                shown = self.succeed("stake", "show", one["name"], "--datadir", self.folder)
                self.assertIn(str(decimal.Decimal(stake) / TOKEN), json.dumps(shown))

    def test_3_a_second_devnet_of_the_folder_is_refused(self):
        self.refused(1, "devnet", "--datadir", self.folder, words=["in use"])

    def test_4_the_chain_says_the_same_without_the_index(self):
        direct = self.succeed("rounds", "--network", self.folder / "network.json", "--datadir", self.scratch / "cli")
        self.assertEqual(direct[:len(self.before["rounds"])], self.before["rounds"])

    def test_5_it_completes(self):
        done = self.devnet.wait(240)
        print(f"resumed devnet took {done.seconds:.1f} s", flush=True)
        self.assertEqual(done.code, 0, done)
        data = envelope(done.out)["data"]
        rounds = len(self.before["rounds"])
        self.assertEqual(data["run"], self.before["run"])
        self.assertGreater(len(data["rounds"]), rounds)
        self.assertEqual(data["rounds"][:rounds], self.before["rounds"])
        last = data["rounds"][-1]
        self.assertIsNotNone(last["heldout_loss"], "the last round of the resumed devnet is a null round")
        self.assertTrue(last["settled"])
        self.assertLess(last["t0"] - self.before["rounds"][-1]["t0"], 600, "chain time jumped")
        for paid in data["totals"]["paid"]:
            credited = next(row for row in data["totals"]["emission"] if row["hotkey"] == paid["hotkey"])
            self.assertEqual(paid["balance"], credited["amount"])
        self.assertEqual(self.devnet.left_behind(), [])


if __name__ == "__main__":
    main()
