"""Commands that ask a running collector on this host: `status`, `plan show`, `plan rollback`.

They find it by `owner.json`, which it leaves in its state folder for the same user: where it listens, a token, and its
certificate. That certificate is what they trust and nothing else, whatever names it has."""

import http.client
import ipaddress
import ssl
from pathlib import Path
from typing import Any

import click
import msgspec

from parallax.cli.daemon import fail
from parallax.cli.place import collector_state, place_options
from parallax.cli.text import clean
from parallax.clock import NS
from parallax.spans import lasting
from parallax.values import Address, Url

TIMEOUT_S = 10.0
UNKNOWN = 3


_TROUBLES = {
    "missing": "observations missing",
    "repeats": "batches sent again",
    "conflicts": "batches in conflict",
    "refused": "batches refused (the collector's log says why)",
}


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """owner.json."""

    url: str
    token: str
    certificate: str | None = None


@click.command()
@place_options
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def status(config: Path | None, state: Path | None, as_json: bool) -> None:
    """Show the collector's plan, probes and losses. Exit status 3 when it does not answer."""
    answer = ask("GET", "/v1/status", collector_state(config, state))
    if as_json:
        click.echo(msgspec.json.encode(answer))
        return
    click.echo("\n".join(clean(line) for line in status_lines(answer)))


@click.command()
@place_options
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show(config: Path | None, state: Path | None, as_json: bool) -> None:
    """Show the plan in force, those before it, and the one on trial."""
    plan = ask("GET", "/v1/status", collector_state(config, state))["plan"]
    if as_json:
        click.echo(msgspec.json.encode(plan))
        return
    click.echo("\n".join(clean(line) for line in plan_lines(plan)))


@click.command()
@place_options
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def rollback(config: Path | None, state: Path | None, as_json: bool) -> None:
    """Go back to the plan before. The file's present content is not loaded again until it changes."""
    answer = ask("POST", "/v1/plan/rollback", collector_state(config, state))
    if as_json:
        click.echo(msgspec.json.encode(answer))
    else:
        click.echo(f"rolled back {clean(answer['rolled_back'])}; in force is {clean(answer['in_force'])}")


NO_COLLECTOR = "no collector runs with its state in {state}; say where it is: --config or --state"


def ask(
    method: str,
    path: str,
    state: Path,
    *,
    body: object = None,
    timeout_s: float = TIMEOUT_S,
    none: str = NO_COLLECTOR,
    missing: str = "",
) -> Any:
    """The collector's answer, decoded. Ends the command: 2 where there is no way to it or it refuses, 3 where it does
    not answer. `none` is said where no collector runs, `missing` where it has no such path."""
    file = state / "owner.json"
    try:
        way = msgspec.json.decode(file.read_bytes(), type=Way)
    except FileNotFoundError:
        fail(none.format(state=state))
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}; run this as the collector's user")
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        fail(f"{file} is not what a collector writes: {error}; start the collector again")
    url = Url(way.url)
    address = _reachable(Address(url.endpoint))
    connection: http.client.HTTPConnection
    if url.https:
        connection = http.client.HTTPSConnection(
            address.ip, address.port, timeout=timeout_s, context=_only(way.certificate)
        )
    else:
        connection = http.client.HTTPConnection(address.ip, address.port, timeout=timeout_s)
    try:
        connection.request(
            method,
            path,
            body=None if body is None else msgspec.json.encode(body),
            headers={"Authorization": f"Bearer {way.token}", "Host": str(address)},
        )
        response = connection.getresponse()
        answered = response.read(10_000_000)
        answer = msgspec.json.decode(answered)
    except (OSError, http.client.HTTPException, msgspec.DecodeError) as error:
        click.echo(f"parallax: the collector at {url} does not answer as it should: {error}", err=True)
        raise SystemExit(UNKNOWN) from None
    finally:
        connection.close()
    if response.status == 404 and missing:
        fail(missing)
    if response.status != 200:
        fail(clean(answer.get("message", response.status) if isinstance(answer, dict) else response.status))
    return answer


def status_lines(status: dict[str, Any]) -> list[str]:
    """The status for people. Pure."""
    inputs = status["inputs"]
    lines = [
        f"collector  {status['version']}, up {_ago(status['up_s'])}",
        *plan_lines(status["plan"]),
        f"inputs     {inputs['things']} things in {inputs['records']} records, {inputs['bytes'] / 1e6:.1f} MB; "
        f"lost: {_lost(inputs)}",
    ]
    if "events" in status:
        events = status["events"]
        lines.append(f"events     {events['records']} records, {events['bytes'] / 1e6:.1f} MB; lost: {_lost(events)}")
    lines += history_lines(status["history"]) if "history" in status else []
    if status.get("mail"):
        mail = status["mail"]
        lines.append(f"mail       {mail['taken']} taken at {mail['listen']}, {mail['kept']} kept; lost: {_lost(mail)}")
    for hook in status.get("hooks", ()):
        lines.append(f"hook       {hook['name']}: {hook['taken']} taken; lost: {_lost(hook)}")
        lines += [f"problem    hook {hook['name']}: {hook['problem']}"] * bool(hook["problem"])
    lines += [f"problem    {problem}" for problem in status["problems"]]
    lines += [f"refused    {count} requests: {cause}" for cause, count in status["refused"].items() if count]
    lines += [f"incident   {_incident(incident)}" for incident in status.get("incidents", ())]
    lines += [f"probe      {_probe(probe)}" for probe in status["probes"]]
    lines += [f"probe      {name}: has a token and was never heard" for name in status["waiting"]]
    lines += [f"receiver   {_receiver(receiver)}" for receiver in status.get("receivers", ())]
    lines += [f"action     {_action(action)}" for action in status.get("actions", ())]
    if status.get("peer"):
        lines.append(f"peer       {_peer(status['peer'])}")
    for sink in status.get("series", ()):
        lines += series_lines(sink)
    return lines


