"""Implements ``replay``: looks at one record again, regardless of its fingerprint."""

from __future__ import annotations

from worker.commands.names import known_record, known_undoable
from worker.commands.options import Config, CrmName, Json, ObjectName, RecordId, as_command, one_command
from worker.commands.progress import failed
from worker.commands.records import missing
from worker.commands.session import report, session, settings_of
from worker.ledger.run import Run, RunKind
from worker.manual.exit_codes import DONE
from worker.reports.explain import explain

app = one_command()


@as_command(app)
async def command(crm: CrmName, object: ObjectName, id: RecordId, config: Config = None, as_json: Json = False) -> int:
    """Visit a record again, regardless of earlier visits.

    Fields whose value was refused are open again.
    """
    settings = settings_of(config)
    known_undoable(settings, crm, object)
    id = known_record(settings, crm, object, id)
    async with session(settings) as runtime:
        known = await explain(runtime.ledger, crm, object, id)
        if not known.is_known and (sentence := await missing(runtime, crm, object, id)):
            return failed(sentence)
        was_archived = await runtime.ledger.creations.is_archived(crm, object, id)
        if was_archived:
            await runtime.ledger.creations.archiving(crm, object, id, undone=False)
        await runtime.ledger.work(crm, object).replay(id, Run.new(RunKind.REPLAY).name, reopen=True)
    who = "company" if object == "company" else "person"
    sentence = f"{crm} {object} {id} is due now; fields that were refused are open again"
    if was_archived:
        sentence += f"; an undo archived the row, and the next delivery of the same {who} may make one again"
    found = {"crm": crm, "object": object, "id": id, "due": True, "may_be_made_again": was_archived}
    report(found, sentence, as_json=as_json)
    return DONE
