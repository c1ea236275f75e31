"""Names every Redis key of the ledger, once: for Python (``Keys``) and for the Lua scripts (``K``).

``keys("due", crm, object, lane)`` in Python and ``K.due(crm, object, lane)`` in Lua give the same name: placeholders
are filled in their order. Names of crms, objects and providers hold no colon, so an id may hold any and stands last.
A *ref* is ``<crm>:<object>:<id>``. One Redis node is assumed, so scripts may build names themselves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

PREFIX = "refill:"

WORK: Mapping[str, str] = {
    # set of "<crm>:<object>" that ever had work
    "works": "works",
    # hash: one record in the work (due, leased, waiting or dead); see work/parts/work.lua for its fields
    "record": "work:{crm}:{object}:record:{id}",
    # zset id -> ms it is due at; lane is live, backfill, or alone (crashed its process too often)
    "due": "work:{crm}:{object}:due:{lane}",
    # zset id -> ms the lease ends at; lane is live or backfill
    "leased": "work:{crm}:{object}:leased:{lane}",
    # zset id -> ms it waits since; lane is live or backfill
    "waiting": "work:{crm}:{object}:waiting:{lane}",
    # zset id -> ms it was buried at
    "dead": "work:{crm}:{object}:dead",
    # integer: records remembered and not in the work
    "settled": "work:{crm}:{object}:settled",
    # zset id -> ms due at (0 while leased, infinite while waiting): a person's run's records that are in the work
    "open": "work:{crm}:{object}:open:{run}",
    # hash id -> packed memory of a settled record (worker/ledger/work/memory.py); bucket is 3 hex digits
    "memory": "memory:{crm}:{object}:{bucket}",
    # hash id -> JSON of the values of ours, only for records that have any
    "own": "own:{crm}:{object}:{bucket}",
    # hash id -> "" while leased, then how the visit ended; short-lived, so that a repeated step gives its answer again
    "claim": "claim:{claim}",
    # hash owner -> ref of the record it visits alone
    "alone": "alone",
    # zset "<object>:<id>" -> place in the queue for a provider
    "queue": "wait:{provider}:{lane}:{crm}",
    # set of crms that ever waited for a provider
    "queuers": "wait:{provider}:crms",
    # hash "<provider>:<lane>" -> crm admitted last
    "turns": "wait:turns",
    # hash provider -> ms of the last admission
    "gates": "wait:gates",
    # zset ref -> ms at which it stops waiting
    "latest": "wait:latest",
}

JOURNAL: Mapping[str, str] = {
    # stream of entries: field "<crm>:<object>:<run>" is the id, field "entry" JSON packed as in ledger/compact_json.py
    "journal": "journal",
    # stream: the journal's entries while it is rebuilt after an erasure; then it takes the journal's place
    "journal_copy": "journal:copy",
    # hash: ms and seq of the last stream id given
    "journal_last": "journal:last",
    # hash id -> packed stream ids of a record, and of what deliveries did to it, oldest first: of one with few entries
    "journal_few": "journal:few:{crm}:{object}:{bucket}",
    # list of the same of a record with many, or of one that had any before there were buckets
    "journal_many": "journal:of:{crm}:{object}:{id}",
    # string: entries outside a visit were added with this token; short-lived
    "once": "once:{token}",
    # hash ref -> "<mark> <fields>": what a run that carries out a plan may fill; short-lived
    "planned": "run:{run}:planned",
    # hash of counters of a run, fields as in worker/ledger/journal/figures.py
    "run": "run:{run}",
    # zset run -> ms of its first visit: the runs that people started, while their counters are kept
    "runs": "runs",
    # hash id -> what was left unfilled at its last visit in a run a person started, short-lived; part is 2 hex digits
    "run_records": "run:{run}:records:{crm}:{object}:{part}",
    # hash ref -> the same, as versions before kept it
    "run_records_before": "run:{run}:records",
    # hash "<field>|<provider>" -> values written since the start
    "filled": "filled:{crm}:{object}",
    # set of "<object>:<id>": records merged into this one, whose journal and answers are of the same person
    "merged": "merged:{crm}:{object}:{id}",
    # hash ref -> ms at which the person was informed that their data was bought
    "notices": "notices",
    # hash first line's hash -> "<number> <hash>" of the last line of an audit file
    "audit": "audit",
    # hash id -> JSON of the changes that await a person's approval
    "reviews": "reviews:{crm}:{object}",
    # hash id -> of each of these a line without its values, as in worker/ledger/journal/reviews.py; "" once decided
    "reviews_lines": "reviews:{crm}:{object}:lines",
    # integer: how often these have changed, so that whoever has read them knows whether to read them again
    "reviews_changes": "reviews:{crm}:{object}:changes",
}

SCHEDULE: Mapping[str, str] = {
    # hash name -> where a poll, a backfill or another walk stands
    "cursors": "cursors",
    # hash name -> ms a periodic task was last begun / last ended well
    "begun": "timetable:begun",
    "done": "timetable:done",
    # hash owner -> JSON of its last heartbeat; zset owner -> ms of it
    "beats": "workers:beats",
    "alive": "workers:alive",
    # hash key -> JSON of an alert that stands, and of the ways that have sent it
    "alerts": "alerts",
    # hash "<vendor>|<operation>|<what>" -> calls that ended so or took so long, or their milliseconds in all
    "calls": "workers:calls",
    # hash place -> JSON of a call: the last of a vendor, each process overwriting one place after the other
    "calls_last": "workers:calls:{vendor}",
    # hash: "owner" renews the grant of a crm "until" ms, "fence" grows with every owner; "grant" is the newest grant,
    # encrypted, "kept" the fence of whoever got it
    "grant": "grant:{crm}",
    # nothing: /readyz and steps that let something in write no characters into it, which Redis refuses as any write
    "ready": "web:ready",
}

DELIVERIES: Mapping[str, str] = {
    # hash row key -> compressed JSON of a delivered row not yet settled by every crm
    "rows": "deliveries:rows",
    # hash row key -> crms that still have to settle it, comma-separated
    "owing": "deliveries:owing",
    # hash row key -> digest of the content stored
    "digests": "deliveries:digests",
    # hash row key -> JSON rows [object, id, stamp] of the crm whose change brings the delivery back
    "awaited": "deliveries:awaited:{crm}",
    # hash row key -> digest of the content last delivered by a search or order, kept when the row is dropped
    "seen": "deliveries:seen:{source}",
}

INTAKE: Mapping[str, str] = {
    # hash ref -> ms: the vendor said that this person asked to be forgotten; gone once that is done
    "erasures": "intake:erasures",
    # hash ref -> ms: what was kept under the record is erased; journal entries of others and the archive are next
    "erasures_elsewhere": "intake:erasures:elsewhere",
    # integers: erasures since the start, and how many of them were made when the journal was last rebuilt
    "erased": "intake:erased",
    "erased_rebuilt": "intake:erased:rebuilt",
    # hash keyed hash of an e-mail, slug, phone or domain -> JSON: who is never looked up, made or written
    "suppressed": "intake:suppressed",
    # string: tells the key of these hashes apart from another
    "suppressed_key": "intake:suppressed:key",
    # hash crm -> the portal or org that it was first used for; "provider:<name>" -> its account;
    # "installation:<crm>" -> whose the crm is; "mark:" -> what its data folders hold, too
    "accounts": "intake:accounts",
    # hash crm -> the user that the CRM names as the last writer of what we wrote
    "users": "intake:users",
    # hash "<crm>|<object>" -> rows that webhooks announced / that a sweep found and nobody had announced
    "announced": "intake:announced",
    # string: what the trace of the step is called that made a record due (``traceparent``); an hour, where traced
    "due_link": "intake:due:{crm}:{object}:{id}",
    "recovered": "intake:recovered",
    # hash "<crm>|<object>" -> rows of signed posts that had come before
    "replayed": "intake:replayed",
    # zset mark -> ms at which the signed post came that is known by it
    "marks": "intake:marks",
    # hash: a request for records by id (crm, object, run, ids, at), and what a key of the caller's stands for
    "request": "request:{request}",
    "request_key": "request:key:{key}",
    # string, short-lived: JSON of somebody's sign-in at the page, by the hash of what their browser holds
    "session": "session:{session}",
    # integer, short-lived: sign-ins tried from an address, and from "all"
    "sign_in_tries": "session:tries:{address}",
    # hash id -> what was last signalled of a record (worker/ledger/journal/signals.py)
    "signals": "signals:{crm}:{object}",
}

# The money half (tickets, answers, budgets, limiter, pauses, creations) lists its names here.
MONEY: Mapping[str, str] = {
    # hash reason -> JSON {"until": ms or 0, ...}; a crm or bucket is paused while one entry stands
    "pause": "pause:{target}",
    # set of targets that have pause entries
    "pauses": "pauses",
    # hash: one attempt at one paid lookup; see money/parts/tickets.lua for its fields
    "ticket": "ticket:{ticket}",
    # set of tickets that were stored with nothing more to be told of them, by the ten minutes it was in; short-lived
    "tickets_stored": "tickets:stored:{turn}",
    # set of refs to be made due when the ticket ends
    "waiters": "ticket:{ticket}:waiters",
    # hash: "ticket" the question's last one while that is open or uncertain, "again" how often it was asked again
    "question": "question:{question}",
    # string: one line of facts, then the compressed reply; expires with its keeping time (ledger/money/answers.py)
    "answer": "answer:{question}",
    # as "answer", for an answer to other fields of the same question that the newest one does not serve
    "other_answer": "answer:{question}:{slot}",
    # hash id -> the questions asked for that record, 16 bytes each; bucket is 3 hex digits
    "asked": "asked:{crm}:{object}:{bucket}",
    # zset ticket -> ms of its deadline, while reserved or sent
    "tickets_open": "tickets:open",
    # zset ticket -> ms since it is uncertain
    "tickets_uncertain": "tickets:uncertain",
    # zset ticket -> ms at which a verdict can be had
    "tickets_verdicts": "tickets:verdicts",
    # hash "spent", "reserved": credits of one budget line; reserved holds what is sent or uncertain too
    "budget": "budget:{line}",
    # hash "reserved", "sent", "uncertain", "spent", "overrun": credits by provider since the start
    "credits": "credits:{provider}",
    # hash: where a bucket's pace, notices and failures stand; see rates/parts/rate.lua for its fields
    "rate": "rate:{bucket}",
    # hash: calls of a window longer than a minute, by sixtieth of it
    "rate_window": "rate:{bucket}:{ms}",
    # hash "ext:<id>", "domain:<domain>", "email:<address>" ... -> "=<row id>" created, or "?<creation>" open
    "claims": "claims:{crm}:{object}",
    # set of ids: rows that we made and that a person had us archive
    "archived_rows": "archived:{crm}:{object}",
    # hash: one creation; see money/parts/creations.lua for its fields
    "creation": "creation:{creation}",
    # zset creation -> ms of its deadline, while reserved, sent or unknown
    "creations_open": "creations:open",
    # list of "<ms sent> <ms until stored> <credits> <stretch>": what we know to have been charged of late (verdicts),
    # in a ring of lists of ten minutes each
    "charges": "charges:{provider}:{operation}:{turn}",
    # zset "<ticket>@<stretch>:<ms stored>:<credits>" -> ms sent: the same as kept by versions before, for an hour
    "charges_before": "charges:{provider}:{operation}",
    # hash "<UTC day since 1970>|<operation>" -> credits spent on calls sent that day, to compare with a provider's log
    "books": "books:{provider}",
    # hash: instants at which the balance was read and nothing was in flight; see money/parts/tickets.lua for its fields
    "balance": "balance:{provider}",
    # hash "offset" (ms a vendor's clock is ahead of the ledger's) and "since" (ms at which it was last seen to move)
    "clock": "clock:{vendor}",
    # hash "generation", "id", "sent": which life of the ledger this is, and how many paid calls it has seen sent
    "epoch": "epoch",
    # hash of a bad address or number -> ms since when, by the word of a CRM (money/handle_lists.py)
    "bad": "bad",
    # hash: what paid questions cost and brought (worker/decide/odds.py)
    "yields": "yields",
    # hash: where the comparison with a provider's books stands (worker/ledger/money/books.py)
    "reconciled": "reconciled:{provider}",
}

TEMPLATES: Mapping[str, str] = {**WORK, **JOURNAL, **SCHEDULE, **DELIVERIES, **INTAKE, **MONEY}

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class Keys:
    """Builds key names under one prefix."""

    def __init__(self, prefix: str = PREFIX) -> None:
        self.prefix = prefix

    def __call__(self, name: str, *parts: str) -> str:
        template = TEMPLATES[name]
        if len(_PLACEHOLDER.findall(template)) != len(parts):
            raise TypeError(f"key {name} is {template}")
        values = iter(parts)
        return self.prefix + _PLACEHOLDER.sub(lambda _: next(values), template)


def lua_names(source: str) -> str:
    """Returns Lua functions ``K.<name>(...)`` for the names that ``source`` uses; ``PREFIX`` is in scope."""
    functions = ["local K = {}"]
    for name in sorted(set(re.findall(r"\bK\.(\w+)", source))):
        template = TEMPLATES[name]
        parameters = ", ".join(_PLACEHOLDER.findall(template))
        pieces = [
            piece if index % 2 else f"'{piece}'" for index, piece in enumerate(_PLACEHOLDER.split(template)) if piece
        ]
        functions.append(f"function K.{name}({parameters}) return {' .. '.join(['PREFIX', *pieces])} end")
    return "\n".join(functions) + "\n"
