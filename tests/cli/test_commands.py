"""The commands as a user types them: results, help, and one clear message for a mistake."""

import json
import re

import pytest
from in_process import call

from bonecycle.cli import listing
from bonecycle.manifest import content_hash


def test_simulate_writes_tables_figures_and_a_manifest(tmp_path):
    answer = call(
        tmp_path, "simulate", "--drug", "denosumab", "--dose", "60mg", "--interval", "6 months",
        "--stop", "1year", "--points", "20", "--mechanism", "H1", "--set", "site_factor=0.8",
        "--out", "run",
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    names = {path.name for path in (tmp_path / "run").iterdir()}
    for figure in ("surfaces", "time_courses", "phases", "drug"):
        assert {f"{figure}.png", f"{figure}.svg"} <= names
    record = json.loads((tmp_path / "run" / "simulation.json").read_text(encoding="utf-8"))
    # Beside the twenty times stand both doses and the minutes to days that follow them.
    times = record["data"]["time_days"]
    assert len(record["data"]["ES_BS"]) == len(times) > 40
    assert {0.0, 1 / 1440, 182.625}.issubset(times)
    assert record["units"]["denosumab_serum"] == "mg/L"
    model = (tmp_path / "run" / "model.xml").read_text(encoding="utf-8")
    assert model.count("<event ") == 1
    assert record["attributes"]["dosing"] == "events"
    assert "site_factor=0.8" in record["attributes"]["parameters_changed"]
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))
    assert re.fullmatch("[0-9a-f]{64}", manifest["hashes"]["model"])
    assert manifest["hashes"]["model.xml"] == content_hash(model)
    assert "ES/BS" in answer.stdout


def test_pharmacokinetics_writes_the_report_its_tables_and_figures(tmp_path):
    answer = call(tmp_path, "pharmacokinetics", "--drug", "denosumab", "--out", "pk")
    assert answer.returncode == 0, answer.stderr
    names = {path.name for path in (tmp_path / "pk").iterdir()}
    tables = {"report.html", "pharmacokinetics.csv", "pharmacokinetics.json", "manifest.json"}
    assert tables | {"overview.png", "overview.svg", "denosumab.png", "denosumab.svg"} == names
    record = json.loads((tmp_path / "pk" / "pharmacokinetics.json").read_text(encoding="utf-8"))
    total = record["summary"]["all"]
    assert total["rows"] == len(record["rows"]) > 20
    assert f"Of {total['rows']} published numbers" in " ".join(answer.stdout.split())


