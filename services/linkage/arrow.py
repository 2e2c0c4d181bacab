"""How pyarrow is used: for what DuckDB reads, never for pandas."""

import sys

import pyarrow as pa


class _NoPandas:
    """A finder of modules that finds none of this name."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        del path, target
        if name == "pandas":
            raise ModuleNotFoundError("left out")


def leave_pandas_out() -> None:
    """Before the first array of a process.

    It imports pandas where that is installed, only to look whether it was given any: half a second
    and 40 MB of every process that scores. It looks once.
    """
    if "pandas" in sys.modules:
        return
    sys.meta_path.insert(0, _NoPandas)
    try:
        pa.array(())
    finally:
        sys.meta_path.remove(_NoPandas)
