"""PEtab problems of other origin: read as far as they are of our kind, else refused by name."""

import math

import numpy as np
import pytest

from bonecycle.errors import ModelError, UsageError
from bonecycle.problem.petab_problem import petab_spec
from bonecycle.problem.problem import load_problem

# petab 0.8.2 uses what pandas has come to deprecate.
pytestmark = [
    pytest.mark.filterwarnings("ignore:The (inplace keyword|'float_precision')"),
    pytest.mark.usefixtures("petab_in_process"),
]

FILES = {
    "problem.yaml": "format_version: 1\nparameter_file: parameters.tsv\nproblems:\n"
    "- sbml_files: [model.xml]\n  condition_files: [conditions.tsv]\n"
    "  measurement_files: [measurements.tsv]\n  observable_files: [observables.tsv]\n",
    "conditions.tsv": "conditionId\tback\nlow\t0.05\nnone\t0\n",
    "observables.tsv": "observableId\tobservableFormula\tobservableTransformation\tnoiseFormula\t"
    "noiseDistribution\n"
    "share\tP / (S + P)\tlog\t0.1\tnormal\n"
    "left\tlog(1 + S)\tlog10\tnoiseParameter1_left\tnormal\n",
    "measurements.tsv": "observableId\tsimulationConditionId\ttime\tmeasurement\tnoiseParameters\n"
    "share\tlow\t5\t0.3\t\nshare\tnone\t5\t0.4\t\nleft\tlow\t10\t1.2\t0.05\n",
    "parameters.tsv": "parameterId\tparameterScale\tlowerBound\tupperBound\tnominalValue\t"
    "estimate\t"
    "objectivePriorType\tobjectivePriorParameters\n"
    "k\tlog10\t1e-4\t10\t0.1\t1\tparameterScaleNormal\t-1;0.5\n"
    "start\tlin\t1\t10\t4\t0\t\t\n",
}


@pytest.fixture
def write(write_petab):
    return lambda **changes: write_petab(FILES, changes)


def test_predictions_and_terms_are_the_closed_form(write):
    problem = load_problem(write())
    k = 0.2
    found = problem.evaluate(np.log([[k]]))

    def share(back, t):
        return k / (k + back) * (1 - math.exp(-(k + back) * t))

    expected = [share(0.05, 5), share(0, 5), math.log(1 + 4 * (1 - share(0.05, 10)))]
    np.testing.assert_allclose(found.predictions[0], expected, rtol=2e-6)
    sds = np.array([0.1, 0.1, 0.05 * math.log(10)])
    gaps = np.log(expected) - np.log([0.3, 0.4, 1.2])
    terms = -0.5 * (gaps / sds) ** 2 - np.log(sds) - 0.5 * math.log(2 * math.pi)
    np.testing.assert_allclose(found.log_likelihood[0], terms, rtol=1e-5)
    assert problem.space.centers == pytest.approx([math.log(0.1)])
    assert problem.space.sds == pytest.approx([0.5 * math.log(10)])


REFUSED = {
    "errors on the linear scale": {"observables": ("\tlog\t", "\tlin\t")},
    "noise laplace": {"observables": ("0.1\tnormal", "0.1\tlaplace")},
    "noise 0.1 [*] S is not a number": {"observables": ("\t0.1\t", "\t0.1 * S\t")},
    "prior uniform": {"parameters": ("parameterScaleNormal\t-1;0.5", "uniform\t0.1;1")},
    "no prior": {"parameters": ("parameterScaleNormal\t-1;0.5", "\t")},
    "on the scale lin": {"parameters": ("k\tlog10", "k\tlin")},
    "preequilibration": {
        "measurements": (
            FILES["measurements.tsv"],
            "observableId\tsimulationConditionId\tpreequilibrationConditionId\ttime\tmeasurement\n"
            "share\tlow\tnone\t5\t0.3\n",
        ),
        "observables": ("noiseParameter1_left", "0.1"),
    },
    "time inf": {"measurements": ("\t5\t0.3", "\tinf\t0.3")},
    "must be positive": {"measurements": ("\t5\t0.3", "\t5\t-0.3")},
    "not S": {"conditions": ("\tback", "\tS")},
    "exactly one problem": {"problem": ("problems:\n", "problems: []\nother:\n")},
    "PEtab 3.0.0": {"problem": ("format_version: 1", "format_version: 3.0.0")},
    "aliases": {"problem": ("parameter_file: parameters.tsv", "a: &a [1]\nb: [*a, *a]")},
    "no YAML": {"problem": ("problems:", "problems: [")},
    "missing beside it": {"problem": ("conditions.tsv", "lost.tsv")},
    "only files in the folder": {"problem": ("conditions.tsv", "../conditions.tsv")},
    "folder of the problem": {"problem": ("model.xml", "https://localhost/model.xml")},
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_is_not_supported_is_refused_by_name(write, reason):
    spec = write(**REFUSED[reason])
    with pytest.raises(UsageError, match=reason):
        load_problem(spec)


def test_faults_are_told_at_once(write):
    spec = write(
        observables=("\tlog\t", "\tlin\t"), parameters=("parameterScaleNormal\t-1;0.5", "\t")
    )
    with pytest.raises(UsageError) as refused:
        load_problem(spec)
    assert "observable share" in str(refused.value)
    assert "parameter k" in str(refused.value)


def test_a_hostile_model_is_refused_before_petab_reads_it(write):
    spec = write(model=("<sbml", '<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]><sbml'))
    with pytest.raises(ModelError, match="document type"):
        load_problem(spec)


def test_a_missing_problem_is_named(tmp_path):
    with pytest.raises(UsageError, match="no file"):
        petab_spec(tmp_path / "problem.yaml")