def test_a_regimen_of_a_table_averaged_says_what_that_changes(tmp_path):
    (tmp_path / "own.csv").write_text(
        "regimen,drug,dose,route,interval,start,stop\n"
        "weekly,alendronate,70 mg,oral,1 week,,6 months\n"
        "switch,alendronate,70 mg,oral,1 week,,3 months\n"
        "switch,zoledronate,5 mg,iv,1 year,3 months,4 months\n",
        encoding="utf-8",
    )
    table = ["simulate", "--regimens", "own.csv", "--points", "5", "--out", "run"]
    answer = call(tmp_path, *table, "--regimen", "switch", "--dosing", "averaged")
    assert answer.returncode == 0, answer.stderr
    assert "Doses as their time average: alendronate." in answer.stdout
    record = json.loads((tmp_path / "run" / "simulation.json").read_text(encoding="utf-8"))
    assert 0 < record["averaging_differences"]["CTX"] < 0.1
    assert "zoledronate" in record["attributes"]["regimen"]
    for name, message in (("", "weekly or switch"), ("switched", "Did you mean 'switch'")):
        answer = call(tmp_path, *table, "--regimen", name)
        assert answer.returncode == 2
        assert message in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pharmacokinetics", "--drug", "denosumb"], "Did you mean 'denosumab'"),
        (["simulate", "--drug", "alendronat", "--dose", "70mg"], "Did you mean 'alendronate'"),
        (["simulate", "--drug", "alendronate", "--dose", "70mg"], "--interval, --stop"),
        (["simulate", "--dose", "70mg"], "without --drug"),
        (
            [
                *("simulate", "--drug", "alendronate", "--dose"),
                *("70mg oral every 1 day for 2 years; denosumab 60mg", "--route", "sc"),
                *("--interval", "week", "--stop", "1 year"),
            ],
            "is not a dose: write '70 mg'",
        ),
        (["simulate", "--regimen", "alendronate 70 oral every 1 week for 1 year"], "unit"),
        (["simulate", "--regimens", "none.csv"], "none.csv: No such file"),
        (["simulate", "--regimen", "zoledronate 5 mg oral at 0 days"], "use iv"),
        (["simulate", "--duration", "10"], "unit"),
        (["simulate", "--set", "arest_rate=1"], "Did you mean 'arrest_rate'"),
        (["simulate", "--set", "arrest_rate=-1"], "arrest_rate"),
        (["simulate", "--set", "arrest_rate"], "name=value"),
        (["simulate", "--model", "cylce"], "Did you mean 'cycle'"),
        (["fit", "--mechanism", "H8"], "Unknown mechanism"),
        (["fit", "--model", "coupled", "--mechanism", "H8"], "Unknown mechanism"),
        (["fit", "--model", "couple"], "--model coupled"),
        (["fit", "--encoding", "soft"], "Unknown encoding"),
        (["compare", "--mechanism", "H1", "--mechanism", "h1"], "2 or more different ones"),
        (["recovery", "--mechanism", "H1"], "2 or more different ones"),
        (["profile", "--mechanism", "H8"], "Unknown mechanism"),
        (["calibrate", "--mechanism", "H8"], "Unknown mechanism"),
        (["predict", "--regimen", "alendronat 70 mg oral at 0 days"], "Did you mean 'alendronate'"),
        (["predict", "--regimen", "untreated"], "How long?"),
        (["predict", "--regimen", "untreated", "--months", "3", "--output", "CTXX"], "'CTX'"),
        (["predict", "--regimen", "untreated", "--months", "3", "--duration", "1 year"], "one of"),
        (["predict", "--regimen", "untreated", "--months", "3", "--posterior", "a"], "folder: a."),
        (["population", "--mechanism", "H8"], "Unknown mechanism"),
        (["population", "--regimen", "untreated"], "name a treatment"),
        (["design", "--mechanism", "H1"], "two or more"),
        (["design", "--months", "0", "--quantity", "ESBS"], "above zero"),
        (["design", "--posterior", "a", "--mechanism", "H1", "--mechanism", "H2"], "leave out"),
    ],
)
def test_a_mistake_is_one_clear_message_and_leaves_nothing(tmp_path, arguments, message):
    answer = call(tmp_path, *arguments, "--out", "results")
    assert answer.returncode == 2
    assert message in answer.stderr
    assert "Traceback" not in answer.stderr
    assert list(tmp_path.iterdir()) == []


def test_all_faults_of_the_options_are_reported_at_once(tmp_path):
    options = ["--drug", "foo", "--dose", "70", "--interval", "0weeks", "--stop", "-1years"]
    answer = call(tmp_path, "simulate", *options)
    assert answer.returncode == 2
    for start in (
        *("--drug: Unknown drug 'foo'", "--dose: the dose '70' has no unit"),
        *("--interval: the interval must be above", "--stop: treatment must last longer"),
    ):
        assert start in answer.stderr


