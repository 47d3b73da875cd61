"""Log-likelihood of a PEtab problem by pyPESTO with libroadrunner; no test, run by one.

Arguments: problem.yaml, and a JSON list of points on the scales of the parameter table.
"""

import json
import sys
from pathlib import Path

import numpy as np
import petab.v1
from pypesto.objective.roadrunner import SolverOptions
from pypesto.petab import PetabImporter

problem = petab.v1.Problem.from_yaml(sys.argv[1])
importer = PetabImporter(problem, simulator_type="roadrunner")
objective = importer.create_objective_creator(simulator_type="roadrunner").create_objective()
objective.solver_options = SolverOptions(
    relative_tolerance=1e-10,
    absolute_tolerance=1e-14,
    initial_time_step=1e-9,
    maximum_num_steps=200_000,
)
points = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
values = [-float(objective(np.array([point[i] for i in problem.x_ids]))) for point in points]
print(json.dumps(values))
