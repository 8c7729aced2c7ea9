"""`comity worker`: what runs behind, without a server; once for cron, or until it is told to stop."""

import signal
import threading
from datetime import datetime
from types import FrameType

import click

from comity.cli.console import Console
from comity.cli.options import Command

FAILED_FOR_NOW = 75


@click.command("worker", cls=Command)
@click.option("--drain", is_flag=True, help="End when nothing is due, as cron wants it.")
@click.pass_context
def worker(context: click.Context, drain: bool) -> None:
    """Do what runs behind: text index, purge and due jobs.

    What was stored is made found by search, and bodies withdrawn long ago are destroyed.

    `comity serve` does the same unless it is told --no-worker. Several workers of one node never do the same job at
    once. It runs until Ctrl-C or SIGTERM; with --drain it ends when nothing is due, with 75 where a job failed and will
    be tried again.
    """
    from comity.interfaces import instant_of
    from comity.node import work
    from comity.node.home import open_home
    from comity.node.jobs import Ran

    console = context.ensure_object(Console)
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    def again(ran: Ran) -> datetime | None:
        return None if ran.due_at is None or ran.parked else instant_of(ran.due_at)

    before = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        with open_home(console.home) as node:
            if not drain:
                behind = work.Worker(node)
                behind.start()
                console.note(f"Working for {node.name}. Ctrl-C ends it.")
                stopped.wait()
                behind.stop()
                return
            done = []
            for ran in work.drain(node, stopped.is_set):
                done.append(ran)
                if not console.json:
                    console.say_fields(ran.job.kind, ran.job.key, ran.error or "done")
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    failed = sum(bool(ran.error) for ran in done)
    if console.json:
        jobs = [
            {"kind": ran.job.kind, "key": ran.job.key, "error": ran.error or None, "due_at": again(ran)} for ran in done
        ]
        console.result({"jobs": jobs, "failed": failed})
    if failed:
        context.exit(FAILED_FOR_NOW)
