"""What pyproject.toml cannot say: the C evaluator."""

from setuptools import setup

setup(
    cffi_modules=["csrc/build_evaluator.py:ffibuilder"],
    # One wheel for CPython 3.11 and every later one: cffi builds against the limited API.
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
