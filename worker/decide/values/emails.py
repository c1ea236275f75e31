"""Reads e-mail addresses: the one address a text gives, and whose it can be. Nothing is asked of the network."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from urllib.parse import unquote

from email_validator import EmailNotValidError, validate_email

from worker.decide.values import domains
from worker.decide.values.domains import host
from worker.decide.values.text import clean, is_masked, unescape
from worker.decide.values.words import listed, words

_APART = re.compile(r"[\s<>()\[\]\",;:|]+")
_TAIL = re.compile(r"(?<=@)([^/?#]*).*$", re.DOTALL)
_LONGEST = 500
_AROUND = " .,;:<>()[]{}\"'`"
_WIDE = {ord("＠"): "@", ord("。"): ".", ord("．"): "."}
_PARTS = re.compile(r"[._+\-]+")
_DIGITS = re.compile(r"\d+$")

_ROLES = words(  # what the list lacks, mostly from other languages than English
    """
    accueil achat achats administracja administratie administrativa allgemein ansprechpartner anfrage anfragen
    anmeldung assistenz atencion aviso azienda ausbildung beratung beschwerde bestellungen bewerbung bewerbungen
    bewerber billing boekhouding booking bureau buero büro campaigns cobranca cobranza commerciale compras
    comptabilite comptable contabil contactus contatto correo corporativo customer-service customerservice
    datenschutz dataprotection dpo dsb devis directie dispo edv einkauf empfang empresa enquete faktura fakturierung
    fattura fatture feedback filiale finanzen firma fornecedores formation fuhrpark garantie gerencia
    geschaeftsfuehrung geschäftsführung gf hausverwaltung hello hej helpdesk hoi hola impressum info infos
    informacje informace informazioni informasjon inkoop innendienst instandhaltung investorrelations ir itsupport
    karriere klantenservice kontakt kontor kundendienst kundenservice kundeservice kundcenter kundtjanst lager
    lagerverwaltung leitung lieferung logistik mailbox marketing-team mediation meldung messe mitarbeiter newsletter
    nachricht noreply no-reply oficina ordre orders order personal personalabteilung personaleria poczta posta
    postkasse postmaster praktikum praxis press presse pressestelle privacy produktion projekt projekte prokurist qm
    qualitaet rechnung rechnungen rechnungswesen reception recepcja receptie redaktion reklamation reklamacje
    reservierung reservierungen ressourceshumaines rezeption rezervace sekreteria sekretariat secretariat segreteria
    sestre service servis serwis shop sklep solicitudes sprzedaz stellen studio suggerimenti support technik
    technika team telefonzentrale termin termine treasury tresorerie ufficio ugyfelszolgalat umfrage unternehmen
    verkauf vertrieb vertrag versand verwaltung vendite ventes versicherung vorzimmer werkstatt werbung zamowienia
    zarzad zentrale biuro obchod objednavky office urad vedeni ucetni ceo cfo cto coo cmo cio md gm hrd
    marketingdirector salesmanager
    """
)
_NAMES = words(  # of the list: people bear these
    "gardner sydney paris per ir la ta pd sem th lt md gm us se mt ny bd an captain master mayor pastor smile angels "
    "alpha alphas church house home core wp bot ask family chef prince hi time travel sport tour core women may art"
)
_STRONG = words(
    """
    info infos contact kontakt contacto contato noreply sales support office service admin marketing billing invoice
    invoices rechnung buchhaltung hello help helpdesk mail team jobs career careers newsletter press presse
    webmaster postmaster accounts accounting customerservice customercare enquiries inquiries
    """
)
_NEVER_ANSWERED = ("noreply", "donotreply", "noresponse", "mailerdaemon", "unsubscribe", "doNotReply".lower())
_DUMMIES = words(
    """
    test tester testing testuser testmail testemail noemail nomail noaddress none unknown na null nobody noone fake
    fakemail dummy asdf asdfasdf asd asdasd qwe qwerty qwertz abc abcd abcde xyz xxx xxxx xx aaa aaaa bbb sample
    example beispiel exemple ejemplo muster placeholder invalid undefined notprovided notavailable unavailable
    nonavailable donotuse donotcontact donotemail nospam anonymous anonym anon blank empty missing tbd tbc user
    username firstnamelastname firstname lastname yourname youremail myemail emailaddress email noemailaddress
    noemailprovided notgiven notknown nocontact nowhere nothing nobodyhere unbekannt keine keineemail keinemail kein
    inconnu desconocido foo bar foobar 123 1234 12345 123456 1234567 12345678 123456789 111 000 0 00
    """
)
_PLACEHOLDER_LOCALS = 4  # signs: a@a.com, abc@abc.com, me@me.com


@dataclass(frozen=True, slots=True)
class Address:
    """An address with its domain in ASCII, and what it may be used for.

    ``work``: it can be a work address; ``asked``: it can be one person's, so that a paid reverse lookup is worth it;
    ``free``: its host is a free or access provider's. Without an address ``problem`` is blank, masked, several or
    unreadable; with one it says why it is nobody's: role, dummy, disposable.
    """

    email: str = ""
    work: bool = False
    asked: bool = False
    free: bool = False
    problem: str = ""


@lru_cache(maxsize=8192)
def read(text: str) -> Address:
    """Returns the one address of ``text``: bare, in angle brackets, behind ``mailto:`` or a label."""
    found = _found(text)
    if not found or "@" not in found:
        return Address(problem=found or "unreadable")
    local, _, name = found.lower().rpartition("@")
    own = domains.registrable(name)
    free = domains.is_free(name)
    if problem := _nobodys(local, name, own):
        return Address(found, free=free, problem=problem)
    return Address(found, work=domains.employs(name), asked=True, free=free)


def _found(text: str) -> str:
    """The address a text gives, or the problem with it."""
    if len(text) > _LONGEST:
        return "unreadable"
    shown = clean(unescape(text)).translate(_WIDE)
    if not shown:
        return "blank"
    if "@" not in shown and "%40" in shown:
        shown = unquote(shown)
    if is_masked(shown) or "•" in shown or "…" in shown or "..." in shown:
        return "masked"
    told = [_valid(word) for word in _APART.split(shown) if "@" in word and word != "@"]
    spelled = {address.lower(): address for address in told}
    if len(spelled) > 1:
        return "several"
    return next(iter(spelled.values()), "") or "unreadable"


def _valid(word: str) -> str:
    bare = _TAIL.sub(r"\1", word.strip(_AROUND))
    try:
        parsed = validate_email(bare.strip(_AROUND), check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        return ""
    name = host(f"x@{parsed.ascii_domain}")  # a suffix nobody can register under is none
    return f"{parsed.local_part}@{parsed.ascii_domain.lower()}" if name else ""


def _nobodys(local: str, name: str, own: str) -> str:
    """Why an address is no one person's; ``""`` when it can be."""
    if domains.is_disposable(name):
        return "disposable"
    if domains.is_placeholder(own) or _is_dummy(local, own):
        return "dummy"
    return "role" if is_role(local) or "noreply" in name else ""


