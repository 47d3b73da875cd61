"""Checks of the inference on data with a known truth: calibration and recovery of mechanisms."""
