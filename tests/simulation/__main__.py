"""``python -m tests.simulation``: seeds, one seed again, or a death on every port; prints what a person needs."""

from __future__ import annotations

import os
import sys

from tests.simulation import mutants, seams

if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # sets would have another order in every process
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "tests.simulation", *sys.argv[1:]])  # noqa: S606 - ourselves
    if "--jobs" in sys.argv:
        from tests.simulation.many import main
    else:
        seams.install()  # before anything of the product is imported, and so is the planted bug, if any
        if "--mutant" in sys.argv:
            mutants.named(sys.argv[sys.argv.index("--mutant") + 1]).plant()
        if "--races" in sys.argv:
            from tests.simulation.races import main
        else:
            from tests.simulation.command import main

    raise SystemExit(main())
