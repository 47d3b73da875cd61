"""Model, studies and priors become a problem: `evaluate` a batch of parameter sets."""
