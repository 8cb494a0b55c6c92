"""Load the lab's Lambda functions as Lambda would, without leaving files beside them."""

import importlib.util
import sys
from pathlib import Path

FUNCTIONS = Path(__file__).resolve().parents[2] / "content" / "functions"


def load(folder):
    """The module functions/<folder>/lambda_function.py, freshly run."""
    return load_file(f"{folder}_function", FUNCTIONS / folder / "lambda_function.py")


def load_file(name, path):
    """The module in a file, freshly run."""
    sys.dont_write_bytecode = True
    specification = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
