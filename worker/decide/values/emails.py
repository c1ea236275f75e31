"""Reads e-mail addresses: the one address in a text, and its possible owner. Nothing is asked of the network."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from urllib.parse import unquote

from msgspec import Struct

from worker.decide.values import beside, domains
from worker.decide.values.domains import host
from worker.decide.values.names.nicknames import is_given
from worker.decide.values.text import clean, is_masked, unescape
from worker.decide.values.words import listed, words

_APART = re.compile(r"[\s<>()\[\]\",;:|]+")
_USUAL = re.compile(
    r"([a-z0-9]+(?:[._+-][a-z0-9]+)*)@((?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+(?!arpa$|onion$)[a-z]{2,24})",
    re.IGNORECASE | re.ASCII,
)
_SHARED = re.compile(  # ada or bob@acme.com
    r"[{}]|(?:^|\s)[\w.+-]{1,64},[\w.+-]{1,64}@|\b(?:or|and|oder|und|ou|et)\s[\w.+-]{1,64}@", re.IGNORECASE
)
_TAIL = re.compile(r"(?<=@)([^/?#]*).*$", re.DOTALL)
_LONGEST = 500
_LONGEST_ADDRESS, _LONGEST_LOCAL = 254, 64
_AROUND = " .,;:<>()[]{}\"'`"
_WIDE = {ord("＠"): "@", ord("。"): ".", ord("．"): "."}
_PARTS = re.compile(r"[._+\-]+")
_DIGITS = re.compile(r"\d+$")

_NAMES = words(  # of the list: people bear these
    "gardner sydney paris per la ta pd sem th lt md gm us se mt ny bd an captain master mayor pastor smile angels "
    "alpha alphas church house home core wp ask family chef prince time travel sport tour core women may art "
    "dev law reg alexa eng"
)
_OF_MACHINES = words(  # below a network's or shop's domain: they pass a mail on, or take back what bounced
    "reply replies inbound bounce bounces relay marketplace guest messages notification notifications mailer members "
    "tickets boards tracker"
)
_INBOXES = words(  # hosts whose programs take mail in: each address is a deal's, a lead's, an advertisement's
    "pipedrivemail.com hubspot-inbox.com highrisehq.com todoist.net indeedemail.com intercom-mail.com front-mail.com "
    "in.salesforce.com le.salesforce.com m.evernote.com mail.asana.com mail.intercom.io parser.zapier.com "
    "zapiermail.com mailparser.io incoming.gitlab.com dropbox.insightly.com"
)
_MADE_BY_MACHINES = re.compile(
    r"=|^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$|^(?:health|system|discoverysearch)mailbox|^(?:svc|srv)[._-]"
)
_STRONG = words(
    """
    info infos contact kontakt contacto contato noreply sales support office service admin marketing billing invoice
    invoices rechnung buchhaltung hello help helpdesk mail team jobs career careers newsletter press presse
    webmaster postmaster accounts accounting customerservice customercare enquiries inquiries
    reception rezeption empfang orders order export dept department einkauf vertrieb verkauf invoicing desk
    kundenservice kundendienst
    """
)
_PLACES = words("emea apac dach amer latam usa global international europe online web shop central group")
_NEVER_ANSWERED = re.compile(
    r"noreply|donotreply|noresponse|mailerdaemon|unsub(?:scribe)?(?![a-z])|nicht(?:be)?antworten|keineantwort|nepasrepondre|noreponse"
    r"|n[oa]o?respond(?:er|a)|nocontestar|nonrispondere|geenantwoord|niet(?:be)?antwoorden|nieodpowiada[cj]|neodpov[ei]d"
    r"|nevalaszol|cevaplama|yanitlama|otvetnenuzhen|neotvech|svara(?:inte|ej)|svarikke|ikkesvar|eivastata|alavastaa"
)
_ROLE_WITHIN = re.compile(  # written together with a place, a company or another role
    r"^(?:vertrieb|rechnung|buchhalt|bewerb|kundendienst|kundenservice|marketing|einkauf|verkauf|helpdesk|newsletter"
    r"|sekretariat|secretariat|customerserv|customercare|info[a-z]{2,})"
    r"|(?:office|service|support|marketing|buchhaltung|rechnung|bewerbung|(?<=\w{3})(?:info|desk|team|enquiries|inquiries"
    r"|formular|postfach|eingang|server|mailbox))$"
)
_DUMMIES = words(
    """
    test tester testing testuser testmail testemail noemail nomail noaddress none unknown na null nobody noone fake
    fakemail dummy asdf asdfasdf asd asdasd qwe qwerty qwertz abc abcd abcde xyz xxx xxxx xx aaa aaaa bbb sample
    example beispiel exemple ejemplo muster placeholder invalid undefined notprovided notavailable unavailable
    nonavailable donotuse donotcontact donotemail nospam anonymous anonym anon blank empty missing tbd tbc user
    username firstnamelastname firstname lastname yourname youremail myemail emailaddress email noemailaddress
    noemailprovided notgiven notknown nocontact nowhere nothing nobodyhere unbekannt keine keineemail keinemail kein
    inconnu desconocido foo bar foobar 123 1234 12345 123456 1234567 12345678 123456789 111 000 0 00
    firstlast lastfirst firstnamelast flastname namesurname vornamenachname prenomnom nombreapellido nomeecognome
    johndoe janedoe maxmustermann mustermann erikamustermann noaddressgiven nomailaddress bademail bad bounced
    invalidemail removed deleted redacted hidden nomailprovided noemailgiven noemailavailable noemailonfile
    name fullname yourname noname delete deleteme duplicate dupe temp tempmail temporary dontuse
    customerhasnoemail hasnoemail refused refusedemail declined customerdeclined refusedtogive nobodyknows someone
    somebody anyone anybody nope trial wrong old left leftcompany gone pending tofollow dummymail
    nontiene nonha naotem naopossui notiene nincs brak nemam yok aucun aucune ninguno ninguna nessuno nenhum geen ingen
    ohne keiner niente nada tidakada khongco netpochty imienazwisko nomecognome jmenoprijmeni adsoyad isimsoyisim
    fornavnetternavn fornavnefternavn fornamnefternamn etunimisukunimi nomesobrenome prenumenume voornaamachternaam
    nachnamevorname lastnamefirstname
    """
)
_NO_MAIL = re.compile(  # "there is none" in a form that requires one
    r"(?:no|not|keine?|ohne|sin|sem|senza|sans|pasd?e?|aucune?|geen|zonder|brak|bez|nema|nemam|nincs|fara|yok|ingen|utan|uten|uden"
    r"|ei|tanpa|nonha|nontiene|naotem|naopossui|notiene|nohay|hasno|has?not|need|get|update|wrong|old|bad|invalid|dead|fake)"
    r"(?:una?|any?)?(?:e?mail[aeu]?s?|mejl|correo|correoelectronico|posta|pochty|e?post|sahkopostia)|(?:e?mail|eposta|correo)(?:yok|brak|nema)"
)
_OF_TESTS = words("test testing tester dummy fake noemail nomail donotuse placeholder")  # beside a name, too
_PLACEHOLDER_LOCALS = 4  # signs: a@a.com, abc@abc.com, me@me.com


class Address(Struct, frozen=True):
    """Holds an address with its domain in ASCII, and what it may be used for.

    ``work``: it can be a work address; ``asked``: it can be one person's, so that a paid reverse lookup is worth it;
    ``free``: its host is a free or access provider's. Without an address ``problem`` is blank, masked, several or
    unreadable; with one it says why it is nobody's: role, dummy, disposable.
    """

    email: str = ""
    work: bool = False
    asked: bool = False
    free: bool = False
    problem: str = ""


@lru_cache(maxsize=2048)
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
    """Returns the address a text gives, or the problem with it."""
    if len(text) > _LONGEST:
        return "unreadable"
    shown = clean(unescape(text)).translate(_WIDE)
    if not shown:
        return "blank"
    if "@" not in shown and "%40" in shown:
        shown = unquote(shown)
    if is_masked(shown) or "•" in shown or "…" in shown or "..." in shown:
        return "masked"
    words = [word for word in _APART.split(shown) if word]
    addresses = [_valid(word) for word in words if "@" in word and word != "@"]
    spelled = {address.lower(): address for address in addresses}
    if len(spelled) > 1 or _SHARED.search(shown):
        return "several"
    if "<" not in shown and beside.is_of_another(" ".join(word for word in words if "@" not in word)):
        return "unreadable"
    return next(iter(spelled.values()), "") or "unreadable"


def _valid(word: str) -> str:
    bare = _TAIL.sub(r"\1", word.strip(_AROUND)).strip(_AROUND)
    usual = _USUAL.fullmatch(bare) if len(bare) <= _LONGEST_ADDRESS else None
    if usual and len(usual[1]) <= _LONGEST_LOCAL:  # what most are like: valid as it is
        local, name = usual.groups()
    else:
        from email_validator import EmailNotValidError, validate_email  # its patterns take long to compile

        try:
            parsed = validate_email(bare, check_deliverability=False, allow_smtputf8=False)
        except EmailNotValidError:
            return ""
        local, name = parsed.local_part, parsed.ascii_domain
    if len(local.encode()) > _LONGEST_LOCAL:
        return ""  # no server takes it
    return f"{local}@{name.lower()}" if host(name) else ""  # a suffix nobody can register under is not a domain


def _nobodys(local: str, name: str, own: str) -> str:
    """Says why an address is not one person's; ``""`` if it can be."""
    if domains.is_disposable(name):
        return "disposable"
    if domains.is_placeholder(own) or _is_dummy(local, own):
        return "dummy"
    return "role" if is_role(local) or "noreply" in name or _is_of_a_machine(local, name) else ""


