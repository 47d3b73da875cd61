"""Graphs as LLVM assembly: straight-line functions over one simulation or a lane of several.

Text is emitted directly: building the same through llvmlite's IR objects takes seconds.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from bonecycle.engines.kernel.graph import Graph

# `contract` allows fused multiply-add. Nothing that assumes finite numbers: what is not finite
# has to arrive as such, since it marks a failed simulation.
_FLAGS = "contract"
_ARITHMETIC = {"add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv"}
_COMPARE = {"lt": "olt", "le": "ole"}
_LOGIC = {"and": "and", "or": "or"}
_CONDITIONS = frozenset((*_COMPARE, *_LOGIC, "not"))


@dataclass(frozen=True)
class Place:
    """Where a value lies: an element of an array argument of the function.

    With `shared`, its rows hold one number for all lanes.
    """

    argument: int
    element: int
    shared: bool = False


class Writer:
    """Instructions of one function.

    Parameters
    ----------
    name : str
    arguments : int
        Number of array arguments, addresses as 64-bit integers.
    width : int
        Numbers handled at once.
    """

    def __init__(self, name: str, arguments: int, width: int) -> None:
        self.width = width
        self.type = "double" if width == 1 else f"<{width} x double>"
        self.truth = "i1" if width == 1 else f"<{width} x i1>"
        self._count, self._block = 0, "entry"
        names = ", ".join(f"i64 %a{i}" for i in range(arguments))
        self._lines = [f"define void @{name}({names}) #0 {{", "entry:"]
        self._lines += [f"  %p{i} = inttoptr i64 %a{i} to ptr" for i in range(arguments)]

    def text(self) -> str:
        """Return the whole function."""
        return "\n".join([*self._lines, "  ret void", "}", ""])

    def emit(self, instruction: str) -> str:
        """Add an instruction and name its value."""
        self._count += 1
        self._lines.append(f"  %v{self._count} = {instruction}")
        return f"%v{self._count}"

    def number(self, value: float) -> str:
        """Return a constant."""
        text = _hexadecimal(value)
        if self.width == 1:
            return text
        return f"<{', '.join(f'double {text}' for _ in range(self.width))}>"

    def load(self, place: Place) -> str:
        """Read an element."""
        return self.load_at(self._address(place), shared=place.shared)

    def load_at(self, address: str, *, shared: bool) -> str:
        """Read what lies at an address; with `shared`, one number for all lanes."""
        if not shared or self.width == 1:
            return self.emit(f"load {self.type}, ptr {address}, align 8")
        single = self.emit(f"load double, ptr {address}, align 8")
        first = self.emit(f"insertelement {self.type} poison, double {single}, i32 0")
        return self.emit(
            f"shufflevector {self.type} {first}, {self.type} poison, "
            f"<{self.width} x i32> zeroinitializer"
        )

    def store(self, value: str, place: Place) -> None:
        """Write an element."""
        address = self._address(place)
        self._lines.append(f"  store {self.type} {value}, ptr {address}, align 8")

    def at(self, argument: int, index: str, later: int = 0, *, shared: bool = False) -> str:
        """Address of a row that is known only when the code runs, or of one some rows later."""
        row = 1 if shared else self.width
        index = self.emit(f"mul i64 {index}, {row}")
        first = self.emit(f"getelementptr double, ptr %p{argument}, i64 {index}")
        return self.emit(f"getelementptr double, ptr {first}, i64 {later * row}")

    def get(self, argument: int, index: str, later: int = 0, *, shared: bool = False) -> str:
        """Read such a row; with `shared`, one number for all lanes."""
        return self.load_at(self.at(argument, index, later, shared=shared), shared=shared)

    def put(self, value: str, argument: int, index: str) -> None:
        """Write such a row."""
        self._lines.append(f"  store {self.type} {value}, ptr {self.at(argument, index)}, align 8")

    def repeat(self, times: int, body: Callable[[str], None]) -> None:
        """Run a body that gets the number of the round, from zero."""
        if not times:
            return
        self._count += 1
        label = f"loop{self._count}"
        self._lines += [f"  br label %{label}", f"{label}:"]
        number = self.emit(f"phi i64 [ 0, %{self._block} ], [ %{label}_next, %{label}_end ]")
        body(number)
        self._lines += [
            f"  br label %{label}_end",
            f"{label}_end:",
            f"  %{label}_next = add i64 {number}, 1",
            f"  %{label}_more = icmp slt i64 %{label}_next, {times}",
            f"  br i1 %{label}_more, label %{label}, label %{label}_after",
            f"{label}_after:",
        ]
        self._block = f"{label}_after"

    def arithmetic(self, kind: str, first: str, second: str) -> str:
        """Add, subtract, multiply or divide."""
        return self.emit(f"{_ARITHMETIC[kind]} {_FLAGS} {self.type} {first}, {second}")

    def smaller(self, first: str, second: str) -> str:
        """Return the smaller of two, the second where the first is not a number."""
        less = self.emit(f"fcmp olt {self.type} {first}, {second}")
        return self.select(less, first, second)

    def call(self, function: str, value: str) -> str:
        """Call a function of one number, such as ``@llvm.fabs``."""
        return self.emit(f"call {self.type} {function}({self.type} {value})")

    def select(self, condition: str, yes: str, no: str) -> str:
        """Choose lane by lane."""
        return self.emit(f"select {self.truth} {condition}, {self.type} {yes}, {self.type} {no}")

    def nonzero(self, value: str) -> str:
        """Turn a number into a truth."""
        return self.emit(f"fcmp one {self.type} {value}, {self.number(0.0)}")

    def suffix(self) -> str:
        """Return the ending of intrinsics' names for this width."""
        return "f64" if self.width == 1 else f"v{self.width}f64"

    def _address(self, place: Place) -> str:
        element = place.element if place.shared else place.element * self.width
        return self.emit(f"getelementptr double, ptr %p{place.argument}, i64 {element}")


