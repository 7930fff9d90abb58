"""Whom to tell what, and when to try again: pure decisions about notification.

The history itself is the queue. A channel's place in it is written down after every message, so the next master goes
on where the last one was: everything is told at least once, and a message that is told twice has the same name. What
piles up, while a mail server is down or because much happens at once, becomes one message that names the gravest and
counts the rest.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from stanchion.model.cluster import ClusterView, Held, Key, Kind, Session
from stanchion.model.history import FOR_AUDIT, Entry, Line, Severity
from stanchion.model.ids import Moment
from stanchion.model.notification import Apprise, Channel, Command, Mail, Message, Notified, Volume, Way, Webhook
from stanchion.model.reasons import Reason, Why, reason
from stanchion.model.transaction import Guard, Put, Transaction
from stanchion.plan import story

Instant = Callable[[float], str]
"""How a reader is shown an instant, given as seconds since 1970."""

SHOWN = 20
"""So many events one message shows; it counts the rest."""

PAUSE_S = 10.0
"""So long a channel rests after a message; what happens meanwhile goes into the next one."""

FIRST_RETRY_S = 5.0
LONGEST_RETRY_S = 300.0

SUBJECT_LETTERS = 180
ADDRESSES_MAX = 8
"""As in the original."""

COMMAND_MAX_S = 300.0

RANK = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}


def wanted(channel: Channel, volume: Volume, entry: Entry) -> bool:
    """Tell whether the channel tells of this entry. It never tells of itself: that could go on for ever."""
    if entry.reason.why in FOR_AUDIT:
        return False
    own = entry.reason.why in {Why.NOTIFY_FAILED, Why.NOTIFY_WORKS} and entry.reason.operands[:1] == (channel.value,)
    return not own and (volume is Volume.VERBOSE or entry.severity is Severity.CRITICAL)


def in_charge(view: ClusterView, me: Session | None, channel: Channel) -> tuple[Way, Held[Notified]] | None:
    """Give what this node has to tell by the channel and from where on; None: it is not its business."""
    mine = me is not None and view.master is not None and view.master.value.session == me.id
    held = view.notified.get(channel)
    way = view.notification.value.ways.get(channel) if view.notification else None
    return (way, held) if mine and way is not None and held is not None else None


def retry_in_s(failures: int) -> float:
    """Give the pause after so many failures in a row: it doubles, up to five minutes."""
    return min(FIRST_RETRY_S * 2.0 ** min(failures - 1, 16), LONGEST_RETRY_S)


def compose(cluster: str, channel: Channel, found: Sequence[Line], known: Sequence[Line], instant: Instant) -> Message:
    """Make one message of all these lines, of which there is at least one. ``known`` tells the story behind them."""
    gravest = max(found, key=lambda line: (RANK[line.entry.severity], line.id))
    shown = sorted(sorted(found, key=lambda line: (RANK[line.entry.severity], line.id))[-SHOWN:],
                   key=lambda line: line.id)
    head = story.clause(gravest.entry)
    rest = len(found) - 1
    more = f" ({rest} more event{'s' if rest > 1 else ''})" if rest else ""
    start = f"[{cluster}] {gravest.entry.severity}: "
    subject = f"{start}{_short(head, SUBJECT_LETTERS - len(start) - len(more))}{more}"
    text = "\n".join([f"{clean(head)}.", "", *_story(known, gravest, instant), *_events(shown, rest + 1, instant)])
    return Message(id=f"{channel}-{found[0].id}-{found[-1].id}", cluster=cluster, severity=gravest.entry.severity,
                   subject=clean(subject), text=text, lines=tuple(shown), more=len(found) - len(shown))


def trial(cluster: str, by: str, channel: Channel, *, sent_at: str, token: str) -> Message:
    """Make the message that only shows that the channel works."""
    return Message(id=f"{channel}-test-{token}", cluster=cluster, severity=Severity.INFO,
                   subject=clean(f"[{cluster}] test: {by} asked for this message"),
                   text=f"This is a test. Messages of the cluster {clean(cluster)} reach you by {channel}.\n"
                        f"It was sent at {sent_at}, and nothing has happened.\n")


def told(held: Held[Notified], position: str, me: Session, now: Moment, *, answer: str = "") -> Transaction:
    """Write down how far the channel has come; and that it works again, where it did not."""
    before = held.value
    after = replace(before, position=position, at_s=now.wall_s, failing_since_s=0.0, fault=answer)
    return _written(held, after, me, now,
                    reason(Why.NOTIFY_WORKS, before.channel) if before.failing_since_s else None)


def failed(held: Held[Notified], fault: str, me: Session, now: Moment) -> Transaction | None:
    """Write down that the channel does not work, once; None: that is known."""
    if held.value.failing_since_s:
        return None
    after = replace(held.value, failing_since_s=now.wall_s, fault=fault)
    return _written(held, after, me, now, reason(Why.NOTIFY_FAILED, held.value.channel, fault))


def _written(held: Held[Notified], after: Notified, me: Session, now: Moment, why: Reason | None) -> Transaction:
    severity = Severity.WARNING if after.failing_since_s else Severity.INFO
    entries = () if why is None else (
        Entry(at_s=now.wall_s, reason=why, severity=severity, by=me.node, cause=f"notified {after.channel}"),)
    guard = Guard(Key(Kind.NOTIFIED, after.channel), held.revision)
    return Transaction(guards=(guard,), puts=(Put(after),), history=entries)


def faults(way: Way) -> list[str]:
    """Say everything that is wrong with a channel's configuration; nothing, where it can be tried."""
    match way:
        case Mail():
            return _mail_faults(way)
        case Webhook():
            scheme, mark, rest = way.url.partition("://")
            good = scheme in {"http", "https"} and mark and rest and _plain(way.url) and not rest.startswith("/")
            return [*([] if good else [f"url must be an http or https address, and {way.url!r} is none"]),
                    *_path_faults("secret_file", way.secret_file, required=False)]
        case Command():
            wrong = [] if 0 < way.timeout_s <= COMMAND_MAX_S else [
                f"timeout_s must be more than 0 and at most {COMMAND_MAX_S:g}"]
            return [*_path_faults("path", way.path, required=True), *wrong]
        case Apprise():
            return _path_faults("urls_file", way.urls_file, required=True)


