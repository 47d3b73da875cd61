"""A simulator generated from SBML: lanes of an L-stable one-step method, exact sensitivities."""
