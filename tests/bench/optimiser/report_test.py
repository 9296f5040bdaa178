#!/usr/bin/python3 -B
"""What is made of benchmark B1's results: differences by seed, goals, a picture that is well-formed."""

import json
import pathlib
import sys
import tempfile
import unittest
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import draw  # noqa: E402
import report  # noqa: E402


def made(optimiser, final, seed=1, p=None, k=None, inner_steps=10, grid="nano", **more):
    return {"key": f"{grid} {optimiser} {p} {k} {inner_steps} {seed} {more}", "grid": grid, "optimiser": optimiser, "p": p, "k": k,
            "alpha": None, "H": inner_steps, "seed": seed, "profile": "canon-f32", "preset": "nano", "parameters": 100,
            "text": "king-james", "data": "ab", "peers": 8, "steps": 660, "tokens": 6600, "lr": 0.004,
            "bytes_per_round": 400.0, "seconds": 1.0, "final": final, "curve": [[0, 7.0], [3300, final + 0.5], [6600, final]],
            **more}


def goals(runs):
    return {one["name"]: one["met"] for one in report.figures(report.settings(runs))}


class Report(unittest.TestCase):
    def test_differences_are_taken_seed_by_seed(self):
        runs = [made("dense", 4.0, 1), made("dense", 5.0, 2), made("diloco", 4.25, 1), made("diloco", 5.25, 2),
                made("diloco", 9.0, 3)]
        setting, = report.settings(runs)
        difference = setting.difference(report.Variant("diloco", None, None, 10), report.Variant("dense", None, None, 10))
        self.assertEqual(difference, {"mean": 0.25, "deviation": 0.0, "seeds": 2})

    def test_a_goal_is_for_k_256_in_a_long_enough_run_at_the_best_p(self):
        sparse = [made("sparseloco", 4.03, p="0", k=256), made("sparseloco", 4.015, p="1/2", k=256),
                  made("sparseloco", 4.5, p="0", k=64), made("sparseloco", 4.0, p="0", k=256, inner_steps=30)]
        runs = [made("dense", 4.0), made("diloco", 4.01), made("dense", 4.0, inner_steps=30), *sparse]
        self.assertEqual(goals(runs), {"nano: sparseloco k=64 H=10 p=0 minus dense": None,
                                       "nano: sparseloco k=64 H=10 p=0 minus diloco": None,
                                       "nano: sparseloco k=256 H=10 p=1/2 minus dense": True,
                                       "nano: sparseloco k=256 H=10 p=1/2 minus diloco": False,
                                       "nano: sparseloco k=256 H=30 p=0 minus dense": None})
        runs[0] = made("dense", 3.99)
        self.assertIs(goals(runs)["nano: sparseloco k=256 H=10 p=1/2 minus dense"], False)

    def test_runs_of_other_settings_are_not_mixed(self):
        runs = [made("dense", 4.0), made("diloco", 4.1), made("dense", 3.0, profile="canon-bf16")]
        first, second = report.settings(runs)
        self.assertEqual((first.about["profile"], first.count), ("canon-f32", 2))
        self.assertEqual((second.about["profile"], second.count), ("canon-bf16", 1))

    def test_a_line_that_was_cut_off_does_not_count(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "results"
            line = json.dumps(made("dense", 4.0))
            path.write_text(f"{line}\n{line[:70]}\n{json.dumps(made('diloco', 4.0))}\n{line}\n")
            self.assertEqual([one["optimiser"] for one in report.load(path)], ["dense", "diloco"])
            self.assertEqual(report.load(path.parent / "nowhere"), [])


class Picture(unittest.TestCase):
    def test_it_has_a_panel_for_each_grid_and_h_and_a_line_for_each_variant(self):
        runs = [made(*one, seed=seed) for seed in (1, 2) for one in (("adamw", 3.5), ("dense", 4.0), ("diloco", 4.1))]
        runs = [run if run["optimiser"] != "adamw" else {**run, "H": 1} for run in runs]
        runs += [made("sparseloco", 4.2, p="0", k=256), made("sparseloco", 4.3, p="1", k=256),
                 made("dense", 3.0, inner_steps=5, grid="10M")]
        root = xml.etree.ElementTree.fromstring(draw.draw(report.settings(runs)))
        text = [one.text for one in root.iter("{http://www.w3.org/2000/svg}text")]
        self.assertEqual(sum(one.startswith(("nano:", "10M:")) for one in text), 2)
        self.assertEqual(text.count("tokens, all peers"), 2)
        self.assertIn("SparseLoCo k=256 p=0", text)
        self.assertNotIn("SparseLoCo k=256 p=1", text)
        self.assertEqual(sum(1 for _ in root.iter("{http://www.w3.org/2000/svg}polyline")), 5)
        self.assertIsNone(draw.draw([]))

    def test_ticks_are_round_numbers_within(self):
        self.assertEqual(draw.ticks(3.6, 5.1, 5), [3.6, 3.8, 4.0, 4.2, 4.4, 4.6, 4.8, 5.0])
        self.assertEqual(draw.ticks(0, 1351680, 4), [0, 200000, 400000, 600000, 800000, 1000000, 1200000])
        self.assertEqual(draw.ticks(3.81, 3.95, 5)[0], 3.82)


if __name__ == "__main__":
    unittest.main()
