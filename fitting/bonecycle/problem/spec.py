"""What makes a problem, in plain values."""

from __future__ import annotations

from dataclasses import dataclass

from bonecycle.biology.dosing import Dosing
from bonecycle.engines.choice import EngineName
from bonecycle.studies.error_model import DEFAULT_ENCODING


@dataclass(frozen=True)
class ProblemSpec:
    """What makes a problem, in plain values that travel to worker processes.

    Attributes
    ----------
    mechanism : str
        ``H0`` to ``H5``, or a combination such as ``H1+H3``; with a model of one's own, any name
        for it.
    encoding : str
        How "not strongly decreased" is read; a name of encodings.csv.
    data : tuple of str
        Paths of study tables; empty for the studies that are shipped.
    error_scale : float
        Factor on the standard deviations of the error model; 1 for those that were committed.
    dosing : Dosing
        How doses reach the model. Frequent doses one by one make a fit many times slower, so their
        time average is the default; `inference.fitting.summary.dosing_table` says what that
        changes. A model of one's own is given every dose.
    engine : EngineName
        What simulates.
    model : str
        Path of a model of one's own (SBML or Antimony) or of a PEtab problem (.yaml); ``route`` for
        the facts about cells, whose mechanism is a rule of fusion; ``coupled`` for the cycle driven
        by the route; ``metastasis`` for the clodronate trials, whose mechanism is ``indirect``,
        ``direct`` or ``both``; empty for the cycle.
    map : str
        Path of the table that maps a model of one's own, see `model_map`; empty otherwise.
    prior_scale : float
        Factor on the prior SDs of the mechanism's strengths; 1 for those of the tables.
    """

    mechanism: str = "H0"
    encoding: str = DEFAULT_ENCODING
    data: tuple[str, ...] = ()
    error_scale: float = 1.0
    dosing: Dosing = Dosing.AVERAGED
    engine: EngineName = EngineName.KERNEL
    model: str = ""
    map: str = ""
    prior_scale: float = 1.0
