"""``python -m tests.simulation``: seeds, one seed again, or every crash point; prints what a person needs."""

from __future__ import annotations

from tests.simulation import seams

seams.install()  # before anything of the product is imported

if __name__ == "__main__":
    from tests.simulation.command import main

    raise SystemExit(main())
