"""Provider packages beside Penstock: found, read, tried out and installed without Airflow."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from penstock.airflow import finder, installing
from penstock.airflow.installing import InstallError, install
from penstock.airflow.trial import reason, try_installed
from penstock.authoring import provided
from penstock.authoring.hooks import hook_classes
from penstock.cli.providers import command
from penstock.errors import UsageError

INFO = {
    "package-name": "apache-airflow-providers-acme",
    "connection-types": [
        {"connection-type": "acme", "hook-class-name": "airflow.providers.acme.hooks.acme.AcmeHook"}
    ],
    "dialects": [{"dialect-type": "acmesql", "dialect-class-name": "airflow.providers.acme.Sql"}],
    "task-decorators": [{"name": "acme", "class-name": "airflow.providers.acme.acme_task"}],
    "config": {"acme": {"options": {"depth": {"default": "7"}}}},
}
FILES = {
    "get_provider_info.py": f"def get_provider_info():\n    return {INFO!r}\n",
    "__init__.py": "__version__ = '1.2'\ndef acme_task(function):\n    return 'acme', function\n",
    "hooks/__init__.py": "",
    "hooks/acme.py": "from airflow.sdk import DAG\nprint('noise')\n",
    "hooks/library.py": "try:\n    import nolibrary\nexcept ImportError:\n    import airflow.no\n",
    "operators/later.py": "from airflow.models import DagBag\nclass Mine(DagBag): ...\n",
    "operators/strict.py": "from airflow.utils.module_loading import import_string\n",
    "operators/z_ends.py": "import os\nos._exit(3)\n",
    "triggers/zz_after.py": "raise SystemExit(0)\n",
    "utils/not_tried.py": "raise ValueError\n",
}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A site folder with the provider `acme`, as pip would leave it."""
    home = tmp_path / "airflow" / "providers" / "acme"
    for name, text in FILES.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    meta = tmp_path / "apache_airflow_providers_acme-1.2.dist-info"
    meta.mkdir()
    (meta / "METADATA").write_text("Name: apache-airflow-providers-acme\nVersion: 1.2\n")
    (meta / "RECORD").write_text("".join(f"airflow/providers/acme/{name},,\n" for name in FILES))
    point = "airflow.providers.acme.get_provider_info:get_provider_info"
    (meta / "entry_points.txt").write_text(f"[apache_airflow_provider]\nprovider_info = {point}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    provided.installed.cache_clear()
    hook_classes.cache_clear()
    finder.install()
    yield tmp_path
    finder.uninstall()
    provided.installed.cache_clear()
    hook_classes.cache_clear()


def asked(path: str) -> Any:
    module, _, name = path.rpartition(".")
    found: dict[str, Any] = {}
    exec(f"from {module} import {name} as it", found)
    return found["it"]


def test_the_manager_tells_of_providers_without_importing_them(site: Path) -> None:
    for path in (
        "airflow.providers_manager.ProvidersManager",
        "airflow.sdk.providers_manager_runtime.ProvidersManagerTaskRuntime",
    ):
        manager = asked(path)()
        package = INFO["package-name"]
        assert manager.providers[package].version == "1.2"
        assert manager.hooks["acme"].package_name == package
        assert manager.hooks["acme"].hook_class_name.endswith("AcmeHook")
        assert manager.dialects["acmesql"]._asdict()["provider_name"] == package
        assert manager.taskflow_decorators == {"acme": "airflow.providers.acme.acme_task"}
        assert manager.hooks.get("other") is None
    assert hook_classes() == {"acme": "airflow.providers.acme.hooks.acme.AcmeHook"}
    assert "airflow.providers.acme.hooks.acme" not in sys.modules


def test_the_kinds_of_task_of_a_provider_are_there(site: Path) -> None:
    task = asked("airflow.sdk.task")
    assert task.acme(len) == ("acme", len)
    with pytest.raises(Exception, match="penstock providers install docker"):
        task.docker  # noqa: B018
    with pytest.raises(AttributeError, match="no kind 'nonsense'"):
        task.nonsense  # noqa: B018


def test_a_setting_of_a_provider_has_the_default_that_it_says(site: Path) -> None:
    conf = asked("airflow.configuration.conf")
    assert conf.getint("acme", "depth") == 7
    assert conf.getint("acme", "depth", fallback=8) == 8


def test_a_provider_that_cannot_be_read_is_left_out_with_its_reason(site: Path) -> None:
    info = site / "airflow" / "providers" / "acme" / "get_provider_info.py"
    info.write_text("raise RuntimeError('broken')\n")
    assert INFO["package-name"] not in provided.installed()
    assert "broken" in provided.unreadable["apache-airflow-providers-acme"]


def test_each_module_is_tried_and_says_why_it_fails(site: Path) -> None:
    (found,) = try_installed(("acme",))
    assert (found.package, found.version) == ("apache-airflow-providers-acme", "1.2")
    told = {
        module.module.removeprefix("airflow.providers.acme."): module for module in found.modules
    }
    assert told["hooks.acme"].why == ""
    assert told["hooks.library"].why == "nolibrary is not installed"
    assert told["hooks.library"].missing == "nolibrary"
    assert "does not serve the name 'DagBag'" in told["operators.later"].why
    assert "'airflow.utils.module_loading'" in told["operators.strict"].why
    assert told["operators.z_ends"].why == "its import ended the process (exit code 3)"
    assert told["triggers.zz_after"].why == "SystemExit: 0"
    assert "utils.not_tried" not in told
    assert len(found.failed) == 5


def test_the_command_tells_it_and_exits_by_it(site: Path) -> None:
    done = CliRunner().invoke(command, ["check", "acme"])
    assert done.exit_code == 1
    assert "apache-airflow-providers-acme  1.2      6        1" in done.output
    assert "1 of its modules: nolibrary is not installed" in done.output
    told = json.loads(CliRunner().invoke(command, ["check", "acme", "--json"]).stdout)
    assert told["ok"] is False
    assert told["providers"][0]["modules"][0]["module"] == "airflow.providers.acme.hooks.acme"
    with pytest.raises(UsageError, match="penstock providers install other"):
        list(try_installed(("acme", "other")))


def test_a_reason_looks_behind_the_last_error() -> None:
    cause = ModuleNotFoundError("No module named 'x.y'", name="x.y")
    error = ImportError("Could not import 'A' from any of: (...)")
    error.__cause__ = cause
    assert reason(error) == {"why": "x.y is not installed", "missing": "x"}
    error.__cause__ = ModuleNotFoundError("Penstock does not serve ...", name="airflow.no")
    assert reason(error)["why"] == f"ImportError: {error} <- Penstock does not serve ..."


# ---------------------------------------------------------------- installing


class Pip:
    """Stands for pip: notes what it is asked for, and puts metadata of `index` into a folder."""

    def __init__(self, folder: Path, index: dict[str, list[str]]) -> None:
        self.folder, self.index, self.asked = folder, index, list[list[str]]()

    def __call__(self, command: Sequence[str]) -> int:
        arguments = list(command[command.index("install") + 1 :])
        self.asked.append([one for one in arguments if one != "--disable-pip-version-check"])
        for one in self.asked[-1]:
            name = re.split("[^a-z-]", one)[0]
            if name in self.index:
                meta = self.folder / f"{name.replace('-', '_')}-9.0.dist-info"
                meta.mkdir(exist_ok=True)
                needs = "".join(f"Requires-Dist: {need}\n" for need in self.index[name])
                (meta / "METADATA").write_text(f"Name: {name}\nVersion: 9.0\n{needs}")
            elif name == "nowhere":
                return 1
        return 0


@pytest.fixture
def pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pip:
    pytest.importorskip("packaging")
    monkeypatch.syspath_prepend(str(tmp_path))
    index = {
        "apache-airflow-providers-acme": [
            "apache-airflow>=2.11.0",
            "apache-airflow-providers-common-sql>=1.0",
            "acmelib[fast]>=2; python_version >= '3.8'",
            "oldlib; python_version < '3'",
            "extralib>=1; extra == 'more'",
            "click>=1",
        ],
        "apache-airflow-providers-common-sql": ["apache-airflow-providers-acme", "sqlthing"],
    }
    return Pip(tmp_path, index)


def test_a_provider_comes_without_airflow_and_with_the_rest(pip: Pip) -> None:
    found = install(["acme"], pip)
    assert pip.asked == [
        ["--no-deps", "apache-airflow-providers-acme"],
        ["--no-deps", "apache-airflow-providers-common-sql>=1.0"],
        ["acmelib[fast]>=2", "deprecated", "sqlthing"],
    ]
    assert found.providers == {
        "apache-airflow-providers-acme": "9.0",
        "apache-airflow-providers-common-sql": "9.0",
    }
    assert found.libraries == ("acmelib[fast]>=2", "deprecated", "sqlthing")


def test_versions_extras_and_whole_names_are_understood(pip: Pip) -> None:
    install(["apache-airflow-providers-acme[more]==9.0"], pip)
    assert pip.asked[0] == ["--no-deps", "apache-airflow-providers-acme[more]==9.0"]
    assert "extralib>=1" in pip.asked[-1]


def test_what_cannot_be_installed_is_a_sentence(pip: Pip) -> None:
    with pytest.raises(UsageError, match="no name of a provider"):
        install(["no name!"], pip)
    with pytest.raises(InstallError, match="not there after its installation"):
        install(["absent"], pip)


def test_a_library_that_cannot_be_installed_stops_no_other(pip: Pip) -> None:
    pip.index["apache-airflow-providers-acme"].append("nowhere")
    found = install(["acme"], pip)
    assert found.failed == ("nowhere",)
    assert found.libraries == ("acmelib[fast]>=2", "deprecated", "sqlthing")
    assert pip.asked[-2:] == [["nowhere"], ["sqlthing"]]


def test_without_pip_and_uv_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installing.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(installing.shutil, "which", lambda name: "/bin/uv")
    assert installing._installer()[:3] == ["/bin/uv", "pip", "install"]
    monkeypatch.setattr(installing.shutil, "which", lambda name: None)
    with pytest.raises(InstallError, match="ensurepip"):
        installing._installer()


def test_the_command_line_knows_it() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "penstock.cli", "providers", "--help"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "install" in done.stdout
    assert "check" in done.stdout
