#!/usr/bin/python3 -B
"""The command line without a devnet: help, mistakes, passwords, keys, and a world that does not play along."""
# size: the table of every command's options stands here

import json
import os
import pathlib
import re
import shutil
import stat
import subprocess

from support import PRINTED, Background, FunctionalTest, Paths, answers, envelope, environment, free_port, main
from support import rpc, run, wait_until

PASSWORD = "correct-horse-7719"
OTHER_PASSWORD = "battery-staple-4402"
WEB3_PASSWORD = "web3-secret-9035"
SOME_KEY = "4c0883a69102937d6231471b5dbb6204fe512961708279f2b1f0d3f1d2a3c4e5"  # a test's own
NOBODY = 65534
ESCAPE = "\x1b["
COMMON = ("--datadir", "--network", "--config", "--json", "--yes", "--quiet", "--verbose", "--color", "--log-format",
          "--log-level", "--log-file")
OPTIONS = {
    "wallet new-coldkey": ("--keys", "--password-file"),
    "wallet new-hotkey": ("--keys", "--password-file"),
    "wallet list": ("--keys",),
    "wallet show": ("--keys",),
    "wallet import": ("--kind", "--keys", "--password-file", "--web3-password-file"),
    "wallet export": ("--keys", "--password-file", "--web3-password-file"),
    "wallet balance": ("--coldkey", "--keys"),
    "wallet claim": ("--dry-run", "--coldkey", "--keys", "--password-file"),
    "wallet fund": ("--ether", "--tokens", "--keys"),
    "register": ("--role", "--hotkey", "--hotkey-keys", "--hotkey-password-file", "--dry-run", "--coldkey"),
    "stake add": ("--dry-run", "--coldkey", "--password-file"),
    "stake remove": ("--withdraw", "--dry-run", "--coldkey"),
    "stake show": (),
    "status": (),
    "rounds": (),
    "metagraph": ("--explain",),
    "miner": (),
    "run info": (),
    "run list": (),
    "audit list": ("--round", "--hotkey"),
    "audit show": ("--round", "--hotkey"),
    "artifact inspect": ("--chunk", "--key", "--spec", "--store"),
    "artifact verify": ("--round", "--hotkey", "--store"),
    "artifact ls": ("--store",),
    "replay": ("--round", "--hotkey", "--segment", "--isa", "--threads"),
    "simulate": ("--isa", "--threads"),
    "checkpoint export": ("--round", "--parameters", "--format", "--dtype", "--tokenizer", "--out", "--force"),
    "checkpoint import": ("--store", "--out", "--force"),
    "checkpoint verify": ("--root", "--round", "--token"),
    "checkpoint info": (),
    "generate": ("--prompt", "--checkpoint", "--round", "--max-tokens", "--temperature", "--top-p", "--seed"),
    "eval": ("--checkpoint", "--round", "--data", "--windows", "--profile"),
    "devnet": ("--rounds", "--miners", "--validators", "--cheat", "--profile", "--seed", "--keep", "--port"),
    "doctor": ("--report",),
    "config init": (),
    "config show": ("--origin",),
    "config check": (),
    "completions bash": (),
}
DAEMONS = {
    "covenant-miner": ("--hotkey", "--password-file", "--store", "--data", "--last-round", "--metrics", "--isa", "--threads"),
    "covenant-adversary": ("--hotkey", "--store", "--data", "--last-round", "--cheat"),
    "covenant-validator": ("--hotkey", "--password-file", "--store", "--data", "--last-round", "--metrics", "--isa",
                           "--threads"),
    "covenant-explorer": ("--listen", "--poll-ms"),
}


