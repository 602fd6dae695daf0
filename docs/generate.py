"""Writes what the docs can take from the code, so that it cannot be wrong.

python docs/generate.py            write
python docs/generate.py --check    say what is out of date, exit 1
"""

from __future__ import annotations

import ast
import runpy
import sys
import tomllib
from pathlib import Path
from textwrap import wrap
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {"events": "penstock.events", "engine": "penstock", "steps": "penstock.steps"}
BESIDE = {
    "tests": "a folder a room, and what concerns several of them",
    "examples": "DAG files and services, as users write them",
    "benchmarks": "the same work for Penstock and for its peers",
    "docs": "this page, the decisions, what is generated from the code",
}
MARK = "<!-- drawn by docs/generate.py from the rooms' docstrings -->\n"
SUITE_MARK = "<!-- drawn by docs/generate.py from tests/conformance -->\n"
NAMES_MARK = "<!-- drawn by docs/generate.py from engine/airflow/names.py -->\n"


def purpose(room: Path) -> str:
    """Return the first paragraph of the room's docstring; a room without one is an error."""
    text = ast.get_docstring(ast.parse((room / "__init__.py").read_text()))
    if not text:
        sys.exit(f"{room.relative_to(ROOT)}/__init__.py has no docstring: say what lives there.")
    return " ".join(text.split("\n\n")[0].split()).rstrip(".")


def drawn(room: Path, name: str, depth: int) -> list[str]:
    """Return the lines of one room: its folder, what it is for, its modules."""
    edge = " " * 4 * depth
    modules = sorted(
        path.stem for path in room.glob("*.py") if path.stem not in ("__init__", "__main__")
    )
    lines = [f"{edge}{room.name}/  {name}", f"{edge}  {purpose(room)}"]
    lines += [f"{edge}    {line}" for line in wrap("  ".join(modules), 96 - len(edge))]
    for folder in sorted(room.iterdir()):
        if (folder / "__init__.py").exists():
            lines += drawn(folder, f"{name}.{folder.name}", depth + 1)
    return lines


def architecture(page: str) -> str:
    lines = []
    for folder, name in PACKAGES.items():
        lines += [*drawn(ROOT / folder, name, 0), ""]
    lines += [f"{folder + '/':<13}{what}" for folder, what in BESIDE.items()]
    drawing = "".join(f"    {line}".rstrip() + "\n" for line in lines)
    return up_to(MARK, page) + "\n" + drawing


def airflow(page: str) -> str:
    """List what is served, and what to write instead of what is not."""
    table: dict[str, Any] = {}
    for room in ("names", "refusals"):
        table |= runpy.run_path(str(ROOT / "engine" / "airflow" / f"{room}.py"))
    lines = ["", "| module | names |", "| --- | --- |"]
    for module, names in sorted(table["SERVED"].items()):
        lines.append(f"| `{module}` | {', '.join(f'`{name}`' for name in sorted(names))} |")
    lines += ["", "| instead | not served |", "| --- | --- |"]
    for said, names in table["REASONS"].items():
        lines.append(f"| {said} | {', '.join(f'`{name}`' for name in sorted(names))} |")
    return up_to(NAMES_MARK, page) + "\n".join([*lines, ""])


def asyncapi(page: str) -> str:
    made = runpy.run_path(str(ROOT / "docs" / "asyncapi.py"))
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    return str(made["page"](page, version))


def compatibility(page: str) -> str:
    made = runpy.run_path(str(ROOT / "docs" / "compatibility.py"))
    return str(made["page"](up_to(SUITE_MARK, page)))


def up_to(mark: str, page: str) -> str:
    """Return the page up to its mark and with it; what is below is drawn anew."""
    before, found, _ = page.partition(mark)
    if not found:
        sys.exit(f"A page has lost its line {mark.strip()!r}: put it back.")
    return before + found


PAGES = {
    "docs/architecture.md": architecture,
    "docs/airflow.md": airflow,
    "docs/airflow-compatibility.md": compatibility,
    "docs/asyncapi.yaml": asyncapi,
}
"""Each generated page, and what makes its new text of its old one."""


def main(check: bool) -> int:
    stale = []
    for name, made in PAGES.items():
        path = ROOT / name
        old = path.read_text()
        new = made(old)
        if new != old:
            stale.append(name)
            if not check:
                path.write_text(new)
    for name in stale:
        print(f"{name} is out of date: run make generated" if check else f"wrote {name}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
