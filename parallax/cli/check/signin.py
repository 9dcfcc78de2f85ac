"""The kinds whose run is a flow of steps: signin, and oidc, which signs nobody in."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import click
import msgspec

from parallax.cli.by_hand import Settings
from parallax.cli.check.described import described, table_of
from parallax.cli.check.options import flow_options, settings_of
from parallax.cli.check.secret_options import (
    host_of,
    piped_password,
    refuse_missing,
    secret_options,
    typed_password,
    vault_of,
    with_backend,
)
from parallax.cli.daemon import fail
from parallax.cli.place import FILE
from parallax.cli.values import URL, Parsed
from parallax.plan.signin_specs import PRESETS
from parallax.secret import Secret
from parallax.values import Address, Url

if TYPE_CHECKING:
    from parallax.config import ProbeConfig
    from parallax.observation import Observation
    from parallax.plan.types import Check, Plan
    from probe.vault import Vault


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise ValueError(f"{text!r} has no '='; write NAME=VALUE")
    return name, value


PARAMETER = Parsed("name=value", _parameter)
LISTEN = Parsed("address", lambda text: Address.parse(text, 2525))
_PLAN = click.Path(path_type=Path)


@click.command()
@click.argument("flow", required=False)
@click.option("--plan", "plan_path", type=_PLAN, help="The plan that has FLOW: a file, or a folder of *.toml.")
@click.option("--config", "config_path", type=FILE, help="A probe's config, for its secrets, resolvers and CA.")
@click.option("--probe", metavar="ID", help="What texts mean by {probe}; the config's id, or local.")
@click.option("--use", type=click.Choice(PRESETS), help="The kind of sign-in; oidc.password if left out.")
@click.option("--issuer", type=URL, metavar="URL", help="The issuer of OpenID Connect.")
@click.option("--frontend-api", type=URL, metavar="URL", help="Clerk's frontend API.")
@click.option("--instance", type=click.Choice(["production", "development"]), help="What a Clerk instance is.")
@click.option("--client", metavar="ID", help="The OAuth client.")
@click.option("--client-auth", type=click.Choice(["none", "basic", "post"]), help="How it shows its secret.")
@click.option("--redirect-uri", type=URL, metavar="URL", help="As registered; nothing needs to listen there.")
@click.option("--user", metavar="NAME", help="Who signs in.")
@click.option("--code", metavar="CODE", help="A code that always holds, as test users of some vendors have.")
@click.option("--mail", type=LISTEN, metavar="ADDRESS", help="Take mail with a code here (SMTP), while this runs.")
@click.option("--mail-to", metavar="MAILBOX", help="The user's mail address, where that is not its name.")
@click.option("--totp-encoding", type=click.Choice(["base32", "hex", "raw"]), help="How the secret totp is written.")
@click.option("--scope", multiple=True, help="openid if left out. Repeatable.")
@click.option("--parameter", type=PARAMETER, multiple=True, metavar="NAME=VALUE", help="Of the authorization request.")
@click.option("--leave-out", multiple=True, metavar="STEP", help="A step that is not taken. Repeatable.")
@click.option("--onboard", is_flag=True, help="See what the provider can do, and print a section for the plan.")
@secret_options
@flow_options
def signin(
    flow: str | None,
    plan_path: Path | None,
    config_path: Path | None,
    probe: str | None,
    secret: Sequence[tuple[str, str]],
    secret_host: Sequence[str],
    password_stdin: bool,
    mail: Address | None,
    onboard: bool,
    timeout: Any,
    connect_to: Any,
    four: bool,
    six: bool,
    resolver: Any,
    ca: str | None,
    as_json: bool,
    **more: Any,
) -> None:
    """One whole sign-in, step by step: FLOW of a plan, or one described here.

    \b
    parallax check signin "staff sign-in" --plan plan.toml --config probe.toml
    parallax check signin --issuer https://sso.example.com --client web --user synthetic-one
    parallax check signin --issuer https://sso.example.com --client web --user synthetic-one --onboard

    The password is asked for unless --secret password=env:NAME says where it is. The names of secrets by hand are
    password, client_secret, totp and secret_key; each goes to the issuer's host only, and to each --secret-host;
    secret_key to Clerk's backend API.
    """
    given = {key: value for key, value in more.items() if value not in (None, ())}
    settings = settings_of(timeout, connect_to, four, six, resolver, as_json, ca)
    config = _config(config_path)
    if flow is not None or plan_path is not None:
        if plan_path is None:
            raise click.UsageError(
                f"say which plan has {flow!r}: --plan plan.toml; or describe it: --issuer URL, --client ID"
            )
        if given:
            raise click.UsageError(f"{_named(given)}: of a flow by hand; a plan's flow is run as the plan has it")
        if onboard:
            raise click.UsageError("--onboard makes a section for a plan; describe the flow: --issuer URL, --client ID")
        check, settings = _from_plan("signin", flow, plan_path, settings)
    else:
        table = table_of(given, {name for name, _ in secret})
        if mail is not None and "user" in table:
            table["user"]["mail"] = {}
        check = described("signin", table)
    prepared = _prepare(check, settings, config, probe, secret, secret_host, password_stdin, mail)
    if onboard:
        from parallax.cli.check.onboard import onboard as run_first

        run_first(table, prepared, dict(secret) | dict.fromkeys(prepared.typed, ""))
    _run(check, prepared)


@click.command()
@click.argument("issuer", type=URL)
@click.option("--client", metavar="ID", help="A client that gets a token for itself (client_credentials).")
@click.option("--client-auth", type=click.Choice(["basic", "post"]), help="How it shows its secret; basic.")
@click.option("--scope", multiple=True, help="The scope that the token is asked for. Repeatable.")
@click.option("--parameter", type=PARAMETER, multiple=True, metavar="NAME=VALUE", help="Of the token request.")
@secret_options
@flow_options
def oidc(
    issuer: Url,
    secret: Sequence[tuple[str, str]],
    secret_host: Sequence[str],
    password_stdin: bool,
    timeout: Any,
    connect_to: Any,
    four: bool,
    six: bool,
    resolver: Any,
    ca: str | None,
    as_json: bool,
    **more: Any,
) -> None:
    """What ISSUER publishes (discovery, keys), whether it agrees with itself, and a token for a machine.

    \b
    parallax check oidc https://sso.example.com
    parallax check oidc https://sso.example.com --client machine --secret client_secret=env:MACHINE
    """
    given = {key: value for key, value in more.items() if value not in (None, ())}
    settings = settings_of(timeout, connect_to, four, six, resolver, as_json, ca)
    if password_stdin:
        raise click.UsageError("--password-stdin: no user signs in here")
    table = table_of(given | {"issuer": issuer}, {name for name, _ in secret})
    if "client" in table and "auth" not in table["client"]:
        table["client"]["auth"] = "basic"
    table.pop("use")
    check = described("oidc", table)
    _run(check, _prepare(check, settings, None, None, secret, secret_host, False))


class Prepared(NamedTuple):
    """What a run needs beside its check; `typed` are the secrets that came from the person."""

    settings: Settings
    vault: "Vault"
    probe: str
    typed: Mapping[str, Secret]
    mail: tuple[Address, Sequence[str]] | None
    """Where mail is taken meanwhile, and for which domains."""


def _prepare(
    check: "Check",
    settings: Settings,
    config: "ProbeConfig | None",
    probe: str | None,
    secret: Sequence[tuple[str, str]],
    secret_host: Sequence[str],
    password_stdin: bool,
    mail: Address | None = None,
) -> Prepared:
    """Lays together what is given by hand and by a probe's config; asks for the password where nobody has it."""
    from parallax.plan.templates import secrets_of

    owned = {name for name, _ in secret} | (config.secrets.keys() if config else set())
    typed: dict[str, Secret] = {}
    name = _password_of(check)
    if password_stdin:
        if name is None:
            raise click.UsageError("--password-stdin: the flow has no password")
        typed[name] = piped_password()
    elif name is not None and name not in owned:
        typed[name] = typed_password()
    hosts = dict.fromkeys([*map(host_of, check.targets), *secret_host])
    vault = with_backend(vault_of(secret, typed, hosts, config.secrets if config else None), check, secret)
    refuse_missing(set(secrets_of(check.spec)), vault)
    if config is not None:
        redirects = [(each.source, each.to) for each in config.connect_to]
        settings = msgspec.structs.replace(
            settings,
            connect_to=(*redirects, *settings.connect_to),
            resolver=settings.resolver or tuple(config.resolvers),
            ca=settings.ca or config.ca,
        )
    taking = (mail, _mail_domains(check)) if mail is not None else None
    return Prepared(settings, vault, probe or (config.id if config else "local"), typed, taking)


