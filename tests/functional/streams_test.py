#!/usr/bin/python3 -B
"""What the programs do with their standard streams, their terminal and the signals that end them. No devnet."""

import fcntl
import json
import os
import pty
import select
import signal
import subprocess
import termios
import time

from support import Background, FunctionalTest, Paths, answers, envelope, environment, free_port, main, run, wait_until

NO_SPACE = "write standard output: No space left on device"
DAEMONS = ("covenant-miner", "covenant-validator", "covenant-explorer")
# One command for each way to print: lines, tables, long texts, an envelope.
PRINTING = (
    ("covenant", "--help"), ("covenant", "--version"), ("covenant", "-h"), ("covenant", "-V"), ("covenant", "config", "init"),
    ("covenant", "config", "show"), ("covenant", "config", "check"), ("covenant", "completions", "bash"),
    ("covenant", "run", "info", "--preset", "all"), ("covenant", "wallet", "list"), ("covenant", "status", "--help"),
    ("covenant-engine", "--help"), ("covenant-simulate", "--help"), *((daemon, *words) for daemon in DAEMONS for words in (("--help",), ("config", "init"))))


class OnTerminal:
    """A program on a terminal of its own."""

    def __init__(self, argv, home, **extra):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen([str(word) for word in argv], stdin=slave, stdout=slave, stderr=slave,
                                        env=environment(home, TERM="xterm", **extra), start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self.slave = slave  # stays open, so that the terminal can be asked about afterwards
        self.text = ""

    def expect(self, words, seconds=30):
        deadline = time.monotonic() + seconds
        while words not in self.text:
            ready, _, _ = select.select([self.master], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise AssertionError(f"{words!r} did not come: {self.text}")
            self.text += os.read(self.master, 4096).decode(errors="replace")

    def echoes(self):
        return bool(termios.tcgetattr(self.slave)[3] & termios.ECHO)

    def type(self, data):
        os.write(self.master, data)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)


class StreamsTest(FunctionalTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.password = cls.scratch / "password"
        cls.password.write_text("correct-horse-7719\n")
        cls.password.chmod(0o600)
        cls.data = cls.scratch / "data"
        cls.data.mkdir()
        cls.covenant("wallet", "new-hotkey", "--datadir", cls.data, "--password-file", cls.password)
        cls.network = cls.scratch / "network.json"
        names = ("Token", "Registry", "RunRegistry", "RoundManager", "ScoreLedger", "Emissions", "Authority")
        cls.network.write_text(json.dumps({
            "version": 1, "chain_id": 31337, "genesis_hash": "0x" + "5a" * 32, "rpc_url": "http://127.0.0.1:9",
            "deployed_at": 1, "run": "0x" + "11" * 32,
            "contracts": {name: {"address": "0x" + f"{i + 1:040x}", "code_hash": "0x" + "77" * 32}
                          for i, name in enumerate(names)}}))

    def to(self, redirection, argv, **extra):
        """Runs a program behind a redirection of the shell."""
        line = ["/bin/sh", "-c", f'exec "$0" "$@" {redirection}', Paths.program(argv[0]), *argv[1:], "--datadir", self.data]
        return run(line, self.home, **extra)

    # --- standard output

    def test_what_cannot_be_written_is_a_failure(self):
        for argv in PRINTING:
            for more in ((), ("--json",)):
                with self.subTest(argv=argv, more=more):
                    done = self.to(">/dev/full", (*argv, *more))
                    self.assertEqual(done.code, 1, done)
                    self.assertIn(NO_SPACE, done.err)
                    done = self.to(">&-", (*argv, *more))
                    self.assertEqual(done.code, 1, done)
                    self.assertIn("write standard output: Bad file descriptor", done.err)

    def test_an_exit_code_that_says_more_stays(self):
        done = self.to(">/dev/full", ("covenant", "wallet", "show", "nobody", "--json"))
        self.assertEqual(done.code, 3, done)
        self.assertIn(NO_SPACE, done.err)

    def test_a_reader_that_goes_is_no_failure_to_report(self):
        argv = ("covenant", "config", "init", "--json")
        reading, writing = os.pipe()
        os.close(reading)
        for handler in (signal.SIG_IGN, signal.SIG_DFL):
            done = subprocess.run([Paths.program(argv[0]), *argv[1:]], stdin=subprocess.DEVNULL, stdout=writing,
                                  stderr=subprocess.PIPE, env=environment(self.home), timeout=30, check=False,
                                  restore_signals=False,
                                  preexec_fn=lambda handler=handler: signal.signal(signal.SIGPIPE, handler) and None)
            self.assertEqual(done.stderr, b"")
            self.assertIn(done.returncode, (0, -signal.SIGPIPE))
        os.close(writing)

    def test_a_closed_standard_output_never_lands_in_a_file(self):
        folder = self.scratch / "closed"
        done = run(["/bin/sh", "-c", 'exec "$0" "$@" >&- 2>&- <&-', Paths.program("covenant"), "wallet", "new-hotkey",
                    "--datadir", folder, "--password-file", self.password], self.home)
        self.assertEqual(done.code, 1, done)
        key = folder / "keys/hotkey.json"
        self.assertEqual(json.loads(key.read_text())["kind"], "hotkey")

    def test_a_closed_standard_input_is_no_prompt(self):
        for redirection, why in (("<&-", "Bad file descriptor"), ("</", "Is a directory")):
            done = self.to(redirection, ("covenant", "generate", "--prompt", "-", "--checkpoint", "none"))
            self.assertEqual(done.code, 2, done)
            self.assertIn("standard input: " + why, done.err)

    # --- envelopes

    def test_the_variable_for_json_holds_for_every_error_and_text(self):
        broken = self.scratch / "broken.json"
        broken.write_text("{")
        for words, code in ((("nonsense",), 2), (("status", "--nonsense"), 2), ((), 2), (("wallet",), 2),
                            (("doctor", "--network", broken), 3), (("--help",), 0), (("-V",), 0)):
            done = self.covenant(*words, COVENANT_JSON="1")
            self.assertEqual(done.code, code, done)
            value = envelope(done.out)
            self.assertEqual((value["ok"], bool(value["errors"])), (code == 0, code != 0), done)

    # --- terminal

    def test_a_dumb_terminal_gets_no_escape_sequences(self):
        for term in ("dumb", ""):
            terminal = OnTerminal([Paths.program("covenant"), "doctor", "--datadir", self.data], self.home)
            plain = OnTerminal(["/usr/bin/env", f"TERM={term}" if term else "-uTERM", Paths.program("covenant"), "doctor",
                                "--datadir", self.data], self.home)
            self.addCleanup(terminal.close)
            self.addCleanup(plain.close)
            for one in (terminal, plain):
                one.expect("no network given")
                one.process.wait(30)
            self.assertIn("\x1b[", terminal.text)
            self.assertNotIn("\x1b", plain.text)

    def test_echo_is_on_again_after_every_signal_at_the_password_prompt(self):
        for name in ("INT", "TERM", "HUP", "QUIT"):
            with self.subTest(signal=name):
                one = OnTerminal([Paths.program("covenant"), "wallet", "new-hotkey", name.lower(), "--datadir", self.data],
                                 self.home)
                self.addCleanup(one.close)
                one.expect("password of")
                wait_until(lambda one=one: not one.echoes(), 30, "echo off")
                one.process.send_signal(getattr(signal, "SIG" + name))
                self.assertEqual(one.process.wait(30), -getattr(signal, "SIG" + name))
                self.assertTrue(one.echoes())
                self.assertFalse((self.data / "keys" / f"{name.lower()}.json").exists())

    def test_the_first_ctrl_c_ends_a_node_that_asks_for_its_password(self):
        for program, command, words, code in (
                ("covenant-miner", "run", b"\x03", 130), ("covenant-miner", "run", signal.SIGTERM, 143),
                ("covenant-miner", "run", signal.SIGHUP, 129), ("covenant-validator", "run", b"\x03", 130),
                ("covenant-miner", "check", b"\x03", -signal.SIGINT),
                ("covenant-miner", "check", signal.SIGHUP, -signal.SIGHUP)):
            with self.subTest(program=program, command=command, words=words):
                one = OnTerminal([Paths.program(program), command, "--datadir", self.data, "--network", self.network,
                                  "--store", self.data / "store", "--data", self.data / "shards"], self.home)
                self.addCleanup(one.close)
                one.expect("password of")
                wait_until(lambda one=one: not one.echoes(), 30, "echo off")
                if isinstance(words, bytes):
                    one.type(words)
                else:
                    one.process.send_signal(words)
                self.assertEqual(one.process.wait(10), code)
                self.assertTrue(one.echoes())

    # --- SIGHUP

    def explorer(self, name, *more):
        folder = self.scratch / name
        folder.mkdir()
        port = free_port()
        process = Background([Paths.program("covenant-explorer"), "run", "--network", self.network, "--datadir", folder,
                              "--listen", f"127.0.0.1:{port}", *more], self.scratch, self.home, name)
        self.addCleanup(process.stop)
        wait_until(lambda: answers(port), 30, "the explorer's port", process)
        return process

    def test_a_hang_up_opens_the_log_file_again(self):
        log = self.scratch / "explorer.log"
        process = self.explorer("logging", "--log-file", log, "--log-level", "debug")
        wait_until(log.exists, 30, "the log file", process)
        log.rename(self.scratch / "explorer.log.old")
        os.kill(process.pid, signal.SIGHUP)
        wait_until(log.exists, 30, "a new log file", process)
        self.assertTrue(process.running())
        process.process.terminate()
        self.assertEqual(process.wait(30).code, 0)

    def test_a_hang_up_without_a_log_file_is_a_clean_stop(self):
        process = self.explorer("hung-up")
        os.kill(process.pid, signal.SIGHUP)
        self.assertEqual(process.wait(30).code, 0)


if __name__ == "__main__":
    main()
