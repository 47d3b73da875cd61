"""Models of the bone remodeling cycle, their simulation and their fit to data."""

__version__ = "0.1.0"
