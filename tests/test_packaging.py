"""The frame: what is installed is what the folders hold; what the README says is what CI runs."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from penstock.cli.app import VERBS

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FOLDERS = {"engine": "penstock", "events": "penstock.events", "steps": "penstock.steps"}


def packages_in_folders() -> set[str]:
    found = set()
    for folder, name in FOLDERS.items():
        for init in (ROOT / folder).rglob("__init__.py"):
            found.add(".".join([name, *init.parent.relative_to(ROOT / folder).parts]))
    return found


def test_every_folder_of_code_is_packaged() -> None:
    assert sorted(PROJECT["tool"]["setuptools"]["packages"]) == sorted(packages_in_folders())


def test_no_code_lies_in_a_folder_that_is_no_package() -> None:
    lost = {
        path.parent.relative_to(ROOT).as_posix()
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        if not (path.parent / "__init__.py").exists()
    }
    assert lost == set()


def test_every_file_that_is_no_code_is_packaged() -> None:
    data = PROJECT["tool"]["setuptools"]["package-data"]
    packaged = {
        path
        for name, patterns in data.items()
        for folder, package in FOLDERS.items()
        if name == package or name.startswith(package + ".")
        for pattern in patterns
        for path in (ROOT / folder / Path(*name[len(package) :].split("."))).glob(pattern)
    }
    lying = {
        path
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    }
    assert {path.relative_to(ROOT).as_posix() for path in lying - packaged} == set()


def test_the_installed_version_is_the_project_s() -> None:
    assert metadata.version("penstock") == PROJECT["project"]["version"]
    assert f"## {PROJECT['project']['version']}" in (ROOT / "CHANGELOG.md").read_text()


def test_nothing_but_penstock_lands_in_site_packages() -> None:
    names = metadata.packages_distributions()
    assert [name for name, owners in names.items() if "penstock" in owners] == ["penstock"]


def test_help_is_there() -> None:
    command = [str(Path(sysconfig.get_path("scripts")) / "penstock"), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "run" in done.stdout


def test_the_promise_stands_in_the_readme_word_for_word() -> None:
    promise = (
        "each outcome counts once; your code runs at least once; code marked `exclusive` never "
        "runs in two places at a time."
    )
    assert promise in " ".join((ROOT / "README.md").read_text().split())


def test_the_readme_s_dag_runs_as_it_stands_there(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text()
    file = tmp_path / "hello.py"
    file.write_text(readme.split("```python\n# hello.py\n")[1].split("```")[0])
    command = [str(Path(sysconfig.get_path("scripts")) / "penstock"), "run", "-v", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "total 26" in done.stderr


def test_every_verb_of_the_readme_is_a_verb() -> None:
    told = set(re.findall(r"^penstock (\w+)", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert told
    assert told <= set(VERBS)


def test_the_wheel_has_what_the_code_reads_and_nothing_of_the_tests(tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".*", "build", "*.egg-info"))
    build = "import sys, setuptools.build_meta as b; print(b.build_wheel(sys.argv[1]))"
    command = [sys.executable, "-c", build, str(tmp_path)]
    subprocess.run(command, cwd=source, capture_output=True, timeout=100, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "penstock/py.typed" in names
    for suffix in ("sql/one_run.sql", "migrations/0001_projection.sql"):
        assert f"penstock/store/{suffix}" in names
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"penstock"}
    parts = {part for name in names for part in name.split("/")}
    assert [part for part in parts if part.startswith(("test_", "tests", "conftest"))] == []


def test_ci_runs_the_readme_s_test_command() -> None:
    readme = (ROOT / "README.md").read_text()
    (command,) = [line for line in readme.splitlines() if line.endswith("-m pytest")]
    assert f"({command}) | tee" in (ROOT / ".ci" / "run").read_text()


DOCS = sorted(path.name for path in (ROOT / "docs").glob("*.md"))


@pytest.mark.parametrize("page", ["README.md", "CHANGELOG.md", *(f"docs/{name}" for name in DOCS)])
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text()
    targets = [part.split(")")[0] for part in text.split("](")[1:]]
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (ROOT / page).parent.joinpath(target).exists()] == []
