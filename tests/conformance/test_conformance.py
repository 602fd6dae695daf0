"""Every file of `dags/` on one daemon: it ends as Airflow 3.3.2 ends it, or is known to differ."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance import penstock_side
from tests.conformance.differences import KNOWN
from tests.conformance.expectations import FOLDER, Subject, differences, subjects

SUBJECTS = subjects()


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("conformance")
    return penstock_side.observe(folder, FOLDER, SUBJECTS)


@pytest.mark.timeout(300)  # the first one runs all files
@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_a_file_ends_as_in_airflow(subject: Subject, observed: dict[str, Any]) -> None:
    found = differences(subject, observed[subject.name])
    if subject.name in KNOWN:
        assert found, f"{subject.name} agrees now: take it off the list in differences.py"
    else:
        assert not found, f"{subject.about}\n" + "\n".join(found)


def test_the_list_of_differences_names_files_and_reasons() -> None:
    assert KNOWN.keys() <= {subject.name for subject in SUBJECTS}
    assert all(reason for reason in KNOWN.values())


def test_every_subject_is_said_in_a_sentence() -> None:
    assert all(subject.about.endswith(".") for subject in SUBJECTS)
    assert len({subject.about for subject in SUBJECTS}) == len(SUBJECTS) >= 60
