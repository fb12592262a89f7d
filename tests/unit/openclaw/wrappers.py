"""Recorded logs as people have them: rendered in every framing that other programs put around OpenClaw's lines."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.folders import RECORDINGS

TAGS = {"agent/embedded": "agent", "model-fallback/decision": "model-fallback"}
HANG = "2026.4.5-incident-hang"


@dataclass(frozen=True)
class Line:
    """One line of a recording: `raw` as it was, and what a console shows of it."""

    at: datetime
    raw: str
    level: str
    subsystem: str
    message: str
    meta: dict | None

    def iso(self, timespec: str = "milliseconds") -> str:
        return self.at.isoformat(timespec=timespec)

    def strf(self, form: str) -> str:
        return self.at.strftime(form)

    @property
    def words(self) -> str:
        if self.meta is None:
            return self.message
        return f"{self.message}: " + " ".join(f"{key}={value}" for key, value in _shown(self.meta).items())


def recorded(scenario: str = HANG) -> list[Line]:
    return lines_of(RECORDINGS / scenario / "gateway.log")


def lines_of(log: Path) -> list[Line]:
    lines = (_line(text) for text in log.read_text().splitlines())
    return [line for line in lines if line is not None]


def _line(raw: str) -> Line | None:
    top = json.loads(raw)
    values = [top[key] for key in "0123456789" if key in top]
    message = values[-1] if isinstance(values[-1], str) else ""
    if not message or "\n" in message:
        return None
    name = re.match(r'\{"subsystem":"([^"]+)"\}', values[0]) if isinstance(values[0], str) else None
    meta = next((value for value in values if isinstance(value, dict)), None)
    at = datetime.fromisoformat(top["_meta"]["date"]).astimezone(UTC)
    level = top["_meta"]["logLevelName"].lower()
    return Line(at, raw, level, name[1] if name else "gateway", message, meta)


def _shown(meta: dict) -> dict[str, object]:
    """Return the fields of an event as the console names them."""
    if meta.get("event") == "embedded_run_agent_end":
        names = ("runId", "isError", "model", "provider", "error")
        return {name: "true" if meta[name] is True else meta[name] for name in names if name in meta}
    pairs = {
        "provider": ("provider", "model"),
        "requested": ("requestedProvider", "requestedModel"),
        "candidate": ("candidateProvider", "candidateModel"),
        "next": ("nextCandidateProvider", "nextCandidateModel"),
    }
    plain = {"runId": "runId", "stage": "stage", "decision": "decision", "reason": "failoverReason"}
    shown = {name: meta[key] for name, key in plain.items() if key in meta}
    shown |= {"reason": meta["reason"]} if "reason" in meta else {}
    shown |= {
        name: "/".join(meta[key] for key in keys) for name, keys in pairs.items() if meta.keys() >= set(keys)
    }
    return shown | ({"profile": meta["profileId"]} if "profileId" in meta else {})


# What OpenClaw itself writes.


def tslog(line: Line) -> str:
    return line.raw


def console(line: Line) -> str:
    return f"{line.iso()} [{TAGS.get(line.subsystem, line.subsystem)}] {line.words}"


def console_json(line: Line) -> str:
    head = {
        "time": line.iso(),
        "level": line.level,
        "subsystem": line.subsystem,
        "message": line.message,
    }
    return json.dumps(head | (line.meta or {}), ensure_ascii=False)


def in_brackets(line: Line) -> str:
    return f"[{line.iso()}] [{TAGS.get(line.subsystem, line.subsystem)}] {line.words}"


def date_and_level(line: Line) -> str:
    tag = TAGS.get(line.subsystem, line.subsystem)
    return f"{line.iso().replace('T', ' ')} [{line.level}] [{tag}] {line.words}"


def openclaw_logs(line: Line) -> str:
    fields = f" {json.dumps(line.meta)}" if line.meta else ""
    return (
        f"{line.iso()} {line.level} {line.subsystem} "
        f'{{"subsystem":"{line.subsystem}"}}{fields} {line.message}'
    )


def openclaw_logs_json(line: Line) -> str:
    return json.dumps(
        {
            "type": "log",
            "time": line.iso(),
            "level": line.level,
            "subsystem": line.subsystem,
            "message": line.message,
            "raw": line.raw,
        },
        ensure_ascii=False,
    )


FORMS: dict[str, Callable[[Line], str]] = {
    "tslog": tslog,
    "console": console,
    "console in JSON": console_json,
    "time in brackets": in_brackets,
    "date, time and level": date_and_level,
    "openclaw logs": openclaw_logs,
    "openclaw logs --json": openclaw_logs_json,
}


def terminal(line: Line) -> str:
    """Return what a terminal shows: a coloured clock without a date."""
    tag = TAGS.get(line.subsystem, line.subsystem)
    return (
        f"\x1b[90m{line.strf('%H:%M:%S')}+00:00\x1b[39m \x1b[35m[{tag}]\x1b[39m \x1b[33m{line.words}\x1b[39m"
    )


def clocked(line: Line) -> str:
    """Return what a terminal shows on a host whose zone is not told."""
    return f"{line.strf('%H:%M:%S')} [{TAGS.get(line.subsystem, line.subsystem)}] {line.words}"


def undated(line: Line) -> str:
    return f"[{TAGS.get(line.subsystem, line.subsystem)}] {line.words}"


# What others put around one line.

Wrap = Callable[[Line, str], str]


def _nano(line: Line) -> str:
    return f"{line.strf('%Y-%m-%dT%H:%M:%S.%f')}123Z"


def docker_json(line: Line, text: str, stream: str = "stderr", end: str = "\n") -> str:
    raw = json.dumps(
        {"log": text + end, "stream": stream, "time": _nano(line)}, ensure_ascii=False, separators=(",", ":")
    )
    return raw.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def journal_json(line: Line, text: str) -> str:
    message = list(text.encode()) if "\x1b" in text else text
    fields = {"__CURSOR": "s=1;i=2", "__REALTIME_TIMESTAMP": _micro(line), "_HOSTNAME": "gwhost"}
    return json.dumps(fields | {"MESSAGE": message}, separators=(",", ":"), ensure_ascii=False)


def journal_numbers(line: Line, text: str) -> str:
    fields = {"_HOSTNAME": "gwhost", "__REALTIME_TIMESTAMP": _micro(line)}
    return json.dumps(fields | {"MESSAGE": list(f"\x1b[33m{text}\x1b[39m".encode())}, separators=(",", ":"))


def _micro(line: Line) -> str:
    return str(round(line.at.timestamp() * 1e6))


def pm2_json(line: Line, text: str) -> str:
    return json.dumps(
        {"message": f"{text}\n", "timestamp": line.iso(), "type": "err", "process_id": 0, "app_name": "claw"},
        ensure_ascii=False,
    )


def stern_json(line: Line, text: str) -> str:
    return json.dumps(
        {
            "message": f"{text}\n",
            "nodeName": "n",
            "namespace": "d",
            "podName": "claw-0",
            "containerName": "g",
        },
        ensure_ascii=False,
    )


WRAPS: dict[str, Wrap] = {
    "docker json-file": docker_json,
    "docker logs -t": lambda line, text: f"{_nano(line)} {text}",
    "compose": lambda line, text: f"gateway-1  | {text}",
    "compose with colour": lambda line, text: f"\x1b[36mgateway-1  | \x1b[0m{text}",
    "compose -t": lambda line, text: f"openclaw-gateway-1  | {_nano(line)} {text}",
    "kubectl --timestamps": lambda line, text: f"{_nano(line)} {text}",
    "kubectl --prefix": lambda line, text: f"[pod/openclaw-0/gateway] {text}",
    "kubectl --prefix --timestamps": lambda line, text: f"[pod/openclaw-0/gateway] {_nano(line)} {text}",
    "CRI": lambda line, text: f"{_nano(line)} stderr F {text}",
    "stern": lambda line, text: f"openclaw-0 gateway {text}",
    "stern -t": lambda line, text: f"openclaw-0 gateway {_nano(line)} {text}",
    "stern json": stern_json,
    "fly": lambda line, text: f"{line.strf('%Y-%m-%dT%H:%M:%SZ')} app[1781973f03d489] iad [info]{text}",
    "render": lambda line, text: f"{line.strf('%Y-%m-%dT%H:%M:%S.%fZ')} app[web.1]: {text}",
    "journal short": lambda line, text: f"{line.strf('%b %d %H:%M:%S')} gwhost node[814]: {text}",
    "journal short-iso": lambda line, text: f"{line.strf('%Y-%m-%dT%H:%M:%S+0000')} gwhost node[814]: {text}",
    "journal short-precise": lambda line, text: f"{line.strf('%b %d %H:%M:%S.%f')} gwhost node[814]: {text}",
    "journal short-full": lambda line, text: (
        f"{line.strf('%a %Y-%m-%d %H:%M:%S UTC')} gwhost node[814]: {text}"
    ),
    "journal short-unix": lambda line, text: f"{line.at.timestamp():.6f} gwhost node[814]: {text}",
    "journal short-iso-precise": lambda line, text: (
        f"{line.strf('%Y-%m-%dT%H:%M:%S.%f+0000')} gwhost node[814]: {text}"
    ),
    "journal with-unit": lambda line, text: (
        f"{line.strf('%a %Y-%m-%d %H:%M:%S UTC')} gwhost user@1000.service/openclaw.service[814]: {text}"
    ),
    "journal json": journal_json,
    "journal json in numbers": journal_numbers,
    "journal json-sse": lambda line, text: f"data: {journal_json(line, text)}",
    "syslog 3164": lambda line, text: f"<30>{line.strf('%b %d %H:%M:%S')} gwhost openclaw[814]: {text}",
    "syslog 5424": lambda line, text: (
        f"<30>1 {line.strf('%Y-%m-%dT%H:%M:%S.%fZ')} gwhost openclaw 814 - - {text}"
    ),
    "rsyslog": lambda line, text: f"{line.strf('%Y-%m-%dT%H:%M:%S.%f+00:00')} gwhost openclaw[814]: {text}",
    "pm2 logs": lambda line, text: f"0|openclaw | {text}",
    "pm2 logs with time": lambda line, text: f"0|openclaw | {line.strf('%Y-%m-%dT%H:%M:%S')}: {text}",
    "pm2 log_date_format": lambda line, text: f"{line.strf('%Y-%m-%d %H:%M:%S +00:00')}: {text}",
    "pm2 logs of a name with a blank": lambda line, text: f"0|my gateway  | {text}",
    "pm2 logs --format": lambda line, text: f"app=openclaw id=0 type=out message={text}",
    "pm2 logs --format --timestamp": lambda line, text: (
        f"timestamp={line.strf('%Y-%m-%dT%H:%M:%S')} app=openclaw id=0 type=error message={text}"
    ),
    "pm2 json": pm2_json,
    "launchd": lambda line, text: f"{line.strf('%Y-%m-%d %H:%M:%S.%f+0000')} node[814] {text}",
    "ts": lambda line, text: f"{line.strf('%b %d %H:%M:%S')} {text}",
    "ts -i": lambda line, text: f"00:00:01 {text}",
    "grep -n": lambda line, text: f"12:{text}",
    "grep -H": lambda line, text: f"logs/gateway.log:{text}",
    "grep -Hn": lambda line, text: f"gateway.log.1.gz:12:{text}",
    "grep -C": lambda line, text: f"gateway.log-{text}",
    "quoted": lambda line, text: f"> {text}",
    "indented": lambda line, text: f"    {text}",
    "bullet": lambda line, text: f"- `{text}`",
    "coloured": lambda line, text: f"\x1b[33m{text}\x1b[39m",
}
BRACKETS: dict[str, Wrap] = {
    "journal short-monotonic": lambda line, text: f"[ 1234.567890] gw node[814]: {text}",
    "ts [%H:%M:%S]": lambda line, text: f"[{line.strf('%H:%M:%S')}] {text}",
    "ts [%s]": lambda line, text: f"[{line.at.timestamp():.3f}] {text}",
    "task": lambda line, text: f"- [ ] {text}",
    "kubetail": lambda line, text: f"[openclaw-0] {text}",
    "concurrently": lambda line, text: f"[0] {text}",
    "concurrently with names": lambda line, text: f"[gateway] {text}",
    "date in brackets": lambda line, text: f"[{line.strf('%a %b %d %H:%M:%S %Y')}] {text}",
    "access log's time": lambda line, text: f"[{line.strf('%d/%b/%Y:%H:%M:%S +0000')}] {text}",
    "row of a table": lambda line, text: f"| {text} |",
}
"""Wraps that begin like one of OpenClaw's own tags, or end behind its line."""
TIMED = frozenset(
    name
    for name in WRAPS
    if not name.startswith(("grep", "quoted", "indented", "bullet", "coloured", "ts", "syslog 3164"))
    and name
    not in {
        "compose",
        "compose with colour",
        "kubectl --prefix",
        "journal short",
        "pm2 logs",
        "pm2 logs of a name with a blank",
        "pm2 logs --format",
        "stern",
        "stern json",
    }
    and name != "journal short-precise"
)
"""The wraps that tell a whole time themselves."""


