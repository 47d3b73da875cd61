"""Models of the bone remodeling cycle, their simulation and their fit to data.

The names below are loaded when they are first used, so that importing the package is quick.
Figures are in `bonecycle.show`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bonecycle.analysis.simulation import relative, simulate
    from bonecycle.biology.compose import Model, compose
    from bonecycle.biology.regimens import Regimen, parse_regimen
    from bonecycle.errors import BonecycleError

__version__ = "0.1.0"

__all__ = [
    "BonecycleError",
    "Model",
    "Regimen",
    "__version__",
    "compose",
    "parse_regimen",
    "relative",
    "simulate",
]

_HOMES = {
    "BonecycleError": "errors",
    "Model": "biology.compose",
    "Regimen": "biology.regimens",
    "compose": "biology.compose",
    "parse_regimen": "biology.regimens",
    "relative": "analysis.simulation",
    "simulate": "analysis.simulation",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
