"""PEtab problems of version 2 of other origin, held against the same problem in version 1."""

import math

import numpy as np
import pytest

from bonecycle.engines.choice import EngineName
from bonecycle.errors import UsageError
from bonecycle.problem import petab_files
from bonecycle.problem.problem import load_problem

# petab 0.8.2 uses what pandas has come to deprecate.
pytestmark = [
    pytest.mark.filterwarnings("ignore:The (inplace keyword|'float_precision')"),
    pytest.mark.usefixtures("petab_in_process"),
]

FILES = {
    "problem.yaml": "format_version: 2.0.0\nparameter_files: [parameters.tsv]\n"
    "model_files: {m: {location: model.xml, language: sbml}}\n"
    "condition_files: [conditions.tsv]\nexperiment_files: [experiments.tsv]\n"
    "measurement_files: [measurements.tsv]\nobservable_files: [observables.tsv]\n",
    "conditions.tsv": "conditionId\ttargetId\ttargetValue\nlow\tback\t0.05\nnone\tback\t0\n"
    "high\tstart\t1 + 4\n",
    # Two conditions at once; another sets less, and what it leaves is the model's own.
    "experiments.tsv": "experimentId\ttime\tconditionId\nfirst\t0\tlow\nfirst\t0\thigh\n"
    "second\t0\tnone\n",
    "observables.tsv": "observableId\tobservableFormula\tnoiseFormula\tnoiseDistribution\t"
    "noisePlaceholders\n"
    "share\tP / (S + P)\t0.1\tlog-normal\t\n"
    "left\tlog(1 + S)\tsd_of_left\tlog-normal\tsd_of_left\n",
    "measurements.tsv": "observableId\texperimentId\ttime\tmeasurement\tnoiseParameters\n"
    "share\tfirst\t5\t0.3\t\nleft\tfirst\t5\t1.3\t0.05\nleft\tsecond\t10\t1.2\t0.05\nleft\t\t10\t1.1\t0.04\n",
    "parameters.tsv": "parameterId\tlowerBound\tupperBound\tnominalValue\testimate\t"
    "priorDistribution\tpriorParameters\nk\t1e-4\t10\t0.1\ttrue\tlog-normal\t-2.3;1.2\n",
}


@pytest.fixture
def write(write_petab):
    # No kernel: it takes seconds to compile.
    return lambda **changes: write_petab(FILES, changes, EngineName.ROADRUNNER)


def test_predictions_and_terms_are_the_closed_form(write):
    problem = load_problem(write())
    k = 0.2
    found = problem.evaluate(np.log([[k]]))
    assert found.ok.all(), found.messages

    def share(back, t):
        return k / (k + back) * (1 - math.exp(-(k + back) * t))

    def left(start, back, t):
        return math.log(1 + start * (1 - share(back, t)))

    # Back to the model's own start in the second, and to all that is its own in the last.
    expected = [share(0.05, 5), left(5, 0.05, 5), left(4, 0, 10), left(4, 0.05, 10)]
    np.testing.assert_allclose(found.predictions[0], expected, rtol=2e-6)
    sds = np.array([0.1, 0.05, 0.05, 0.04])
    gaps = np.log(found.predictions[0]) - np.log([0.3, 1.3, 1.2, 1.1])
    terms = -0.5 * (gaps / sds) ** 2 - np.log(sds) - 0.5 * math.log(2 * math.pi)
    np.testing.assert_allclose(found.log_likelihood[0], terms, rtol=1e-12)
    assert problem.space.centers == pytest.approx([-2.3])
    assert problem.space.sds == pytest.approx([1.2])
    assert [target.arm for target in problem.targets] == [
        "first", "first", "second", "model as it is",
    ]  # fmt: skip


def test_conditions_and_experiments_may_be_left_out(write):
    spec = write(
        problem=("condition_files: [conditions.tsv]\nexperiment_files: [experiments.tsv]\n", ""),
        measurements=(
            FILES["measurements.tsv"],
            "observableId\texperimentId\ttime\tmeasurement\tnoiseParameters\n"
            "left\t\t10\t1.1\t0.04\n",
        ),
    )
    assert np.isfinite(load_problem(spec).evaluate(np.log([[0.1]])).log_posterior).all()


