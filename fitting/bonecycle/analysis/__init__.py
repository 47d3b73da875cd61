"""What the models predict: simulation."""
