"""Exponential and logarithm in LLVM assembly, for one number or a lane of several.

No vector mathematics library can be counted on, and calls number by number would take most of
the time. Argument reduction with a power of two, then a polynomial; both are within two units
in the last place. The logarithm follows K. C. Ng's reduction (FreeBSD msun, e_log.c).
"""

from __future__ import annotations

import math
import struct

from bonecycle.engines.kernel.emit import Writer

_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
_LOG_COEFFICIENTS = (
    6.666666666666735130e-01,
    3.999999999940941908e-01,
    2.857142874366239149e-01,
    2.222219843214978396e-01,
    1.818357216161805012e-01,
    1.531383769920937332e-01,
    1.479819860511658591e-01,
)
_EXP_DEGREE = 13
_MANTISSA_BITS = 52
# Adding 1.5 * 2**52 leaves the integer in the low bits of the double.
_SHIFTER = 1.5 * 2.0**_MANTISSA_BITS


class _Function(Writer):
    """A function of one value that returns one."""

    def __init__(self, name: str, width: int) -> None:
        super().__init__(name, 0, width)
        self.integers = "i64" if width == 1 else f"<{width} x i64>"
        self._lines = [f"define internal {self.type} @{name}_{self.suffix()}({self.type} %x) #0 {{"]

    def finish(self, value: str) -> str:
        """Return the whole function."""
        return "\n".join([*self._lines, f"  ret {self.type} {value}", "}", ""])

    def integer(self, value: int) -> str:
        """Return an integer constant."""
        if self.width == 1:
            return str(value)
        return f"<{', '.join(f'i64 {value}' for _ in range(self.width))}>"

    def bits(self, value: str) -> str:
        """Read a double as an integer."""
        return self.emit(f"bitcast {self.type} {value} to {self.integers}")

    def double(self, bits: str) -> str:
        """Read an integer as a double."""
        return self.emit(f"bitcast {self.integers} {bits} to {self.type}")

    def whole(self, kind: str, first: str, second: int) -> str:
        """Combine an integer with a constant."""
        return self.emit(f"{kind} {self.integers} {first}, {self.integer(second)}")

    def fma(self, a: str, b: str, c: str) -> str:
        """Return a * b + c."""
        return self.arithmetic("add", self.arithmetic("mul", a, b), c)

    def compare(self, kind: str, first: str, number: float) -> str:
        """Compare with a constant."""
        return self.emit(f"fcmp {kind} {self.type} {first}, {self.number(number)}")

    def polynomial(self, x: str, coefficients: tuple[float, ...]) -> str:
        """Horner's scheme, the constant term first."""
        result = self.number(coefficients[-1])
        for coefficient in reversed(coefficients[:-1]):
            result = self.fma(result, x, self.number(coefficient))
        return result


def exponential(width: int) -> str:
    """Write ``exp``: infinity above 709.78, zero below -708."""
    w = _Function("exp", width)
    shifted = w.fma("%x", w.number(1 / math.log(2)), w.number(_SHIFTER))
    count = w.arithmetic("sub", shifted, w.number(_SHIFTER))
    rest = w.fma(count, w.number(-_LN2_HIGH), "%x")
    rest = w.fma(count, w.number(-_LN2_LOW), rest)
    series = w.polynomial(rest, tuple(1 / math.factorial(i) for i in range(_EXP_DEGREE + 1)))
    # The integer in the low bits, moved to the exponent: twice, so that 2**1024 is in reach.
    half = w.whole("ashr", w.whole("sub", w.bits(shifted), _bits(_SHIFTER)), 1)
    first = w.double(w.whole("shl", w.whole("add", half, 1023), _MANTISSA_BITS))
    other = w.emit(f"sub {w.integers} {w.whole('sub', w.bits(shifted), _bits(_SHIFTER))}, {half}")
    second = w.double(w.whole("shl", w.whole("add", other, 1023), _MANTISSA_BITS))
    result = w.arithmetic("mul", w.arithmetic("mul", series, first), second)
    result = w.select(w.compare("ogt", "%x", 709.782712893384), w.number(math.inf), result)
    return w.finish(w.select(w.compare("olt", "%x", -708.0), w.number(0.0), result))


def logarithm(width: int) -> str:
    """Write ``log``: minus infinity at zero and for subnormal numbers, NaN below."""
    w = _Function("log", width)
    bits = w.bits("%x")
    power = w.double(w.whole("or", w.whole("lshr", bits, _MANTISSA_BITS), _bits(2.0**52)))
    power = w.arithmetic("sub", power, w.number(2.0**52 + 1023))
    fraction = w.whole("and", bits, (1 << _MANTISSA_BITS) - 1)
    mantissa = w.double(w.whole("or", fraction, _bits(1.0)))
    large = w.compare("ogt", mantissa, math.sqrt(2))
    halved = w.arithmetic("mul", mantissa, w.number(0.5))
    mantissa = w.select(large, halved, mantissa)
    power = w.select(large, w.arithmetic("add", power, w.number(1.0)), power)
    f = w.arithmetic("sub", mantissa, w.number(1.0))
    s = w.arithmetic("div", f, w.arithmetic("add", f, w.number(2.0)))
    z = w.arithmetic("mul", s, s)
    tail = w.arithmetic("mul", z, w.polynomial(z, _LOG_COEFFICIENTS))
    half_square = w.arithmetic("mul", w.arithmetic("mul", f, f), w.number(0.5))
    small = w.arithmetic("mul", s, w.arithmetic("add", half_square, tail))
    small = w.fma(power, w.number(_LN2_LOW), small)
    small = w.arithmetic("sub", f, w.arithmetic("sub", half_square, small))
    result = w.fma(power, w.number(_LN2_HIGH), small)
    result = w.select(w.compare("olt", "%x", 2.2250738585072014e-308), w.number(-math.inf), result)
    result = w.select(w.compare("olt", "%x", 0.0), w.number(math.nan), result)
    result = w.select(w.compare("oeq", "%x", math.inf), w.number(math.inf), result)
    return w.finish(w.select(w.emit(f"fcmp uno {w.type} %x, %x"), "%x", result))


def _bits(value: float) -> int:
    return int(struct.unpack(">q", struct.pack(">d", value))[0])
