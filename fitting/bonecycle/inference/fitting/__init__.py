"""Least squares: the fit, its uncertainty from curvature and profiles, and its tables."""
