"""Examples and exit codes of each command, for `--help` and the man pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from lockdeck.tui.exits import Exit

KEY = "agent:silas:main"
LOCK = "~/.openclaw/agents/ops/sessions/7f0e.jsonl.lock"


class Usage(Struct, frozen=True):
    """How a command is used: examples with what they do, and its exit codes in words."""

    examples: tuple[tuple[str, str], ...]
    exits: Mapping[Exit, str]


_DONE = {Exit.OK: "done", Exit.USAGE: "wrong use or configuration"}
_LOOK = {
    Exit.OK: "nothing needs a person, and everything that would show it was read",
    Exit.ATTENTION: "something needs a person, or can't be judged from here",
    Exit.USAGE: "wrong use or configuration",
    Exit.NOTHING: "nothing to watch was found",
}
_ACT = {
    Exit.OK: "the goal is reached, and that is verified",
    Exit.ATTENTION: "the goal was not reached",
    Exit.USAGE: "wrong use or configuration",
    Exit.REFUSED: "refused because unsafe; the output says why",
    Exit.NOTHING: "nothing to watch was found",
}
_INTERRUPTED = {Exit.INTERRUPTED: "interrupted by ctrl+c"}

USAGES: Mapping[str, Usage] = {
    "cancel": Usage(
        (
            (f"lockdeck cancel {KEY} --dry-run", "the ways to end this run, and what each of them loses"),
            (f"lockdeck cancel {KEY}", "end it gently, and prove for 5 s that it stopped"),
            (
                "lockdeck cancel --provider github-copilot",
                "all sessions that wait for a provider that answers nobody",
            ),
            (f"lockdeck cancel {KEY} --host ssh://alpha", "on another host, which proves and decides"),
            (f"lockdeck cancel {KEY} --allow reset", "with a drastic rung of the ladder, named by you"),
        ),
        _ACT,
    ),
    "completion": Usage(
        (
            ("lockdeck completion bash > ~/.local/share/bash-completion/completions/lockdeck", "for bash"),
            ('lockdeck completion zsh > "${fpath[1]}/_lockdeck"', "for zsh"),
            ("lockdeck completion fish > ~/.config/fish/completions/lockdeck.fish", "for fish"),
        ),
        _DONE,
    ),
    "config": Usage((("lockdeck config show", "every setting, its value and where that comes from"),), _DONE),
    "demo": Usage(
        (
            ("lockdeck demo", "a simulated fleet that lives through openclaw#62351"),
            ("lockdeck demo --hosts 5", "five of them, each on a host of its own"),
        ),
        _DONE,
    ),
    "explain": Usage(
        (
            (f"lockdeck explain {KEY}", "why, who, how long, who waits, and what may be done now"),
            (f"lockdeck explain {LOCK}", "evidence and verdict of one lock"),
        ),
        {**_LOOK, Exit.USAGE: "there is no such lock or session, or wrong use"},
    ),
    "journal": Usage(
        (
            ("lockdeck journal --json", "what lockdeck did and refused, as JSON"),
            ("lockdeck journal --host ssh://alpha", "the same of another host"),
            ("lockdeck journal --nats tls://ann@hub --host alpha", "of a host of a fleet"),
        ),
        _DONE,
    ),
    "lockdeck": Usage(
        (
            (
                "lockdeck",
                "the dashboard of the usual places; without a terminal the same as `lockdeck status`",
            ),
            ("lockdeck ~/.openclaw-work --read-only", "one root, and nothing that changes the world"),
            ("lockdeck status", "what needs you, as text"),
        ),
        {**_LOOK, Exit.REFUSED: "refused because unsafe; the output says why", **_INTERRUPTED},
    ),
    "locate": Usage((("lockdeck locate", "where configuration, themes and journal are"),), _DONE),
    "release": Usage(
        (
            (f"lockdeck release {LOCK} --dry-run", "what would be done, and why that is safe"),
            (f"lockdeck release {LOCK} --release-id 3f2a9c01d4e7", "this hold and no other"),
            (
                f"lockdeck release {LOCK} --release-id 3f2a9c01d4e7 --host ssh://alpha",
                "on another host, which proves and decides",
            ),
            ("lockdeck release --all-dead", "every lock that provably nobody holds; the count is typed"),
        ),
        _ACT,
    ),
    "releases": Usage((("lockdeck releases", "what is known of each release, and how it is known"),), _DONE),
    "replay": Usage(
        (
            ("lockdeck replay /tmp/openclaw/", "rotations, causes and a timeline, from logs of the past"),
            ("docker logs gw 2>&1 | lockdeck replay - --since 2h", "the last two hours of a container"),
        ),
        {
            Exit.OK: "the logs were read",
            Exit.ATTENTION: "no line was understood",
            Exit.USAGE: "nothing could be read, or wrong use",
            **_INTERRUPTED,
        },
    ),
    "serve": Usage(
        (
            ("lockdeck serve --stdio", "what a deck starts here over ssh, docker exec or kubectl exec"),
            ("lockdeck serve --socket ~/.lockdeck.sock", "one look at this host for all decks on it"),
            (
                "lockdeck serve --nats tls://hub --fleet prod --role operator",
                "tell a fleet, and do what its operators ask",
            ),
        ),
        {
            Exit.OK: "the deck is gone, or it was told to end",
            Exit.USAGE: "wrong use or configuration, or the socket can't be made",
            Exit.NOTHING: "nothing to watch was found",
        },
    ),
    "status": Usage(
        (
            ("lockdeck status", "what needs you, with the command for it"),
            (
                "lockdeck status --format markdown",
                "the cause and each stuck session, to paste into a channel",
            ),
            ("lockdeck status --json | jq .incidents", "what several sessions have in common"),
        ),
        _LOOK,
    ),
    "watch": Usage(
        (
            ("lockdeck watch", "one line per change"),
            ("lockdeck watch --json --for 60", "a minute of changes as JSON, one a line"),
        ),
        {**_LOOK, **_INTERRUPTED},
    ),
}


def epilog_of(name: str) -> str | None:
    """Return examples and exit codes of a command as click's epilog; None where it has none."""
    usage = USAGES.get(name)
    if usage is None:
        return None
    return "\n\n".join(
        ("\b\n" + "\n".join(part)) for part in (["Examples:", *_examples(usage)], _exits(usage))
    )


def _examples(usage: Usage) -> Iterator[str]:
    for command, words in usage.examples:
        yield f"  {command}"
        yield f"      {words}"


def _exits(usage: Usage) -> list[str]:
    return ["Exit codes:", *(f"  {code.value:<4} {words}" for code, words in sorted(usage.exits.items()))]
