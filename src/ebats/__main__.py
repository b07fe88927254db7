"""`python -m ebats` is `ebats`."""

import sys

from ebats.runner.cli import main

# A process that multiprocessing spawns imports this module again.
if __name__ == "__main__":
    sys.exit(main())
