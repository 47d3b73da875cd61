"""Write the released SBML files anew from the Antimony sources (`make released`)."""

from pathlib import Path

from bonecycle.exchange.released import compiled_models
from bonecycle.manifest import atomic_write

FOLDER = Path(__file__).resolve().parent.parent / "models" / "bonecycle_models" / "released"


def main() -> None:
    """Replace every file; remove what is no longer released."""
    models = compiled_models()
    for name, text in models.items():
        atomic_write(FOLDER / name, text)
    for path in FOLDER.glob("*.xml"):
        if path.name not in models:
            path.unlink()
    print(f"{len(models)} files in {FOLDER}")


if __name__ == "__main__":
    main()
