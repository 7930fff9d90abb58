"""Whom a message tells what: which events it is made of, how it reads, and when it is tried again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanchion.model.history import Entry, Line, Severity
from stanchion.model.notification import Apprise, Channel, Command, Mail, Message, Volume, Way, Webhook
from stanchion.model.reasons import Why, reason
from stanchion.model.state import State
from stanchion.plan import notifying

COMATOSE = Entry(at_s=100.0, reason=reason(Why.LOAD_FAILED, 1, "virsh start web"), severity=Severity.CRITICAL,
                 resource="web", node="node2", before=State.LOADING, after=State.COMATOSE, operation="web@7")
ORDERED = Entry(at_s=96.5, reason=reason(Why.ONLINE_ASKED, "anna"), resource="web", node="node2",
                before=State.OFFLINE, after=State.LOADING, cause="i1", operation="web@7")


def line(number: int, entry: Entry = COMATOSE) -> Line:
    """Give an entry its place."""
    return Line(f"{number:016d}-0000", entry)


def composed(*found: Line, known: tuple[Line, ...] = ()) -> Message:
    """Make the mail that tells of these."""
    return notifying.compose("lab", Channel.MAIL, found, known or found, lambda at_s: f"at {at_s:g}")


def test_the_subject_says_all_that_the_reader_needs() -> None:
    assert composed(line(2)).subject == ("[lab] critical: resource web is comatose on node2: "
                                         "the load script failed with code 1: virsh start web")


def test_the_body_tells_the_story_so_far() -> None:
    text = composed(line(2), known=(line(1, ORDERED), line(2))).text

    assert "The story so far:\n  at 96.5\n  resource web is loading on node2: anna asked for it to be online" in text
    assert "\n    +3.5 s: resource web is comatose on node2" in text


def test_many_events_are_one_message_that_counts_them() -> None:
    told = composed(*(line(number, ORDERED) for number in range(1, 48)), line(48), line(49, ORDERED))

    assert told.subject.startswith("[lab] critical: resource web is comatose")
    assert told.subject.endswith("(48 more events)")
    assert (len(told.lines), told.more) == (notifying.SHOWN, 29)
    assert "and 29 more events" in told.text
    assert line(48) in told.lines


def test_the_same_events_make_a_message_of_the_same_name() -> None:
    assert composed(line(1), line(2)).id == composed(line(1), line(2)).id != composed(line(2)).id


@given(st.text(max_size=400))
def test_nothing_that_a_script_wrote_gets_into_the_headers(hostile: str) -> None:
    hurt = Entry(at_s=1.0, reason=reason(Why.LOAD_FAILED, 1, hostile), severity=Severity.CRITICAL, resource="web")

    told = composed(line(1, hurt))

    assert told.subject.isprintable()
    assert len(told.subject) <= 220
    assert told.text.replace("\n", "").isprintable()
    told.text.encode()


@pytest.mark.parametrize(("volume", "severity", "told"), [
    (Volume.CRITICAL, Severity.CRITICAL, True), (Volume.CRITICAL, Severity.WARNING, False),
    (Volume.VERBOSE, Severity.INFO, True)])
def test_critical_tells_what_asks_for_somebody_and_verbose_tells_all(volume: Volume, severity: Severity, *,
                                                                     told: bool) -> None:
    entry = Entry(at_s=1.0, reason=reason(Why.NODE_JOINED, "a"), severity=severity)

    assert notifying.wanted(Channel.MAIL, volume, entry) is told


def test_no_channel_tells_of_its_own_failure_but_the_others_do() -> None:
    entry = Entry(at_s=1.0, reason=reason(Why.NOTIFY_FAILED, Channel.MAIL, "refused"), severity=Severity.WARNING)

    assert not notifying.wanted(Channel.MAIL, Volume.VERBOSE, entry)
    assert notifying.wanted(Channel.WEBHOOK, Volume.VERBOSE, entry)


def test_pauses_grow_up_to_five_minutes() -> None:
    assert [notifying.retry_in_s(failures) for failures in (1, 2, 3, 7, 1000)] == [5, 10, 20, 300, 300]


@pytest.mark.parametrize("way", [
    Mail(to=("ops@example.org",)), Mail(to=("a@b", "c@d"), user="u", password_file="/etc/p", sender="s@x"),
    Webhook(url="https://example.org:8443/hook?x=1"), Webhook(url="http://[::1]/"), Command(path="/usr/local/bin/tell"),
    Apprise(urls_file="/etc/stanchion/apprise")])
def test_what_can_be_tried_has_no_fault(way: Way) -> None:
    assert notifying.faults(way) == []


@pytest.mark.parametrize("way", [
    Mail(to=()), Mail(to=("nobody",)), Mail(to=tuple(f"a{number}@b" for number in range(9))), Mail(to=("a@b", "A@b")),
    Mail(to=("a@b\nBcc: c@d",)), Mail(to=("a@b",), port=0), Mail(to=("a@b",), user="u"), Mail(to=("a@b",), host=""),
    Mail(to=("a@b",), password_file="p", user="u"), Mail(to=("a@b",), sender="x"), Mail(to=("ä@b",)),
    Webhook(url=""), Webhook(url="ftp://x/"), Webhook(url="file:///etc/passwd"), Webhook(url="http:///x"),
    Webhook(url="http://a b/"), Webhook(url="http://x/", secret_file="key"), Command(path="tell"),
    Command(path="/tell", timeout_s=0), Command(path="/tell", timeout_s=1e9), Apprise(urls_file="")])
def test_what_cannot_work_is_refused(way: Way) -> None:
    assert notifying.faults(way)
