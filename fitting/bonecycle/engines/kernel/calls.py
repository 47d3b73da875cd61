"""Call generated machine code by its address from compiled Python."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic


def _call(typingctx: Any, address: Any, arrays: Any) -> Any:
    """Call the function at an address with a tuple of addresses of arrays."""
    count = len(arrays)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        integer = ir.IntType(64)
        kind = ir.FunctionType(ir.VoidType(), [integer] * count)
        function = builder.inttoptr(arguments[0], kind.as_pointer())
        builder.call(function, [builder.extract_value(arguments[1], i) for i in range(count)])
        return context.get_dummy_value()

    return types.void(types.int64, types.UniTuple(types.int64, count)), codegen  # type: ignore[no-untyped-call]


call: Any = intrinsic(_call)
