"""What the functional tests share: running the binaries, reading their envelopes, waiting, leaving nothing behind."""

import argparse
import contextlib
import ctypes
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG


class Paths:
    """Where the programs are; filled by main()."""

    bin = pathlib.Path()
    source = pathlib.Path()
    kept = None

    @classmethod
    def program(cls, name):
        return str(cls.bin / name)

    @classmethod
    def foundry(cls, name):
        return str(cls.source / f"contracts/node_modules/@foundry-rs/{name}-linux-amd64/bin/{name}")


class Finished:
    """A process that has ended."""

    def __init__(self, argv, code, out, err, seconds):
        self.argv, self.code, self.out, self.err, self.seconds = argv, code, out, err, seconds

    def __str__(self):
        return (f"{' '.join(self.argv)}\nended with code {self.code}\n"
                f"stdout: {self.out[-3000:]}\nstderr: {self.err[-3000:]}")


# Everything that any program printed in this test: secrets must not be in it.
PRINTED = []


def environment(home, **extra):
    """The environment of a user without settings of ours."""
    clean = {key: value for key, value in os.environ.items()
             if not key.startswith("COVENANT_") and key not in ("NO_COLOR", "XDG_DATA_HOME", "CLICOLOR_FORCE")}
    clean.update(HOME=str(home), TMPDIR=str(home), LC_ALL="C.UTF-8")
    clean.update(extra)
    return clean


def end_with_parent():
    ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGTERM)


def run(argv, home, timeout=60, cwd=None, user=None, **extra):
    """Runs a program to its end without a terminal; `extra` goes into its environment."""
    started = time.monotonic()
    done = subprocess.run([str(word) for word in argv], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors="replace", timeout=timeout, cwd=cwd or home, env=environment(home, **extra),
                          check=False, user=user, group=user, preexec_fn=end_with_parent)
    PRINTED.extend((done.stdout, done.stderr))
    return Finished([str(word) for word in argv], done.returncode, done.stdout, done.stderr,
                    time.monotonic() - started)


class Background:
    """A program that runs beside the test, in its own process group, its output in files."""

    def __init__(self, argv, folder, home, name="process"):
        self.argv = [str(word) for word in argv]
        self.out_path, self.err_path = pathlib.Path(folder) / f"{name}.out", pathlib.Path(folder) / f"{name}.err"
        self.started = time.monotonic()
        with open(self.out_path, "w") as out, open(self.err_path, "w") as err:
            self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=home,
                                            env=environment(home), start_new_session=True,
                                            preexec_fn=end_with_parent)

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process.poll() is None

    def interrupt(self):
        os.killpg(self.process.pid, signal.SIGINT)  # what a terminal's Ctrl-C does

    def wait(self, timeout):
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired as late:
            raise AssertionError(f"still running after {timeout} s: {' '.join(self.argv)}\n{self.tail()}") from late
        out, err = self.out_path.read_text(errors="replace"), self.err_path.read_text(errors="replace")
        PRINTED.extend((out, err))
        return Finished(self.argv, code, out, err, time.monotonic() - self.started)

    def tail(self):
        return self.out_path.read_text(errors="replace")[-2000:] + self.err_path.read_text(errors="replace")[-2000:]

    def stop(self):
        if self.running():
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def wait_until(condition, seconds, what, alive=None):
    """The first true value of condition(), looked at every 50 ms; fails after `seconds` or when `alive` ends."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while True:
        value = condition()
        if value:
            return value
        if alive is not None and not alive.running():
            raise AssertionError(f"{what}: the process ended first\n{alive.tail()}")
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s" + (f"\n{alive.tail()}" if alive else ""))
        pause.wait(0.05)


# --- processes and ports

def command_line(pid):
    """argv of a process, [] when it has ended."""
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def stat_of(pid):
    """(parent, start time) of a living process, or None."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return None
    return None if fields[0] == "Z" else (int(fields[1]), int(fields[19]))


