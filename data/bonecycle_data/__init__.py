"""The published studies, drug tables and error model of bonecycle; no code."""
