"""What pyproject.toml cannot say: the C evaluator, and what stands beside a package, below share/."""

from collections import defaultdict
from pathlib import Path

from setuptools import setup


def shared() -> list[tuple[str, list[str]]]:
    """The files of each folder: units and configuration as they are in the tree, manual pages by their sections."""
    folders = defaultdict[str, list[str]](list)
    for file in sorted(Path("systemd").rglob("*.*")):
        if file.is_file():
            folders[f"share/statekeep/{file.parent}"].append(str(file))
    for page in sorted(Path("docs/man").glob("*.[1-8]")):
        folders[f"share/man/man{page.suffix[1:]}"].append(str(page))
    return sorted(folders.items())


setup(
    cffi_modules=["csrc/build_evaluator.py:ffibuilder"],
    data_files=shared(),
    # One wheel for CPython 3.11 and every later one: cffi builds against the limited API.
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
