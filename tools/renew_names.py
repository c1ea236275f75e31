"""Renews the readings of Chinese characters and Japanese names, and who bears a given name. For maintainers.

    python -m venv /path/of/your/choice && . /path/of/your/choice/bin/activate
    pip install pypinyin tojyutping japanese-personal-name-dataset
    pip install --no-deps nomquamgender  # its data alone: no numpy, no pandas
    python -m tools.renew_names

Refill itself needs none of the packages.
"""

from __future__ import annotations

import itertools
import json
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Any

import ToJyutping
from japanese_personal_name_dataset import load_dataset
from pypinyin.constants import PINYIN_DICT

DATA = Path(__file__).parent.parent / "worker" / "decide" / "values" / "data" / "names"
CHARSETS = ("gb2312", "big5", "cp932")
OTHER_READINGS = {  # of family names, beside the one that the data set gives
    "山崎": "やまさき", "中田": "なかだ", "高田": "たかた", "東": "あずま", "上村": "かみむら", "小山": "おやま",
    "角田": "かくた", "河野": "かわの", "羽生": "はにゅう", "吉川": "きっかわ", "神田": "かんだ", "古田": "ふるた",
    "渡部": "わたべ", "菅": "かん", "菅野": "すがの", "河内": "かわち", "金城": "かねしろ",
    "谷": "たに", "原": "はら", "境": "さかい", "五十嵐": "いからし", "柏木": "かしわぎ", "米田": "こめだ",
    "三枝": "みえだ", "大谷": "おおや", "中島": "なかしま", "長田": "おさだ", "白石": "しらいし", "藤原": "ふじはら",
    "日比野": "ひびの", "土屋": "つちや", "太田": "おおだ", "浅田": "あさだ", "豊田": "とよた", "福田": "ふくだ",
}  # fmt: skip

MEN = {"nikita", "valery", "yuri"}  # whose other spellings are of one name in Cyrillic, not of a woman's elsewhere


def main() -> None:
    characters = [sign for sign in map(chr, range(0x4E00, 0xA000)) if any(_has(charset, sign) for charset in CHARSETS)]
    _write("mandarin", "pypinyin", "MIT", {sign: _mandarin(sign) for sign in characters})
    _write("cantonese", "tojyutping", "BSD-2-Clause", {sign: _cantonese(sign) for sign in characters})
    men, women, last = load_dataset("org", include_last_names=True)
    readings: dict[str, list[str]] = {kanji: [entry["reading"]] for kanji, entry in last.items()}
    for kanji, reading in OTHER_READINGS.items():
        readings.setdefault(kanji, []).append(reading)
    _write("japanese_last", "japanese-personal-name-dataset", "MIT", readings)
    names = [(kanji, kana) for half in (men, women) for kana, entry in half.items() for kanji in entry["kanji"]]
    _write("japanese_first", "japanese-personal-name-dataset", "MIT", _of_characters(names))
    renew_of_both()


def renew_of_both() -> None:
    """Writes which names with another spelling in ``given.txt`` women and men have."""
    data = distribution("nomquamgender").locate_file("nomquamgender/name_data.json")
    told: dict[str, tuple[int, int, float]] = json.loads(Path(str(data)).read_text(encoding="utf-8"))
    found = sorted({name for names in _spelled() for name in names if _is_of_both(told.get(name)) and name not in MEN})
    head = (
        "# Full names that a man has in one language or family and a woman in another: another spelling may be a\n"
        "# brother's or a sister's. Of those with other spellings in given.txt, whose rarer sex has at least 7.5 % of\n"
        "# 5,000 bearers in 20 countries and registers. Lower case, without accents, as in given.txt.\n"
        f"# nomquamgender {version('nomquamgender')} (MIT), {datetime.now(UTC):%Y-%m-%d}; tools/renew_names.py\n"
    )
    (DATA / "of_both.txt").write_text(head + "".join(f"{name}\n" for name in found), encoding="utf-8")


