"""ebats: run an asynchronous task system from one YAML file."""

__version__ = "0.1.0"
