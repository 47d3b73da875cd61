"""Results that follow from their inputs alone, kept in the user's cache folder.

Every file begins with the checksum of what follows: one that was cut short or changed counts as
absent, and what it held is worked out again. Deleting the folder costs time and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from bonecycle.manifest import atomic_write, content_hash

_CHECKSUM = sha256().digest_size


def folder() -> Path:
    """Where files are kept, one folder a kind."""
    return Path(user_cache_path("bonecycle"))


@cache
def program(file: str) -> str:
    """Content hash of the Python files in the folder of a file: part of the keys of what they make.

    Parameters
    ----------
    file : str
        ``__file__`` of one of them.
    """
    sources = sorted(Path(file).parent.glob("*.py"))
    return content_hash(*(path.read_bytes() for path in sources))


def kept(kind: str, key: str, make: Callable[[], bytes]) -> bytes:
    """Return what `make` gives, from the file of an earlier time where there is one.

    Parameters
    ----------
    kind : str
        Name of the folder.
    key : str
        `bonecycle.manifest.content_hash` of everything that the result depends on, programs
        included.
    make : callable
        Works it out; what it raises is not kept.
    """
    path = folder() / kind / key
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        data = b""
    content = data[_CHECKSUM:]
    if data[:_CHECKSUM] != sha256(content).digest():
        content = make()
        atomic_write(path, sha256(content).digest() + content)
    return content


def kept_json(kind: str, key: str, make: Callable[[], Any]) -> Any:
    """Return a JSON value, see `kept`; as JSON gives it back, also the first time."""
    return json.loads(kept(kind, key, lambda: json.dumps(make()).encode()))