def is_role(local: str) -> bool:
    """Whether a local part stands for a role: ``info``, ``sales.de``, ``no-reply``, ``kontakt2``."""
    plain = local.lower().partition("+")[0]
    parts = [part for part in (_DIGITS.sub("", part) for part in _PARTS.split(plain)) if part]
    joined = "".join(parts)
    roles = _roles()
    if plain in roles or joined in roles or any(word in joined for word in _NEVER_ANSWERED):
        return True
    return bool(parts) and (parts[0] in _STRONG or all(part in roles for part in parts))


@cache
def _roles() -> frozenset[str]:
    return (frozenset(listed("role_accounts")) | _ROLES) - _NAMES


def _is_dummy(local: str, own: str) -> bool:
    plain = local.partition("+")[0]
    joined = _DIGITS.sub("", _PARTS.sub("", plain)) or plain
    label = own.partition(".")[0]
    if joined in _DUMMIES or plain in _DUMMIES:
        return True
    return plain == label and (len(plain) <= _PLACEHOLDER_LOCALS or joined in _DUMMIES)


def normal(text: str) -> str:
    """Returns the address with its domain in lower-case ASCII; ``""`` when there is none.

    The local part keeps its case: some hosts show it as their people write it.
    """
    return read(text).email


def key(text: str) -> str:
    """Returns the spelling addresses are compared and asked for by: all lower case; ``""`` when it is none."""
    return normal(text).lower()


def same(one: str, other: str) -> bool:
    """Whether both are the same address; case does not count."""
    return (key(one) or one.strip().lower()) == (key(other) or other.strip().lower())


def domain(text: str) -> str:
    """Returns the host behind the ``@``."""
    return host(normal(text))


def is_personal(text: str) -> bool:
    """Whether the address lives at a free or access provider's host."""
    return read(text).free
