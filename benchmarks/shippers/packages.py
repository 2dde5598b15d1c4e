"""Senders that are Python packages, set up as their manuals say."""

from __future__ import annotations

import importlib.util
import logging
import logging.handlers
import socket
import time
from collections.abc import Iterator
from itertools import islice

from benchmarks.running import Site
from benchmarks.shippers.drill import Feed, Way

BULK = 500
"""Documents in one request."""


def ways() -> list[Way]:
    """All of them."""
    return [
        Way("splunk_handler (HEC)", splunk_handler, _missing("splunk_handler", "splunk-handler")),
        Way("elasticsearch bulk helper", bulk, _missing("elasticsearch", "elasticsearch")),
        Way("elasticsearch bulk helper, with `_id`", bulk_named, _missing("elasticsearch", "elasticsearch")),
        Way("logging.handlers.SysLogHandler, TCP", syslog_tcp),
        Way("logging.handlers.SysLogHandler, UDP", syslog_udp),
    ]


def _missing(module: str, package: str) -> str:
    return "" if importlib.util.find_spec(module) else f"the package {package} is not installed"


def splunk_handler(site: Site, feed: Feed) -> None:
    """Blocks where its queue is full; tries each body again and again, later each time."""
    from splunk_handler import SplunkHandler

    handler = SplunkHandler(
        "127.0.0.1", site.http, site.token, "main", protocol="http", verify=False, flush_interval=0.1,
        force_keep_ahead=True, retry_count=20, retry_backoff=0.1, sourcetype="app",
    )  # fmt: skip
    for record in feed:
        handler.handle(_record(record))
    handler.close()


def bulk(site: Site, feed: Feed) -> None:
    """The service names the documents."""
    _bulk(site, ({"_index": "app", "message": record} for record in feed))


def bulk_named(site: Site, feed: Feed) -> None:
    """The sender names them."""
    _bulk(site, ({"_index": "app", "_id": record.split()[0], "message": record} for record in feed))


def _bulk(site: Site, documents: Iterator[dict]) -> None:
    from elasticsearch import Elasticsearch, TransportError
    from elasticsearch.helpers import bulk as helper

    logging.getLogger("elastic_transport").setLevel(logging.CRITICAL)
    with Elasticsearch(f"http://127.0.0.1:{site.http}", basic_auth=("shipper", site.token)) as client:
        while chunk := list(islice(documents, BULK)):
            while True:
                try:
                    helper(
                        client, chunk, chunk_size=BULK, max_retries=20, initial_backoff=0.1, max_backoff=2, retry_on_status=(429, 503)
                    )  # fmt: skip
                    break
                except (
                    TransportError
                ):  # nobody is there, or was gone before the answer; the helper leaves it to us
                    time.sleep(0.1)


def syslog_tcp(site: Site, feed: Feed) -> None:
    """Does not connect again by itself: a failed write is told on stderr, and the socket stays as it is."""
    _syslog(site.tcp, socket.SOCK_STREAM, feed)


def syslog_udp(site: Site, feed: Feed) -> None:
    """Nobody knows what arrives."""
    _syslog(site.udp, socket.SOCK_DGRAM, feed)


class _Quiet(logging.handlers.SysLogHandler):
    def handleError(self, record: logging.LogRecord) -> None:
        del record


def _syslog(port: int, kind: socket.SocketKind, feed: Feed) -> None:
    handler = _Quiet(("127.0.0.1", port), socktype=kind)
    handler.setFormatter(logging.Formatter("app: %(message)s"))
    for record in feed:
        handler.handle(_record(record))
    time.sleep(0.2)
    handler.close()


def _record(text: str) -> logging.LogRecord:
    return logging.LogRecord("app", logging.INFO, __file__, 0, text, None, None)
