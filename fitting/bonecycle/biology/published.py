"""Models of others, shipped for comparison: read as a user's own model is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from bonecycle.biology.foreign import ForeignModel, read_model
from bonecycle.biology.tables import read_rows
from bonecycle.errors import unknown


@dataclass(frozen=True)
class Published:
    """A published model: its Antimony file, what it is, and where its numbers stand."""

    name: str
    meaning: str
    source: str
    place: str

    @property
    def file(self) -> Path:
        """Antimony file of the package."""
        return Path(str(files("bonecycle_models") / "published" / f"{self.name}.ant"))


@cache
def published_models() -> dict[str, Published]:
    """Published models by name."""
    rows = read_rows(files("bonecycle_models") / "published.csv")
    return {
        row["id"]: Published(row["id"], row["meaning"], row["source"], row["place"]) for row in rows
    }


def published_model(name: str) -> ForeignModel:
    """Read a published model.

    Raises
    ------
    UsageError
        For a name that published.csv lacks.
    """
    if name not in published_models():
        raise unknown("published model", name, published_models())
    return read_model(published_models()[name].file)
