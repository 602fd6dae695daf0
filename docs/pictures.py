"""Takes the pictures of README.md: real commands, run in a terminal of our own, drawn as SVG.

python docs/pictures.py    with Penstock and its extra `ml` installed beside this Python; Linux

A command runs in a pseudo terminal and what it writes there goes to `Screen`, which knows as much
of a terminal as our commands use. Everything happens in a temporary folder and under a host name
of its own, so that nothing of the machine that took the pictures is seen on them.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import sysconfig
import tempfile
import termios
import time
from collections.abc import Callable, Iterator
from html import escape
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
COLUMNS, LINES = 112, 60
BIN = Path(sysconfig.get_path("scripts"))
HOST = "wheel"

NIGHTLY = '''\
"""Two models that want the one GPU, after a download that fails once."""
import time
from datetime import timedelta
from pathlib import Path

from penstock import dag, get_current_context, task


@task(retries=2, retry_delay=timedelta(milliseconds=200))
def download() -> int:
    context = get_current_context()
    if context["ti"].try_number == 1 or context["params"]["mirror"] == "gone":
        raise ConnectionError("the mirror hung up")
    return 4_096


@task(pool="gpu")
def train(family: str, rows: int) -> str:
    while not Path(__file__).with_name("released").exists():
        time.sleep(0.05)
    return family


@task
def choose(models: list[str]) -> None:
    print("chose", models[0])


@dag(params={"mirror": "near"})
def nightly():
    rows = download()
    forest = train.override(task_id="forest", priority_weight=2)("forest", rows)
    boosting = train.override(task_id="boosting")("boosting", rows)
    choose([forest, boosting])


nightly()
'''

# ---------------------------------------------------------------- a terminal


class Style(NamedTuple):
    """How a cell is written. colour: 30 to 37, 90 to 97 as in SGR; 0 for the default."""

    colour: int = 0
    bold: bool = False
    dim: bool = False


PLAIN = Style()
Row = list[tuple[str, Style]]
_TOKEN = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|\x1b.|([\r\n])|([^\x1b\r\n]+)")


class Screen:
    """Rows of cells, and a cursor that moves as the escape sequences say. It never scrolls.

    `seen` is called with the rows whenever the cursor turns back up: there a picture is complete
    and the next one begins.
    """

    def __init__(self, seen: Callable[[list[Row]], None] = lambda rows: None) -> None:
        self.rows: list[Row] = [[]]
        self.row = self.column = 0
        self.style, self.seen, self.rising = PLAIN, seen, False

    def feed(self, text: str) -> None:
        for codes, verb, move, words in _TOKEN.findall(text):
            if verb:
                self._control(codes, verb)
            elif move == "\r":
                self.column = 0
            elif move == "\n":
                self._down()
            elif words:
                self.rising = False
                for sign in words:
                    self._write(sign)

    def _write(self, sign: str) -> None:
        if self.column == COLUMNS:
            self.column = 0
            self._down()
        row = self.rows[self.row]
        row.extend([(" ", PLAIN)] * (self.column + 1 - len(row)))
        row[self.column] = (sign, self.style)
        self.column += 1

    def _down(self) -> None:
        self.row += 1
        if self.row == len(self.rows):
            self.rows.append([])

    def _control(self, codes: str, verb: str) -> None:
        number = int(codes) if codes.isdigit() else 1
        if verb == "A":
            if not self.rising:
                self.seen([list(row) for row in self.rows])
            self.rising = True
            self.row = max(0, self.row - number)
        elif verb == "K":
            if not self.rising:
                self.seen([list(row) for row in self.rows])
            self.rising = True
            self.rows[self.row] = [] if codes == "2" else self.rows[self.row][: self.column]
        elif verb == "m":
            for code in codes.split(";"):
                self._sgr(int(code or 0))

    def _sgr(self, code: int) -> None:
        match code:
            case 0:
                self.style = PLAIN
            case 1:
                self.style = self.style._replace(bold=True)
            case 2:
                self.style = self.style._replace(dim=True)
            case 22:
                self.style = self.style._replace(bold=False, dim=False)
            case 39:
                self.style = self.style._replace(colour=0)
            case _ if 30 <= code <= 37 or 90 <= code <= 97:
                self.style = self.style._replace(colour=code)


def in_terminal(
    command: list[str], folder: Path, *, seen: Callable[[list[Row]], None] = lambda rows: None
) -> list[Row]:
    """Run a command in a terminal and return what it left there. A bad exit code raises."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execvp(command[0], command)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    screen, rest = Screen(seen), b""
    with contextlib.suppress(OSError):  # the terminal's end, on Linux
        while data := os.read(terminal, 65536):
            data = rest + data
            # An escape sequence or a character may be cut in two: it waits for its end.
            cut = max(data.rfind(b"\x1b"), 0) if data[-1] >= 0x80 or b"\x1b" in data[-12:] else -1
            data, rest = (data[:cut], data[cut:]) if cut >= 0 else (data, b"")
            screen.feed(data.decode())
    screen.feed(rest.decode())
    os.close(terminal)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code:
        sys.exit(f"{' '.join(command)} ended with {code}:\n{text_of(screen.rows)}")
    return screen.rows