def _run(check: "Check", prepared: Prepared) -> NoReturn:
    """Measures, prints, and leaves with the exit status."""
    from parallax.cli.check.run import leave

    leave(measured(check, prepared), prepared.settings, _asked(check))


def measured(check: "Check", prepared: Prepared) -> "list[Observation]":
    """One whole run of it."""
    from parallax.cli.check.flow_run import run_flow, whole_run

    settings = prepared.settings
    return run_flow(whole_run(check, settings.timeout), settings, prepared.vault, prepared.probe, prepared.mail)


def _mail_domains(check: "Check") -> list[str]:
    """The domains of the addresses that the flow waits for mail at. Raises UsageError where it names none."""
    spec: Any = check.spec
    texts = [spec.user.address or spec.user.name] if spec.user is not None else []
    texts += [step.mail.to for step in spec.step if step.mail is not None and step.mail.to]
    domains = {domain for text in texts if (domain := text.rpartition("@")[2]) != text and "{" not in domain}
    if not domains:
        raise click.UsageError("--mail: the flow has no mail address, so mail for which domain? say --mail-to")
    return sorted(domains)


def _asked(check: "Check") -> str:
    spec: Any = check.spec
    user = getattr(spec, "user", None)
    what = getattr(spec, "use", None) or ""
    return f"{what} as {user.name}".strip() if user is not None else what


