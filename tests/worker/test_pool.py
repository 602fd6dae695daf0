"""The pool's promises, with real processes, and everything bad that a task can do to one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
from pathlib import Path

import psutil
import pytest
from worker_play import PoolPlay, appears, job, value_of, vanishes

from penstock.events import questions as q
from penstock.events import types as t


@pytest.fixture
def said(tmp_path: Path) -> Path:
    """A file that tasks write to when they have begun."""
    return tmp_path / "said"


async def test_jobs_of_a_lane_run_in_order_in_one_reused_child(tmp_path: Path) -> None:
    async with PoolPlay(tmp_path) as play:
        jobs = [job("who", index) for index in range(20)]
        endings = await play.run(*jobs)
        assert list(play.ear.endings) == [one.work.delivery for one in jobs]
        assert len({value_of(ending) for ending in endings}) == 1


async def test_lanes_run_side_by_side(tmp_path: Path, said: Path) -> None:
    async with PoolPlay(tmp_path) as play:
        for lane in range(3):
            play.pool.run(lane, [job("sleeps", lane, {"file": str(said)})])
        assert len(set(await appears(said, 3))) == 3


async def test_environment_folder_and_working_directory_are_an_attempts_own(tmp_path: Path) -> None:
    async with PoolPlay(tmp_path) as play:
        first, second = map(value_of, await play.run(job("env", 1), job("env", 2)))
        assert first["env"]["AIRFLOW_CTX_TASK_ID"] == "env"
        assert "MINE" not in second["env"]
        assert second["left"] == []
        assert first["cwd"] == second["cwd"] == os.getcwd()


async def test_what_code_raises_is_told_with_its_traceback_in_the_log(tmp_path: Path) -> None:
    async with PoolPlay(tmp_path) as play:
        fails, good, skips = job("fails"), job("fails_for_good"), job("skips")
        one, two, three = await play.run(fails, good, skips)
        assert (one.how, one.reason) == ("raised", "ValueError: first line second line")
        assert two.final
        assert (three.how, three.reason) == ("skipped", "not today")
        lines = play.ear.lines[fails.work.delivery]
        assert "second line" in [line.text for line in lines]
        assert {line.stream for line in lines} == {2}
        assert not any("penstock." in line.text or "engine/" in line.text for line in lines)


async def test_sys_exit_is_a_raised_error(tmp_path: Path) -> None:
    async with PoolPlay(tmp_path) as play:
        [ending] = await play.run(job("exits"))
        assert (ending.how, ending.reason) == ("raised", "SystemExit: 3")


# ---------------------------------------------------------------- deaths


@pytest.mark.parametrize(
    ("task", "signal_number", "code"),
    [("segfaults", signal.SIGSEGV, 0), ("kills_itself", signal.SIGKILL, 0), ("os_exits", 0, 7)],
)
async def test_a_death_costs_one_job_and_its_output_is_kept(
    tmp_path: Path, task: str, signal_number: int, code: int
) -> None:
    async with PoolPlay(tmp_path) as play:
        before, dies, after = job("index", 1), job(task), job("index", 2)
        one, death, two = await play.run(before, dies, after)
        assert (one.how, two.how) == ("returned", "returned")
        assert (death.how, death.begun) == ("died", True)
        assert (death.signal, death.code) == (signal_number, code)
        if task != "kills_itself":
            assert play.ear.text(dies)[0] in ("before the fall", "about to leave")


async def test_a_child_killed_from_outside_is_told_as_killed(tmp_path: Path, said: Path) -> None:
    async with PoolPlay(tmp_path) as play:
        sleeps = job("sleeps", conf={"file": str(said)})
        play.pool.run(0, [sleeps])
        [pid] = await appears(said)
        os.kill(int(pid), signal.SIGKILL)
        [ending] = await play.ends(sleeps)
        assert (ending.how, ending.signal, ending.asked) == ("died", signal.SIGKILL, "")


async def test_the_templates_death_takes_the_children_and_a_new_one_goes_on(
    tmp_path: Path, said: Path
) -> None:
    async with PoolPlay(tmp_path) as play:
        sleeps, next_one = job("sleeps", conf={"file": str(said)}), job("index", 5)
        play.pool.run(0, [sleeps, next_one])
        [pid] = await appears(said)
        template = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(template, signal.SIGKILL)
        death, after = await play.ends(sleeps, next_one)
        assert death.how == "died"
        assert value_of(after) == 5
        await vanishes(int(pid))


# ---------------------------------------------------------------- stops


async def test_a_stop_lets_code_clean_up_first(tmp_path: Path, said: Path) -> None:
    async with PoolPlay(tmp_path) as play:
        heeds = job("heeds", conf={"file": str(said)})
        play.pool.run(0, [heeds])
        await appears(said)
        play.pool.stop(heeds.work.delivery, "cancelled")
        [ending] = await play.ends(heeds)
        assert (ending.how, ending.asked) == ("stopped", "cancelled")
        assert "cleaned up" in play.ear.text(heeds)


@pytest.mark.parametrize("task", ["loops_in_c", "sleeps"])
async def test_a_stop_ends_what_never_ends(tmp_path: Path, said: Path, task: str) -> None:
    async with PoolPlay(tmp_path) as play:
        endless, after = job(task, conf={"file": str(said)}), job("index", 3)
        play.pool.run(0, [endless, after])
        await appears(said)
        play.pool.stop(endless.work.delivery, "timeout")
        ending, other = await play.ends(endless, after)
        assert ending.asked == "timeout"
        assert value_of(other) == 3


async def test_programs_that_an_attempt_started_end_with_it(tmp_path: Path, said: Path) -> None:
    async with PoolPlay(tmp_path) as play:
        stops, leaves = tmp_path / "stops", tmp_path / "leaves"
        waits = job("starts_program", conf={"file": str(stops), "wait": True})
        play.pool.run(0, [waits])
        [program] = await appears(stops)
        play.pool.stop(waits.work.delivery, "cancelled")
        await play.ends(waits)
        await vanishes(int(program))

        left = job("starts_program", conf={"file": str(leaves)})
        first, second = await play.run(left, job("who"))
        await vanishes(int(leaves.read_text()))
        assert value_of(first) != value_of(second), "a soiled child takes nothing more"


async def test_a_child_with_a_thread_left_over_takes_nothing_more(tmp_path: Path) -> None:
    async with PoolPlay(tmp_path) as play:
        first, second = await play.run(job("starts_thread"), job("who"))
        assert value_of(first) != value_of(second)


async def test_what_has_not_begun_can_be_taken_back_and_never_runs(
    tmp_path: Path, said: Path
) -> None:
    async with PoolPlay(tmp_path) as play:
        conf = {"file": str(said)}
        first, *rest = [job("touches", number, conf) for number in range(4)]
        slow = job("sleeps", conf=conf)
        play.pool.run(0, [first, slow, *rest])
        await appears(said, 2)
        names = [one.work.delivery for one in rest]
        assert play.pool.take_back(names) == names
        play.pool.stop(slow.work.delivery, "cancelled")
        await play.ends(slow)
        await play.run(job("index", 1))
        assert len(said.read_text().splitlines()) == 2


async def test_a_child_is_recycled_after_so_many_tasks(tmp_path: Path) -> None:
    async with PoolPlay(tmp_path, max_tasks=3) as play:
        pids = [value_of((await play.run(job("who")))[0]) for _ in range(7)]
        assert [pids.count(pid) for pid in dict.fromkeys(pids)] == [3, 3, 1]


async def test_an_attempt_over_the_memory_limit_is_killed_and_its_lane_goes_on(
    tmp_path: Path,
) -> None:
    async with PoolPlay(tmp_path, memory_limit=300 * 1024 * 1024, watch=0.05) as play:
        eats, after = await play.run(job("eats"), job("index", 1))
        assert eats.asked.startswith("memory:")
        assert value_of(after) == 1


# ---------------------------------------------------------------- output


async def test_output_is_told_in_order_with_its_stream(tmp_path: Path) -> None:
    async with PoolPlay(tmp_path) as play:
        prints, silent = job("prints"), job("nothing")
        await play.run(prints, silent)
        lines = play.ear.lines[prints.work.delivery]
        assert [(line.stream, line.text.rpartition(" - ")[2]) for line in lines] == [
            (1, "one"),
            (2, "two"),
            (1, "three"),
            (1, "four"),
            (2, "five"),
            (1, "sixth, no end"),
        ]
        assert "WARNING - my.module - four" in lines[3].text
        assert [line.at for line in lines] == sorted(line.at for line in lines)
        assert play.ear.text(silent) == []


async def test_two_streams_in_turns_keep_their_order(tmp_path: Path) -> None:
    async with PoolPlay(tmp_path) as play:
        alternates = job("alternates")
        await play.run(alternates)
        assert play.ear.text(alternates) == [str(number) for number in range(200)]


async def test_long_lines_are_split_and_bytes_that_are_no_text_replaced(tmp_path: Path) -> None:
    async with PoolPlay(tmp_path) as play:
        odd = job("prints_oddly")
        await play.run(odd)
        text = play.ear.text(odd)
        assert text[0] == "not \N{REPLACEMENT CHARACTER} utf-8"
        assert "".join(text[1:-2]) == "y" * 40_000
        assert text[-2:] == ["30%", "from a program"]


async def test_output_over_the_limit_is_dropped_and_that_is_said(tmp_path: Path) -> None:
    async with PoolPlay(tmp_path, log_limit=1_000_000) as play:
        much = job("prints_much", conf={"lines": 1_000_000})  # 100 MB
        [ending] = await play.run(much)
        assert ending.how == "returned"
        lines = play.ear.lines[much.work.delivery]
        assert len(lines) == 10_001
        assert (lines[-1].stream, "dropped" in lines[-1].text) == (0, True)


async def test_a_paused_job_is_not_read_from(tmp_path: Path) -> None:
    async with PoolPlay(tmp_path) as play:
        much = job("prints_much", conf={"lines": 100_000})
        play.pool.run(0, [much])
        await play.ear.hears(lambda: play.ear.begun)
        play.pool.pause(much.work.delivery)
        await play.run(job("index", 1), lane=1)
        assert len(play.ear.text(much)) < 50_000
        play.pool.resume(much.work.delivery)
        await play.ends(much)
        assert len(play.ear.text(much)) == 100_000


async def test_closed_descriptors_are_back_for_the_next(tmp_path: Path) -> None:
    async with PoolPlay(tmp_path) as play:
        closes, prints = job("closes_stdout"), job("prints")
        one, _ = await play.run(closes, prints)
        assert value_of(one) == "done"
        assert len(play.ear.text(prints)) == 6


async def test_a_forked_copy_does_not_speak_for_the_task(tmp_path: Path) -> None:
    async with PoolPlay(tmp_path) as play:
        forks = job("forks")
        [ending] = await play.run(forks)
        assert value_of(ending) == "of the original"
        assert play.ear.text(forks) == ["from the copy", "from the original"]


async def test_a_value_that_cannot_be_stored_is_a_type_error(tmp_path: Path) -> None:
    async with PoolPlay(tmp_path) as play:
        [ending] = await play.run(job("unpicklable"))
        assert ending.how == "raised"
        assert "_thread.lock is neither JSON nor can it be pickled" in ending.reason


# ---------------------------------------------------------------- questions


async def test_a_task_is_answered_what_did_not_ride_along(tmp_path: Path) -> None:
    async with PoolPlay(tmp_path) as play:
        there = t.Xcom(value=t.Raw(b'"rode along"'))
        asked = t.Xcom(value=t.Raw(b"[1,2]"))

        def reply(question: object) -> object:
            if isinstance(question, q.AskVariable):
                return q.VariableFound(value="blue")
            assert isinstance(question, q.AskXcoms)
            assert question.tasks == ("other",)
            return q.XcomsFound(found=(q.FoundXcom("other", 0, asked),), mapped=("other",))

        play.ear.replies = reply  # type: ignore[assignment]
        [ending] = await play.run(job("asks", xcoms={"up": there}))
        assert value_of(ending) == {
            "pulled": [["up", -1, "rode along"], ["other", 0, [1, 2]]],
            "mapped": [False, True],
            "variable": "blue",
        }


# ---------------------------------------------------------------- async def


async def test_a_thousand_async_tasks_run_at_once_each_with_its_own_log(tmp_path: Path) -> None:
    async with PoolPlay(tmp_path) as play:
        jobs = [job("naps", number, {"seconds": 0.2}, is_async=True) for number in range(1000)]
        async with asyncio.timeout(10):  # one after another: 200 s
            endings = await play.run(*jobs)
        assert [value_of(ending) for ending in endings] == list(range(1000))
        before, after = play.ear.text(jobs[7])
        assert before == "before 7"
        assert after.endswith("INFO - root - after 7")


async def test_an_async_task_is_cancelled_alone(tmp_path: Path, said: Path) -> None:
    async with PoolPlay(tmp_path) as play:
        long, short = (
            job("naps_long", conf={"file": str(said)}, is_async=True),
            job("naps", 1, {"seconds": 0.3}, is_async=True),
        )
        play.pool.run(0, [long, short])
        await appears(said)
        play.pool.stop(long.work.delivery, "cancelled")
        one, two = await play.ends(long, short)
        assert (one.how, one.asked) == ("stopped", "cancelled")
        assert two.how == "returned"


async def test_an_async_task_that_blocks_the_loop_is_killed(tmp_path: Path, said: Path) -> None:
    async with PoolPlay(tmp_path) as play:
        blocks = job("blocks", conf={"file": str(said)}, is_async=True)
        play.pool.run(0, [blocks])
        await appears(said)
        play.pool.stop(blocks.work.delivery, "timeout")
        [ending] = await play.ends(blocks)
        assert (ending.how, ending.asked) == ("died", "timeout")
        [after] = await play.run(job("naps", 1, {"seconds": 0}, is_async=True))
        assert after.how == "returned"


# ---------------------------------------------------------------- exclusive


async def test_an_exclusive_job_dies_of_itself_unless_renewed(tmp_path: Path, said: Path) -> None:
    async with PoolPlay(tmp_path) as play:
        alone = job("loops_in_c", conf={"file": str(said)}, exclusive=True)
        play.pool.renew(1.0)
        play.pool.run(0, [alone])
        [pid] = await appears(said)
        [ending] = await play.ends(alone)
        assert (ending.how, ending.signal) == ("died", signal.SIGKILL)
        await vanishes(int(pid))


async def test_an_exclusive_job_dies_though_all_of_it_is_stopped(
    tmp_path: Path, said: Path
) -> None:
    async with PoolPlay(tmp_path) as play:
        alone = job("sleeps", conf={"file": str(said)}, exclusive=True)
        play.pool.renew(1.0)
        play.pool.run(0, [alone])
        [pid] = await appears(said)
        guard = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(guard, signal.SIGSTOP)
        os.kill(int(pid), signal.SIGSTOP)
        await vanishes(int(pid))
        [ending] = await play.ends(alone)
        assert ending.signal == signal.SIGKILL


async def test_a_renewed_exclusive_job_ends_as_any_other(tmp_path: Path, said: Path) -> None:
    async with PoolPlay(tmp_path) as play:
        play.pool.renew(60)
        one, crash, two = await play.run(
            job("index", 1, exclusive=True), job("segfaults", exclusive=True), job("index", 2)
        )
        assert (value_of(one), value_of(two)) == (1, 2)
        assert crash.signal == signal.SIGSEGV


# ---------------------------------------------------------------- preloading


@pytest.mark.ml
async def test_heavy_modules_are_soon_there_before_the_fork(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    async with PoolPlay(tmp_path) as play:
        first, second = await play.run(
            job("gives_frame", conf={"rows": 3}), job("has_modules", conf={"names": ["pandas"]})
        )
        assert first.xcoms[0].codec == "arrow"
        assert value_of(second) == [True]
        play.pool.run(1, [job("sleeps", conf={"file": str(tmp_path / "said")})])
        await appears(tmp_path / "said")  # an older child at work does not hold up the change
        while True:
            [there] = await play.run(job("has_modules", conf={"names": ["pandas"]}), lane=2)
            if value_of(there) == [True]:
                break
            play.pool.stop(job("nothing").work.delivery, "unknown: nothing happens")


async def test_a_task_that_writes_to_the_workers_socket_costs_only_itself(tmp_path: Path) -> None:
    async with PoolPlay(tmp_path) as play:
        vandal, after = await play.run(job("writes_everywhere"), job("index", 1))
        assert vandal.how == "died"
        assert value_of(after) == 1


async def test_many_pushes_stay_small_enough_for_one_message(tmp_path: Path) -> None:
    async with PoolPlay(tmp_path) as play:
        [ending] = await play.run(job("pushes_much"))
        assert len(ending.xcoms) == 41
        assert len(t.encode(list(ending.xcoms))) < 500_000
        assert sum(xcom.blob is not None for xcom in ending.xcoms) > 30


async def test_whatever_is_killed_each_job_ends_once(tmp_path: Path) -> None:
    chance = random.Random(7)
    async with PoolPlay(tmp_path) as play:
        jobs = [job("touches", n, {"file": str(tmp_path / "said")}) for n in range(600)]
        for lane in range(3):
            play.pool.run(lane, jobs[lane::3])
        for goal in range(60, 600, 60):
            await play.ear.hears(lambda goal=goal: len(play.ear.endings) >= goal)
            here = psutil.Process().children(recursive=True)
            for victim in chance.sample(here, min(1, len(here))):
                with contextlib.suppress(psutil.NoSuchProcess):
                    victim.kill()
        endings = await play.ends(*jobs)
        ran = [line.split()[1] for line in (tmp_path / "said").read_text().splitlines()]
        assert len(ran) == len(set(ran)), "nothing runs twice"
        for one, ending in zip(jobs, endings, strict=True):
            index = str(one.work.attempt.index)
            assert ending.how in ("returned", "died")
            assert ending.begun
            assert ending.how == "died" or index in ran


async def test_an_exclusive_async_job_has_a_guarded_process_of_its_own(tmp_path: Path) -> None:
    async with PoolPlay(tmp_path) as play:
        play.pool.renew(60)
        alone = job("naps", 1, {"seconds": 0.01}, is_async=True, exclusive=True)
        [ending] = await play.run(alone, lane=7)
        assert value_of(ending) == 1
        assert play.ear.text(alone)[0] == "before 1"
        said = tmp_path / "said"
        endless = job("naps_long", conf={"file": str(said)}, is_async=True, exclusive=True)
        play.pool.run(8, [endless])
        [pid] = await appears(said)
        play.pool.stop(endless.work.delivery, "cancelled")
        [stopped] = await play.ends(endless)
        assert stopped.asked == "cancelled"
        await vanishes(int(pid))
