"""Comparison of mechanisms: left-out trials, evidence and the verdict over choices."""
