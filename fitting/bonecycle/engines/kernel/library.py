"""Machine code of a generated module, kept in the user's cache folder."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import llvmlite.binding as llvm
from platformdirs import user_cache_path

from bonecycle.manifest import atomic_write, content_hash


@dataclass(frozen=True)
class Library:
    """Loaded machine code; `address` gives its functions as 64-bit integers."""

    hash: str
    _engine: llvm.ExecutionEngine

    def address(self, function: str) -> int:
        """Address of a function."""
        return int(self._engine.get_function_address(function))


def cache_folder() -> Path:
    """Where machine code is kept; deleting it costs a new compilation."""
    return Path(user_cache_path("bonecycle")) / "kernels"


def load(assembly: str) -> Library:
    """Compile LLVM assembly, or take the machine code of an earlier time.

    The key is the assembly itself, the compiler's version and the processor.
    """
    processor = f"{llvm.get_host_cpu_name()} {llvm.get_host_cpu_features().flatten()}"
    key = content_hash(assembly, processor, str(llvm.llvm_version_info), version("bonecycle"))
    path = cache_folder() / f"{key}.o"
    if not path.exists():
        module = llvm.parse_assembly(assembly)
        module.verify()
        atomic_write(path, _machine().emit_object(module))
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine())
    engine.add_object_file(llvm.ObjectFileRef.from_data(path.read_bytes()))
    engine.finalize_object()
    return Library(key, engine)


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
