"""Machine code of a generated module."""

from __future__ import annotations

import llvmlite.binding as llvm


class Library:
    """Loaded machine code.

    Parameters
    ----------
    machine_code : bytes
        An object file, see `assembled`.
    """

    def __init__(self, machine_code: bytes) -> None:
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine())
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(machine_code))
        self._engine.finalize_object()

    def address(self, function: str) -> int:
        """Address of a function, as a 64-bit integer."""
        return int(self._engine.get_function_address(function))


def assembled(assembly: str) -> bytes:
    """Compile LLVM assembly for this processor; an object file."""
    machine = _machine()
    module = llvm.parse_assembly(assembly)
    module.verify()
    return bytes(machine.emit_object(module))


def compiler() -> str:
    """What machine code depends on besides the assembly: LLVM's version and the processor."""
    features = llvm.get_host_cpu_features().flatten()
    return f"{llvm.llvm_version_info} {llvm.get_host_cpu_name()} {features}"


def _machine() -> llvm.TargetMachine:
    # A new one each time: an execution engine takes its machine over.
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=1,
        jit=True,
    )
