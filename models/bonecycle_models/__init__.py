"""Antimony sources, parameter and observable tables, and released SBML of bonecycle. No code."""
