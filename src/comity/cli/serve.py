"""`comity serve`: the node on a port, until it is told to stop."""

from pathlib import Path
from typing import Any

import click

from comity.cli.console import Console
from comity.cli.options import Command, pass_console

_FILE = click.Path(path_type=Path)


@click.command("serve", cls=Command)
@click.option("--host", metavar="ADDR", help="The address to listen on.  [default: 127.0.0.1]")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="The port to listen on; 0 takes a free one.  [default: 8470]"
)
@click.option("--tls-cert", type=_FILE, metavar="PEM", help="The certificate chain; with it the node speaks HTTPS.")
@click.option("--tls-key", type=_FILE, metavar="PEM", help="The private key of the certificate.")
@click.option("--behind-proxy", metavar="ADDR", help="The address of a reverse proxy that does TLS and is believed.")
@click.option("--insecure-http", is_flag=True, help="Plain HTTP on an address that others reach is meant so.")
@click.option(
    "--worker/--no-worker", "works", default=True, help="Do what runs behind too, or leave it to `comity worker`."
)
@click.option(
    "--workers",
    type=click.IntRange(0, 64),
    metavar="N",
    help="Processes that answer together; 0 is one a core.  [default: 0]",
)
@click.option("--log-json", is_flag=True, help="Log one line of JSON a request, without bodies and secrets.")
@pass_console
def serve(
    console: Console,
    host: str | None,
    port: int | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    behind_proxy: str | None,
    insecure_http: bool,
    works: bool,
    workers: int | None,
    log_json: bool,
) -> None:
    """Serve the node over TAXII 2.1.

    It runs until Ctrl-C or SIGTERM. One line with the URL is printed when it is ready. What is not given here is taken
    from comity.toml. Other commands may be used on the same home meanwhile.
    """
    from comity.node.home import open_home, processes
    from comity.web.serve import serve as serve_node
    from comity.web.serve import serve_by_processes

    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key go together.")

    node = open_home(console.home)
    node.sweep_uploads(all=True)
    settings, name = node.settings, node.name
    cert, key = (str(console.home / name) if name else "" for name in (settings.tls_cert, settings.tls_key))

    def ready(url: str) -> None:
        if console.json:
            console.result({"url": url, "name": name})
        else:
            console.say(f"Serving {name} at {url}")
        console.flush()

    how: Any = {
        "tls_cert": str(tls_cert) if tls_cert else cert,
        "tls_key": str(tls_key) if tls_key else key,
        "behind_proxy": settings.behind_proxy if behind_proxy is None else behind_proxy,
        "insecure_http": insecure_http or settings.insecure_http,
        "log_json": log_json,
        "worker": works,
        "on_ready": ready,
    }
    host = settings.host if host is None else host
    port = settings.port if port is None else port
    count = processes(settings.workers if workers is None else workers)
    if count == 1:
        with node:
            serve_node(node, host, port, **how)
    else:
        # Processes are forked, and a connection to a store does not survive that.
        node.close()
        serve_by_processes(lambda: open_home(console.home), count, host, port, **how)
    if not log_json:
        console.note("Stopped.")
