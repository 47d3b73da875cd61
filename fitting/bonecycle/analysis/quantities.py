"""What can be said of a simulated experiment, as pharmacokinetic papers say it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from bonecycle.engines.interface import Floats


@dataclass(frozen=True)
class Course:
    """One simulated experiment: times in days, amounts in mg, `plasma` in mg/L.

    The times hold zero, one day and the window of the measurement.
    """

    times: Floats
    window: tuple[float, ...]
    columns: Mapping[str, Floats]
    parameters: Mapping[str, float]

    def at(self, name: str, time: float) -> float:
        """Value of a column at one of the times."""
        place = int(np.searchsorted(self.times, time))
        assert place < len(self.times) and self.times[place] == time, f"{time:g} d is no time"
        return float(self.columns[name][place])

    def over(self, name: str) -> float:
        """Growth of a column over the window."""
        return self.at(name, self.window[1]) - self.at(name, self.window[0])

    @property
    def end(self) -> float:
        """Last time of the window."""
        return self.window[1]

    @property
    def dose(self) -> float:
        """All that was given until the end of the window, mg."""
        return self.at("given", self.end)

    @property
    def area(self) -> float:
        """Area under the plasma concentration over the window, mg d/L: urine per clearance."""
        return self.over("urine") / self.parameters["renal_clearance"]

    @property
    def loss_rate(self) -> float:
        """Slope of the log concentration over the window, per day."""
        inside = self.times >= self.window[0]
        slope = np.polyfit(self.times[inside], np.log(self.columns["plasma"][inside]), 1)[0]
        return -float(slope)


def _peak_time(course: Course) -> float:
    """Top of the parabola through the highest points: smooth in the parameters."""
    plasma = course.columns["plasma"]
    top = int(np.clip(np.argmax(plasma), 1, len(plasma) - 2))
    near = slice(top - 1, top + 2)
    bend, slope, _ = np.polyfit(course.times[near] - course.times[top], plasma[near], 2)
    return float(course.times[top] - slope / (2 * bend))


def _bone(course: Course) -> float:
    return sum(course.at(name, course.end) for name in ("surface", "osteoclasts", "buried"))


def _area_ratio(course: Course) -> float:
    """Area over the window to the area of the first day."""
    first_day = course.at("urine", 1.0) - course.at("urine", 0.0)
    return course.over("urine") / first_day


def _steady_volume(course: Course) -> float:
    """Clearance times mean residence, with an exponential tail beyond the window."""
    clearance = course.parameters["renal_clearance"]
    urine, end = course.columns["urine"], course.end
    moment = (end * float(urine[-1]) - float(np.trapezoid(urine, course.times))) / clearance
    last = course.at("plasma", end)
    late = course.times > end / 2
    rate = -float(np.polyfit(course.times[late], np.log(course.columns["plasma"][late]), 1)[0])
    area = course.area + last / rate
    moment += last * (end / rate + 1 / rate**2)
    return course.dose * moment / area**2


def _released_share(course: Course) -> float:
    """Drug that resorption returns to plasma, as a share of the drug absorbed, per day."""
    p = course.parameters
    released = course.at("osteoclasts", course.end) / p["bisphosphonate_osteoclast_time"]
    absorbed = p["bioavailability"] * course.dose / course.end
    return p["bisphosphonate_plasma_share"] * released / absorbed


# What the model can say of a simulated experiment: shares of the dose, mg, mg/L, L and days.
QUANTITIES: Mapping[str, Callable[[Course], float]] = {
    "urine_share": lambda course: course.over("urine") / course.dose,
    "urine_amount": lambda course: course.over("urine"),
    "kept_share": lambda course: 1 - course.over("urine") / course.dose,
    "bone_share": lambda course: _bone(course) / course.dose,
    "peak": lambda course: float(course.columns["plasma"].max()),
    "peak_time": _peak_time,
    "half_life": lambda course: math.log(2) / course.loss_rate,
    "auc": lambda course: course.area,
    "auc_ratio": _area_ratio,
    "total_clearance": lambda course: course.dose / course.area,
    "terminal_volume": lambda course: course.dose / course.area / course.loss_rate,
    "steady_volume": _steady_volume,
    "buried_half_life": lambda course: math.log(2) / course.at("volume_turnover", course.end),
    "released_share": _released_share,
}