def rendered(lines: Iterable[Line], form: Callable[[Line], str], *wraps: Wrap) -> bytes:
    """Render lines in a form, in the wraps from the innermost to the outermost."""
    texts = []
    for line in lines:
        text = form(line)
        for wrap in wraps:
            text = wrap(line, text)
        texts.append(f"{text}\n")
    return "".join(texts).encode("utf-8", "surrogatepass")


# What others make of a whole log.


def docker_cut(lines: Iterable[Line], form: Callable[[Line], str], size: int = 300) -> bytes:
    """Cut every line after `size` characters, as docker's json-file does after 16 KiB; a line of stdout between."""
    return "".join(_docker_parts(line, form(line), size) for line in lines).encode()


def _docker_parts(line: Line, text: str, size: int) -> str:
    cuts = [text[start : start + size] for start in range(0, len(text), size)]
    parts = [docker_json(line, part, end="") for part in cuts[:-1]]
    between = [docker_json(line, "ready", "stdout")]
    return "".join(f"{part}\n" for part in [*parts, *between, docker_json(line, cuts[-1])])


def cri_cut(lines: Iterable[Line], form: Callable[[Line], str], size: int = 300) -> bytes:
    texts = []
    for line in lines:
        text = form(line)
        cuts = [text[start : start + size] for start in range(0, len(text), size)]
        texts += [f"{_nano(line)} stderr P {part}\n" for part in cuts[:-1]]
        texts += [f"{_nano(line)} stdout F ready\n", f"{_nano(line)} stderr F {cuts[-1]}\n"]
    return "".join(texts).encode()


