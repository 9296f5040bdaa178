#!/usr/bin/python3 -B
"""Command lines, variables and files of options as users write them: where each word goes, and what is refused."""

import re
import subprocess

from support import FunctionalTest, Paths, environment, main, run

PROGRAMS = ("covenant", "covenant-miner", "covenant-validator", "covenant-explorer")
WIDTH = 80

# Types a line into bash as a user would and prints what TAB offers, one a line. Bash splits words at '=', as readline
# does; the flags are those of a careful user's shell.
COMPLETE = r"""
set -u
eval "$("$1" completions bash)"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_${1//-/_}
[[ ${#COMPREPLY[@]} == 0 ]] || printf '%s\n' "${COMPREPLY[@]}"
"""


class ArgumentsTest(FunctionalTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.password = cls.scratch / "password"
        cls.password.write_text("nine-lives-3316\n")
        cls.password.chmod(0o600)

    def folder(self):
        path = self.scratch / self.id().rsplit(".", 1)[1]
        path.mkdir()
        return path

    # --- where each word goes

    def test_a_key_lands_in_the_named_folder_under_its_name(self):
        folder = self.folder()
        made = self.succeed("wallet", "new-coldkey", "--password-file", self.password, "--datadir", "safe", "main",
                            cwd=folder)
        self.assertEqual(made["name"], "main")
        self.assertTrue((folder / "safe/keys/main.json").is_file())
        self.assertEqual([path.name for path in folder.iterdir()], ["safe"])

    def test_an_option_takes_one_value(self):
        for words, extra in ((["eval", "--round", "4", "5"], "5"), (["status", "--datadir", "a", "b"], "b"),
                             (["checkpoint", "import", "a", "--out", "b", "c"], "c"),
                             (["checkpoint", "verify", "m", "--token", "1", "2"], "2")):
            for program in ("covenant", "covenant-engine") if words[0] != "status" else ("covenant",):
                self.refused(2, *words, program=program, words=[f"takes no argument '{extra}'"])
        for program in ("covenant-miner", "covenant-validator"):
            self.refused(2, "run", "--hotkey", "a", "b", program=program, words=["takes no argument 'b'"])
        self.refused(2, "run", "--listen", "127.0.0.1:0", "b", program="covenant-explorer",
                     words=["takes no argument 'b'"])

    def test_a_name_may_be_that_of_a_command(self):
        folder = self.folder()
        for name in ("miner", "list", "run", "status", "wallet"):
            made = self.succeed("wallet", "new-hotkey", name, "--datadir", folder, "--password-file", self.password)
            self.assertEqual(made["name"], name)
            self.assertEqual(self.succeed("wallet", "show", name, "--datadir", folder)["name"], name)
        self.refused(2, "wallet", "show", "miner", "alice", "--datadir", folder, words=["takes no argument 'alice'"])
        self.refused(2, "wallet", "list", "list", words=["takes no argument 'list'"])
        done = self.covenant("checkpoint", "info", "devnet", cwd=folder, COVENANT_ANVIL="/nonexistent")
        self.assertNotEqual(done.code, 0, done)
        self.assertIn("devnet", done.err)
        self.assertNotIn("anvil", done.err)
        self.assertNotIn("devnet", [path.name for path in folder.iterdir()])

    def test_an_empty_value_swallows_no_word(self):
        folder = self.folder()
        self.succeed("wallet", "list", "--datadir", folder, "--log-file=")
        self.refused(2, "stake", "add", "alice", "1", "--coldkey", "--dry-run", words=["--coldkey=--dry-run"])

    # --- paths and variables

    def test_a_tilde_is_the_home_folder(self):
        folder = self.folder()
        password = ("--password-file", self.password)
        self.succeed("wallet", "new-hotkey", "a", "--datadir=~/x", *password, cwd=folder)
        self.succeed("wallet", "new-hotkey", "b", *password, cwd=folder, COVENANT_DATADIR="~/x")
        (self.home / "c.toml").write_text('[wallet]\nkeys = "~/x/keys"\n')
        self.succeed("wallet", "new-hotkey", "c", "--config=~/c.toml", *password, cwd=folder)
        names = sorted(path.name for path in (self.home / "x/keys").iterdir())
        self.assertEqual(names, ["a.json", "b.json", "c.json"])
        self.assertEqual(list(folder.iterdir()), [])
        value = self.refused(3, "status", "--network=~/none.json", cwd=folder)
        self.assertIn(str(self.home / "none.json"), value["errors"][0]["message"])
        self.refused(2, "wallet", "list", "--datadir=~other/x", words=["~other/x", "whole path"])

    def test_an_empty_variable_is_as_none(self):
        folder = self.folder()
        names = [row["name"] for row in self.succeed("config", "show")]
        empty = {"COVENANT_" + name.upper().replace("-", "_"): "" for name in names}
        self.assertGreater(len(empty), 8)
        done = self.covenant("wallet", "list", "--datadir", folder, **empty)
        self.assertEqual(done.code, 0, done)
        for program in PROGRAMS[1:]:
            flags = () if program == "covenant-explorer" else ("--store", "s", "--data", "d")
            names = [row["name"] for row in self.succeed("config", "show", program=program)]
            empty = {"COVENANT_" + name.upper().replace("-", "_"): "" for name in names}
            done = self.covenant("config", "check", *flags, program=program, **empty)
            self.assertEqual(done.code, 0, done)

    # --- values are checked where they are described

    def test_config_check_refuses_what_the_daemon_refuses(self):
        file = self.folder() / "t.toml"
        good = 'store = "s"\ndata = "d"\n'
        daemons = ("covenant-miner", "covenant-validator")
        for programs, text, word in (
                (daemons, '[log]\nlog_level = "zzz"\n', "zzz"), (daemons, 'metrics = "0.0.0.0:9090"\n', "loopback"),
                (daemons, 'metrics = "nowhere"\n', "nowhere"), (daemons, 'hotkey = "A B"\n', "A B"),
                (daemons, 'hotkey = ""\n', "key name"), (daemons, 'isa = "z80"\n', "z80"),
                (("covenant-adversary",), 'store = "s"\ndata = "d"\n[miner]\ncheat = "zzz"\n', "zzz"),
                (daemons[:1], '[miner]\ncheat = "none"\n', "cheat"),
                (("covenant-explorer",), '[explorer]\nlisten = "0.0.0.0:8600"\n', "loopback"),
                (PROGRAMS, '[log]\nlog_level = "zzz"\n', "zzz")):
            for program in programs:
                with self.subTest(program=program, text=text):
                    file.write_text((good if program in daemons else "") + text)
                    self.refused(2, "config", "check", "--config", file, program=program, words=[word, "t.toml:"])
        for program in daemons:
            file.write_text(good)
            self.succeed("config", "check", "--config", file, program=program)
            file.write_text('store = "s"\n')
            self.refused(2, "config", "check", "--config", file, program=program, words=["--data is required"])
            for store, word in (("ftp://x", "ftp"), ("http://user:SECRET@h/x", "http"), ("file:", "no path")):
                file.write_text(f'store = "{store}"\ndata = "d"\n')
                self.refused(2, "config", "check", "--config", file, program=program, words=[word, "t.toml:"])
        self.refused(2, "status", "--log-level", "zzz", words=["zzz"])
        self.refused(2, "run", "--listen", "0.0.0.0:8600", program="covenant-explorer", words=["proxy"])

    def test_what_config_show_prints_config_check_accepts(self):
        file = self.folder() / "shown.toml"
        for program in PROGRAMS:
            flags = ("--store", "s", "--data", "d") if program in PROGRAMS[1:3] else ()
            for more in ((), ("--origin",)):
                shown = self.covenant("config", "show", *flags, *more, program=program)
                self.assertEqual(shown.code, 0, shown)
                file.write_text(shown.out)
                self.succeed("config", "check", "--config", file, program=program)

    # --- help

    def commands(self, program, path=()):
        """Every command that runs, and its whole help."""
        out = self.covenant(*path, "--help", program=program).out
        if "\nCommands:\n" not in out:
            return [(path, out)]
        found = []
        for line in out.split("\nCommands:\n")[1].split("\n\n")[0].splitlines():
            if name := re.match(r"  (\S+)", line):  # else a doc goes on
                found += self.commands(program, (*path, name[1]))
        return found

    def test_help_fits_and_its_examples_can_be_pasted(self):
        for program in PROGRAMS:
            for path, out in self.commands(program):
                with self.subTest(program=program, command=path):
                    for text in (out, self.covenant(*path, "-h", program=program).out):
                        self.assertLessEqual(max(map(len, text.splitlines())), WIDTH, text)
                    self.assertIn("\nExamples:\n", out)
                    examples = out.split("\nExamples:\n")[1].split("\n\n")[0].replace("\\\n", "").splitlines()
                    for example in examples:
                        self.assertIn(" ".join((program, *path)), example)
                        # `source` passes on what follows; a program answers --help once it has taken every word.
                        line = f"PATH={Paths.bin}:$PATH; cd $(mktemp -d); {example} --help"
                        done = run(["bash", "-euc", line], self.home)
                        self.assertEqual(done.code, 0, done)

    # --- completion

    def offered(self, *words, program="covenant", folder=None):
        done = subprocess.run(["bash", "-c", COMPLETE, "complete", Paths.program(program), program, *words],
                              capture_output=True, text=True, cwd=folder or self.home, env=environment(self.home),
                              timeout=60, check=True)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_completion_offers_commands_options_values_and_files(self):
        folder = self.folder()
        (folder / "model.gguf").write_text("")
        (folder / "devnet-7").mkdir()
        self.assertEqual(self.offered("wal"), ["wallet"])
        self.assertEqual(self.offered("wallet", "new-h"), ["new-hotkey"])
        self.assertEqual(self.offered("zzz"), [])
        self.assertIn("--force", self.offered("checkpoint", "import", "--"))
        self.assertIn("--json", self.offered("checkpoint", "import", "--"))
        # After a value the command's own options are still there, and its words are no commands.
        self.assertEqual(self.offered("wallet", "list", "--datadir", "status", "--ke"), ["--keys="])
        self.assertEqual(self.offered("wallet", "list", "--datadir", "=", "node", "--ke"), ["--keys="])
        self.assertEqual(self.offered("--datadir", "node", "wallet", "list", "--ke"), ["--keys="])
        for words in (["--role", "mi"], ["--role", "=", "mi"]):
            self.assertEqual(self.offered("register", *words), ["miner"])
        self.assertEqual(self.offered("register", "--role="), ["--role=miner", "--role=validator"])
        self.assertEqual(self.offered("status", "--color", "="), ["auto", "always", "never"])
        self.assertEqual(self.offered("status", "--color", "=", "al"), ["always"])
        self.assertEqual(self.offered("checkpoint", "info", "mod", folder=folder), ["model.gguf"])
        self.assertEqual(self.offered("status", "--datadir", "dev", folder=folder), ["devnet-7"])
        self.assertEqual(self.offered("status", "--datadir", "mod", folder=folder), [])
        self.assertEqual(self.offered("status", "--network", "=", "mod", folder=folder), ["model.gguf"])
        self.assertEqual(self.offered("rounds", "--log-level", "m", folder=folder), [])
        self.assertIn("--listen=", self.offered("run", "--", program="covenant-explorer"))
        self.assertEqual(self.offered("run", "--isa", "sc", program="covenant-miner"), ["scalar"])


if __name__ == "__main__":
    main()
