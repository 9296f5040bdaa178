"""What the results file of benchmark B1 says: summaries, figures with their goals, the table. See ../README.md.

A setting is all that must be equal for two runs to be compared: grid, preset, text, steps, profile and so on. Differences
between variants are taken seed by seed and then averaged, since all variants of a seed start from the same parameters and
see the same windows.
"""

import collections
import json
import statistics

SETTING = ("grid", "preset", "parameters", "profile", "text", "data", "peers", "steps", "tokens", "lr")
DENSITY_RULE = 4  # rounds * k / 4096 of a run that is long enough for its density
GOAL_DENSE = 0.02  # nats above the dense mean, at k = 256
GOAL_GRIDS = ("nano", "4M")
GRID_ORDER = ("nano", "4M", "10M", "quick")

Variant = collections.namedtuple("Variant", "optimiser p k H")


def load(path):
    """The runs of a results file, {} for each key once; a line that was cut off is left out."""
    runs = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    for line in lines:
        try:
            run = json.loads(line)
            runs[run["key"]] = run
        except (ValueError, KeyError, TypeError):
            continue
    return list(runs.values())


def variant_of(run):
    return Variant(run["optimiser"], run["p"], run["k"], run["H"])


def label(variant):
    if variant.optimiser == "adamw":
        return "AdamW, all gradients"
    name = {"dense": "dense mean", "diloco": "DiLoCo", "sparseloco": "SparseLoCo"}[variant.optimiser]
    density = "" if variant.k is None else f" k={variant.k} p={variant.p}"
    return f"{name}{density} H={variant.H}"


def deviation(values):
    return statistics.stdev(values) if len(values) > 1 else None


class Setting:
    """The runs of one setting, by variant and seed."""

    def __init__(self, key, runs):
        self.about = dict(zip(SETTING, key))
        self.runs = collections.defaultdict(dict)
        for run in runs:
            self.runs[variant_of(run)][run["seed"]] = run
        self.count = len(runs)

    @property
    def grid(self):
        return self.about["grid"]

    def variants(self):
        order = {"adamw": 0, "dense": 1, "diloco": 2, "sparseloco": 3}
        return sorted(self.runs, key=lambda one: (one.H, order[one.optimiser], one.k or 0, one.p or ""))

    def losses(self, variant):
        return {seed: run["final"] for seed, run in self.runs.get(variant, {}).items()}

    def mean(self, variant):
        return statistics.mean(self.losses(variant).values())

    def difference(self, variant, other):
        """{mean, deviation, seeds} of variant - other over the seeds of both; None without one."""
        ours, theirs = self.losses(variant), self.losses(other)
        common = [ours[seed] - theirs[seed] for seed in sorted(ours.keys() & theirs.keys())]
        if not common or variant == other:
            return None
        return {"mean": statistics.mean(common), "deviation": deviation(common), "seeds": len(common)}

    def rounds(self, variant):
        return self.about["steps"] / variant.H

    def dense_enough(self, variant):
        return self.rounds(variant) * variant.k / 4096 >= DENSITY_RULE

    def sparse(self, inner_steps, keep):
        """SparseLoCo's variants at one H and k, the best first."""
        found = [one for one in self.runs if one.optimiser == "sparseloco" and (one.H, one.k) == (inner_steps, keep)]
        return sorted(found, key=self.mean)

    def summary(self):
        lines = []
        for variant in self.variants():
            losses = list(self.losses(variant).values())
            runs = list(self.runs[variant].values())
            lines.append({
                **variant._asdict(), "name": label(variant), "seeds": len(losses), "final": statistics.mean(losses),
                "deviation": deviation(losses), "least": min(losses), "most": max(losses),
                "minus_dense": self.difference(variant, Variant("dense", None, None, variant.H)),
                "minus_diloco": self.difference(variant, Variant("diloco", None, None, variant.H)),
                "minus_adamw": self.difference(variant, Variant("adamw", None, None, 1)),
                "density_rule": None if variant.k is None else self.dense_enough(variant),
                "bytes_per_round": statistics.mean(run["bytes_per_round"] for run in runs),
                "bytes_per_token": statistics.mean(run["bytes_per_round"] * self.rounds(variant) * run["peers"]
                                                   / run["tokens"] for run in runs),
                "seconds": statistics.mean(run["seconds"] for run in runs)})
        return {**self.about, "runs": self.count, "variants": lines}


def settings(runs):
    """Largest first within a grid, the grids in their order."""
    grouped = collections.defaultdict(list)
    for run in runs:
        grouped[tuple(run[name] for name in SETTING)].append(run)
    found = [Setting(key, some) for key, some in grouped.items()]
    rank = {name: at for at, name in enumerate(GRID_ORDER)}
    return sorted(found, key=lambda one: (rank.get(one.grid, len(rank)), -one.count))


def leading(found):
    """Of each grid the setting with the most runs."""
    first = {}
    for setting in found:
        first.setdefault(setting.grid, setting)
    return list(first.values())


def command_of(setting):
    if setting.grid == "quick":
        return "tools/bench optimiser --quick"
    text = "" if setting.about["text"] == "king-james" else f" --corpus {setting.about['text']}"
    return f"tools/bench optimiser --grid {setting.grid}{text}"


def figure(name, value, goal, met, command):
    return {"name": name, "value": value, "unit": "nats", "better": "lower", "goal": goal, "floor": None, "peer": None,
            "met": met, "command": command}


def figures(found):
    """SparseLoCo against the dense mean, DiLoCo and AdamW, for every H and k, at the best p."""
    made = []
    for setting in leading(found):
        pairs = sorted({(one.H, one.k) for one in setting.runs if one.k is not None})
        for inner_steps, keep in pairs:
            best = setting.sparse(inner_steps, keep)[0]
            of_goal = keep == 256 and setting.grid in GOAL_GRIDS and setting.dense_enough(best)
            for other, goal in (("dense", GOAL_DENSE), ("diloco", 0.0), ("adamw", None)):
                against = setting.difference(best, Variant(other, None, None, 1 if other == "adamw" else inner_steps))
                if against is None:
                    continue
                value, goal = against["mean"], goal if of_goal else None
                met = None if goal is None else (value < 0 if other == "diloco" else value <= goal)
                made.append(figure(f"{setting.grid}: sparseloco k={keep} H={inner_steps} p={best.p} minus {other}",
                                   value, goal, met, command_of(setting)))
    return made


def signed(difference):
    if difference is None:
        return ""
    spread = "" if difference["deviation"] is None else f" ±{difference['deviation']:.3f}"
    return f"{difference['mean']:+.3f}{spread}"


def table(setting):
    about = setting.about
    print(f"\n{about['grid']}: {about['parameters']:,} parameters, {about['peers']} peers, {about['steps']} steps each,"
          f" {about['tokens']:,} tokens, {about['text']}, {about['profile']}, lr {about['lr']:g}")
    print(f"  {'held-out nats (mean ± sd)':<34} {'final':>14}  {'- dense':>14} {'- diloco':>14} {'- adamw':>14}"
          f" {'bytes/round':>12}  seeds")
    for line in setting.summary()["variants"]:
        final = f"{line['final']:.4f}" + ("" if line["deviation"] is None else f" ±{line['deviation']:.3f}")
        rule = "  density rule not met" if line["density_rule"] is False else ""
        print(f"  {line['name']:<34} {final:>14}  {signed(line['minus_dense']):>14} {signed(line['minus_diloco']):>14}"
              f" {signed(line['minus_adamw']):>14} {line['bytes_per_round']:>12,.0f}  {line['seeds']}{rule}")
