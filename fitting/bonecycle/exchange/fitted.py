"""Parameter values of a finished fit, read from its result folder."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

from bonecycle.biology.tables import Scale
from bonecycle.errors import UsageError, unknown
from bonecycle.problem.space import parse_mechanism


def fitted_values(folder: Path, mechanisms: Sequence[str]) -> dict[str, float]:
    """Values of the best point by name, in the parameters' units.

    Parameters
    ----------
    folder : Path
        Result folder of `bonecycle fit`.
    mechanisms : sequence of str
        What was fitted together, such as H1 and H2; none is H0.

    Raises
    ------
    UsageError
        For a folder without a fit, or without one of these mechanisms.
    """
    path = folder / "fit.json"
    wanted = "+".join(parse_mechanism("+".join(mechanisms) or "H0"))
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        fits = {fit["mechanism"]: fit for fit in record["fits"]}
        if wanted not in fits:
            raise unknown(f"fit in {folder}:", wanted, fits)
        fit = fits[wanted]
        best = min(fit["starts"], key=lambda start: float(start["cost"]))
        rows = zip(fit["parameters"], fit["scales"], best["theta"], strict=True)
        return {str(name): _natural(Scale(scale), float(theta)) for name, scale, theta in rows}
    except FileNotFoundError:
        raise UsageError(f"{path} does not exist: name the folder of `bonecycle fit`.") from None
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is no record of a fit ({error}): fit again.") from error


def _natural(scale: Scale, theta: float) -> float:
    return math.exp(theta) if scale is Scale.LOG else 1 / (1 + math.exp(-theta))