def descendants(pid):
    """{(pid, start time): argv} of the living descendants."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (stat := stat_of(int(entry))):
            parents[int(entry)] = stat
    found, level = {}, {pid}
    while level:
        level = {child for child, (parent, _) in parents.items() if parent in level}
        for child in level:
            found[(child, parents[child][1])] = command_line(child)
    return found


def pid_of_node(folder, name):
    """The process that runs in <folder>/nodes/<name>, or None."""
    place = str(pathlib.Path(folder) / "nodes" / name)
    for entry in os.listdir("/proc"):
        if entry.isdigit() and stat_of(int(entry)):
            words = command_line(int(entry))
            if "--datadir" in words[:-1] and words[words.index("--datadir") + 1] == place:
                return int(entry)
    return None


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def answers(port):
    with socket.socket() as one:
        one.settimeout(2)
        return one.connect_ex(("127.0.0.1", port)) == 0


# --- JSON

def envelope(text):
    """The one envelope that a program prints under --json."""
    value = json.loads(text)
    if set(value) != {"schema", "ok", "data", "warnings", "errors"}:
        raise AssertionError(f"no envelope: {sorted(value)}")
    if value["schema"] != 1 or not isinstance(value["warnings"], list) or not isinstance(value["errors"], list):
        raise AssertionError(f"no envelope of schema 1: {text[:300]}")
    for error in value["errors"]:
        if set(error) != {"code", "message", "hint"} or not error["code"] or not error["message"]:
            raise AssertionError(f"no error of an envelope: {error}")
    return value


def get(url, timeout=10):
    """(status, JSON) of a GET."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as reply:
            return reply.status, json.loads(reply.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def rpc(url, method, *params):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as reply:
        answer = json.loads(reply.read())
    if "error" in answer:
        raise AssertionError(f"{method}: {answer['error']}")
    return answer["result"]


# --- a devnet

class Devnet:
    """`covenant devnet` in the background, and what it started."""

    def __init__(self, folder, scratch, arguments, name="devnet"):
        self.folder = pathlib.Path(folder)
        self.scratch = pathlib.Path(scratch)  # HOME and TMPDIR of the processes: must stay empty
        self.home = self.scratch / f"{name}-home"
        self.home.mkdir()
        self.seen, self.ports = {}, set()
        self.process = Background([Paths.program("covenant"), "devnet", "--json", "--datadir", self.folder, *arguments],
                                  self.scratch, self.home, name)
        self.closing = threading.Event()
        self.watcher = threading.Thread(target=self.watch, daemon=True)
        self.watcher.start()

    def watch(self):
        while not self.closing.wait(0.3):
            for key, argv in descendants(self.process.pid).items():
                self.seen.setdefault(key, argv)
                for word in ("--port", "--listen"):
                    if word in argv[:-1]:
                        self.ports.add(int(argv[argv.index(word) + 1].rsplit(":", 1)[-1]))

    def network(self):
        return json.loads((self.folder / "network.json").read_text())

    def explorer_url(self):
        for argv in descendants(self.process.pid).values():
            if "--listen" in argv[:-1]:
                return "http://" + argv[argv.index("--listen") + 1]
        return None

    def health(self):
        """/api/health of the devnet's explorer, None while it starts."""
        url = self.explorer_url()
        try:
            return get(url + "/api/health", 5)[1] if url else None
        except (OSError, ValueError):
            return None

    def wait(self, seconds):
        done = self.process.wait(seconds)
        self.closing.set()
        self.watcher.join()
        return done

    def left_behind(self):
        """What the devnet did not clean up: processes, ports, files in HOME or TMPDIR."""
        left = [f"process {pid}: {' '.join(argv)}" for (pid, start), argv in self.seen.items()
                if (stat := stat_of(pid)) and stat[1] == start]
        left += [f"port {port}" for port in sorted(self.ports) if answers(port)]
        left += [f"file {path}" for path in self.home.rglob("*")]
        return left

    def stop(self):
        self.closing.set()
        self.process.stop()


class FunctionalTest(unittest.TestCase):
    """Each test class gets its own folder, removed at the end."""

    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        cls.scratch = pathlib.Path(tempfile.mkdtemp(prefix="covenant-functional-"))
        cls.addClassCleanup(shutil.rmtree, cls.scratch, ignore_errors=True)
        cls.home = cls.scratch / "home"
        cls.home.mkdir()

    @classmethod
    def covenant(cls, *arguments, program="covenant", **options):
        return run([Paths.program(program), *arguments], cls.home, **options)

    def succeed(self, *arguments, **options):
        """The data of a command that must end with code 0."""
        done = self.covenant(*arguments, "--json", **options)
        self.assertEqual(done.code, 0, done)
        value = envelope(done.out)
        self.assertTrue(value["ok"], done)
        self.assertEqual(value["errors"], [], done)
        return value["data"]

    def refused(self, code, *arguments, words=(), **options):
        """The errors of a command that must end with `code`, and say `words`."""
        done = self.covenant(*arguments, "--json", **options)
        self.assertEqual(done.code, code, done)
        value = envelope(done.out)
        self.assertFalse(value["ok"], done)
        text = json.dumps(value["errors"])
        for word in words:
            self.assertIn(word, text, done)
        return value

    def assert_no_secret(self, secrets, texts):
        for text in texts:
            for secret in secrets:
                self.assertNotIn(secret.lower(), text.lower())


@contextlib.contextmanager
def flipped_byte(path, at=None):
    """One bit of a file changed while the block runs."""
    before = path.read_bytes()
    at = len(before) // 2 if at is None else at
    mode = path.stat().st_mode
    path.chmod(0o600)
    path.write_bytes(before[:at] + bytes([before[at] ^ 1]) + before[at + 1:])
    try:
        yield
    finally:
        path.write_bytes(before)
        path.chmod(mode)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True, type=pathlib.Path, help="folder of the binaries")
    parser.add_argument("--source", required=True, type=pathlib.Path, help="root of the source tree")
    parser.add_argument("--kept", type=pathlib.Path, help="folder of the kept devnet that several tests share")
    known, rest = parser.parse_known_args()
    Paths.bin, Paths.source, Paths.kept = known.bin.resolve(), known.source.resolve(), known.kept
    unittest.main(argv=[sys.argv[0], "-v", *rest])
