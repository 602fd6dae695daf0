"""Play stories: `python -m tests.simulation FIRST LAST [--kind KIND ...] [--jobs N]`.

Says how many stories were played, how long that took, how many distinct states were seen (the shape
of the folded state after each record), and each bad story with its error; ends with 1 if there is
one. It runs itself again with PYTHONHASHSEED=0, since the order of sets of strings is part of a
story.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
import traceback
from typing import NamedTuple

from tests.simulation.mutants import MUTANTS, applied
from tests.simulation.stories import KINDS, play_story


class Told(NamedTuple):
    """What came of a story. error: "" if it was a good one. shapes: of the states seen."""

    kind: str
    seed: int
    error: str
    shapes: set[int]
    simulated: float


def told(task: tuple[str, int, str]) -> Told:
    kind, seed, mutant = task
    try:
        with applied(mutant):
            world = play_story(seed, kind)
    except Exception as error:
        notes = getattr(error, "__notes__", [])
        place = traceback.extract_tb(error.__traceback__)[-1]
        said = f"{type(error).__name__}: {error} {notes} ({place.filename}:{place.lineno})"
        return Told(kind, seed, said, set(), 0.0)
    return Told(kind, seed, "", world.shapes, world.loop.now)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("first", type=int)
    parser.add_argument("last", type=int, help="not played itself")
    parser.add_argument("--kind", action="append", choices=KINDS, help="default: all of them")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--mutant", default="", choices=["", *MUTANTS])
    parser.add_argument("--stop", type=int, default=0, help="stop after so many bad stories")
    args = parser.parse_args()
    kinds = args.kind or list(KINDS)
    tasks = [(kind, seed, args.mutant) for seed in range(args.first, args.last) for kind in kinds]
    began, bad, played, shapes, simulated = time.monotonic(), 0, 0, set[int](), 0.0
    with multiprocessing.get_context("fork").Pool(args.jobs) as pool:
        for one in pool.imap(told, tasks, chunksize=4):
            played += 1
            shapes |= one.shapes
            simulated += one.simulated
            if one.error:
                bad += 1
                print(f"BAD {one.kind}:{one.seed} {one.error[:2000]}", flush=True)
                if bad == args.stop:
                    break
    took = time.monotonic() - began
    print(
        f"{played} stories ({', '.join(kinds)}; seeds {args.first} to {args.last - 1}), {bad} bad, "
        f"{took:.1f} s, {simulated / 3600:.1f} simulated hours, {len(shapes)} distinct states"
    )
    return 1 if bad else 0


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "tests.simulation", *sys.argv[1:]])
    sys.exit(main())
