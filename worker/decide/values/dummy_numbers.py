"""Recognises numbers that nobody has: invented ones typed into forms, and ranges reserved for films and tests."""

from __future__ import annotations

import re

_RISING, _FALLING = "012345678901", "9876543210"
_SAME_TAIL = re.compile(r"(\d)\1{6,}$")
_FICTIONAL = re.compile(
    r"""\+(?:
    1\d{3}555(?:01\d\d|1212)                                              # North American Numbering Plan Administration
    |44(?:1(?:1[3-8]|21|31|41|51|61)4960|1914980|2079460|2896496|2920180)\d{3}            # Ofcom, numbers for drama
    |44(?:1632960|7700900|8081570|9098790|3069990)\d{3}
    |33(?:19900|26191|35301|46571|53649|63998)\d{4}                                       # Arcep, decision 2018-0881
    |61(?:[2378](?:5550|7010)\d{4}|49157\d{4})                                            # ACMA, fictitious numbers
    |49(?:3023125|6990009|4066969|2214710|8999998)\d{3}                     # Bundesnetzagentur, numbers for media
    |49(?:17139200\d\d|176040690\d\d|152(?:28817386|28895456|54599371))
    |46(?:3139006|4062804|8465004|9803192|7017406)\d\d                                    # PTS, numbers for films
    )$""",
    re.VERBOSE,
)


def is_dummy(national: str) -> bool:
    """Tells whether a national number was made up: ``123456789``, ``9999999999``, seven equal digits at its end."""
    counted = national in _RISING or national in _FALLING
    if counted and (len(national) >= 9 or national[0] in "019"):
        return True
    return bool(_SAME_TAIL.search(national)) or _repeats(national)


def _repeats(national: str) -> bool:
    """Tells whether the digits are like ``1212121212``, ``123123123``: only one short group, repeated."""
    return any(
        len(national) >= 8 and len(national) % size == 0 and national == national[:size] * (len(national) // size)
        for size in (1, 2, 3)
    )


def is_fictional(e164: str) -> bool:
    """Tells whether a regulator keeps the number free for films, documents and tests."""
    return bool(_FICTIONAL.match(e164))
