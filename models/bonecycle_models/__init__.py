"""Antimony modules of bonecycle and their tables: parameters, observables, units. No code."""