def text_of(rows: list[Row]) -> str:
    return "\n".join("".join(sign for sign, _ in row).rstrip() for row in rows).strip("\n")


# ---------------------------------------------------------------- SVG

SIZE, ADVANCE, LEADING, MARGIN, BAR = 14, 8.43, 20, 18, 34
GROUND, INK = "#15191f", "#d8dee6"
INKS = {
    31: "#ff7b72", 32: "#56d364", 33: "#e3b341", 34: "#79c0ff", 35: "#d2a8ff", 36: "#5ccfe6",
    90: "#8b949e",
}  # fmt: skip
FONTS = "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace"


def svg(command: str, rows: list[Row]) -> str:
    """Draw the command and what it wrote. Every piece of text says its own width, so that columns
    stand where they stood whatever font the reader has."""
    while rows and not text_of(rows[-1:]):
        rows = rows[:-1]
    shown = [[("$", Style(90)), (" ", PLAIN), *((sign, Style(bold=True)) for sign in command)]]
    shown += rows
    columns = max(64, *(len("".join(sign for sign, _ in row).rstrip()) for row in shown))
    width, height = columns * ADVANCE + 2 * MARGIN, len(shown) * LEADING + BAR + MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" '
        f'width="{width:.0f}" height="{height}" font-family="{FONTS}" font-size="{SIZE}" '
        f'role="img" aria-label="{escape(command)}">',
        f'<rect width="100%" height="100%" rx="8" fill="{GROUND}"/>',
        *(
            f'<circle cx="{MARGIN + 16 * place}" cy="17" r="5" fill="#3b434d"/>'
            for place in range(3)
        ),
    ]
    for number, row in enumerate(shown):
        lines += spans(row, BAR + number * LEADING + SIZE)
    return "\n".join([*lines, "</svg>", ""])


def spans(row: Row, y: int) -> Iterator[str]:
    """Yield the words of a row, each with its place; the blanks between them are left out."""
    place = 0
    for style, cells in groupby(row, key=lambda cell: cell[1]):
        text = "".join(sign for sign, _ in cells)
        for word in re.finditer(r"\S+(?: \S+)*", text):
            x = MARGIN + (place + word.start()) * ADVANCE
            weight = ' font-weight="bold"' if style.bold else ""
            faint = ' opacity="0.6"' if style.dim else ""
            yield (
                f'<text x="{x:.1f}" y="{y}" textLength="{len(word[0]) * ADVANCE:.1f}" '
                f'lengthAdjust="spacingAndGlyphs" fill="{INKS.get(style.colour, INK)}"'
                f"{weight}{faint}>{escape(word[0])}</text>"
            )
        place += len(text)


