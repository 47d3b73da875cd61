"""Posterior files: what they hold, their tables and what the data taught."""
