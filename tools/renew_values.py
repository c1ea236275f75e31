"""Renews the lists in ``worker/decide/values/data`` from their sources. For maintainers, about once a quarter.

    python -m venv /path/of/your/choice && . /path/of/your/choice/bin/activate
    pip install babel iso3166 publicsuffixlist disposable-email-domains
    python -m tools.renew_values countries free_mail role_accounts

Needs npm for the lists that are published there. Each file's head says where its lines are from and when. Errors of a
list are corrected beside the code that reads it, so that a renewal keeps the correction.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

DATA = Path(__file__).parent.parent / "worker/decide/values/data"
LANGUAGES = """
    en de fr es it pt nl pl sv da nb fi cs sk hu ro bg el tr ru uk he ar fa hi bn ta th vi id ms ja ko zh zh_Hant hr
    sr sl et lv lt is sq mk ka hy az kk uz mn km lo my am sw ca eu gl ga cy mt lb
"""
"""The languages of the countries themselves, English first: where two languages disagree, the earlier is right."""


def package(name: str) -> tuple[str, Mapping[str, str]]:
    """Returns the version of a package on npm and its files by path."""
    with tempfile.TemporaryDirectory() as folder:
        packed = subprocess.run(
            ["npm", "pack", "--silent", name],  # noqa: S607 - whichever npm the maintainer has
            cwd=folder,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        with tarfile.open(Path(folder) / packed) as archive:
            files = {
                member.name.removeprefix("package/"): found.read().decode()
                for member in archive.getmembers()
                if member.isfile() and (found := archive.extractfile(member))
            }
    return str(json.loads(files["package.json"])["version"]), files


def countries() -> tuple[list[str], list[str]]:
    """Returns ``DE=Germany|Deutschland``: ISO 3166 codes and names, and the names of CLDR in every language."""
    from babel import Locale, __version__
    from iso3166 import countries as iso

    names: dict[str, dict[str, None]] = {}
    taken: dict[str, str] = {}
    told = [(one.alpha2, name) for one in iso for name in (one.alpha3, one.name, one.apolitical_name)]
    for language in LANGUAGES.split():
        told += [(code, name) for code, name in Locale.parse(language).territories.items() if len(code) == 2]
    known = {one.alpha2 for one in iso}
    for code, name in told:
        key = name.casefold()
        if code in known and taken.setdefault(key, code) == code:
            names.setdefault(code, {}).setdefault(name)
    sources = [f"iso3166 {version('iso3166')} (MIT)", f"CLDR through babel {__version__} (Unicode License v3)"]
    return sources, [f"{code}={'|'.join(found)}" for code, found in sorted(names.items())]


def free_mail() -> tuple[list[str], list[str]]:
    """Returns hosts that at least two of three lists call free mail, without disposable ones and public suffixes."""
    from disposable_email_domains import blocklist
    from publicsuffixlist import PublicSuffixList

    kiko_version, kiko = package("free-email-domains")
    freemail_version, freemail = package("freemail")
    providers_version, providers = package("email-providers")
    lists = [
        set(json.loads(kiko["domains.json"])),
        set(freemail["data/free.txt"].split()),
        set(json.loads(providers["all.json"])),
    ]
    suffixes = PublicSuffixList()
    named = {host for one in lists for host in one if sum(host in other for other in lists) > 1}
    hosts = sorted(host for host in named - blocklist if suffixes.privatesuffix(host))
    sources = [
        f"free-email-domains {kiko_version} (MIT)",
        f"freemail {freemail_version} (ISC)",
        f"email-providers {providers_version} (ISC)",
    ]
    return sources, hosts


def role_accounts() -> tuple[list[str], list[str]]:
    """Returns local parts of addresses that stand for a role."""
    told, files = package("role-based-email-addresses")
    words = re.findall(r"'([^'\n]+)'", files["src/index.js"])
    return [f"role-based-email-addresses {told} (MIT)"], sorted(set(words))


LISTS: Mapping[str, Callable[[], tuple[list[str], list[str]]]] = {
    "countries": countries,
    "free_mail": free_mail,
    "role_accounts": role_accounts,
}


def main(wanted: Iterable[str]) -> None:
    for name in wanted:
        sources, lines = LISTS[name]()
        head = [
            f"# Made by tools/renew_values.py on {datetime.now(UTC):%Y-%m-%d} from:",
            *(f"# {one}" for one in sources),
        ]
        (DATA / f"{name}.txt").write_text("\n".join([*head, *lines]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:] or LISTS)
