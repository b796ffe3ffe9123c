"""`astakos serve`: runs the service."""

import contextlib
import functools
import logging
import os
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from astakos import clock
from astakos.administration.component_registration import register_own_services
from astakos.administration.default_following import follow_defaults
from astakos.administration.grant_notices import announce_grants
from astakos.administration.key_retention import forget_expired_keys
from astakos.administration.overdue_commissions import tell_overdue
from astakos.administration.project_endings import end_what_is_over
from astakos.administration.quota_alerts import record_alerts
from astakos.administration.state_document import StateError
from astakos.administration.usage_leaders import refresh_leaders
from astakos.cli import SAY_WHY
from astakos.cli.options import database_option, open_database
from astakos.cli.serve_options import (
    base_url_of,
    given_as,
    key_in,
    mailer_of,
    proxies_of,
    require_addresses,
    require_webhook_key,
    templates_in,
)
from astakos.cli.standard_streams import abandon_output
from astakos.cli.unread_variables import unread_variables
from astakos.deliveries.deliverer import Receivers
from astakos.deliveries.keeping import Deliveries
from astakos.deliveries.worker import Assignment
from astakos.http.dialects.names import NEWEST_NAME
from astakos.ledger.engine_client import MOST_WAITING
from astakos.logs import FORMATS, JSON, LEVELS, TEXT, set_up_logging
from astakos.processes.configuration import Instructions
from astakos.processes.housekeeping import Housekeeping
from astakos.processes.listening import LOOPBACK, bind
from astakos.processes.reports import Reports
from astakos.processes.start_notification import tell_ready
from astakos.processes.supervisor import ServiceFailedError, Supervisor
from astakos.server.limits import Limits, read_limits, told
from astakos.storage.opening import ledger_storage
from astakos.storage.protocol import Database
from astakos.storage.sqlite.only_service import become_only_service
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from astakos.storage.tables import settings

if TYPE_CHECKING:
    from astakos.tracing.export import Tracing

log = logging.getLogger("astakos.http")
BY_THE_CLOCK = (
    end_what_is_over,
    forget_expired_keys,
    record_alerts,
    announce_grants,
    tell_overdue,
    follow_defaults,
    refresh_leaders,
)
"""What is done once a minute besides the ledger's work."""
WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 - recognized, not bound to


