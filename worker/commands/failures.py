"""Says how a command ends that failed: no traceback reaches a person for a mistake of theirs."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence

from config.masking import traceback_text
from config.problems import ConfigError
from connectors.errors import ConnectorError
from worker.commands.session import err
from worker.commands.trial import TrialError
from worker.ledger.money.handle_lists import AnotherKeyError
from worker.ledger.scripts import LedgerBehindError, LedgerUnavailableError
from worker.manual.exit_codes import FAILED, WRONG_USE


def tell(error: Exception) -> int:
    """Print the next step after a failure and return the exit code.

    Python itself would show the values in the message of a mistake of ours.
    """
    known = _ending(error)
    if known is None:
        err.say("A mistake of Refill's own. Please report it with this traceback; no data is in it.", style="red")
        err.print(f"Traceback:\n{traceback_text(error)}", highlight=False, soft_wrap=True)
        return FAILED
    code, sentences = known
    for sentence in sentences:
        err.say(sentence, style="red")
    return code


def _ending(error: Exception) -> tuple[int, Sequence[str]] | None:
    match error:
        case ConfigError():
            return WRONG_USE, error.problems
        case AnotherKeyError():
            return WRONG_USE, (str(error),)
        case ConnectorError() if "refill " not in str(error):
            return FAILED, (f"{error}. Next: refill check tells what fails",)
        case TrialError() | ConnectorError():
            return FAILED, (str(error),)
        case LedgerBehindError():
            from worker.visits.paid_call import RESTORED  # with all of a visit behind it

            return FAILED, (RESTORED,)
        case LedgerUnavailableError():
            return FAILED, (f"Redis went away ({error}): start it and try again; nothing was lost",)
        case OSError(errno=errno.ENOSPC | errno.EDQUOT | errno.EIO):
            return FAILED, (f"nothing more can be written: {os.strerror(error.errno or 0).lower()}",)
        case _:
            return None