def _mail_faults(way: Mail) -> list[str]:
    found = [f"{address!r} is no e-mail address" for address in (*way.to, *filter(None, [way.sender]))
             if not _is_address(address)]
    if not 1 <= len(way.to) <= ADDRESSES_MAX:
        found.append(f"give 1 to {ADDRESSES_MAX} addresses in to, not {len(way.to)}")
    if len({address.casefold() for address in way.to}) < len(way.to):
        found.append("an address stands in to twice")
    if not way.host or not _plain(way.host):
        found.append("host must be the mail server's name or address")
    if not 0 < way.port < 65536:  # noqa: PLR2004 - the highest port
        found.append(f"port must be 1 to 65535, not {way.port}")
    if bool(way.user) != bool(way.password_file):
        found.append("user and password_file belong together")
    return [*found, *_path_faults("password_file", way.password_file, required=False)]


def _is_address(text: str) -> bool:
    name, at, place = text.rpartition("@")
    return bool(name and at and place) and _plain(text) and not set(text) & set('<>,;:"()[]\\') and "@" not in name


def _path_faults(name: str, path: str, *, required: bool) -> list[str]:
    good = path.startswith("/") and path.isprintable() if path else not required
    return [] if good else [f"{name} must be a whole path on the hosts, beginning with /"]


def _plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def clean(text: str) -> str:
    """Make one line of a text that programs wrote: no line ends, no control characters, no half characters."""
    spaced = " ".join(text.split())
    return "".join(letter if letter.isprintable() else "?" for letter in spaced).encode(errors="replace").decode()


def _short(text: str, letters: int) -> str:
    text = clean(text)
    return text if len(text) <= letters else f"{text[:max(0, letters - 3)]}..."


def _story(known: Sequence[Line], last: Line, instant: Instant) -> list[str]:
    chain = story.chain(known, last)
    if len(chain) < 2:  # noqa: PLR2004 - an event that nothing led to has no story
        return []
    return ["The story so far:", f"  {instant(chain[0].entry.at_s)}",
            *(f"  {' ' * (len(text) - len(text.lstrip()))}{clean(text)}" for text in story.told(chain)), ""]


def _events(shown: Iterable[Line], count: int, instant: Instant) -> list[str]:
    lines = [f"  {instant(line.entry.at_s)}  {line.entry.severity}: {clean(story.clause(line.entry))}"
             for line in shown]
    left = count - len(lines)
    if left:
        lines.append(f"  and {left} more event{'s' if left > 1 else ''}")
    return ["What happened:" if count > 1 else "When it happened:", *lines, "",
            "Look at it with: stanchion status, stanchion events", ""]

