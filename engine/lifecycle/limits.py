"""What is ready, in order, and what keeps it from being sent: pools and other limits.

Ready instances wait in heaps, one for each lane (a queue name, and whether the task is async).
Their order is priority weight, then the run's date, then who came first. An item that meets a full
limit is parked in that limit's own heap and comes back when a slot does, so nothing is looked at
twice for one change (law 10). A range of mapped instances is one item with a cursor.

Slots are taken when an attempt is sent and given back when whoever held it says that it is over
(DESIGN, section 3): so this is not folded state; a new leader learns it from the workers.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator

from penstock.events.types import Attempt
from penstock.lifecycle.commands import Ready
from penstock.lifecycle.state import RunState, State

Lane = tuple[str, bool]
NO_LIMIT = -1
CALLBACK_WEIGHT = 1_000_000_000
"""Callbacks go first: they are short, hold no pool, and somebody waits to hear them."""


class Item:
    """A ready range. Compared by `order` alone, which no two share."""

    __slots__ = ("cursor", "lane", "last", "limits", "order", "ready", "slots")

    def __init__(
        self,
        ready: Ready,
        order: tuple[int, int, int],
        lane: Lane,
        limits: tuple[Limit, ...],
        slots: int,
    ) -> None:
        self.ready = ready
        self.order = order
        self.lane = lane
        self.limits = limits
        self.slots = slots
        self.cursor = ready.first
        self.last = ready.last

    def __lt__(self, other: Item) -> bool:
        return self.order < other.order

    def attempt(self) -> Attempt:
        ready = self.ready
        return Attempt(ready.run, ready.task, self.cursor, ready.try_number, ready.phase)


class Limit:
    """So many slots, NO_LIMIT for any number. size None: what it names does not exist.

    weighs: a pool counts each item's `pool_slots`; other limits count one for each attempt.
    """

    __slots__ = ("holders", "name", "parked", "size", "used", "weighs")

    def __init__(self, name: str, size: int | None, *, weighs: bool = False) -> None:
        self.name = name
        self.size = size
        self.used = 0
        self.weighs = weighs
        self.parked: dict[tuple[Lane, int], list[Item]] = {}
        self.holders: dict[Attempt, int] = {}

    def need(self, item: Item) -> int:
        return item.slots if self.weighs else 1

    def fits(self, need: int) -> bool:
        if self.size is None:
            return False
        return self.size == NO_LIMIT or self.used + need <= self.size

    def park(self, item: Item) -> None:
        heapq.heappush(self.parked.setdefault((item.lane, self.need(item)), []), item)

    def unpark(self) -> Iterator[Item]:
        """Yield the items that may try again: for each lane as many as the free slots could take.

        Each lane alone: who waits for a worker of one lane must not hold back another lane.
        """
        for (lane, need), heap in list(self.parked.items()):
            free = 0
            while heap and self.fits(free + need):
                free += need
                yield heapq.heappop(heap)
            if not heap:
                del self.parked[(lane, need)]


class Taken:
    """An attempt that was handed out, with the limits whose slots it holds."""

    __slots__ = ("attempt", "item")

    def __init__(self, attempt: Attempt, item: Item) -> None:
        self.attempt = attempt
        self.item = item


class ReadyQueue:
    """Hands out ready attempts in order, within all limits.

    is_held: whether an attempt is out already; such are passed over (a new leader cannot tell at
    once what an earlier one sent).
    """

    def __init__(self, state: State, is_held: Callable[[Attempt], bool]) -> None:
        self.state = state
        self.is_held = is_held
        self.lanes: dict[Lane, list[Item]] = {}
        self.limits: dict[str, Limit] = {}
        self.own: dict[str, set[str]] = {}  # names of limits of a run's tasks, by run
        self.serial = itertools.count()

    def add(self, ready: Ready) -> None:
        run = self.state.runs.get(ready.run)
        if run is None:
            return
        item = self.item(ready, run)
        heapq.heappush(self.lanes.setdefault(item.lane, []), item)

    def item(self, ready: Ready, run: RunState) -> Item:
        date = run.triggered.logical_date or run.triggered_at
        if ready.task.startswith("~"):
            step = run.plan.step(ready.task.partition(":")[2])
            lane = ("default" if step is None else step.task.queue, is_trigger(ready.task))
            return Item(ready, (-CALLBACK_WEIGHT, date, next(self.serial)), lane, (), 0)
        step = run.plan.step(ready.task)
        assert step is not None
        task = step.task
        limits = [
            self.limit(f"pool {task.pool!r}", self.state.pools.get(task.pool), weighs=True),
            self.limit(of_run(run.key), run.plan.dag.max_active_tasks),
        ]
        if task.max_active_tis_per_dag is not None:
            name = f"max_active_tis_per_dag of {run.plan.dag.dag_id}.{task.task_id}"
            limits.append(self.limit(name, task.max_active_tis_per_dag))
        if task.max_active_tis_per_dagrun is not None:
            name = f"max_active_tis_per_dagrun of run {run.key}, task {task.task_id!r}"
            limits.append(self.limit(name, task.max_active_tis_per_dagrun))
            self.own.setdefault(run.key, set()).add(name)
        order = (-task.weight, date, next(self.serial))
        return Item(ready, order, (task.queue, task.is_async), tuple(limits), task.pool_slots)

    def limit(self, name: str, size: int | None, *, weighs: bool = False) -> Limit:
        limit = self.limits.get(name)
        if limit is None:
            limit = self.limits[name] = Limit(name, size, weighs=weighs)
        return limit

    # ------------------------------------------------------------ handing out

    def peek(self, lanes: Iterable[Lane]) -> Item | None:
        """Return the item that `take` would hand out next from one of these lanes."""
        best: Item | None = None
        for lane in lanes:
            item = self.first(lane)
            if item is not None and (best is None or item < best):
                best = item
        return best

    def first(self, lane: Lane) -> Item | None:
        """Return the lane's first item that may go now; park or drop those before it."""
        heap = self.lanes.get(lane)
        while heap:
            item = heap[0]
            if not self.find_wanted(item):
                heapq.heappop(heap)
                self.wake(item, None)
                continue
            full = next((lim for lim in item.limits if not lim.fits(lim.need(item))), None)
            if full is None:
                return item
            heapq.heappop(heap)
            full.park(item)
            self.wake(item, full)
        return None

    def wake(self, item: Item, but: Limit | None) -> None:
        """An item left its lane unsent: the slots that it might have taken are others' now."""
        for limit in item.limits:
            if limit is not but and limit.parked:
                for other in limit.unpark():
                    heapq.heappush(self.lanes.setdefault(other.lane, []), other)

    def find_wanted(self, item: Item) -> bool:
        """Move the cursor to the next instance that is wanted; False if there is none left."""
        run = self.state.runs.get(item.ready.run)
        if run is None or (run.stopping and not item.ready.task.startswith("~")):
            return False
        while item.cursor < item.last:
            attempt = item.attempt()
            if self.state.is_wanted(attempt) and not self.is_held(attempt):
                return True
            item.cursor += 1
        return False

    def take(self, item: Item) -> Taken:
        """Hand out the first attempt of an item that `peek` returned, and take its slots."""
        taken = Taken(item.attempt(), item)
        for limit in item.limits:
            limit.used += limit.need(item)
            limit.holders[taken.attempt] = limit.need(item)
        item.cursor += 1
        if item.cursor >= item.last:
            heapq.heappop(self.lanes[item.lane])
        return taken

    def adopt(self, attempt: Attempt) -> Taken | None:
        """Count an attempt that an earlier leader handed out; limits may be overdrawn by it."""
        run = self.state.runs.get(attempt.run)
        if run is None:
            return None
        place, tries = (attempt.index, attempt.index), attempt.try_number
        ready = Ready(run.key, attempt.task, *place, tries, "", phase=attempt.phase)
        taken = Taken(attempt, self.item(ready, run))
        for limit in taken.item.limits:
            limit.used += limit.need(taken.item)
            limit.holders[attempt] = limit.need(taken.item)
        return taken

    def release(self, taken: Taken) -> None:
        """Give the slots back: whoever held the attempt no longer does."""
        for limit in taken.item.limits:
            need = limit.holders.pop(taken.attempt, None)
            if need is None:
                continue
            limit.used -= need
            if limit.parked:
                for other in limit.unpark():
                    heapq.heappush(self.lanes.setdefault(other.lane, []), other)

    def forget(self, run: str) -> None:
        """A run is over and gone from the state: so are the limits that were its own."""
        for name in (of_run(run), *self.own.pop(run, ())):
            self.limits.pop(name, None)

    def resize(self, pool: str, size: int | None) -> None:
        limit = self.limits.get(f"pool {pool!r}")
        if limit is not None:
            limit.size = size
            for other in limit.unpark():
                heapq.heappush(self.lanes.setdefault(other.lane, []), other)

    # ------------------------------------------------------------ why

    def why(self, attempt: Attempt) -> str | None:
        """Return what a ready attempt waits for, None if it is not among what waits. Scans."""
        for limit in self.limits.values():
            for heap in limit.parked.values():
                if any(covers(item, attempt) for item in heap):
                    return f"waits for {limit.name}: {shortage(limit)}"
        for lane, heap in self.lanes.items():
            found = next((item for item in heap if covers(item, attempt)), None)
            if found is not None:
                before = sum(item < found for item in heap)
                return f"waits for a free slot of a worker of queue {lane[0]!r}, {before} before it"
        return None


def is_trigger(task: str) -> bool:
    """Whether the attempt is of a trigger that a task waits for: those run on an event loop."""
    return task.startswith("~trigger:")


def of_run(run: str) -> str:
    return f"max_active_tasks of run {run}"


def covers(item: Item, attempt: Attempt) -> bool:
    ready = item.ready
    return (
        ready.run == attempt.run
        and ready.task == attempt.task
        and item.cursor <= attempt.index < item.last
    )


def shortage(limit: Limit) -> str:
    if limit.size is None:
        return f"it does not exist. Create it: penstock {limit.name.replace(' ', ' set ', 1)} SLOTS"
    held = ", ".join(str(attempt) for attempt in itertools.islice(limit.holders, 5))
    more = f" and {len(limit.holders) - 5} more" if len(limit.holders) > 5 else ""
    by = f" by {held}{more}" if held else ""
    return f"{limit.used} of {limit.size} slots held{by}"