def _password_of(check: "Check") -> str | None:
    """The name of the user's password."""
    user = getattr(check.spec, "user", None)
    return user.password.removeprefix("secret:") if user is not None and user.password else None


def _named(given: Mapping[str, Any]) -> str:
    return ", ".join(f"--{key.replace('_', '-')}" for key in given)


def _config(path: Path | None) -> "ProbeConfig | None":
    if path is None:
        return None
    from parallax.config_loading import load_probe_config
    from parallax.loading.problems import LoadErrors

    try:
        return load_probe_config(path)
    except LoadErrors as errors:
        fail(*str(errors).splitlines())


def _from_plan(kind: str, name: str | None, path: Path, settings: Settings) -> "tuple[Check, Settings]":
    """The plan's check of this name, and settings with what the plan says of dialling. Ends the command (status 2)
    where there is none."""
    from parallax.loading.problems import LoadErrors, nearest
    from parallax.plan.load import load_plan

    try:
        plan: Plan = load_plan(path)
    except LoadErrors as errors:
        fail(*str(errors).splitlines())
    flows = [check for check in plan.check if check.kind == kind]
    found = next((check for check in plan.check if check.name == name), None)
    if name is None and len(flows) == 1:
        found = flows[0]
    if found is None:
        names = [check.name for check in flows]
        known = f"its flows are {', '.join(map(repr, names))}" if names else f"it has no check of kind {kind}"
        hint = nearest(name, names) if name is not None else ""
        what = f"{path} has no check {name!r}; {hint}" if name is not None else f"say which flow of {path}: "
        fail(f"{what}{known}")
    if found.kind != kind:
        fail(f"{name!r} is of kind {found.kind}, and this runs {kind}; try parallax check {found.kind}")
    redirects = [(each.source, each.to) for each in plan.connect_to]
    return found, msgspec.structs.replace(settings, connect_to=(*redirects, *settings.connect_to))
