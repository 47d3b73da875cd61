"""SED-ML L1V3: time courses of several models, one plot an observable, one table a model.

This module runs in a process of its own (`python -m bonecycle.exchange.sedml`, a request as JSON
in, SED-ML out): once libsedml (2.0.34) is loaded beside libsbml, formulas of libsbml no longer say
of what type they are, and whatever reads a model afterwards goes wrong without an error.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import libsedml

from bonecycle.biology import catalogue
from bonecycle.biology.amounts import DAYS_PER_MONTH
from bonecycle.errors import ModelError

_TIME = "time"
_PARAMETERS = "/sbml:sbml/sbml:model/sbml:listOfParameters"
_CVODE = "KISAO:0000019"
# KiSAO: relative and absolute tolerance, most steps, first step (days). The first step is ours: a
# first dose makes an empty pool rise, and CVODE's own would be below the spacing of time.
_SETTINGS = {
    "KISAO:0000209": "1e-9",
    "KISAO:0000211": "1e-14",
    "KISAO:0000415": "1000000",
    "KISAO:0000559": "1e-9",
}


@dataclass(frozen=True)
class Course:
    """One model file of an archive and what its curve is called."""

    id: str
    file: str
    label: str
    level: int
    version: int


def courses_to_sedml(
    courses: Sequence[Course], observables: Sequence[str], days: float, steps: int
) -> str:
    """Write the simulation of every course, a plot for each observable and a report a course.

    Parameters
    ----------
    courses : sequence of Course
    observables : sequence of str
        Plotted, and in the reports.
    days : float
        Length of every simulation.
    steps : int
        Equal steps of the output.

    Raises
    ------
    ModelError
        When libsedml reports anything on the result.
    """
    document = libsedml.SedDocument(1, 3)
    _simulation(document, days, steps)
    for course in courses:
        model = document.createModel()
        model.setId(course.id)
        model.setName(course.label)
        model.setSource(course.file)
        model.setLanguage(f"urn:sedml:language:sbml.level-{course.level}.version-{course.version}")
        task = document.createTask()
        task.setId(f"task_{course.id}")
        task.setModelReference(course.id)
        task.setSimulationReference("time_course")
        for name in (_TIME, *observables):
            _generator(document, course, name)
    for name in observables:
        _plot(document, courses, name)
    for course in courses:
        _report(document, course, observables)
    text = str(libsedml.writeSedMLToString(document))
    if faults := check(text):
        raise ModelError("SED-ML", "libsedml reports\n" + "\n".join(faults))
    return text


def check(text: str) -> list[str]:
    """All that libsedml reports on a text; empty when clean."""
    log = libsedml.readSedMLFromString(text).getErrorLog()
    return [log.getError(i).getMessage().strip() for i in range(log.getNumErrors())]


def _simulation(document: libsedml.SedDocument, days: float, steps: int) -> None:
    simulation = document.createUniformTimeCourse()
    simulation.setId("time_course")
    simulation.setInitialTime(0.0)
    simulation.setOutputStartTime(0.0)
    simulation.setOutputEndTime(days)
    simulation.setNumberOfPoints(steps)
    algorithm = simulation.createAlgorithm()
    algorithm.setKisaoID(_CVODE)
    for kisao, value in _SETTINGS.items():
        parameter = algorithm.createAlgorithmParameter()
        parameter.setKisaoID(kisao)
        parameter.setValue(value)


def _generator(document: libsedml.SedDocument, course: Course, name: str) -> None:
    generator = document.createDataGenerator()
    generator.setId(f"{course.id}_{name}")
    generator.setName(_heading(name))
    variable = generator.createVariable()
    variable.setId(f"{course.id}_{name}_value")
    variable.setTaskReference(f"task_{course.id}")
    formula = variable.getId()
    if name == _TIME:
        variable.setSymbol("urn:sedml:symbol:time")
        formula += f" / {DAYS_PER_MONTH}"
    else:
        variable.setTarget(f"{_PARAMETERS}/sbml:parameter[@id='{name}']")
    generator.setMath(libsedml.parseFormula(formula))


def _heading(name: str) -> str:
    models = map(catalogue.observables_of, catalogue.models())
    observable = next((own[name] for own in models if name in own), None)
    return f"{observable.symbol} ({observable.unit})" if observable else "Time (months)"


def _plot(document: libsedml.SedDocument, courses: Sequence[Course], name: str) -> None:
    plot = document.createPlot2D()
    plot.setId(f"plot_{name}")
    plot.setName(_heading(name))
    for course in courses:
        curve = plot.createCurve()
        curve.setId(f"curve_{course.id}_{name}")
        curve.setName(course.label)
        curve.setLogX(False)
        curve.setLogY(False)
        curve.setXDataReference(f"{course.id}_{_TIME}")
        curve.setYDataReference(f"{course.id}_{name}")


def _report(document: libsedml.SedDocument, course: Course, observables: Sequence[str]) -> None:
    report = document.createReport()
    report.setId(f"report_{course.id}")
    report.setName(course.label)
    for name in (_TIME, *observables):
        data = report.createDataSet()
        data.setId(f"data_{course.id}_{name}")
        data.setLabel("months" if name == _TIME else name)
        data.setDataReference(f"{course.id}_{name}")


def main() -> None:
    """Read a request from standard input, write SED-ML to standard output."""
    request = json.load(sys.stdin)
    courses = [Course(**course) for course in request.pop("courses")]
    sys.stdout.write(courses_to_sedml(courses, **request))


if __name__ == "__main__":
    main()
