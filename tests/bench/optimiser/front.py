"""`tools/bench optimiser`: runs the grid that is wanted, then makes the table, the figures and the picture."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

import draw
import report

RESULTS = "tests/bench/results/optimiser.jsonl"
FORWARDED = ("grid", "profile", "seeds", "steps", "jobs", "corpus")


def add_arguments(parser):
    group = parser.add_argument_group("optimiser only")
    group.add_argument("--grid", choices=["nano", "4M", "10M"], help="which grid to run (nano)")
    group.add_argument("--jobs", type=int, help="runs side by side, each of one thread (one per core)")
    group.add_argument("--seeds", help="instead of the grid's: 1,2,3")
    group.add_argument("--steps", type=int, help="of each peer, instead of the grid's")
    group.add_argument("--profile", help="the engine's arithmetic (canon-f32)")
    group.add_argument("--corpus", type=pathlib.Path, help="a folder of .txt files, as tools/corpus/debian-docs makes it "
                       "(default: the King James text)")
    group.add_argument("--results", type=pathlib.Path, help=f"JSON Lines; runs in it are not run again ({RESULTS})")
    group.add_argument("--draw", action="store_true", help="run nothing: table and picture of the results there are")


def used(parsed):
    """The options of this group that were given."""
    return [name for name in (*FORWARDED, "results", "draw") if getattr(parsed, name)]


def start(root, arguments):
    """The program's status. Ctrl-C reaches it too; it stops before its next step and leaves whole lines only."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return subprocess.run([root / "build" / "release" / "tests" / "bench_optimiser", *arguments], cwd=root,
                              stdout=sys.stderr, check=False, preexec_fn=lambda: signal.signal(signal.SIGINT, before)).returncode
    finally:
        signal.signal(signal.SIGINT, before)


def envelope(found):
    cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                if line.startswith("model name")), "unknown")
    machine = {"cores": os.cpu_count(), "cpu": cpu, "system": f"{os.uname().sysname} {os.uname().release}",
               "build": "release"}
    return {"bench": "optimiser", "machine": machine, "figures": report.figures(found),
            "settings": [one.summary() for one in found]}


def run(root, parsed, quick):
    """(status, envelope). Results of earlier runs are part of it; --quick looks at its own alone."""
    if quick and parsed.draw:
        raise RuntimeError("--draw shows the results file, and --quick keeps none: leave one out")
    with tempfile.TemporaryDirectory() as folder:
        results = pathlib.Path(folder) / "quick.jsonl" if quick else (parsed.results or root / RESULTS).absolute()
        status = 0
        if not parsed.draw:
            arguments = ["--results", str(results)]
            for name in FORWARDED:
                value = getattr(parsed, name)
                if quick and name in ("grid", "seeds", "steps"):
                    value = "quick" if name == "grid" else None
                if value:
                    arguments += [f"--{name}", str(value.absolute() if name == "corpus" else value)]
            status = start(root, arguments)
            if status not in (0, 130):
                raise RuntimeError(f"bench_optimiser ended with status {status}")
        found = report.settings(report.load(results))
        made = envelope(found)
        if found and not quick:
            kept = {name: made[name] for name in ("bench", "figures", "settings")}
            results.with_suffix(".json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
            print(f"wrote {results.with_suffix('.json')}", file=sys.stderr)
            if picture := draw.draw(found):
                results.with_suffix(".svg").write_text(picture, encoding="utf-8")
                print(f"wrote {results.with_suffix('.svg')}", file=sys.stderr)
        if not found:
            print(f"no finished run in {results}", file=sys.stderr)
        if not parsed.json:
            for setting in found:
                report.table(setting)
            print()
        return status, made
