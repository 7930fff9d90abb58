"""Gives command line tests a shell on a fresh cluster, in a terminal of 80 columns."""

import pytest

from cli.shell import Shell


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Shell:
    for name in ("STANCHION_URL", "STANCHION_TOKEN_FILE", "STANCHION_CONFIG", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TZ", "UTC")
    return Shell()
