"""Antimony from strangers: no other file is read, and time and memory are limited.

Modules may contain each other many times over, so that a short text can grow without limit: it is
translated in a process of its own.
"""

from __future__ import annotations

import re
import subprocess
import sys

from bonecycle.biology.safe_xml import MAX_BYTES
from bonecycle.errors import ModelError

MAX_SECONDS = 10
MAX_MEMORY = 2_000_000_000
# Anywhere, in comments and strings too: what is one for Antimony is not safely told apart here.
_IMPORT = re.compile(r"(?<![a-z_])import(?!\w)", re.ASCII | re.IGNORECASE)
_TRANSLATE = f"""
import sys
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, ({MAX_MEMORY}, {MAX_MEMORY}))
except ImportError:
    pass  # Windows has no such limit
import antimony
if antimony.loadAntimonyString(sys.stdin.buffer.read().decode()) < 0:
    sys.exit(str(antimony.getLastError()).strip()[:2000])
sys.stdout.buffer.write(antimony.getSBMLString(antimony.getMainModuleName()).encode())
"""


def antimony_to_sbml(name: str, content: bytes) -> bytes:
    """Translate the last model of an Antimony text.

    Parameters
    ----------
    name : str
        Name of the file, for messages.
    content : bytes
        UTF-8.

    Raises
    ------
    ModelError
        For a text with the word ``import``, that Antimony does not take, or that grows beyond the
        limits.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ModelError(name, f"byte {error.start} is not UTF-8") from error
    if found := _IMPORT.search(text):
        line = text.count("\n", 0, found.start()) + 1
        reason = "the word import, even in a comment: remove it, and put all in one file"
        raise ModelError(name, reason, line)
    try:
        answer = subprocess.run(
            [sys.executable, "-c", _TRANSLATE],
            input=content,
            capture_output=True,
            timeout=MAX_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        reason = f"takes more than {MAX_SECONDS} s to translate: too large"
        raise ModelError(name, reason) from error
    if answer.returncode:
        said = answer.stderr.decode("utf-8", "replace").strip().splitlines()
        short = (
            answer.returncode < 0 or not said or "Traceback" in said[0] or "MemoryError" in said[-1]
        )
        raise ModelError(name, "too large, or not Antimony" if short else " ".join(said))
    if len(answer.stdout) > MAX_BYTES:
        raise ModelError(name, f"is more than {MAX_BYTES // 1_000_000} MB as SBML: too large")
    return answer.stdout
