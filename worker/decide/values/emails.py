"""Reads e-mail addresses: the one address a text gives, and whose it can be. Nothing is asked of the network."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from urllib.parse import unquote

from email_validator import EmailNotValidError, validate_email
from msgspec import Struct

from worker.decide.values import domains
from worker.decide.values.domains import host
from worker.decide.values.names.nicknames import is_given
from worker.decide.values.text import clean, is_masked, unescape
from worker.decide.values.words import listed, words

_APART = re.compile(r"[\s<>()\[\]\",;:|]+")
_USUAL = re.compile(
    r"([a-z0-9]+(?:[._+-][a-z0-9]+)*)@((?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+(?!arpa$|onion$)[a-z]{2,24})",
    re.IGNORECASE | re.ASCII,
)
_TAIL = re.compile(r"(?<=@)([^/?#]*).*$", re.DOTALL)
_LONGEST = 500
_LONGEST_ADDRESS, _LONGEST_LOCAL = 254, 64
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
    contatti bonjour bonsoir hallo hi ciao salut salve ahoj czesc hei terve bounce bounces mailing daemon listserv
    list-manager zakupy ksiegowosc handlowy handel kadry oferty oferta faktury dzialhandlowy dystrybucja magazyn
    marketing-pl rekrutacja praca logistyka transport dyrekcja myynti asiakaspalvelu laskutus talous toimisto huolto
    tilaukset rekry tiedotus toimitus palaute neuvonta varaukset yllapito ostot salg salgs regnskab regnskap
    bogholderi okonomi ekonomi kundservice kundesenter kundecenter forsaljning forsaljningen inkop bestallning
    bestillinger bestilling ordrekontor kontoret receptionen butik butiken lon personale presseinfo redaktionen
    support-dk svar hejsan bokning bokningen vaxel postmottak post-mottak firmapost epost postmottaket innkjop inkjop
    rekruttering jobb lagret drift teknik leverandor prodaja narudzbe narudzba nabava racunovodstvo komercijala uprava
    kadrovi informacije podrska kontakti narocila prodajalna tajnistvo racuni trgovina ofis bilgi satis satinalma
    muhasebe ik insankaynaklari musterihizmetleri destek siparis iletisim finans pazarlama teklif kalite lojistik
    ihracat ithalat yonetim sekreterlik bayi fatura otdel zakaz zakazy buh buhgalter buhgalteria bukhgalter sklad
    priem priemnaya kadri prodazhi prodaji zakupki snab snabzhenie reklama opt optom sales-ru secretary dogovor tender
    yurist logist logistika sekretar direktor rezume rabota spravka zayavka soumu eigyo toiawase otoiawase jinji keiri
    kouhou koho saiyo saiyou saiyo-info recruit madoguchi uketsuke support-jp shop-jp gyomu jimu jimukyoku kikaku
    chumon yingye caiwu xiaoshou renshi zhaopin kefu shichang bangongshi caigou shangwu webshop onlineshop online-shop
    eshop e-shop estore store tienda negozio loja winkel boutique magasin verkoop verkoopbinnendienst binnendienst
    facturatie facturen boekhouden crediteuren debiteuren planning receptionist hr-nl werkenbij vacatures
    sollicitaties offerte offertes bestellingen algemeen directiesecretariaat personeelszaken pers uffici ordini
    ordine preventivi preventivo assistenza assistenzaclienti acquisti acquisto contabilita contabile fatturazione
    magazzino direzione direzionegenerale risorseumane ufficiostampa stampa spedizioni logistica qualita tecnico
    ufficiotecnico vendita prenotazioni candidature lavoraconnoi presidenza clienti servizioclienti export estero
    italia reclami rappresentanza rh drh sav recrutement direction directiongenerale commandes commande facturation
    factures facture secretaire standard compta juridique achats-fr logistique technique qualite expedition presse-fr
    adv clients serviceclient service-client serviceclients reservation reservations candidatures stage stages
    abonnement abonnements renseignements renseignement mairie agence accueil-fr pedidos pedido facturacion facturas
    factura contabilidad rrhh recursoshumanos seleccion empleo atencionalcliente clientes cliente soporte tecnica
    calidad almacen comercial comerciales ventas-es marketing-es prensa reservas recepcion administracion direccion
    gerencia2 secretaria informacion informes consultas cotizaciones cotizacion proveedores tesoreria cobros
    exportacion tienda-online asesoria juridico presupuestos presupuesto taller sugerencias suscripciones financeiro
    faturamento faturacao fiscal contas contasapagar contasareceber vagas curriculo curriculos atendimento sac suporte
    orcamento orcamentos encomendas diretoria diretor recrutamento comunicacao imprensa qualidade expedicao geral
    loja-online licitacao licitacoes nfe nota notafiscal dp departamentopessoal reklamace objednavka podatelna uctarna
    fakturace prodej prodejna nakup sekretariat-cz recepce personalni kariera dotazy poptavky poptavka informace-cz
    provoz sklad-cz obchodni marketing-cz technik-cz jednatel predaj predajna objednavky-sk uctovnictvo kancelaria
    podatelna-sk sekretariat-sk zakaznik zakaznickyservis ertekesites rendeles iroda penzugy konyveles szamla
    szamlazas titkarsag raktar beszerzes szerviz hr-hu allas karrier marketing-hu kapcsolat uzlet webaruhaz ajanlat
    ajanlatkeres panasz comenzi vanzari contabilitate secretariat2 achizitii financiar relatiiclienti juridic depozit
    oferte facturi resurseumane cariere birou office-ro suport magazin info-gr grammateia logistirio poliseis
    exypiretisi paraggelies promithies pardavimai buhalterija uzsakymai administracija-lt pasts gramatvediba pardosana
    birojs myyk raamatupidamine klienditeenindus muuk kontor-ee tellimus tellimused office1 frontoffice front-office
    backoffice back-office frontdesk front-desk switchboard operator callcenter call-center callcentre contactcenter
    contact-center servicecenter service-center servicedesk service-desk helpline hotline infoline infodesk info-desk
    infopoint salesteam salesoffice salesdesk salesadmin salessupport salesinfo supportteam support-team teamsupport
    accountsdept accountspayable accounts-payable accountsreceivable accounts-receivable payables receivables ap ar
    apinvoices invoicing einvoice e-invoice einvoicing erechnung e-rechnung xrechnung purchase purchases
    purchaseorders po pos procurement sourcing buyer buyers buying quotes quote quotation quotations rfq rfp tenders
    bids bid estimating estimates dispatch shipping warehouse logistics delivery deliveries returns refunds refund
    claims warranty repairs maintenance facilities facility bookings events event sponsorship membership members
    memberservices subscriptions subscribe subscriptions2 donations donate volunteer volunteers fundraising hr hrteam
    hrdept hr-team humanresources human-resources peopleops people-ops talent talents talentacquisition recruiter
    recruiters hiring resumes resume cv cvs jobs-de apply applications vacancies internships internship trainees
    ausbildung-de azubi payroll benefits training academy learning compliance legalteam law counsel gdpr dsgvo
    privacyteam data-protection security-team infosec soc noc it it-support edv-support sysadmin administrator2 root
    hostmaster dns domains devops dev developers development engineering eng qa qc quality testing-team lab labs
    research rnd innovation product products productteam design designers creative studio-team art-team production
    manufacturing operations ops press-office pressoffice media mediarelations comms communications communication
    communications-team pr publicrelations public-relations ir-team investor investors partners partner partnerships
    partnership affiliates affiliate resellers reseller distributors distributor dealers dealer wholesale retail
    exports import imports international global europe emea apac usa-sales ukinfo board chairman president director
    directors directorate management executive treasurer principal headmaster headteacher schooloffice registrar
    registry admissions library bursar finance finances financial treasury-team credit creditcontrol credit-control
    collections newbusiness new-business newsales leads lead leadgen growth community social socialmedia social-media
    digital digitalteam web webteam web-team website webinfo ecommerce e-commerce onlinesales customer customers
    customercare customer-care customersupport customer-support customersuccess customer-success clientservices
    client-services clientservice client-service client concierge welcome hello-team greetings notification
    notifications notify alerts alert updates update system systems robot bot mailbot automailer auto automated
    autoreply auto-reply confirmation confirmations receipts receipt statements statement reports report calendar
    reply replies ticket tickets kasse kreditoren debitoren fibu lohn ausschreibung ausschreibungen angebote angebot
    postoffice post-office dept department abteilung desk kundencenter owner owners founder founders inhaber inhaberin
    geschaeftsleitung geschäftsleitung pfarramt gemeinde rathaus buergerbuero bürgerbüro kanzlei notariat apotheke
    restaurant verein vorsitzender kassenwart schriftfuehrer schriftführer
    aftersales after-sales spareparts spare-parts parts customs zoll zollabteilung notar schule schulleitung rektorat
    dekanat stadt stadtverwaltung landratsamt buergermeister bürgermeister feuerwehr kita kindergarten spa wellness gym
    scanner scan printer copier kopierer drucker hubspot crm salesforce teamsales guest guests visitor visitors
    patient patienten kunde kunden mieter employee employees laskut lasku asiakas patients tenants
    parrocchia comune ayuntamiento ecole école
    etude étude pharmacie bestuur gemeente huisarts praktijk gmina szkola
    """
)
_NAMES = words(  # of the list: people bear these
    "gardner sydney paris per la ta pd sem th lt md gm us se mt ny bd an captain master mayor pastor smile angels "
    "alpha alphas church house home core wp ask family chef prince time travel sport tour core women may art "
    "dev law reg alexa eng"
)
_OF_MACHINES = words(  # below a network's or shop's domain: they pass a mail on, or take back what bounced
    "reply replies inbound bounce bounces relay marketplace guest messages notification notifications mailer"
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
_NEVER_ANSWERED = ("noreply", "donotreply", "noresponse", "mailerdaemon", "unsubscribe", "doNotReply".lower())
_ROLE_WITHIN = re.compile(  # written together with a place, a company or another role
    r"^(?:vertrieb|rechnung|buchhalt|bewerb|kundendienst|kundenservice|marketing|einkauf|verkauf|helpdesk|newsletter"
    r"|sekretariat|secretariat|customerserv|customercare|info[a-z]{2,})"
    r"|(?:office|service|support|marketing|buchhaltung|rechnung|bewerbung|helpdesk|rechnungseingang|(?<=\w{3})info)$"
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
    customerhasnoemail hasnoemail refused refusedemail declined
    """
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
    addresses = [_valid(word) for word in _APART.split(shown) if "@" in word and word != "@"]
    spelled = {address.lower(): address for address in addresses}
    if len(spelled) > 1:
        return "several"
    return next(iter(spelled.values()), "") or "unreadable"


def _valid(word: str) -> str:
    bare = _TAIL.sub(r"\1", word.strip(_AROUND)).strip(_AROUND)
    usual = _USUAL.fullmatch(bare) if len(bare) <= _LONGEST_ADDRESS else None
    if usual and len(usual[1]) <= _LONGEST_LOCAL:  # what most are like: valid as it is
        local, name = usual.groups()
    else:
        try:
            parsed = validate_email(bare, check_deliverability=False, allow_smtputf8=False)
        except EmailNotValidError:
            return ""
        local, name = parsed.local_part, parsed.ascii_domain
    if len(local.encode()) > _LONGEST_LOCAL:
        return ""  # no server takes it
    return f"{local}@{name.lower()}" if host(name) else ""  # a suffix nobody can register under is none


def _nobodys(local: str, name: str, own: str) -> str:
    """Tells why an address is no one person's; ``""`` when it can be."""
    if domains.is_disposable(name):
        return "disposable"
    if domains.is_placeholder(own) or _is_dummy(local, own):
        return "dummy"
    return "role" if is_role(local) or "noreply" in name or not _OF_MACHINES.isdisjoint(name.split(".")) else ""


def is_role(local: str) -> bool:
    """Tells whether a local part stands for a role: ``info``, ``sales.de``, ``no-reply``, ``kontakt2``."""
    plain = local.lower().partition("+")[0]
    parts = [part for part in (_DIGITS.sub("", part) for part in _PARTS.split(plain)) if part]
    joined = "".join(parts)
    roles = _roles()
    if plain in roles or joined in roles or any(word in joined for word in _NEVER_ANSWERED):
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
    return (frozenset(listed("role_accounts")) | _ROLES) - _NAMES


def _is_dummy(local: str, own: str) -> bool:
    plain = local.partition("+")[0]
    joined = _DIGITS.sub("", _PARTS.sub("", plain)) or plain
    label = own.partition(".")[0]
    if joined in _DUMMIES or plain in _DUMMIES or not _OF_TESTS.isdisjoint(_PARTS.split(plain)):
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
    """Tells whether both are the same address; case does not count."""
    return (key(one) or one.strip().lower()) == (key(other) or other.strip().lower())


def domain(text: str) -> str:
    """Returns the host behind the ``@``."""
    return host(normal(text).rpartition("@")[2])
