"""Exported files that several tests share."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from bonecycle.exchange.levels import Level
from bonecycle.exchange.sbml_export import export_sbml

Export = Callable[..., str]


@pytest.fixture(scope="session")
def exported() -> Export:
    """SBML of a regimen in a level, written once."""

    @cache
    def export(regimen: str = "untreated", level: Level = Level.L3V2) -> str:
        return export_sbml(regimen, level=level).sbml

    return export
