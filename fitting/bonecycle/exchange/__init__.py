"""Models and problems that leave the package: SBML, SED-ML, COMBINE archives, PEtab."""
