"""`python -m tests.chaos [--kills 25] [--seed N]`: kill everything, and see that nothing is lost.

Exit code 0 if every run ended as it would have. A failure keeps its folder, and says where.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

from .daemon import KINDS
from .storm import Plan, Storm, Verdict


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--pause", type=float, default=3.0, help="most seconds between two kills")
    parser.add_argument("--only", action="append", choices=KINDS, help="may be repeated")
    parser.add_argument("--calm", action="store_true", help="in turn, with time to recover")
    parser.add_argument("--keep", action="store_true", help="keep the folder in any case")
    asked = parser.parse_args()
    kinds = tuple(asked.only or KINDS)
    plan = Plan(
        kills=asked.kills,
        seed=asked.seed,
        calm=asked.calm,
        in_turn=asked.calm,
        kinds=kinds,
        slots=asked.slots,
        pause=asked.pause,
    )
    folder = Path(tempfile.mkdtemp(prefix="penstock-chaos-"))
    print(f"seed {plan.seed}, {plan.kills} kills, in {folder}", flush=True)
    began = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the daemon must not outlive us
    try:
        verdict = asyncio.run(Storm(folder, plan, lambda line: print(line, flush=True)).run())
    except AssertionError as error:
        print(f"FAILED, seed {plan.seed}, see {folder}: {error}")
        return 1
    report(verdict, time.monotonic() - began)
    if verdict.wrong:
        print(f"FAILED, seed {plan.seed}, see {folder}")
        return 1
    if not asked.keep:
        shutil.rmtree(folder)
    print("everything is as it would have been without a kill")
    return 0


def report(verdict: Verdict, seconds: float) -> None:
    print(
        f"{verdict.runs} runs, {verdict.tasks} task instances, {verdict.again} tries begun again, "
        f"{seconds:.0f} s"
    )
    print("seconds in which no task began, after the kill of")
    for kind in KINDS:
        found = [seconds for of, seconds in verdict.outages if of == kind]
        if found:
            print(
                f"  {kind:12} median {statistics.median(found):5.2f}, longest {max(found):5.2f}, "
                f"of {len(found)}"
            )
    for sentence in verdict.wrong:
        print(f"WRONG: {sentence}")


if __name__ == "__main__":
    sys.exit(main())
