"""The model that comes with plait, as its JSON text: read without what it takes to use one."""

from importlib.resources import files


def shipped_model() -> bytes:
    """What training/customer.py wrote; `LinkageModel.from_json` reads it."""
    return files("services.linkage.models").joinpath("customer.v1.json").read_bytes()