class CommandLineTest(FunctionalTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scratch.chmod(0o755)
        cls.passwords = {}
        for name, text in (("one", PASSWORD), ("two", OTHER_PASSWORD), ("web3", WEB3_PASSWORD)):
            cls.passwords[name] = cls.scratch / f"password-{name}"
            cls.passwords[name].write_text(text + "\n")
            cls.passwords[name].chmod(0o600)

    @classmethod
    def tearDownClass(cls):
        for text in PRINTED:
            for secret in (PASSWORD, OTHER_PASSWORD, WEB3_PASSWORD, SOME_KEY):
                if secret in text:
                    raise AssertionError("a secret was printed: " + text[:500])
        super().tearDownClass()

    def folder(self, name):
        path = self.scratch / f"{self.id().rsplit('.', 1)[1]}-{name}"
        path.mkdir()
        return path

    def new_key(self, folder, *words):
        return self.succeed("wallet", *(words or ("new-hotkey",)), "--datadir", folder, "--password-file",
                            self.passwords["one"])

    def network_file(self, port, chain_id=31337, genesis="0x" + "5a" * 32):
        names = ("Token", "Registry", "RunRegistry", "RoundManager", "ScoreLedger", "Emissions", "Authority")
        contracts = {name: {"address": "0x" + f"{i + 1:040x}", "code_hash": "0x" + "77" * 32}
                     for i, name in enumerate(names)}
        path = self.folder(f"network-{port}-{chain_id}-{genesis[2:6]}") / "network.json"
        path.write_text(json.dumps({
            "version": 1, "chain_id": chain_id, "genesis_hash": genesis, "rpc_url": f"http://127.0.0.1:{port}",
            "deployed_at": 1, "run": "0x" + "11" * 32, "contracts": contracts}))
        return path

    # --- help

    def test_every_command_has_help_that_names_its_options(self):
        for path, options in OPTIONS.items():
            for flag in ("--help", "-h"):
                with self.subTest(command=path, flag=flag):
                    done = self.covenant(*path.split(), flag)
                    self.assertEqual((done.code, done.err), (0, ""), done)
                    self.assertIn(f"Usage: covenant {path}", done.out)
                    for option in (*options, *(COMMON if flag == "--help" else ())):
                        self.assertRegex(done.out, re.escape(option) + r"\b", done)

    def test_the_table_above_is_complete(self):
        def commands(path):
            out = self.covenant(*path, "--help").out
            if "\nCommands:\n" not in out:
                return [" ".join(path)]
            block = out.split("\nCommands:\n")[1].split("\n\n")[0]
            found = []
            for line in block.splitlines():
                found += commands([*path, line.split()[0]])
            return found

        self.assertEqual(sorted(commands([])), sorted(OPTIONS))

    def test_daemons_have_help(self):
        for program, options in DAEMONS.items():
            for command in ("run", "check", "config init", "config show", "config check", "completions bash"):
                done = self.covenant(*command.split(), "--help", program=program)
                self.assertEqual((done.code, done.err), (0, ""), done)
                for option in options if command in ("run", "check") else ():
                    self.assertIn(option, done.out)
            self.assertRegex(self.covenant("--version", program=program).out, rf"^{program} \d+\.\d+")
        self.assertRegex(self.covenant("--version").out, r"^covenant \d+\.\d+")

    def test_help_is_quick_and_loads_no_libtorch(self):
        for program in ("covenant", "covenant-engine", "covenant-simulate", *DAEMONS):
            done = run([Paths.program(program)], self.home, LD_TRACE_LOADED_OBJECTS="1")
            self.assertIn("libc.so", done.out)
            self.assertNotIn("torch", done.out)
        self.assertLess(min(self.covenant("--help").seconds for _ in range(5)), 0.25)

    # --- mistakes

    def test_unknown_words_name_the_nearest(self):
        for words, nearest in ((["rouns"], "rounds"), (["wallet", "lst"], "list"), (["rounds", "--jsno"], "--json"),
                               (["devnet", "--round", "2"], "--rounds"), (["replay", "--rond", "0"], "--round")):
            done = self.covenant(*words)
            self.assertEqual((done.code, done.out), (2, ""), done)
            self.assertIn(f"did you mean '{nearest}'", done.err)
            self.refused(2, *words, words=[f"did you mean '{nearest}'"])

    def test_wrong_values_are_usage_errors(self):
        self.refused(2, words=["needs a command"])
        self.refused(2, "wallet", words=["needs a command"])
        self.refused(2, "devnet", "--rounds", "0", words=["--rounds", "1 to 10000"])
        self.refused(2, "devnet", "--rounds", "many", words=["--rounds", "many"])
        self.refused(2, "status", "--color", "pink", words=["--color", "pink"])
        self.refused(2, "wallet", "show", words=["NAME"])
        self.refused(2, "rounds", "1", "2")
        self.refused(2, "replay", "--hotkey", "bob", words=["round"])
        self.refused(2, "register", words=["role"])

    def test_a_wrong_cheat_is_refused_before_anything_starts(self):
        for cheat, word in (("nonsense", "half-batch"), ("half-batch@zoe", "zoe")):
            with self.subTest(cheat=cheat):
                folder = self.scratch / f"devnet-{word}"
                done = self.covenant("devnet", "--cheat", cheat, "--datadir", folder, "--json")
                self.assertEqual(done.code, 2, done)
                self.assertIn(word, done.out)
                self.assertFalse(folder.exists(), "half a devnet was written")

    def test_configuration_mistakes_name_line_and_nearest_key(self):
        file = self.scratch / "config.toml"
        file.write_text('[output]\ncolr = "never"\n')
        value = self.refused(2, "config", "check", "--config", file, words=[":2:", "did you mean 'color'"])
        self.assertIn("colr", value["errors"][0]["message"])
        file.write_text("[output\n")
        self.refused(2, "config", "check", "--config", file, words=["config.toml"])
        self.refused(2, "config", "check", "--config", self.scratch / "none.toml", words=["none.toml"])
        done = self.covenant("config", "check", "--json", COVENANT_COLOR="pink")
        self.assertEqual(done.code, 2, done)
        self.assertIn("COVENANT_COLOR", done.out)

    def test_configuration_has_an_order(self):
        file = self.scratch / "order.toml"
        file.write_text('[log]\nlog_level = "warn"\n')

        def level(*words, **extra):
            rows = self.succeed("config", "show", "--config", file, *words, **extra)
            return json.loads(next(row["value"] for row in rows if row["name"] == "log-level"))  # in TOML's quotes

        self.assertEqual(level(), "warn")
        self.assertEqual(level(COVENANT_LOG_LEVEL="error"), "error")
        self.assertEqual(level("--log-level", "debug", COVENANT_LOG_LEVEL="error"), "debug")
        template = self.covenant("config", "init")
        file.write_text(template.out)
        self.succeed("config", "check", "--config", file)

    # --- no terminal, no colours

    def test_nothing_asks_without_a_terminal(self):
        folder = self.folder("keys")
        for words in (["wallet", "new-hotkey"], ["wallet", "new-coldkey"]):
            done = self.covenant(*words, "--datadir", folder, timeout=20)
            self.assertEqual(done.code, 3, done)
            self.assertIn("--password-file", done.err)
            self.refused(3, *words, "--datadir", folder, words=["--password-file"])
        self.new_key(folder)
        done = self.covenant("wallet", "export", "hotkey", folder / "out.json", "--datadir", folder, timeout=20)
        self.assertEqual(done.code, 3, done)
        self.assertFalse((folder / "out.json").exists())

    def in_terminal(self, *words, **extra):
        """What a command writes when its output is a terminal."""
        ours, theirs = os.openpty()
        process = subprocess.Popen([Paths.program("covenant"), *map(str, words)], stdin=subprocess.DEVNULL,
                                   stdout=theirs, stderr=theirs, env=environment(self.home, TERM="xterm", **extra))
        os.close(theirs)
        text = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # EIO: the other side is closed
                break
            if not part:
                break
            text += part
        os.close(ours)
        process.wait(30)
        return text.decode(errors="replace")

    def test_colours_only_where_they_are_wanted(self):
        folder = self.folder("data")
        words = ("doctor", "--datadir", folder)
        self.assertIn(ESCAPE, self.in_terminal(*words))
        self.assertNotIn(ESCAPE, self.in_terminal(*words, NO_COLOR="1"))
        self.assertNotIn(ESCAPE, self.in_terminal(*words, "--color", "never"))
        self.assertNotIn(ESCAPE, self.in_terminal(*words, "--json"))
        self.assertNotIn(ESCAPE, self.covenant(*words).out)
        self.assertIn(ESCAPE, self.covenant(*words, "--color", "always").out)

    # --- keys

    def test_a_key_is_made_listed_and_never_overwritten(self):
        folder = self.folder("keys")
        made = self.new_key(folder)
        self.assertRegex(made["address"], r"^0x[0-9a-fA-F]{40}$")
        path = pathlib.Path(made["file"])
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(path.parent.stat().st_mode), 0o700)
        before = path.read_bytes()
        self.refused(1, "wallet", "new-hotkey", "--datadir", folder, "--password-file", self.passwords["one"],
                     words=["never overwritten"])
        self.assertEqual(path.read_bytes(), before)
        self.assertEqual([row["address"] for row in self.succeed("wallet", "list", "--datadir", folder)],
                         [made["address"]])
        self.assertEqual(self.succeed("wallet", "show", "hotkey", "--datadir", folder), made)

    def test_a_wrong_password_opens_nothing(self):
        folder = self.folder("keys")
        self.new_key(folder)
        out = folder / "out.json"
        self.refused(1, "wallet", "export", "hotkey", out, "--datadir", folder, "--password-file",
                     self.passwords["two"], "--web3-password-file", self.passwords["web3"], words=["wrong password"])
        self.assertFalse(out.exists())
        network = self.network_file(9)
        for program in ("covenant-miner", "covenant-validator"):
            self.refused(1, "run", "--datadir", folder, "--network", network, "--password-file",
                         self.passwords["two"], "--store", folder / "store", "--data", folder / "data",
                         program=program, words=["wrong password"])

    def test_a_changed_key_file_is_refused(self):
        folder = self.folder("keys")
        path = pathlib.Path(self.new_key(folder)["file"])
        text = path.read_text()
        box = json.loads(text)["box"]
        for changed in (text.replace(box, box[:-2] + f"{int(box[-2:], 16) ^ 1:02x}"), text[:-20], "", "{}"):
            path.write_text(changed)
            done = self.covenant("wallet", "export", "hotkey", folder / "out.json", "--datadir", folder,
                                 "--password-file", self.passwords["one"], "--web3-password-file",
                                 self.passwords["web3"], "--json")
            self.assertIn(done.code, (1, 5), done)
            self.assertTrue(envelope(done.out)["errors"][0]["message"])
            self.assertFalse((folder / "out.json").exists())

    def test_secrets_that_others_may_read_are_refused(self):
        folder = self.folder("keys")
        path = pathlib.Path(self.new_key(folder)["file"])
        line = ("wallet", "export", "hotkey", folder / "out.json", "--datadir", folder, "--web3-password-file",
                self.passwords["web3"])
        path.chmod(0o644)
        self.refused(1, *line, "--password-file", self.passwords["one"], words=["0644", "chmod 600"])
        path.chmod(0o600)
        open_password = folder / "password"
        open_password.write_text(PASSWORD + "\n")
        open_password.chmod(0o640)
        self.refused(1, *line, "--password-file", open_password, words=["0640", "chmod 600"])
        self.refused(3, *line, "--password-file", folder / "nothing", words=["nothing"])

    def test_cast_opens_what_we_export_and_we_what_cast_makes(self):
        folder = self.folder("keys")
        address = self.new_key(folder)["address"]
        self.succeed("wallet", "export", "hotkey", folder / "out.json", "--datadir", folder, "--password-file",
                     self.passwords["one"], "--web3-password-file", self.passwords["web3"])
        self.assertEqual(stat.S_IMODE((folder / "out.json").stat().st_mode), 0o600)
        self.refused(1, "wallet", "export", "hotkey", folder / "out.json", "--datadir", folder, "--password-file",
                     self.passwords["one"], "--web3-password-file", self.passwords["web3"])
        cast = Paths.foundry("cast")

        def cast_reads(*words):
            done = subprocess.run([cast, "wallet", *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True, env=environment(self.home), timeout=60, check=True)
            return done.stdout

        opened = cast_reads("decrypt-keystore", "out.json", "-k", folder, "--unsafe-password", WEB3_PASSWORD)
        key = re.search(r"0x[0-9a-f]{64}", opened).group()
        self.assertEqual(cast_reads("address", "--private-key", key).strip(), address)

        theirs = cast_reads("address", "--private-key", SOME_KEY).strip()
        cast_reads("import", "theirs", "-k", folder, "--unsafe-password", WEB3_PASSWORD, "--private-key", SOME_KEY)
        made = self.succeed("wallet", "import", "taken", folder / "theirs", "--kind", "coldkey", "--datadir", folder,
                            "--password-file", self.passwords["one"], "--web3-password-file", self.passwords["web3"])
        self.assertEqual((made["address"], made["kind"]), (theirs, "coldkey"))
        self.refused(1, "wallet", "import", "again", folder / "theirs", "--kind", "coldkey", "--datadir", folder,
                     "--password-file", self.passwords["one"], "--web3-password-file", self.passwords["two"],
                     words=["password"])
        self.assert_no_secret([key[2:]], PRINTED)

    # --- a world that does not play along

    def test_a_missing_network_is_named(self):
        empty = self.folder("empty")
        for command in ("status", "rounds", "metagraph"):
            self.refused(3, command, "--datadir", empty, words=["network.json", "--network"])
        self.refused(3, "status", "--network", "nowhere.json", words=["nowhere.json"])
        self.assertEqual(list(empty.iterdir()), [])
        for command in (("simulate",), ("replay", "--round", 0, "--hotkey", "bob"), ("eval",),
                        ("generate", "--prompt", "x")):
            self.refused(3, *command, "--datadir", empty, words=["devnet.json"])
        self.refused(3, "wallet", "show", "nobody", "--datadir", empty, words=["nobody"])
        self.refused(3, "wallet", "balance", "0x" + "12" * 20, "--datadir", empty, words=["network.json"])

    def test_a_malformed_network_file_is_named(self):
        path = self.network_file(9)
        good = path.read_text()
        for bad in ("", "{", "[]", "{}", good.replace("31337", '"x"'), good.replace("0x" + "5a" * 32, "0x5a")):
            path.write_text(bad)
            self.refused(5, "rounds", "--network", path, "--datadir", self.scratch / "cli", words=["network.json"])
        path.unlink()
        path.mkdir()
        self.refused(1, "rounds", "--network", path, "--datadir", self.scratch / "cli",
                     words=["network.json", "regular file"])

    def test_a_dead_node_is_exit_4(self):
        port = free_port()
        network = self.network_file(port)
        data = self.folder("data")
        account = "0x" + "12" * 20
        self.refused(4, "rounds", "--network", network, "--datadir", data, words=[str(port)])
        self.refused(4, "wallet", "balance", account, "--datadir", network.parent, words=[str(port)])
        self.new_key(data)
        for program in ("covenant-miner", "covenant-validator"):
            self.refused(4, "check", "--datadir", data, "--network", network, "--password-file",
                         self.passwords["one"], "--store", data / "store", "--data", data / "data", program=program,
                         words=[str(port)])
        self.assertFalse((data / "cli-index.sqlite").exists())

    def test_another_chain_is_exit_5(self):
        port = free_port()
        anvil = Background([Paths.foundry("anvil"), "--port", port, "--chain-id", "31337", "--quiet"], self.scratch,
                           self.home, "anvil")
        self.addCleanup(anvil.stop)
        wait_until(lambda: answers(port), 30, "anvil's port", anvil)
        genesis = rpc(f"http://127.0.0.1:{port}", "eth_getBlockByNumber", "0x0", False)["hash"]
        line = ("rounds", "--datadir", self.folder("data"))
        self.refused(5, *line, "--network", self.network_file(port), words=["genesis"])
        self.refused(5, *line, "--network", self.network_file(port, 31338), words=["31338"])
        value = self.refused(5, *line, "--network", self.network_file(port, genesis=genesis))
        self.assertNotIn("genesis block", value["errors"][0]["message"])  # now it is the code that is missing

    def test_a_node_starts_beside_no_coldkey_whatever_its_file_is_called(self):
        folder = self.folder("data")
        self.new_key(folder)
        owner = pathlib.Path(self.new_key(self.folder("safe"), "new-coldkey", "owner")["file"])
        copy = folder / "keys" / "old-backup.json"
        shutil.copy(owner, copy)
        done = self.covenant("run", "--datadir", folder, "--network", self.network_file(free_port()), "--store", folder,
                             "--data", folder, "--password-file", self.passwords["one"], program="covenant-miner")
        self.assertEqual(done.code, 3, done)
        self.assertIn("old-backup.json is the copy of a coldkey", done.err + done.out)

    def test_a_taken_port_is_named(self):
        port = free_port()
        network = self.network_file(9)
        first = Background([Paths.program("covenant-explorer"), "run", "--network", network, "--datadir",
                            self.folder("one"), "--listen", f"127.0.0.1:{port}"], self.scratch, self.home, "explorer")
        self.addCleanup(first.stop)
        wait_until(lambda: answers(port), 30, "the explorer's port", first)
        self.refused(1, "run", "--network", network, "--datadir", self.folder("two"), "--listen", f"127.0.0.1:{port}",
                     program="covenant-explorer", words=["in use", str(port)])

    def test_a_folder_that_is_no_devnet_is_left_alone(self):
        folder = self.folder("mine")
        (folder / "letter.txt").write_text("dear")
        self.refused(1, "devnet", "--datadir", folder, words=["no devnet"])
        self.assertEqual([path.name for path in folder.iterdir()], ["letter.txt"])

    def test_a_folder_that_cannot_be_written_is_named(self):
        self.refused(1, "devnet", "--datadir", "/proc/devnet", words=["/proc/devnet"])
        self.refused(1, "wallet", "new-hotkey", "--datadir", "/proc/none", "--password-file", self.passwords["one"],
                     words=["/proc/none"])
        if os.getuid() != 0:
            return
        locked = self.folder("locked")
        locked.chmod(0o755)
        password = self.scratch / "password-nobody"
        password.write_text(PASSWORD + "\n")
        os.chown(password, NOBODY, NOBODY)
        password.chmod(0o600)
        for words in (("devnet", "--datadir", locked / "net"),
                      ("wallet", "new-hotkey", "--datadir", locked, "--password-file", password)):
            self.refused(1, *words, words=["locked"], user=NOBODY, cwd="/")
        self.assertEqual(list(locked.iterdir()), [])

    def test_a_full_disk_leaves_nothing_half_written(self):
        small = self.folder("small")
        mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small]
        mounted = os.getuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0
        if not mounted:
            self.skipTest("only root can mount a small disk")
        self.addCleanup(subprocess.run, ["umount", small], check=True)
        with open(small / "filler", "wb", buffering=0) as filler:
            try:
                while filler.write(b"x" * 4096):
                    pass
            except OSError:
                pass
        self.refused(1, "wallet", "new-hotkey", "--datadir", small / "keys", "--password-file", self.passwords["one"],
                     words=["disk is full"])
        self.assertEqual([path for path in small.rglob("*.json")], [])
        self.refused(1, "devnet", "--datadir", small / "net", words=["space"])
        self.assertFalse((small / "net" / "devnet.json").exists())

    def test_doctor_reports_without_secrets(self):
        folder = self.folder("data")
        self.new_key(folder)
        data = self.succeed("doctor", "--datadir", folder, "--report", folder / "report.json")
        self.assertTrue(data["healthy"])
        report = json.loads((folder / "report.json").read_text())
        self.assertLessEqual({"made_at", "version", "kernel", "options", "checks"}, set(report))
        dead = self.network_file(free_port())
        self.refused_doctor(dead)

    def test_a_report_replaces_nothing(self):
        folder = self.folder("data")
        key = pathlib.Path(self.new_key(folder)["file"])
        before = key.read_bytes()
        (folder / "target").write_text("theirs")
        (folder / "link").symlink_to("target")
        (folder / "dangling").symlink_to("nowhere")
        for name in (key, folder / "link", folder / "dangling", "/dev/null"):
            self.refused(1, "doctor", "--datadir", folder, "--report", name, words=[str(name)])
        self.assertEqual(key.read_bytes(), before)
        self.assertEqual((folder / "target").read_text(), "theirs")
        self.assertTrue((folder / "link").is_symlink() and (folder / "dangling").is_symlink())

    def test_a_fifo_in_a_files_place_holds_nobody(self):
        folder = self.folder("data")
        fifo = folder / "fifo"
        os.mkfifo(fifo)
        some = "0x" + "aa" * 32
        (folder / "store/objects/aa").mkdir(parents=True)
        os.mkfifo(folder / "store/objects/aa" / some[2:])
        for words in (("status", "--network", fifo, "--datadir", folder),
                      ("artifact", "inspect", some, "--spec", fifo, "--datadir", folder),
                      ("wallet", "import", "x", fifo, "--datadir", folder, "--password-file", self.passwords["one"],
                       "--web3-password-file", self.passwords["web3"]),
                      ("wallet", "new-hotkey", "y", "--datadir", folder, "--password-file", fifo)):
            done = self.covenant(*words, timeout=20)
            self.assertIn(done.code, (1, 2, 3, 5), done)
            self.assertTrue(done.err, done)

    def test_what_is_no_key_hides_no_key(self):
        folder = self.folder("data")
        keys = pathlib.Path(self.new_key(folder)["file"]).parent
        (keys / "dangling.json").symlink_to("nowhere.json")
        (keys / "notes.json").write_text("{}")
        (keys / "old.json").mkdir()
        done = self.covenant("wallet", "list", "--datadir", folder, "--json")
        self.assertEqual(done.code, 0, done)
        value = envelope(done.out)
        self.assertEqual([row["name"] for row in value["data"]], ["hotkey"])
        self.assertEqual(len(value["warnings"]), 3)

    def refused_doctor(self, network):
        done = self.covenant("doctor", "--datadir", network.parent, "--json")
        self.assertEqual(done.code, 3, done)
        value = envelope(done.out)
        self.assertFalse(value["ok"])
        broken = [row for row in value["data"]["checks"] if row["level"] == "fail"]
        self.assertEqual([row["name"] for row in broken], ["chain"])
        self.assertTrue(broken[0]["fix"])

    def test_completion_is_bash(self):
        script = self.covenant("completions", "bash").out
        done = subprocess.run(["bash", "-c", script + '\nCOMP_WORDS=(covenant wal); COMP_CWORD=1; _covenant; '
                                                      'printf "%s\\n" "${COMPREPLY[@]}"'],
                              capture_output=True, text=True, timeout=20, check=True)
        self.assertEqual(done.stdout.split(), ["wallet"])


if __name__ == "__main__":
    main()
