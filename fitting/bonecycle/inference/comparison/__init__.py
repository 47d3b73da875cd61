"""Comparison of mechanisms: left-out studies, evidence and the verdict over choices."""
