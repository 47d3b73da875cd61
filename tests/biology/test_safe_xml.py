"""Hostile files are refused at once, with one message, before libsbml sees them."""

import socket
import time

import pytest

from bonecycle.biology import safe_antimony
from bonecycle.biology.foreign import read_model
from bonecycle.biology.safe_xml import MAX_BYTES, MAX_DEPTH, MAX_ELEMENTS, check_xml
from bonecycle.errors import ModelError, UsageError

GOOD = """<?xml version="1.0" encoding="UTF-8"?>
<sbml xmlns="http://www.sbml.org/sbml/level3/version2/core" level="3" version="2">
<model id="synthetic" timeUnits="second"><listOfParameters>
<parameter id="k" value="1" constant="true"/></listOfParameters></model></sbml>
"""
LAUGHS = "".join(
    f'<!ENTITY l{i} "{("&l" + str(i - 1) + ";") * 10 if i else "ha"}">' for i in range(12)
)
HOSTILE = {
    "entity expansion": f"<!DOCTYPE sbml [{LAUGHS}]><sbml>&l11;</sbml>",
    "local file": '<!DOCTYPE sbml [<!ENTITY x SYSTEM "file:///etc/passwd">]><sbml>&x;</sbml>',
    "network": '<!DOCTYPE sbml SYSTEM "http://localhost:9/x.dtd"><sbml/>',
    "parameter entity": '<!DOCTYPE s [<!ENTITY % p SYSTEM "http://localhost:9/"> %p;]><sbml/>',
    "truncated": GOOD[:200],
    "another root": "<html><body/></html>",
    "no XML": "PK\x03\x04 this is an archive",
    "empty": "",
    "nested deep": "<sbml>" + "<a>" * (MAX_DEPTH + 10) + "</a>" * (MAX_DEPTH + 10) + "</sbml>",
    "many elements": "<sbml>" + "<a/>" * (MAX_ELEMENTS + 1) + "</sbml>",
    "unknown encoding": '<?xml version="1.0" encoding="nonsense"?><sbml/>',
    "no model": GOOD[: GOOD.index("<model")] + "</sbml>",
    "null bytes": GOOD.replace("synthetic", "syn\x00thetic"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files_are_refused_within_seconds_and_without_network(tmp_path, monkeypatch, kind):
    def no_network(*args, **kwargs):
        pytest.fail("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    path = tmp_path / "hostile.xml"
    path.write_text(HOSTILE[kind], encoding="utf-8")
    begin = time.process_time()
    with pytest.raises(ModelError, match=r"hostile\.xml") as refused:
        read_model(path)
    assert time.process_time() - begin < 3
    assert "root:" not in str(refused.value)
    assert len(str(refused.value)) < 1000


def test_a_file_above_the_limit_is_not_read(tmp_path):
    path = tmp_path / "large.xml"
    with path.open("wb") as handle:
        handle.truncate(MAX_BYTES + 1)
    with pytest.raises(ModelError, match="20 MB"):
        read_model(path)


def test_a_good_file_passes_in_other_encodings():
    check_xml("good.xml", GOOD.encode(), "sbml")
    check_xml("good.xml", GOOD.replace("UTF-8", "UTF-16").encode("utf-16"), "sbml")


def test_missing_files_and_other_kinds_are_named(tmp_path):
    with pytest.raises(ModelError, match="no file"):
        read_model(tmp_path / "lost.xml")
    (tmp_path / "model.pdf").write_text("x")
    with pytest.raises(UsageError, match=r"\.xml, \.sbml, \.ant"):
        read_model(tmp_path / "model.pdf")


def test_sbml_in_another_encoding_is_told_to_be_converted(tmp_path):
    path = tmp_path / "other.xml"
    named = GOOD.replace('id="synthetic"', 'id="synthetic" name="na\u00efve"')
    for encoding in ("utf-16", "iso-8859-1"):
        path.write_bytes(named.replace("UTF-8", encoding).encode(encoding))
        with pytest.raises(ModelError, match=r"other\.xml: SBML must be UTF-8: convert it"):
            read_model(path)
    path.write_bytes(GOOD.replace("UTF-8", "UTF-16").encode("utf-16-be"))
    with pytest.raises(ModelError, match="SBML must be UTF-8: convert it"):
        read_model(path)
    path.write_text(named, encoding="utf-8")
    assert "na\u00efve" in read_model(path).sbml


# Where Antimony sees a statement and a reader may not: in what # begins, and after a bare CR.
@pytest.mark.parametrize(
    "line",
    [
        'import "other.ant"',
        'k is "a name"; import "other.ant"',
        '/* " */ import "/etc/passwd"',
        '# /* \rimport "other.ant" \r# */',
        '// c\rimport "other.ant"',
        "// no import here",
    ],
)
def test_antimony_that_reads_other_files_is_refused(tmp_path, line):
    (tmp_path / "other.ant").write_text("model other() k = 1; end")
    path = tmp_path / "synthetic.ant"
    path.write_text(f"// important\n{line}\nmodel m()\n k = 1;\nend\n", newline="")
    with pytest.raises(ModelError, match=r"synthetic\.ant:2: the word import"):
        read_model(path)


def test_antimony_whose_modules_multiply_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(safe_antimony, "MAX_SECONDS", 2)
    modules = ["model m0() S = 1; S' = -S; end"]
    for i in range(1, 9):
        inner = " ".join(f"a{j}: m{i - 1}();" for j in range(10))
        modules.append(f"model m{i}() {inner} end")
    path = tmp_path / "grows.ant"
    path.write_text("\n".join(modules))
    begin = time.monotonic()
    with pytest.raises(ModelError, match=r"grows\.ant: .*too large"):
        read_model(path)
    assert time.monotonic() - begin < 10


def test_a_fault_in_antimony_is_told(tmp_path):
    path = tmp_path / "synthetic.ant"
    path.write_text("model m() k = = 3; end")
    with pytest.raises(ModelError, match=r"synthetic\.ant: .*line 1"):
        read_model(path)