def function(
    name: str,
    graph: Graph,
    width: int,
    inputs: Mapping[int, Place],
    outputs: Iterable[tuple[int, Place]],
    arguments: int,
) -> str:
    """Write a function that works out nodes of a graph.

    Parameters
    ----------
    name : str
    graph : Graph
    width : int
    inputs : mapping of node to Place
        Values that are given; nothing behind them is worked out.
    outputs : iterable of (node, Place)
    arguments : int
        Number of array arguments.
    """
    writer = Writer(name, arguments, width)
    outputs = list(outputs)
    values: dict[int, str] = {}
    for node in graph.reached([node for node, _ in outputs], stop=inputs):
        if node in inputs:
            value = writer.load(inputs[node])
            values[node] = writer.nonzero(value) if graph.kind(node) in _CONDITIONS else value
        else:
            values[node] = _operation(writer, graph, node, values)
    for node, place in outputs:
        writer.store(_amount(writer, graph, node, values), place)
    return writer.text()


def _operation(writer: Writer, graph: Graph, node: int, values: Mapping[int, str]) -> str:
    kind = graph.kind(node)
    value = graph.value(node)
    if value is not None:
        return writer.number(value)
    operands = graph.operands(node)
    if kind in (*_LOGIC, "not"):
        conditions = [_condition(writer, graph, operand, values) for operand in operands]
        if kind == "not":
            true = writer.nonzero(writer.number(1.0))
            return writer.emit(f"xor {writer.truth} {conditions[0]}, {true}")
        return writer.emit(f"{_LOGIC[kind]} {writer.truth} {conditions[0]}, {conditions[1]}")
    if kind == "select":
        yes, no = (_amount(writer, graph, operand, values) for operand in operands[1:])
        return writer.select(_condition(writer, graph, operands[0], values), yes, no)
    given = [_amount(writer, graph, operand, values) for operand in operands]
    if kind in _ARITHMETIC:
        return writer.arithmetic(kind, *given)
    if kind == "neg":
        return writer.emit(f"fneg {writer.type} {given[0]}")
    if kind == "sqrt":
        return writer.call(f"@llvm.sqrt.{writer.suffix()}", given[0])
    if kind in ("exp", "log"):
        return writer.call(f"@{kind}_{writer.suffix()}", given[0])
    if kind in _COMPARE:
        return writer.emit(f"fcmp {_COMPARE[kind]} {writer.type} {given[0]}, {given[1]}")
    raise KeyError(f"{graph.name(node)!r} is given by no input")


def _condition(writer: Writer, graph: Graph, node: int, values: Mapping[int, str]) -> str:
    """Value of a node as a truth."""
    given = values[node]
    return given if graph.kind(node) in _CONDITIONS else writer.nonzero(given)


def _amount(writer: Writer, graph: Graph, node: int, values: Mapping[int, str]) -> str:
    """Value of a node as a number: one for a condition that is met."""
    given = values[node]
    if graph.kind(node) not in _CONDITIONS:
        return given
    return writer.select(given, writer.number(1.0), writer.number(0.0))


def _hexadecimal(value: float) -> str:
    """LLVM's exact form of a double."""
    return f"0x{struct.unpack('>Q', struct.pack('>d', value))[0]:016X}"
