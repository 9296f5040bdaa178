"""What every lint shares: the repository's files, and how a finding is printed.

A lint is a script `tools/lint/NAME [--root DIR] [FILE...]`; it prints `file:line: message` for each finding and
exits 1 when there was one. Files are the tracked ones, or those named (relative to the root).
"""

import argparse
import pathlib
import subprocess
import sys


def arguments(description, extra=None):
    """The parsed command line with `root` as a Path; `extra(parser)` adds a lint's own options."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--root", default=None, help="repository to look at (default: this one)")
    parser.add_argument("files", nargs="*", help="only these files, relative to the root")
    if extra:
        extra(parser)
    parsed = parser.parse_args()
    here = pathlib.Path(__file__).resolve().parent.parent.parent
    parsed.root = pathlib.Path(parsed.root).resolve() if parsed.root else here
    return parsed


def git(root, *args):
    done = subprocess.run(["git", "-C", str(root), *args], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def tracked(parsed, suffixes=None):
    """Sorted paths (str, relative, '/') of the tracked files that are still there."""
    if parsed.files:
        names = parsed.files
    else:
        listing = git(parsed.root, "ls-files", "-z")
        if listing is None:
            print(f"{parsed.root}: not a git repository, so there is no list of files", file=sys.stderr)
            raise SystemExit(2)
        names = [name for name in listing.split("\0") if name]
    found = []
    for name in sorted(names):
        path = parsed.root / name
        if path.is_file() and not path.is_symlink() and (suffixes is None or name.endswith(tuple(suffixes))):
            found.append(name)
    return found


def text(root, name):
    """The file's text, or None for a binary one."""
    data = (root / name).read_bytes()
    if b"\0" in data[:8192]:
        return None
    return data.decode("utf-8", errors="replace")


class Findings:
    def __init__(self):
        self.count = 0

    def add(self, name, line, message):
        print(f"{name}:{line}: {message}")
        self.count += 1

    def exit(self):
        raise SystemExit(1 if self.count else 0)
