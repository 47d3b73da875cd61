"""Models of the bone remodeling cycle, their simulation and their fit to data.

The names listed in the stub beside this file are loaded when they are first used, so that
importing the package is quick. Figures are in `bonecycle.show`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__all__ += ["__version__"]

__version__ = "0.1.0"
