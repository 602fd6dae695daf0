"""The guard of one `exclusive` attempt: it dies at a moment that only its worker can put off.

Code marked `exclusive` never runs in two places. So its child must be dead before the worker's
lease ends, also when everything here stands still (a stopped process, a frozen machine). A timer of
the kernel cannot be moved from outside its process, and the child itself may be busy in C; hence
the guard: parent of the child, nearly no code, SIGKILLed by its own kernel timer, and the child
goes with it (PR_SET_PDEATHSIG). Each renewal is 8 bytes: the new moment, on the boot clock.

A little before the moment the guard, if it runs at all, kills the child's whole group itself: that
reaches programs that the task started, which the kernel's way does not.
"""

from __future__ import annotations

import os
import select
import signal

from penstock.worker import kernel, template

AHEAD_NS = 200_000_000
"""How long before the kernel's own kill the guard kills the group."""


def watch(fork: template.Fork, fds: list[int], parent: int) -> None:
    """In the forked process: make the child, renew on demand, and end as the child ended."""
    os.setsid()
    kernel.die_with_parent(parent, signal.SIGKILL)
    timer = kernel.DeathTimer()
    timer.set(fork.until)
    wake, wake_in = os.pipe()
    os.set_blocking(wake_in, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake_in, warn_on_full_buffer=False)
    guard = os.getpid()
    child = os.fork()
    if child == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for fd in (wake, wake_in, *fds[4:]):
            os.close(fd)
        template.become_child(fork, fds, guard)
        os._exit(0)
    for fd in fds[:4]:
        os.close(fd)
    _end_as(_attend(child, fds[4], wake, timer, fork.until))


def _attend(child: int, renewals: int, wake: int, timer: kernel.DeathTimer, until: int) -> int:
    poll = select.poll()
    poll.register(renewals, select.POLLIN)
    poll.register(wake, select.POLLIN)
    while True:
        left = (until - AHEAD_NS - kernel.boot_time_ns()) / 1_000_000
        ready = {fd for fd, _ in poll.poll(max(0, left))}
        if wake in ready:
            os.read(wake, 4096)
            ended = kernel.bury()
            if ended is not None:
                return ended[1]
        if renewals in ready:
            told = os.read(renewals, 4096)
            if told:
                until = int.from_bytes(told[-8:], "big")
                timer.set(until)
                continue
        if renewals in ready or not ready:  # the worker is gone, or the moment has come
            break
    kernel.kill_group(child)
    return os.waitpid(child, 0)[1]


def _end_as(status: int) -> None:
    """Leave the way that the child left, so that the template's report tells the truth."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 1)
