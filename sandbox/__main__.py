"""Serves the vendors until told to stop: `python -m sandbox`."""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Sequence

from sandbox.mistakes import LEVELS as MISTAKES
from sandbox.options import VENDORS, Options
from sandbox.serve import announcement, running
from sandbox.weather import LEVELS


def main() -> None:
    arguments = _parser().parse_args()
    try:
        asyncio.run(_serve(_options_of(arguments), watch_stdin=arguments.watch_stdin))
    except KeyboardInterrupt:
        return
    except OSError as error:
        sys.exit(f"sandbox: cannot listen: {error.strerror}")


async def _serve(options: Options, *, watch_stdin: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(options) as vendors:
        sys.stdout.write(json.dumps(announcement(vendors)) + "\n")
        sys.stdout.flush()
        if watch_stdin:
            # the process that started us holds the other end; when it is gone there is nobody left to serve
            reader = asyncio.StreamReader()
            await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
            watcher = asyncio.create_task(_until_closed(reader, stop))
            await stop.wait()
            watcher.cancel()
        else:
            await stop.wait()


async def _until_closed(reader: asyncio.StreamReader, stop: asyncio.Event) -> None:
    while await reader.read(4096):
        pass
    stop.set()


def read_options(words: Sequence[str]) -> Options:
    return _options_of(_parser().parse_args(words))


def _options_of(arguments: argparse.Namespace) -> Options:
    values = {name: value for name, value in vars(arguments).items() if name != "watch_stdin"}
    wanted = [name for name in arguments.vendors.split(",") if name]
    values["vendors"] = tuple(name for name in VENDORS if name in wanted)
    values["mistakes"] = MISTAKES[arguments.mistakes]
    return Options(**values)


def _parser() -> argparse.ArgumentParser:
    defaults = Options()
    parser = argparse.ArgumentParser(prog="sandbox", description=__doc__)
    add = parser.add_argument
    add("--vendors", default=",".join(VENDORS))
    add("--seed", type=int, default=defaults.seed)
    add("--records", type=int, default=defaults.records)
    add("--companies", type=int, default=defaults.companies)
    add("--searches", type=int, default=defaults.searches)
    add("--delivered-companies", type=int, default=defaults.delivered_companies)
    add("--delivered-prospects", type=int, default=defaults.delivered_prospects)
    add("--limits", choices=("none", "demo", "real"), default=defaults.limits)
    add("--latency", choices=("none", "demo", "real"), default=defaults.latency)
    add("--faults", choices=LEVELS, default=defaults.faults)
    add("--index-lag", type=float, default=defaults.index_lag)
    add("--host", default=defaults.host)
    add("--port-base", type=int, default=defaults.port_base)
    add("--books-kept", type=int, default=None)
    add("--credits", type=int, default=defaults.credits)
    add("--kaspr-dialect", choices=("reference", "v2", "both"), default=defaults.kaspr_dialect)
    add("--kaspr-auth", choices=("bearer", "raw", "any"), default=defaults.kaspr_auth)
    add("--order-speed", type=float, default=defaults.order_speed)
    add("--mistakes", choices=MISTAKES, default="friendly")
    add("--watch-stdin", action="store_true", help="stop when stdin closes")
    return parser


if __name__ == "__main__":
    main()
