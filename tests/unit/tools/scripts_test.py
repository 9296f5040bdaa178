#!/usr/bin/python3 -B
"""The scripts of tools/: what they say and return before they build anything, and how results are counted."""

import pathlib
import subprocess
import tempfile
import unittest

TOOLS = pathlib.Path(__file__).resolve().parents[3] / "tools"


def run(*command, cwd="/", **more):
    return subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, **more)


def bash(script):
    """Runs bash lines with the shared step functions sourced, their lines on stdout."""
    return run("bash", "-c", f"STEP_FD=1; . {TOOLS}/dist/steps.sh\n{script}")


class CommandLines(unittest.TestCase):
    def test_help_needs_no_build_and_no_working_directory(self):
        for name in ("test", "devnet", "fuzz", "bench", "emission-path"):
            done = run(TOOLS / name, "--help")
            self.assertEqual(done.returncode, 0, name)
            self.assertIn("tools/" + name, done.stdout)
            self.assertEqual(done.stderr, "")

    def test_an_emission_event_reaches_the_explorer_in_few_steps(self):
        done = run(TOOLS / "emission-path")
        self.assertEqual(done.stderr, "")
        self.assertEqual(done.returncode, 0)

    def test_unknown_words_are_named_with_the_known_ones(self):
        for command, words in [(("test", "--only", "unitt"), "lint unit sim contracts functional fuzz"),
                               (("test", "--quick"), "unknown option '--quick'"), (("fuzz", "no_such"), "no target 'no_such'"),
                               (("fuzz", "--seconds", "0"), "above 0"), (("bench", "no_such"), "no group 'no_such'"),
                               (("lint/run", "no_such"), "no lint 'no_such'")]:
            done = run(TOOLS / command[0], *command[1:])
            self.assertEqual(done.returncode, 2, command)
            self.assertIn(words, done.stderr)

    def test_package_list_names_each_package_once_with_a_reason(self):
        lines = [line for line in (TOOLS / "dist" / "packages.txt").read_text().splitlines()
                 if line and not line.startswith("#")]
        names = [line.split()[0] for line in lines]
        self.assertEqual(len(names), len(set(names)))
        for line in lines:
            self.assertRegex(line, r"^[a-z0-9][a-z0-9+.-]+ +# \S")

    def test_ensure_names_what_is_missing_and_how_to_mend_it(self):
        with tempfile.TemporaryDirectory() as folder:
            fake = pathlib.Path(folder)
            (fake / "list").write_text("bash\ncovenant-no-such-package  # none\n")
            for command in ("apt-get", "sudo"):  # an apt-get that finds nothing, and a sudo that lets it
                body = "#!/bin/sh\necho 'E: Unable to locate package covenant-no-such-package'; exit 100\n"
                (fake / command).write_text(body if command == "apt-get" else '#!/bin/sh\n[ "$1" = -- ] && shift; [ "$1" = -n ] && shift; exec "$@"\n')
                (fake / command).chmod(0o755)
            done = run(TOOLS / "dist" / "ensure", env={"PATH": f"{fake}:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": folder,
                                                       "COVENANT_PACKAGES": str(fake / "list"), "TMPDIR": folder})
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("1 missing: covenant-no-such-package", done.stderr)
        self.assertIn("apt-get install covenant-no-such-package", done.stderr)


class Counting(unittest.TestCase):
    def junit(self, content):
        with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
            file.write(content)
            file.flush()
            return run(TOOLS / "dist" / "junit", file.name)

    def test_junit_counts_each_outcome_and_shows_why(self):
        done = self.junit('<testsuite><testcase name="a" status="run"/><testcase name="b" status="fail">'
                          '<system-out>expected 3</system-out></testcase><testcase name="c" status="notrun"/>'
                          '<testcase name="d" status="disabled"/><testcase name="e" status="run"/></testsuite>')
        self.assertEqual(done.stdout, "2 1 2\n")
        self.assertIn("FAILED b\n    expected 3\n", done.stderr)

    def test_a_missing_or_broken_junit_file_is_a_failure(self):
        self.assertEqual(self.junit("<testsuite>").stdout, "0 1 0\n")
        self.assertEqual(run(TOOLS / "dist" / "junit", "/nowhere.xml").stdout, "0 1 0\n")


class Steps(unittest.TestCase):
    def test_a_step_keeps_the_status_the_log_and_the_last_counter(self):
        with tempfile.TemporaryDirectory() as folder:
            done = bash(f"step_begin building; step_run {folder}/log sh -c 'echo \"[1/2] a\"; echo \"[2/2] b\"; exit 7'\n"
                        'echo "$? $STEP_COUNT"; step_end FAILED text')
            self.assertIn("7 2/2\n", done.stdout)
            self.assertRegex(done.stdout, r"(?m)^building +text +[0-9]+s  FAILED$")
            self.assertEqual((pathlib.Path(folder) / "log").read_text(), "[1/2] a\n[2/2] b\n")

    def test_a_bar_is_twenty_wide(self):
        done = bash('for n in 0 1 7 20; do step_bar $n 20; echo "$STEP_BAR"; done; step_bar 1 0; echo "$STEP_BAR"')
        bars = done.stdout.split()
        self.assertEqual([bar.count("#") for bar in bars], [0, 1, 7, 20, 20])
        self.assertEqual({len(bar) for bar in bars}, {20})

    def test_the_first_compiler_error_is_shown(self):
        with tempfile.NamedTemporaryFile("w") as log:
            log.write("[1/9] fine\n" * 50 + "FAILED: x.o\nx.cpp:3:1: error: no\n" + "later\n" * 60)
            log.flush()
            done = bash(f"step_explain {log.name} 3")
        self.assertEqual(done.stdout.splitlines()[:3], ["FAILED: x.o", "x.cpp:3:1: error: no", "later"])


if __name__ == "__main__":
    unittest.main()
