"""Import a model into AMICI and compile it: a process of its own, which can be ended.

python -m benchmarks.competitors.amici_build NAME FOLDER < [SBML, parameters, outputs] as JSON
"""

import json
import logging
import sys

import amici

# AMICI 1.0.1 fails where a model is imported before this (AMICI-dev/AMICI pull request 3200).
import amici.sim.sundials
import libsbml
from amici.importers.sbml import SbmlImporter


def _build(name: str, folder: str, sbml: str, parameters: list[str], outputs: list[str]) -> None:
    # Constants that are not varied: no derivatives by them are compiled.
    document = libsbml.readSBMLFromString(sbml)
    fixed = [
        p.getId()
        for p in document.getModel().getListOfParameters()
        if p.getConstant() and p.getId() not in parameters
    ]
    SbmlImporter(sbml, from_file=False).sbml2amici(
        name,
        folder,
        fixed_parameters=fixed,
        observation_model=[
            amici.MeasurementChannel(f"y_{output}", formula=output, sigma=1.0) for output in outputs
        ],
        verbose=logging.ERROR,
        # Simplifying the shared parts of this model takes longer than anything else.
        simplify=None,
        compute_conservation_laws=False,
        generate_sensitivity_code=bool(parameters),
    )


if __name__ == "__main__":
    _build(sys.argv[1], sys.argv[2], *json.load(sys.stdin))
