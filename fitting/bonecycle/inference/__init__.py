"""Fits of a problem: least squares now, samplers on the same terms later."""
