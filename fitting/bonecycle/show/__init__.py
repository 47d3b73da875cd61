"""Figures; every function returns a matplotlib figure, and `save` writes it.

The figures do not go through pyplot: nothing stays open, and a notebook shows them after
``%matplotlib inline``. Each is loaded when it is first used: the stub beside this file lists them.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
