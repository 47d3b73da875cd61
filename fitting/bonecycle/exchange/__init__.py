"""Models that leave the package: SBML, SED-ML and COMBINE archives."""