@pytest.mark.parametrize(
    ("regimen", "arguments", "message"),
    [
        ("zoledronate 5 mg iv at 3 years", [], "No dose is given before the end of the run."),
        ("zoledronate 5 mg iv at 0 days missing doses 1", [], "No dose is given before"),
        (
            "denosumab 60 mg sc every 6 months for 1 year",
            ["--dosing", "averaged"],
            "Nothing is averaged",
        ),
    ],
)
def test_what_does_not_happen_is_said(tmp_path, regimen, arguments, message):
    options = ["--regimen", regimen, "--duration", "1year", "--points", "3", "--out", "run"]
    answer = call(tmp_path, "simulate", *options, *arguments)
    assert answer.returncode == 0, answer.stderr
    assert message in " ".join(answer.stdout.split())
    drawn = any((tmp_path / "run").glob("drug.*"))
    assert drawn == (not message.startswith("No dose"))


def test_a_folder_that_cannot_be_made_is_one_clear_message(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    answer = call(tmp_path, "simulate", "--points", "3", "--out", "file/run")
    assert answer.returncode == 2
    assert "file/run" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_broken_table_is_refused_with_all_its_faults(tmp_path):
    header = (
        "study,doi,pmid,arm,regimen,role,site,time_months,variable,comparison,value,unit,"
        "reference,lower,upper,interval,n,source_place,note\n"
    )
    (tmp_path / "own.csv").write_text(
        header
        + "own,,,a,untreated,fitted,iliac,0,ES_BS,equal,-3,%,none,,,,,table 1,\n"
        + "own,,,a,untreated,fitted,iliac,0,MS_BSS,equal,3,%,none,,,,,table 1,\n",
        encoding="utf-8",
    )
    answer = call(tmp_path, "fit", "--data", "own.csv", "--out", "results")
    assert answer.returncode == 2
    assert "own.csv:2 [value]" in answer.stderr
    assert "own.csv:3 [variable]" in answer.stderr
    assert not (tmp_path / "results").exists()


ROW = "own,,,{arm},untreated,fitted,iliac,0,ES_BS,equal,{value},{unit},none,,,,,table 1,\n"


@pytest.mark.parametrize(
    ("rows", "places"),
    [
        (ROW.format(arm="a", value=120, unit="%"), ["own.csv:2 [value]"]),
        (ROW.format(arm="a", value=3, unit="%") * 2, ["own.csv:3"]),
        (ROW.format(arm="", value=3, unit="%"), ["own.csv:2 [arm]"]),
        (ROW.format(arm="a", value=3, unit="um"), ["own.csv:2 [unit]"]),
        (ROW.format(arm="a", value=3, unit="percentt"), ["own.csv:2 [unit]"]),
        (b"", ["own.csv"]),
        ("ES_BS \u00b5m".encode("latin-1"), ["own.csv", "UTF-8"]),
    ],
    ids=["above its range", "twice", "no arm", "another unit", "no unit", "empty", "not UTF-8"],
)
def test_every_kind_of_broken_table_is_refused_and_nothing_is_written(tmp_path, rows, places):
    header = (
        "study,doi,pmid,arm,regimen,role,site,time_months,variable,comparison,value,unit,"
        "reference,lower,upper,interval,n,source_place,note\n"
    )
    content = rows if isinstance(rows, bytes) else (header + rows).encode()
    (tmp_path / "own.csv").write_bytes(content)
    answer = call(tmp_path, "fit", "--data", "own.csv", "--out", "results")
    assert answer.returncode == 2
    assert "Traceback" not in answer.stderr
    for place in places:
        assert place in answer.stderr
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("kind", list(listing.Kind))
def test_lists_are_tables_and_json(tmp_path, kind):
    assert call(tmp_path, "list", kind.value).returncode == 0
    rows = json.loads(call(tmp_path, "list", kind.value, "--json").stdout)
    assert rows
    assert all(row.keys() == rows[0].keys() for row in rows)


def test_the_help_of_fit_shows_its_examples(tmp_path):
    answer = call(tmp_path, "fit", "--help")
    assert "bonecycle fit --mechanism H0 --mechanism H2+H3" in " ".join(answer.stdout.split())


def test_version_and_help(tmp_path):
    assert call(tmp_path, "--version").stdout.startswith("bonecycle 0.")
    assert "simulate" in call(tmp_path, "--help").stdout