@click.command()
@database_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    default=8000,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="The port to listen on; 0 for any free port.",
)
@click.option(
    "--base-url",
    envvar="ASTAKOS_BASE_URL",
    show_envvar=True,
    help="The URL at which clients reach the service; its path is the prefix of all routes.  "
    "[default: the setting base_url, or the host and port]",
)
@click.option(
    "--mail-server",
    envvar="ASTAKOS_MAIL_SERVER",
    show_envvar=True,
    help="Mail notices, and users' feedback to the addresses in the setting helpdesk, through smtp://HOST, "
    "smtps://HOST, or smtp+starttls://HOST. If the URL contains a password, set it in the variable. "
    "With TLS, the certificate must be valid for HOST; the variable SSL_CERT_FILE names a private authority.",
)
@click.option(
    "--mail-sender", envvar="ASTAKOS_MAIL_SENDER", show_envvar=True, help="The sender address of that mail."
)
@click.option(
    "--mail-templates",
    type=click.Path(path_type=Path),
    envvar="ASTAKOS_MAIL_TEMPLATES",
    show_envvar=True,
    help="A folder with texts for that mail, in place of those that come with the service (docs/notices.md).",
)
@click.option(
    "--webhook-key",
    type=click.Path(path_type=Path),
    envvar="ASTAKOS_WEBHOOK_KEY",
    show_envvar=True,
    help="The file with the key that the secrets of webhooks are derived from; needed if there are any.",
)
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    help="The number of processes that serve HTTP, besides the one that writes the ledger.",
)
@click.option(
    "--queue-limit",
    default=MOST_WAITING,
    show_default=True,
    type=click.IntRange(1),
    help="The maximum number of ledger operations of one component in progress in each worker; "
    "more are refused with 429.",
)
@click.option(
    "--limit",
    "limits",
    metavar="NAME=NUMBER",
    multiple=True,
    envvar="ASTAKOS_LIMITS",
    show_envvar=True,
    help="A limit of the HTTP server, such as idle_seconds=120; may be given more than once.  "
    f"[default: {told(Limits())}]",
)
@click.option(
    "--trusted-proxy",
    "trusted_proxies",
    metavar="NETWORK",
    multiple=True,
    envvar="ASTAKOS_TRUSTED_PROXIES",
    show_envvar=True,
    help="A proxy, or a network of proxies such as 10.0.0.0/8, whose X-Forwarded-* headers are believed; "
    "may be given more than once.  [default: the setting trusted_proxies, or this machine]",
)
@click.option(
    "--metrics-port",
    type=click.IntRange(0, 65535),
    help="Serve Prometheus metrics on this port, at /metrics; 0 for any free port.  [default: no metrics]",
)
@click.option(
    "--metrics-host",
    default=LOOPBACK,
    show_default=True,
    help="The address to serve metrics on; anyone who can reach it can read them.",
)
@click.option(
    "--traces",
    is_flag=True,
    envvar="ASTAKOS_TRACES",
    show_envvar=True,
    help="Export traces by OpenTelemetry, to where its standard variables say, such as "
    "OTEL_EXPORTER_OTLP_ENDPOINT (docs/guide/tracing.md).",
)
@click.option(
    "--log-level",
    envvar="ASTAKOS_LOG_LEVEL",
    show_envvar=True,
    default="warning",
    show_default=True,
    type=click.Choice(LEVELS, case_sensitive=False),
    help="The lowest level to log; info includes each request.",
)
@click.option(
    "--log-format",
    envvar="ASTAKOS_LOG_FORMAT",
    show_envvar=True,
    default=TEXT,
    show_default=True,
    type=click.Choice(FORMATS, case_sensitive=False),
    help="Log lines for people, or one JSON object per line.",
)
@click.option(
    "--drain",
    "drain_seconds",
    metavar="SECONDS",
    default=0.0,
    show_default=True,
    type=click.FloatRange(0, 3600),
    help="How long to accept connections after the signal to stop, while /readyz returns 503 and each answer "
    "closes its connection, so that a load balancer can move its clients elsewhere.",
)
@click.option(
    "--allow-another-service",
    is_flag=True,
    help="Start even if another service works on the same SQLite file. No limit is exceeded, but each "
    "service empties the other's caches.",
)
def serve(
    database_url: str,
    host: str,
    port: int,
    base_url: str | None,
    mail_server: str | None,
    mail_sender: str | None,
    mail_templates: Path | None,
    webhook_key: Path | None,
    queue_limit: int,
    workers: int,
    limits: tuple[str, ...],
    trusted_proxies: tuple[str, ...],
    metrics_port: int | None,
    metrics_host: str,
    traces: bool,
    log_level: str,
    log_format: str,
    drain_seconds: float,
    allow_another_service: bool,
) -> None:
    """Run the service.

    Says when it is ready, at which URL, and on which database, and runs until SIGTERM or SIGINT. It then
    finishes all accepted requests and stops. After SIGTERM, connections that were used just before stay open
    for a moment (the limit kept_seconds). A second signal ends this and the time of --drain at once; the next
    one stops the service without finishing.

    An option with an environment variable can be set there instead. For PostgreSQL, the variables of libpq
    apply as well, for example PGPASSFILE and PGPASSWORD (docs/postgresql.md).
    """
    _set_up_logging(log_level, log_format)
    try:
        bounds = read_limits(limits)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=given_as("limits")) from error
    log.info("limits of the HTTP server, for each worker: %s", told(bounds))
    _tell_unread_variables()
    # Before the database is opened: a service that cannot start leaves no new one behind.
    require_addresses(base_url, mail_server, mail_sender, trusted_proxies)
    templates = templates_in(mail_templates)
    key = None if webhook_key is None else key_in(webhook_key)
    tracing = click.get_current_context().with_resource(_tracing()) if traces else None
    listener = _bind(host, port)
    if metrics_port is not None:
        _bind(metrics_host, metrics_port).close()
    database = _open_database(database_url, log_format)
    if isinstance(database, SQLiteDatabase) and not allow_another_service:
        become_only_service(database)
    address = _url_of(host, listener.getsockname()[1])
    base_url = base_url_of(database, base_url, address)
    register_own_services(database, base_url, clock.now())
    proxies = proxies_of(database, trusted_proxies)
    require_webhook_key(database, key)
    receivers = Receivers(base_url, mailer_of(database, mail_server, mail_sender), templates, key)
    generation = settings.find(database.reader(), settings.COMPATIBILITY, NEWEST_NAME)
    instructions = Instructions(
        database_url,
        base_url,
        queue_limit,
        log_level,
        log_format,
        generation,
        bounds,
        proxies,
        has_mail=receivers.mailer is not None,
        traces=tracing is not None,
    )

    deliveries = Deliveries(
        Assignment(database_url, log_level, log_format, receivers, traces=tracing is not None)
    )

    def ready() -> None:
        endpoint = None if tracing is None else tracing.endpoint
        _say(list(_lines(base_url, address, database, metrics_url, endpoint)))
        tell_ready()
        deliveries.start()

    # From here on, this process keeps no connection open besides the engine's.
    database.close()
    reports = Reports()
    processes = Supervisor(
        ledger_storage(database),
        instructions,
        listener,
        workers,
        ready,
        reports,
        drain_seconds=drain_seconds,
        batch_spans=None if tracing is None else tracing.tracer.batch,
    )
    metrics_url = None
    if metrics_port is not None:
        metrics_url = _serve_metrics(metrics_host, metrics_port, processes, reports, database)
    housekeeping = Housekeeping(*(functools.partial(work, database) for work in BY_THE_CLOCK))
    processes.engine.tell_time(housekeeping.tell_time)
    housekeeping.start()
    processes.accompany([deliveries, housekeeping])
    try:
        processes.run()
    except ServiceFailedError as error:
        raise StateError(str(error)) from error