def _peer(peer: dict[str, Any]) -> str:
    charge = "this one is in charge" if peer["in_charge"] else "this one stands by"
    return f"{peer['name']}: {'heard' if peer['heard'] else 'not heard: ' + peer['why']}; {charge} ({peer['role']})"


def series_lines(sink: dict[str, Any]) -> list[str]:
    """How a server of series stands, for people. Pure."""
    facts = [f"{sink['written']} points written"]
    facts += [f"{sink['behind']} records behind"] * bool(sink["behind"])
    facts += [f"{sink['rejected']} points refused"] * bool(sink["rejected"])
    facts += [f"{sink['missed']} records were gone unread"] * bool(sink["missed"])
    lines = [f"series     {sink['name']}: {', '.join(facts)}"]
    lines += [f"           refused: {why}" for why in sink["why"]]
    return lines + [f"problem    series {sink['name']}: {sink['problem']}"] * bool(sink["problem"])


def _lost(journal: dict[str, Any]) -> str:
    return ", ".join(f"{count} by {cause}" for cause, count in journal["lost"].items() if count) or "nothing"


def history_lines(history: dict[str, Any]) -> list[str]:
    """How far the history is, for people. Pure."""
    line = f"history    {history['observations']} observations, {history['bytes'] / 1e6:.1f} MB"
    readers = {name: history[name] for name in ("inputs", "events")}
    facts = [f"{reader['behind']} records of {name} behind" for name, reader in readers.items() if reader["behind"]]
    facts += [f"{reader['missed']} of {name} were gone unread" for name, reader in readers.items() if reader["missed"]]
    facts += [f"{history['unreadable']} could not be read"] * bool(history["unreadable"])
    lines = ["; ".join([line, ", ".join(facts)]) if facts else line]
    return lines + ([f"problem    {history['problem']}"] if history["problem"] else [])


def plan_lines(plan: dict[str, Any]) -> list[str]:
    """The plan's state for people. Pure."""
    lines = [f"plan       {_version(plan['in_force'])}, in force" if plan["in_force"] else "plan       none"]
    if plan["candidate"]:
        who = f"on trial at {plan['canary']}" if plan["canary"] else "on trial; waits for a probe"
        lines.append(f"           {_version(plan['candidate'])}, {who}")
    lines += [f"           {_version(version)}, before" for version in plan["previous"]]
    if plan["refused"]:
        lines.append("           the file's present content is refused until it changes")
    return lines + [f"problem    {problem}" for problem in plan["problems"]]


def _incident(incident: dict[str, Any]) -> str:
    return f"{incident['severity']}: {incident['title']}; for {_ago(incident['started_s_ago'])}"


def _receiver(receiver: dict[str, Any]) -> str:
    counts = f"{receiver['delivered']} delivered, {receiver['waiting']} waiting"
    if receiver["given_up"]:
        counts += f", {receiver['given_up']} given up"
    trouble = "disabled until the plan changes" if receiver["state"] == "disabled" else ""
    if receiver["state"] == "failing":
        trouble = f"failing for {_ago(receiver['failing_s'])}"
    return f"{receiver['name']}: " + "; ".join(filter(None, (trouble, counts, receiver["last_word"])))


def _action(action: dict[str, Any]) -> str:
    ago = "" if action["looked_s_ago"] is None else f" ({_ago(action['looked_s_ago'])} ago)"
    return f"{action['name']} of {action['group']}: {action['last_word']}{ago}"


def _version(version: dict[str, Any]) -> str:
    return f"{version['hash']} loaded {_ago(version['loaded_s_ago'])} ago"


def _ago(seconds: float) -> str:
    return lasting(round(seconds * NS))


def _probe(probe: dict[str, Any]) -> str:
    heard = "never" if probe["heard_s_ago"] is None else f"{_ago(probe['heard_s_ago'])} ago"
    facts = ["connected" if probe["connected"] else "silent", f"heard {heard}"]
    facts += [f"UNHEALTHY: {why}" for why in (probe.get("unhealthy"),) if why]
    facts += [f"plan {probe['plan']}"] * bool(probe["plan"]) + [f"{probe['observations']} observations"]
    facts += [f"{probe[name]} {words}" for name, words in _TROUBLES.items() if probe[name]]
    if probe["skewed"]:
        facts.append(f"its clock is off by {probe['clock_offset_s']} s")
    return f"{probe['id']}: {', '.join(facts)}"


def _reachable(address: Address) -> Address:
    """Where to dial for a listener: one on every address is reached over loopback."""
    ip = ipaddress.ip_address(address.ip)
    return Address.of("::1" if ip.version == 6 else "127.0.0.1", address.port) if ip.is_unspecified else address


def _only(certificate: str | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if certificate is not None:
        try:
            context.load_verify_locations(certificate)
        except OSError as error:
            fail(f"the collector's certificate {certificate} cannot be read: {error}")
    return context
