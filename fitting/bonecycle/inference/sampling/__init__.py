"""Sampling of the posterior: ensembles of walkers, their moves and their convergence."""