def journal_export(lines: Iterable[Line], form: Callable[[Line], str]) -> bytes:
    return b"".join(
        f"__CURSOR=s=1\n__REALTIME_TIMESTAMP={_micro(line)}\n_HOSTNAME=h\n_PID=8\nMESSAGE={form(line)}\n\n".encode()
        for line in lines
    )


def journal_export_binary(lines: Iterable[Line], form: Callable[[Line], str]) -> bytes:
    entries = []
    for line in lines:
        text = f"\x1b[33m{form(line)}\x1b[39m".encode()
        head = f"__CURSOR=s=1\n__REALTIME_TIMESTAMP={_micro(line)}\nMESSAGE\n".encode()
        entries.append(head + len(text).to_bytes(8, "little") + text + b"\n_PID=8\n\n")
    return b"".join(entries)


SPREADS: dict[str, Callable[[Iterable[Line], Callable[[Line], str]], bytes]] = {
    "docker json-file, cut": docker_cut,
    "CRI, cut": cri_cut,
    "journal export": journal_export,
    "journal export, binary": journal_export_binary,
}
ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "CRLF": lambda raw: raw.replace(b"\n", b"\r\n"),
    "BOM": lambda raw: b"\xef\xbb\xbf" + raw,
    "UTF-16 LE with BOM": lambda raw: b"\xff\xfe" + raw.decode().encode("utf-16-le"),
    "UTF-16 BE with BOM": lambda raw: b"\xfe\xff" + raw.decode().encode("utf-16-be"),
    "UTF-16 LE": lambda raw: raw.decode().encode("utf-16-le"),
    "UTF-16 of PowerShell": lambda raw: (
        b"\xff\xfe" + raw.replace(b"\n", b"\r\n").decode().encode("utf-16-le")
    ),
}


def saved(folder: Path, raw: bytes, name: str = "some.log") -> str:
    path = folder / name
    path.write_bytes(raw)
    return str(path)
