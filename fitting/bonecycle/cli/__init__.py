"""The command line: one thin file a command."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, ParamSpec

import typer

from bonecycle import __version__
from bonecycle.cli import (
    biopsy,
    calibrate,
    compare,
    data,
    design,
    export,
    export_petab,
    fit,
    listing,
    metastasis,
    pharmacokinetics,
    population,
    predict,
    profile,
    recovery,
    report,
    route,
    sample,
    sensitivity,
    simulate,
    trial,
)
from bonecycle.cli.interrupted import farewell
from bonecycle.errors import BonecycleError

P = ParamSpec("P")

app = typer.Typer(
    help="Models of the bone remodeling cycle under antiresorptive drugs, fitted to biopsies.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _guarded(command: Callable[P, None]) -> Callable[P, None]:
    """Turn a mistake into one clear message and exit code 2, Ctrl-C into 130."""

    @wraps(command)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except BrokenPipeError:
            raise  # `bonecycle list parameters | head` is no mistake
        except (BonecycleError, OSError) as error:
            print(f"bonecycle: {error}", file=sys.stderr)
            raise typer.Exit(2) from None
        except (KeyboardInterrupt, SystemError) as error:
            # Ctrl-C within compiled code arrives as the cause of a SystemError.
            if not isinstance(error.__cause__ or error, KeyboardInterrupt):
                raise
            out = kwargs.get("out")
            line = farewell(out if isinstance(out, Path) else None, sys.argv[1:])
            print(f"\nbonecycle: {line}", file=sys.stderr)
            raise typer.Exit(130) from None

    return guarded


app.command(name="simulate", epilog=simulate.EPILOG)(_guarded(simulate.simulate))
app.command(name="fit", epilog=fit.EPILOG)(_guarded(fit.fit))
app.command(name="sample", epilog=sample.EPILOG)(_guarded(sample.sample))
app.command(name="predict", epilog=predict.EPILOG)(_guarded(predict.predict))
app.command(name="population", epilog=population.EPILOG)(_guarded(population.population))
app.command(name="design", epilog=design.EPILOG)(_guarded(design.design))
app.command(name="compare", epilog=compare.EPILOG)(_guarded(compare.compare))
app.command(name="recovery", epilog=recovery.EPILOG)(_guarded(recovery.recovery))
app.command(name="calibrate", epilog=calibrate.EPILOG)(_guarded(calibrate.calibrate))
app.command(name="profile", epilog=profile.EPILOG)(_guarded(profile.profile))
app.command(name="biopsy", epilog=biopsy.EPILOG)(_guarded(biopsy.biopsy))
app.command(name="pharmacokinetics", epilog=pharmacokinetics.EPILOG)(
    _guarded(pharmacokinetics.pharmacokinetics)
)
app.command(name="trial", epilog=trial.EPILOG)(_guarded(trial.trial))
app.command(name="report", epilog=report.EPILOG)(_guarded(report.report))
app.command(name="list", epilog=listing.EPILOG)(_guarded(listing.show_list))


def _group(name: str, summary: str, **commands: tuple[Callable[..., None], str]) -> None:
    """Add commands of two words, each with the epilog of its help."""
    group = typer.Typer(help=summary, no_args_is_help=True, rich_markup_mode=None)
    for second, (command, epilog) in commands.items():
        group.command(name=second, epilog=epilog)(_guarded(command))
    app.add_typer(group, name=name)


_group(
    "data",
    "One's own table of biopsies: a template, and a check.",
    template=(data.template, data.TEMPLATE_EPILOG),
    check=(data.check, data.CHECK_EPILOG),
)
_group(
    "export",
    "Write models for other programs.",
    sbml=(export.sbml, export.SBML_EPILOG),
    omex=(export.omex, export.OMEX_EPILOG),
    petab=(export_petab.petab, export_petab.EPILOG),
)
_group(
    "sensitivity",
    "Which parameters an observable depends on.",
    local=(sensitivity.local, sensitivity.LOCAL_EPILOG),
    morris=(sensitivity.morris, sensitivity.MORRIS_EPILOG),
    sobol=(sensitivity.sobol, sensitivity.SOBOL_EPILOG),
)
_group(
    "route",
    "The route of osteoclasts: facts about cells, perturbations.",
    fit=(route.fit, route.FIT_EPILOG),
    perturbations=(route.perturbations, route.PERTURBATIONS_EPILOG),
)
_group(
    "metastasis",
    "Bone metastasis: the clodronate trials by mechanism, and regimens.",
    fit=(metastasis.fit, metastasis.FIT_EPILOG),
    regimens=(metastasis.regimens, metastasis.REGIMENS_EPILOG),
    cells=(metastasis.cells, metastasis.CELLS_EPILOG),
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"bonecycle {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Models of the bone remodeling cycle under antiresorptive drugs, fitted to biopsies."""


def main() -> None:
    """Run the command line."""
    app()
