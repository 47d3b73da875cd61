"""How a file says where the untreated model rests."""

from __future__ import annotations

from enum import StrEnum

import libsbml

from bonecycle.biology.expansion import endless
from bonecycle.engines.initial_values import InitialValues
from bonecycle.exchange.portable import portable


class Baseline(StrEnum):
    """What stands where a value follows from the parameters at the start."""

    FORMULAS = "formulas"
    """The closed form: the rest follows a parameter that is changed in another program."""
    NUMBERS = "numbers"
    """The values of the parameters that the file is written with."""


def with_baseline(sbml: str, asked: Baseline) -> tuple[str, Baseline]:
    """Return a composed model as other simulators can load it, and what it says the rest in.

    Some simulators write out all formulas, without limit. The rest of the osteoclasts by size,
    written out, has more operations than they can hold: such a model gets numbers in any case.

    Raises
    ------
    ModelError
        When libsbml's full check of the result reports anything.
    """
    found = portable(sbml)
    if asked is Baseline.FORMULAS and not endless(libsbml.readSBMLFromString(found).getModel()):
        return found, Baseline.FORMULAS
    return portable(InitialValues(sbml).plain_sbml), Baseline.NUMBERS