REFUSED = {
    "errors on the linear scale": {"observables": ("0.1\tlog-normal", "0.1\tnormal")},
    "noise laplace": {"observables": ("0.1\tlog-normal", "0.1\tlog-laplace")},
    "noise 0.1[*]S is not a number": {"observables": ("\t0.1\t", "\t0.1*S\t")},
    "prior log-laplace": {"parameters": ("log-normal\t", "log-laplace\t")},
    "no prior": {"parameters": ("log-normal\t-2.3;1.2", "\t")},
    "first: preequilibration": {"experiments": ("first\t0\tlow\n", "first\t-inf\tlow\n")},
    "first: 2 periods": {"experiments": ("first\t0\tlow\n", "first\t2\tlow\n")},
    "second: a start at 1": {"experiments": ("second\t0", "second\t1")},
    "time inf": {"measurements": ("first\t5\t0.3", "first\tinf\t0.3")},
    "not S": {"conditions": ("high\tstart", "high\tS")},
    "not a number in every": {"conditions": ("1 + 4", "1 + k")},
    "observableParameters": {
        "observables": (
            FILES["observables.tsv"],
            "observableId\tobservableFormula\tnoiseFormula\tnoiseDistribution\t"
            "noisePlaceholders\tobservablePlaceholders\n"
            "share\ty * P / (S + P)\t0.1\tlog-normal\t\ty\n"
            "left\tlog(1 + S)\tsd_of_left\tlog-normal\tsd_of_left\t\n",
        ),
        "measurements": (
            FILES["measurements.tsv"],
            "observableId\texperimentId\ttime\tmeasurement\tobservableParameters\t"
            "noiseParameters\nshare\tfirst\t5\t0.3\t2\t\nleft\tsecond\t5\t1.3\t\t0.05\n",
        ),
    },
    "no experiment lost": {"measurements": ("first\t5\t0.3", "lost\t5\t0.3")},
    "petab's checks report": {"experiments": ("second\t0\tnone", "second\t0\tlost")},
    "overlapping targets": {"conditions": ("high\tstart", "high\tback")},
    "positive": {"measurements": ("first\t5\t0.3", "first\t5\t-0.3")},
    "petab cannot read": {"parameters": ("\ttrue\t", "\tperhaps\t")},
    "mapping tables": {"problem": ("model_files", "mapping_files: [m.tsv]\nmodel_files")},
    "extension sde": {"problem": ("model_files", "extensions: {sde: {version: 1}}\nmodel_files")},
    "models in pysb": {"problem": ("language: sbml", "language: pysb")},
    "exactly one file is supported of sbml": {
        "problem": ("{m: {", "{n: {location: n.xml, language: sbml}, m: {")
    },
    "of measurement": {"problem": ("[measurements.tsv]", "[measurements.tsv, more.tsv]")},
    "PEtab 3.0": {"problem": ("2.0.0", "3.0")},
    "only files in the folder": {"problem": ("[conditions.tsv]", "[../conditions.tsv]")},
    "folder of the problem": {"problem": ("model.xml", "https://localhost/model.xml")},
    "missing beside it": {"problem": ("[experiments.tsv]", "[lost.tsv]")},
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_is_not_supported_is_refused_by_name(write, reason):
    spec = write(**REFUSED[reason])
    with pytest.raises(UsageError, match=reason):
        load_problem(spec)


@pytest.mark.slow
def test_petab_checks_in_a_process_of_its_own(write):
    assert load_problem(write()).space.names == ("k",)
    spec = write(measurements=("first\t5\t0.3", "lost\t5\t0.3"))
    load_problem.cache_clear()
    with pytest.raises(UsageError, match="no experiment lost"):
        load_problem(spec)


# The tower meets the limit of memory or of time, whichever comes first.
HOSTILE = {
    "10^10^10^10": r"break down|take more than 40 s",
    "(" * 5000 + "P" + ")" * 5000: "cannot read it",
}


@pytest.mark.slow
@pytest.mark.parametrize("formula", HOSTILE)
def test_a_hostile_formula_is_refused(write, formula, monkeypatch):
    monkeypatch.setattr(petab_files, "MAX_SECONDS", 40)
    spec = write(observables=("P / (S + P)", formula))
    with pytest.raises(UsageError, match=HOSTILE[formula]):
        load_problem(spec)


def test_an_extension_that_is_not_required_is_passed_over(write):
    extension = "extensions: {plots: {version: 1, required: false}}\nmodel_files"
    assert load_problem(write(problem=("model_files", extension))).space.names == ("k",)
