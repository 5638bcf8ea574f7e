"""The cffi build of ``statekeep.daemon.routing._evaluator``: its C headers are its declarations too."""

from pathlib import Path

from cffi import FFI

HERE = Path(__file__).parent


def declarations(header: str) -> str:
    """The header without its preprocessor lines, which cffi's parser does not take."""
    return "\n".join(line for line in header.splitlines() if not line.startswith("#"))


HEADERS = ("evaluator.h", "children.h", "cohorts.h", "actors.h")

ffibuilder = FFI()
for header in HEADERS:
    ffibuilder.cdef(declarations((HERE / header).read_text()))
ffibuilder.set_source(
    "statekeep.daemon.routing._evaluator",
    "".join(f'#include "{header}"\n' for header in HEADERS),
    # setuptools wants paths relative to setup.py.
    sources=["csrc/evaluator.c", "csrc/children.c", "csrc/relate.c", "csrc/cohorts.c", "csrc/actors.c"],
    include_dirs=["csrc"],
    depends=[f"csrc/{header}" for header in HEADERS],
    extra_compile_args=["-std=c11", "-O2", "-fvisibility=hidden"],
)
