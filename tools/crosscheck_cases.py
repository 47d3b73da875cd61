"""What the simulators are compared on: regimens over ten years, models, tolerances."""

from __future__ import annotations

from dataclasses import dataclass

from bonecycle.analysis.simulation import dosed_model
from bonecycle.exchange.sbml_export import export_sbml

# Ten years. A prime number of steps, so that no output falls on a dose: there simulators differ in
# what they show, the amount before the dose or after it.
DAYS, STEPS = 3652.5, 397
RELATIVE = 1e-10
ABSOLUTE_SHARE = 1e-4  # absolute tolerance as a share of the relative one
# Agreement asked for, relative to max(|x|, 1e-6 of the range of x).
ASKED, FLOOR = 1e-6, 1e-6


@dataclass(frozen=True)
class Case:
    """A regimen, over ten years where no days are given, with mechanisms turned on."""

    regimen: str
    mechanisms: tuple[str, ...] = ()
    relative: float = RELATIVE
    model: str = "cycle"
    days: float = DAYS

    @property
    def name(self) -> str:
        """Regimen and mechanisms in words, and what differs from most: model, days, tolerance."""
        model = "" if self.model == "cycle" else f"{self.model}: "
        own = [] if self.days == DAYS else [f"{self.days:g} days"]
        own += [] if self.relative == RELATIVE else [f"tolerance {self.relative:g}"]
        return ", ".join([f"{model}{self.regimen}", *self.mechanisms, *own])

    def exported(self) -> str:
        """SBML file as any user gets it."""
        return export_sbml(self.regimen, model=self.model, mechanisms=self.mechanisms).sbml

    def composed(self) -> str:
        """SBML that the engine gets."""
        return dosed_model(self.regimen, model=self.model, mechanisms=self.mechanisms)


# Doses in use of every drug, what studies gave, one of each kind of schedule. Daily doses take
# minutes each and stand last.
CASES = (
    Case("untreated"),
    Case("untreated", ("H1", "H2", "H3", "H4", "H5")),
    Case("alendronate 70 mg oral every 1 week for 10 years"),
    Case("alendronate 70 mg oral every 1 week for 10 years", ("H1", "H2", "H3", "H4", "H5")),
    Case("zoledronate 5 mg iv every 12 months for 10 years"),
    Case("zoledronate 5 mg iv over 15 minutes every 12 months for 10 years"),
    Case("zoledronate 5 mg iv over 15 minutes at 0 and 18 months"),
    Case("denosumab 60 mg sc every 6 months for 10 years"),
    Case("denosumab 60 mg sc every 6 months for 10 years missing doses 3, 7-9"),
    Case("risedronate 35 mg oral every 1 week for 10 years"),
    Case("ibandronate 150 mg oral every 1 month for 10 years"),
    Case("ibandronate 3 mg iv every 3 months for 10 years"),
    Case("pamidronate 90 mg iv over 2 hours every 1 month for 10 years"),
    Case(
        "denosumab 60 mg sc every 6 months for 2 years; "
        "zoledronate 5 mg iv over 15 minutes every 12 months from 2 years for 3 years",
        # One output falls where the logarithm of bone volume, which starts at zero, comes back to
        # it (-1e-5 of a range of 0.06): at 1e-10 libroadrunner itself is 1.7e-6 off there.
        relative=1e-12,
    ),
    Case("untreated", model="route"),
    # Cells in a dish die out: ten years would compare nothing with nothing.
    Case("untreated", model="culture", days=28.0),
    Case("untreated", model="coupled"),
    Case("alendronate 70 mg oral every 1 week for 10 years", model="coupled"),
    Case("zoledronate 5 mg iv every 12 months for 10 years", model="coupled"),
    Case("untreated", model="metastasis"),
    Case("zoledronate 4 mg iv over 15 minutes every 1 month for 10 years", model="metastasis"),
    Case(
        "alendronate 5 mg oral every 1 day for 730 days; "
        "alendronate 10 mg oral every 1 day from 730 days for 1095 days"
    ),
    Case("alendronate 10 mg oral every 1 day for 10 years"),
    Case("clodronate 1600 mg oral every 1 day for 10 years"),
)
