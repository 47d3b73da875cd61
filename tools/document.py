"""Write the pages of the documentation that follow from model, tables and code.

``python -m tools.document docs/generated``; the build of the documentation does it by itself.
"""

from __future__ import annotations

import os
import re
import sys
from collections import defaultdict
from pathlib import Path

from typer.testing import CliRunner

import bonecycle
from bonecycle import show
from bonecycle.biology import catalogue
from bonecycle.biology.compose import compose
from bonecycle.cli import app
from bonecycle.manifest import atomic_write
from tools.equations import equations_page

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
# Pages that stand for files of the repository.
PAGES = {ROOT / "data/bonecycle_data/README.md": DOCS / "generated/data.md"}
_LINK = re.compile(r"(!?)\[([^\]]+)\]\((?!https?:)([^)#]+)\)")


def main(folder: Path) -> None:
    """Write all generated pages into a folder."""
    schema = ROOT / "data/bonecycle_data/README.md"
    pages = {
        # The front door is included from docs/index.md.
        "readme": as_page((ROOT / "README.md").read_text(encoding="utf-8"), ROOT, DOCS),
        "data": as_page(schema.read_text(encoding="utf-8"), schema.parent, DOCS / "generated"),
        "equations": equations_page(compose("cycle", ("alendronate", "denosumab"))),
        "parameters": parameters_page(),
        "observables": observables_table(),
        "commands": commands_page(),
        "functions": functions_page(),
    }
    for name, text in pages.items():
        atomic_write(folder / f"{name}.md", text)
    show.save(show.plot_phase_map(compose("cycle")), folder / "phases.svg")


def as_page(markdown: str, home: Path, folder: Path) -> str:
    """A file of the repository as a page.

    Links to files in docs lead there, links to other files to the page that stands for them;
    where there is none, the link becomes text.

    Parameters
    ----------
    markdown : str
    home : Path
        Folder of the file, from which its links go out.
    folder : Path
        Folder of the page, or of the page that includes it.
    """

    def linked(match: re.Match[str]) -> str:
        opening, text, target = match.groups()
        file = (home / target).resolve()
        page = PAGES.get(file, file)
        if page.is_relative_to(DOCS):
            return f"{opening}[{text}]({os.path.relpath(page, folder)})"
        return f"{text} (`{os.path.relpath(file, ROOT)}`)"

    return _LINK.sub(linked, markdown)


def parameters_page() -> str:
    """Every parameter with value, prior and source."""
    own = compose("cycle", ("alendronate", "denosumab")).parameters
    table = catalogue.parameters().values()
    groups = {
        "The cycle and its mechanisms": tuple(p for p in table if p.id in own),
        "The route of the osteoclast": tuple(p for p in table if p.id not in own),
    }
    groups |= {name.capitalize(): drug.parameters for name, drug in catalogue.drugs().items()}
    lines = [
        "# Parameters",
        "",
        "The one table of the model and the tables of the drugs. The value is the centre of the "
        "prior; the SD is that of the logarithm (log) or the logit (logit). *Assumed* means that "
        "no source has been seen.",
    ]
    for group, parameters in groups.items():
        lines += ["", f"## {group}", "", "| parameter | value | prior | status | source |"]
        lines += ["|---|---|---|---|---|"]
        for p in parameters:
            prior = f"{p.scale}, SD {p.prior_sd:g}" if p.prior_sd is not None else "fixed"
            freed = "; fitted" if p.fitted else ""
            unit = "" if p.unit == "1" else f" {p.unit}"
            source = p.source if p.source != "none" else ""
            cells = (
                f"`{p.id}`<br>{p.name}",
                f"{p.value:g}{unit}",
                f"{prior}{freed}" + (f" ({p.mechanism})" if p.mechanism else ""),
                p.status,
                source,
            )
            lines.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def observables_table() -> str:
    """Symbols, code names, units and meanings of the observables."""
    lines = ["| symbol | code name | unit | meaning |", "|---|---|---|---|"]
    lines += [
        f"| {o.symbol} | `{o.id}` | {o.unit} | {o.meaning} |"
        for o in dict.fromkeys(
            o for model in catalogue.models() for o in catalogue.observables_of(model).values()
        )
    ]
    return "\n".join(lines) + "\n"


def commands_page() -> str:
    """The help of every command."""
    lines = ["# Commands", "", "What `--help` prints, with examples.", ""]
    for words in _commands():
        answer = CliRunner().invoke(app, [*words, "--help"], prog_name="bonecycle")
        lines += [f"## {' '.join(words)}", "", "```text", answer.output.rstrip(), "```", ""]
    return "\n".join(lines)


def _commands() -> list[list[str]]:
    own = [[command.name or ""] for command in app.registered_commands]
    for group in app.registered_groups:
        inner = group.typer_instance.registered_commands if group.typer_instance else []
        own += [[group.name or "", command.name or ""] for command in inner]
    return sorted(own)


def functions_page() -> str:
    """Public functions and classes, by the room they live in."""
    rooms: dict[str, list[str]] = defaultdict(list)
    for name in bonecycle.__all__:
        if name != "__version__":
            rooms[getattr(bonecycle, name).__module__.split(".")[1]].append(name)
    lines = ["# Functions", "", "Everything that `import bonecycle` offers, by room.", ""]
    for room in sorted(rooms):
        lines += [f"## {room}", "", "```{eval-rst}"]
        lines += [_directive("bonecycle", name) for name in sorted(rooms[room])]
        lines += ["```", ""]
    lines += ["## show", "", "`from bonecycle import show`", "", "```{eval-rst}"]
    lines += [_directive("bonecycle.show", name) for name in show.__all__]
    return "\n".join([*lines, "```", ""])


def _directive(module: str, name: str) -> str:
    found = getattr(sys.modules[module], name)
    if isinstance(found, type):
        return f".. autoclass:: {module}.{name}\n   :members:\n"
    return f".. autofunction:: {module}.{name}\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