def _spelled() -> Iterator[list[str]]:
    """Yields the names of one sex in one line of ``given.txt`` that are spellings of one another."""
    for line in (DATA / "given.txt").read_text(encoding="utf-8").splitlines():
        for group in line.partition(":")[0].split("|") if not line.startswith("#") else ():
            if len(names := group.split()) > 1:
                yield names


def _is_of_both(told: Sequence[Any] | None) -> bool:
    """Tells whether enough women and men have a name. It is told with its sources, its bearers, the share of women."""
    return told is not None and told[0] >= 20 and told[1] >= 5_000 and 0.075 <= told[2] <= 0.925


def _has(charset: str, sign: str) -> bool:
    try:
        sign.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


def _mandarin(sign: str) -> list[str]:
    told = PINYIN_DICT.get(ord(sign), "").split(",")
    return [_toneless(reading) for reading in told[:2] if reading]


def _toneless(reading: str) -> str:
    spelled = unicodedata.normalize("NFD", reading).replace("u\u0308", "v")
    return "".join(sign for sign in spelled if not unicodedata.combining(sign))


def _cantonese(sign: str) -> list[str]:
    told = ToJyutping.get_jyutping_candidates(sign)[0][1]
    return [reading[:-1] for reading in told[:2]]


def _of_characters(names: list[tuple[str, str]]) -> Mapping[str, list[str]]:
    """Tells from whole names how each character is read in names: by expectation and maximisation."""
    chance: dict[tuple[str, str], float] = defaultdict(lambda: 1.0)
    for _ in range(8):
        counted: dict[tuple[str, str], float] = defaultdict(float)
        for kanji, kana in names:
            ways = [list(zip(kanji, way, strict=True)) for way in _ways(kana, len(kanji))]
            weights = [_product(chance[pair] for pair in way) for way in ways]
            whole = sum(weights)
            for way, weight in zip(ways, weights, strict=True):
                for pair in way if whole else ():
                    counted[pair] += weight / whole
        sums: dict[str, float] = defaultdict(float)
        for (sign, _), count in counted.items():
            sums[sign] += count
        chance = defaultdict(float, {pair: count / sums[pair[0]] for pair, count in counted.items()})
    alone = set(names)
    readings: dict[str, list[str]] = defaultdict(list)
    for (sign, reading), count in sorted(counted.items(), key=lambda item: -item[1]):
        is_whole_name = (sign, reading) in alone
        if "一" <= sign <= "鿿" and count >= 2 and (is_whole_name or count >= sums[sign] / 100):
            readings[sign].append(reading)
    return readings


def _ways(kana: str, parts: int) -> Iterator[tuple[str, ...]]:
    """Yields every way to cut ``kana`` into ``parts``: none empty, each with a beginning that words have."""
    small = "ゃゅょぁぃぅぇぉっんー"
    for cuts in itertools.combinations(range(1, len(kana)), parts - 1):
        way = tuple(kana[start:end] for start, end in itertools.pairwise((0, *cuts, len(kana))))
        if all(part[0] not in small for part in way):
            yield way


def _product(numbers: Iterator[float]) -> float:
    result = 1.0
    for number in numbers:
        result *= number
    return result


def _write(file: str, package: str, licence: str, readings: Mapping[str, list[str]]) -> None:
    """Writes a line for each reading: first what is usually read so, then what is also read so."""
    signs = all(len(word) == 1 for word in readings)
    lines = [
        f"# Made by tools/renew_names.py on {datetime.now(UTC):%Y-%m-%d} from:\n",
        f"# {package} {version(package)} ({licence})\n",
    ]
    for ranks in (slice(0, 1), slice(1, None)):
        words: dict[str, list[str]] = defaultdict(list)
        for word, told in readings.items():
            for reading in list(dict.fromkeys(told))[ranks]:
                words[reading].append(word)
        lines += [
            f"{reading} {('' if signs else ' ').join(sorted(found))}\n" for reading, found in sorted(words.items())
        ]
    (DATA / f"{file}.txt").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
