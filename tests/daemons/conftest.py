"""Every test of this folder runs real programs and is marked so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.daemons.postgres import server

__all__ = ["server"]  # a fixture for every test of this folder
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.daemons)
