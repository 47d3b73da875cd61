"""Speed of bonecycle's engine beside other simulators at the same error."""
