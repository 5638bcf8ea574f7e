"""The cffi build of ``statekeep.daemon.routing._evaluator``: evaluator.h is both its C header and its declaration."""

from pathlib import Path

from cffi import FFI

HERE = Path(__file__).parent


def declarations(header: str) -> str:
    """The header without its preprocessor lines, which cffi's parser does not take."""
    return "\n".join(line for line in header.splitlines() if not line.startswith("#"))


ffibuilder = FFI()
ffibuilder.cdef(declarations((HERE / "evaluator.h").read_text()))
ffibuilder.set_source(
    "statekeep.daemon.routing._evaluator",
    '#include "evaluator.h"',
    # setuptools wants paths relative to setup.py.
    sources=["csrc/evaluator.c"],
    include_dirs=["csrc"],
    depends=["csrc/evaluator.h"],
    extra_compile_args=["-std=c11", "-O2", "-fvisibility=hidden"],
)