def _is_of_a_machine(local: str, name: str) -> bool:
    labels = name.split(".")
    tails = (".".join(labels[start:]) for start in range(len(labels) - 1))
    return (
        not _OF_MACHINES.isdisjoint(labels)
        or _MADE_BY_MACHINES.search(local) is not None
        or any(tail in _INBOXES for tail in tails)
    )


def is_role(local: str) -> bool:
    """Tells whether a local part names a role: ``info``, ``sales.de``, ``no-reply``, ``kontakt2``."""
    plain = local.lower().partition("+")[0]
    parts = [part for part in (_DIGITS.sub("", part) for part in _PARTS.split(plain)) if part]
    joined = "".join(parts)
    roles = _roles()
    if plain in roles or joined in roles or _NEVER_ANSWERED.search(joined):
        return True
    if not parts:
        return False
    first, last = parts[0], parts[-1]
    if first in _STRONG or all(part in roles for part in parts):
        return True
    if len(parts) < 2:
        return bool(_ROLE_WITHIN.search(joined))
    if last in _STRONG and (first in _PLACES or (len(first) == 2 and not is_given(first))):  # de.info, not j.sales
        return True
    return first in roles and not is_given(last) and (len(first) > 3 or len(last) == 2)  # vertrieb-nord, hr.de


