"""What the models are made of: modules, observables, treatment regimens."""