def _tell_unread_variables() -> None:
    for words in unread_variables(os.environ, click.get_current_context().command):
        log.warning("%s", words)


def _lines(
    base_url: str, address: str, database: Database, metrics_url: str | None, traces_url: str | None
) -> Iterator[str]:
    """Yields what the service says when it is ready."""
    elsewhere = "" if base_url.startswith(address) else f" (listening on {address})"
    yield f"astakos is ready at {base_url}{elsewhere}"
    yield f"the database is {database.name}"
    if metrics_url is not None:
        yield f"metrics are at {metrics_url}"
    if traces_url is not None:
        yield f"traces go to {traces_url}"


def _say(lines: Sequence[str]) -> None:
    try:
        click.echo("\n".join(lines))
    except OSError as error:
        # Whoever started the service does not read what it says, but its clients still need it.
        abandon_output()
        log.warning("%s; cannot write this to standard output: %s", "; ".join(lines), error.strerror)


@contextlib.contextmanager
def _tracing() -> Iterator["Tracing | None"]:
    """Exports the traces of this process until it ends, unless the environment switches them off."""
    try:
        # Not imported otherwise: it takes a while, and need not be installed.
        from astakos.tracing.export import Tracing, TracingSettingsError, is_switched_off  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        raise StateError(
            f"--traces needs what is not installed ({missing.name}); "
            'run: pip install "astakos[server,opentelemetry]"'
        ) from missing
    if is_switched_off():
        log.warning("--traces has no effect: OTEL_SDK_DISABLED or OTEL_TRACES_EXPORTER switches traces off")
        yield None
        return
    try:
        tracing = Tracing("ledger")
    except TracingSettingsError as error:
        raise StateError(f"--traces: {error}") from error
    try:
        yield tracing
    finally:
        tracing.stop()


def _set_up_logging(level: str, log_format: str) -> None:
    set_up_logging(level, log_format)
    if log_format == JSON:
        # Whatever reads the log takes each line of standard error for an object.
        click.get_current_context().meta[SAY_WHY] = log.critical


def _open_database(url: str, log_format: str) -> Database:
    if log_format == JSON:
        return open_database(url, create=True, say=log.warning)
    return open_database(url, create=True)


def _url_of(host: str, port: int) -> str:
    name = socket.gethostname() if host in WILDCARDS else host
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def _bind(host: str, port: int) -> socket.socket:
    try:
        return bind(host, port)
    except OSError as error:
        raise _can_not_listen(host, port, error) from error


def _can_not_listen(host: str, port: int, error: OSError) -> StateError:
    reason = (error.strerror or "").partition(" (")[0]
    return StateError(f"cannot listen on {host} port {port}: {reason}")


def _serve_metrics(host: str, port: int, processes: Supervisor, reports: Reports, database: Database) -> str:
    """Starts serving metrics, and returns their URL."""
    # Imported here because the library is slow to import.
    from astakos.metrics.serving import serve_metrics  # noqa: PLC0415

    try:
        return f"{_url_of(host, serve_metrics(host, port, processes.engine, reports, database))}/metrics"
    except OSError as error:
        raise _can_not_listen(host, port, error) from error