def keep(name: str, command: str, rows: list[Row]) -> None:
    """Write a picture, unless something of this machine is on it."""
    text = text_of(rows)
    for private in {str(Path.home()), tempfile.gettempdir() + os.sep, os.uname().nodename + "-"}:
        if private in text:
            sys.exit(f"{command}: {private!r} is seen on this picture:\n{text}")
    (PICTURES / f"{name}.svg").write_text(svg(command, rows))
    print(f"wrote docs/pictures/{name}.svg")


# ---------------------------------------------------------------- what is shown


def picture(name: str, command: str, folder: Path) -> None:
    keep(name, command, in_terminal(command.split(), folder))


def of_a_run(folder: Path) -> None:
    """`penstock run`: its live picture while three models are trained, its answer, its charts."""
    command = "penstock run examples/ml_retraining.py"
    (folder / "examples").mkdir()
    shutil.copy(ROOT / "examples" / "ml_retraining.py", folder / "examples")
    best: list[list[Row]] = []

    def seen(rows: list[Row]) -> None:
        training = re.findall(r"^train_\w+ +running", text_of(rows), re.MULTILINE)
        if len(training) >= min(2, os.cpu_count() or 1):
            best.append(rows)

    left = in_terminal(command.split(), folder, seen=seen)
    if not best:
        sys.exit("No picture was seen in which models were trained side by side.")
    keep("run_live", command, best[-1])
    keep("run", command, left)
    (drawn,) = (folder / "ml_output" / "runs").iterdir()
    for chart in ("confusion_matrix", "roc"):
        shutil.copy(drawn / f"{chart}.png", PICTURES / f"{chart}.png")
        print(f"wrote docs/pictures/{chart}.png")


@contextlib.contextmanager
def daemon(folder: Path) -> Iterator[None]:
    """`penstock up` on two DAG files, under a host name of its own."""
    readme = (ROOT / "README.md").read_text()
    (folder / "dags").mkdir()
    (folder / "dags" / "nightly.py").write_text(NIGHTLY)
    hello = readme.split("```python\n# hello.py\n")[1].split("```")[0]
    (folder / "dags" / "hello.py").write_text(hello)
    say_host = f"hostname {HOST} && exec penstock up --slots 2"
    up = subprocess.Popen(
        ["unshare", "--map-root-user", "--uts", "sh", "-c", say_host],
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert up.stderr is not None
        for line in up.stderr:
            if "penstock: up." in line:
                break
        yield
    finally:
        up.terminate()
        up.communicate()


def quietly(*command: str, wanted: int = 0) -> str:
    done = subprocess.run(["penstock", *command], capture_output=True, text=True, check=False)
    if done.returncode != wanted:
        sys.exit(f"penstock {' '.join(command)} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def wait_until(word: str, *command: str) -> None:
    until = time.monotonic() + 60
    while word not in quietly(*command):
        if time.monotonic() > until:
            sys.exit(f"penstock {' '.join(command)} did not say {word!r} within a minute.")
        time.sleep(0.1)


def of_a_daemon(folder: Path) -> None:
    """A run that failed, one that waits for a pool, and then its end."""
    with daemon(folder):
        wait_until("nightly", "dags", "list")
        wait_until("success", "runs", "list")  # hello's last tick, by its schedule
        quietly("pool", "set", "gpu", "1")
        failing = ("--run-id", "yesterday", "--param", "mirror=gone", "--wait")
        quietly("trigger", "nightly", *failing, wanted=1)
        quietly("trigger", "nightly", "--run-id", "tonight")
        wait_until("running", "explain", "tonight", "forest")
        picture("explain", "penstock explain tonight", folder)
        picture("status", "penstock status", folder)
        picture("runs", "penstock runs list", folder)
        (folder / "dags" / "released").touch()
        wait_until("is success", "explain", "tonight")
        picture("story", "penstock story tonight", folder)


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    os.environ["PATH"] = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    os.environ["TERM"] = "xterm-256color"
    with tempfile.TemporaryDirectory(prefix="penstock-pictures-") as name:
        folder = Path(name)
        os.environ["PENSTOCK_HOME"] = str(folder / "home")
        of_a_run(folder)
        of_a_daemon(folder)


if __name__ == "__main__":
    main()
