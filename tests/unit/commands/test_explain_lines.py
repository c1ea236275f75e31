"""The story of a record is told in lines: none is folded in a pipe, and no id on a terminal."""

from __future__ import annotations

from worker.commands.explain import story_lines
from worker.reports.story import EventKind, StoryEvent

ID = "1eac935a-1585-5a9e-9137-a40389b94fb5/47aa40a0-7663-5d61-a6b6-2d291bf09590"
EVENTS = (
    StoryEvent(EventKind.LOOKED_AT, f"Looked at because of a delivery that somebody made, {ID}, on a long day.", 1_000),
    StoryEvent(EventKind.WRITTEN, "Wrote the work e-mail.", 1_000, before="", after="ann@example.com"),
    StoryEvent(EventKind.NEXT, "Nothing is planned."),
)


def test_in_a_pipe_each_sentence_is_one_line() -> None:
    assert list(story_lines(EVENTS, 61_000, None)) == [
        f"1m ago  {EVENTS[0].text}",
        "1m ago  Wrote the work e-mail.",
        "        (blank) -> ann@example.com",
        "next    Nothing is planned.",
    ]


def test_on_a_terminal_sentences_are_folded_between_words_and_ids_are_whole() -> None:
    lines = list(story_lines(EVENTS, 61_000, 60))
    assert any(ID in line for line in lines)
    assert all(len(line) <= 60 or ID in line for line in lines)
    assert lines[1].startswith("        ")
