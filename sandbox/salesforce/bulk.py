"""Serves Bulk API 2.0 ingest: jobs, their CSV, and the outcome of every row."""

import csv
import io
from dataclasses import dataclass, field
from typing import Any, Final

from sandbox.calls import Reply
from sandbox.salesforce.asks import Ask, Endpoint, answer
from sandbox.salesforce.errors import ApiError, not_found
from sandbox.salesforce.ids import IdSource
from sandbox.salesforce.rows import rows_by_key, upsert_row
from sandbox.salesforce.settings import Settings
from sandbox.salesforce.store import INTEGRATION, INTEGRATION_USER, Row, Store

OPERATIONS: Final = frozenset({"insert", "update", "upsert", "delete", "hardDelete"})
_DELIMITERS: Final = {
    "COMMA": ",", "SEMICOLON": ";", "TAB": "\t", "PIPE": "|", "CARET": "^", "BACKQUOTE": "`",
}  # fmt: skip
NULL_CELL: Final = "#N/A"


@dataclass(slots=True)
class Job:
    id: str
    object: str
    operation: str
    key: str
    delimiter: str
    created: str
    state: str = "Open"
    data: list[str] = field(default_factory=list)
    due: float = 0.0
    header: list[str] = field(default_factory=list)
    done: list[list[str]] = field(default_factory=list)
    failed: list[list[str]] = field(default_factory=list)
    left: list[list[str]] = field(default_factory=list)


class Bulk:
    """Runs bulk jobs. A job's rows are written when its delay is over and somebody asks for it."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._ids = IdSource()
        self._jobs: dict[str, Job] = {}

    def endpoints(self) -> list[Endpoint]:
        results = [
            Endpoint("GET", f"/jobs/ingest/{{id}}/{path}", self.results)
            for path in ("successfulResults", "failedResults", "unprocessedrecords", "unprocessedRecords")
        ]
        return [
            Endpoint("POST", "/jobs/ingest", self.create),
            Endpoint("GET", "/jobs/ingest", self.list),
            Endpoint("GET", "/jobs/ingest/{id}", self.read),
            Endpoint("PATCH", "/jobs/ingest/{id}", self.close),
            Endpoint("DELETE", "/jobs/ingest/{id}", self.delete),
            Endpoint("PUT", "/jobs/ingest/{id}/batches", self.upload),
            *results,
        ]

    def create(self, ask: Ask) -> Reply:
        body = ask.object()
        operation, key = str(body.get("operation")), str(body.get("externalIdFieldName") or "")
        if operation not in OPERATIONS:
            raise ApiError(400, "INVALIDJOB", f"operation {operation} is not supported")
        name = self._store.schema.object_name(str(body.get("object")))
        if operation == "upsert":
            rows_by_key(self._store, name, key, "")
        delimiter = _DELIMITERS.get(str(body.get("columnDelimiter", "COMMA")))
        if delimiter is None:
            raise ApiError(400, "INVALIDJOB", "columnDelimiter is not supported")
        job = Job(self._ids.next("750"), name, operation, key, delimiter, self._store.stamp())
        self._jobs[job.id] = job
        return answer(200, _written(job, ask.version))

    def list(self, ask: Ask) -> Reply:
        records = [_written(self._advanced(job), ask.version) for job in self._jobs.values()]
        return answer(200, {"done": True, "records": records, "nextRecordsUrl": None})

    def read(self, ask: Ask) -> Reply:
        return answer(200, _written(self._advanced(self._job(ask)), ask.version))

    def upload(self, ask: Ask) -> Reply:
        job = self._job(ask)
        if job.state != "Open":
            raise ApiError(400, "INVALIDJOBSTATE", "The job is not open")
        job.data.append(ask.raw.decode())
        return answer(201)

    def close(self, ask: Ask) -> Reply:
        job, state = self._job(ask), ask.object().get("state")
        if job.state != "Open" or state not in {"UploadComplete", "Aborted"}:
            raise ApiError(400, "INVALIDJOBSTATE", f"The job cannot go from {job.state} to {state}")
        job.state = str(state)
        job.due = self._store.now() + self._settings.bulk_delay_s
        return answer(200, _written(job, ask.version))

    def delete(self, ask: Ask) -> Reply:
        del self._jobs[self._job(ask).id]
        return answer(204)

    def results(self, ask: Ask) -> Reply:
        job, kind = self._advanced(self._job(ask)), ask.path.rstrip("/").rpartition("/")[2].lower()
        if kind == "successfulresults":
            rows, header = job.done, ["sf__Id", "sf__Created", *job.header]
        elif kind == "failedresults":
            rows, header = job.failed, ["sf__Id", "sf__Error", *job.header]
        else:
            rows, header = job.left, job.header
        out = io.StringIO()
        writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerows([header, *rows])
        return Reply(200, out.getvalue(), {}, "text/csv")

    def _job(self, ask: Ask) -> Job:
        try:
            return self._jobs[ask.params["id"]]
        except KeyError:
            raise not_found() from None

    def _advanced(self, job: Job) -> Job:
        if job.state in {"UploadComplete", "InProgress"}:
            job.state = "InProgress"
            if self._store.now() >= job.due:
                self._process(job)
        return job

    def _process(self, job: Job) -> None:
        lines = list(csv.reader(io.StringIO("".join(job.data)), delimiter=job.delimiter))
        job.header, rows = (lines[0], lines[1:]) if lines else ([], [])
        for row in rows:
            cells = dict(zip(job.header, row, strict=False))
            try:
                written, created = self._write(job, cells)
            except ApiError as error:
                given = next((value for name, value in cells.items() if name.lower() == "id"), "")
                job.failed.append([given, f"{error.code}:{error.message}:{','.join(error.fields)} --", *row])
            else:
                job.done.append([written.id, str(created).lower(), *row])
        job.state = "JobComplete"

    def _write(self, job: Job, cells: dict[str, str]) -> tuple[Row, bool]:
        values: dict[str, Any] = {
            name: None if cell == NULL_CELL else cell for name, cell in cells.items() if cell and name.lower() != "id"
        }
        if job.operation == "insert":
            return self._store.create(job.object, values, INTEGRATION), True
        if job.operation == "upsert":
            key = str(values.pop(job.key, ""))
            found = rows_by_key(self._store, job.object, job.key, key)
            return upsert_row(self._store, found, job.object, job.key, key, values, INTEGRATION)
        row = self._store.live(job.object, next(value for name, value in cells.items() if name.lower() == "id"))
        if job.operation == "update":
            self._store.update(row, values, INTEGRATION)
        else:
            self._store.delete(row, INTEGRATION)
            if job.operation == "hardDelete":
                self._store.purge(row)
        return row, False


def _written(job: Job, version: str) -> dict[str, Any]:
    return {
        "id": job.id,
        "operation": job.operation,
        "object": job.object,
        "createdById": INTEGRATION_USER,
        "createdDate": job.created,
        "systemModstamp": job.created,
        "state": job.state,
        "externalIdFieldName": job.key or None,
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": float(version),
        "jobType": "V2Ingest",
        "contentUrl": f"services/data/v{version}/jobs/ingest/{job.id}/batches",
        "lineEnding": "LF",
        "columnDelimiter": next(name for name, mark in _DELIMITERS.items() if mark == job.delimiter),
        "numberRecordsProcessed": len(job.done) + len(job.failed),
        "numberRecordsFailed": len(job.failed),
        "retries": 0,
        "errorMessage": None,
    }
