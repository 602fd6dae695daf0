"""Each test begins with nothing masked in this process."""

from __future__ import annotations

import pytest

from penstock.authoring import masking


@pytest.fixture(autouse=True)
def nothing_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masking, "_masker", masking.Masker())
    monkeypatch.setattr(masking, "_lasting", {})
