"""Simulators behind one interface: a batch of parameter sets in, a batch of results out."""
