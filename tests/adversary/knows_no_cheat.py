#!/usr/bin/python3 -B
"""Fails when a program that is installed carries a cheat: a name or a line of the table of kinds, or the adversary's
namespace. The same is looked for in the adversary itself, so that a search that finds nothing anywhere fails too."""

import json
import pathlib
import subprocess
import sys

NAMESPACE = b"8covenant9adversary"  # as the compiler writes it; stays in a stripped program with the types' names


def marks(adversary):
    """What only the adversary's table says. A name of one word, such as noise, stands in honest programs too."""
    done = subprocess.run([adversary, "kinds", "--json"], capture_output=True, check=True)
    kinds = [kind for kind in json.loads(done.stdout)["data"] if kind["name"] != "none"]
    return [NAMESPACE, *(kind["does"].encode() for kind in kinds),
            *(kind["name"].encode() for kind in kinds if "-" in kind["name"])]


def main():
    adversary, program = sys.argv[1:]
    wanted = marks(adversary)
    own, other = (pathlib.Path(path).read_bytes() for path in (adversary, program))
    unseen = [mark for mark in wanted if mark not in own]
    if len(wanted) < 3 or unseen:
        sys.exit(f"the search is blind: {adversary} itself does not show {unseen or wanted}")
    found = [mark for mark in wanted if mark in other]
    if found:
        sys.exit(f"{program} knows the cheats: {found}")


main()