@cache
def _roles() -> frozenset[str]:
    return (frozenset(listed("role_accounts")) | frozenset(listed("role_words"))) - _NAMES


def _is_dummy(local: str, own: str) -> bool:
    plain = local.partition("+")[0]
    joined = _DIGITS.sub("", _PARTS.sub("", plain)) or plain
    label = own.partition(".")[0]
    if (
        joined in _DUMMIES
        or plain in _DUMMIES
        or _NO_MAIL.fullmatch(joined)
        or not _OF_TESTS.isdisjoint(_PARTS.split(plain))
    ):
        return True
    return plain == label and (len(plain) <= _PLACEHOLDER_LOCALS or joined in _DUMMIES)


def normal(text: str) -> str:
    """Returns the address with its domain in lower-case ASCII; ``""`` if there is none.

    The local part keeps its case: some hosts show it as their people write it.
    """
    return read(text).email


def key(text: str) -> str:
    """Returns the spelling in which addresses are compared and asked for: all lower case; ``""`` if it is none."""
    return normal(text).lower()


def same(one: str, other: str) -> bool:
    """Tells whether both are the same address; case does not count."""
    return (key(one) or one.strip().lower()) == (key(other) or other.strip().lower())


def domain(text: str) -> str:
    """Returns the host behind the ``@``."""
    return host(normal(text).rpartition("@")[2])
