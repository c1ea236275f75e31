"""Reads the words beside a value: they may say that it is another person's, or not a value at all."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

from worker.decide.values.names.nicknames import is_given
from worker.decide.values.words import words as word_set

_ASCII_WORD = re.compile("[A-Za-z]+")
_LATIN_MARKS = dict.fromkeys(range(0x300, 0x370))
_ASKED_NOT_TO = re.compile(r"\b(?:do not|don'?t|please|bitte nicht) (?:call|ring|text|anrufen)\b", re.IGNORECASE)
_OF_PHONES = word_set("""
    tel telefon telefono telefone telephone telefoon telefonnummer telefoonnummer telefonnr telnr telno phone ph phon
    fon fone fono puhelin puh matkapuhelin gsm mobile mobil movil movel telemovel telemovil celular cel cell cellular
    cellulare cellphone mob handy natel portable port mobilnummer handynummer mobiltelefon mobilni mobilny mobilne tlf
    tlfnr tlph telefonszam komorka komorkowy komorkowa kom stacjonarny stacjonarna pevna linka ruf rufnummer callto
    number numbers num no nr nos numero nummer numer line linie ligne linea linha land landline fixed fixe fix fijo
    fisso fixo vast vaste festnetz fest fastnet fasttelefon voice voip dial call ring anruf appel sms text whatsapp
    wa telegram viber signal hp teams zoom
    home work office private privat prive privado privada privato personal personale business main direct direkt
    directo directa direto diretto directe direkte dir zentrale central centrale switchboard hq headquarters buro buero
    bureau oficina ufficio escritorio kantoor kontor kancelar arbeit beruflich dienst dienstlich geschaftlich
    geschaeftlich zuhause daheim casa particular domicile trabajo trabalho lavoro travail thuis werk hem arbete arbeid
    arbejde jobb job praca dom domu domov biuro prywatny sluzebni soukromy iroda otthon acasa birou ev is ofis kantor
    rumah sentralbord vaxel centralino standard centralita keskus
    preferred best primary secondary default available only nur solo seulement
    uhr h hrs am pm mo di mi do fr sa so mon tue tues wed thu thur thurs fri sat sun lun mar mer gio jeu ven sab sam
    dim lu ma me je ve montag dienstag mittwoch donnerstag freitag monday tuesday wednesday thursday friday saturday
    sunday morning mornings afternoon afternoons evening evenings abends morgens vormittags nachmittags after before
    from until till to bis ab nach vor von taglich daily weekdays est edt pst pdt cst cet gmt utc
    und oder or and ou et o y e u og och ja tai of en lub i a vagy sau si veya ve alebo nebo ali ili resp bzw sowie
    ext extn extension extensions ex dw durchwahl kl klappe int intern interno interne poste anexo toestel tst wew nst
    nebenstelle klapka mellek mell dahili ramal ramais extensao anknytning ankn lokal lok local linje alanumero pesawat
    may le nhanh ddi did opt option press pin code hunting thru through
    us usa uk eu de ch at germany deutschland schweiz osterreich austria switzerland france
    fax faxnr faxnummer telefax telecopie telecopieur faks fx
    телефон тел т м р моб мобильный мобильныи мобилен мобилни мобільний мобільнии сот сотовый сотовыи раб рабочий
    рабочии дом домашний домашнии городской городскои прямой факс доб вн внутр дод вътр лок и или та або телефонен номер
    τηλ τηλεφωνο κιν κινητο σταθερο φαξ εσωτ εσωτερικο και ή
    電話 电话 手机 手機 携帯 携帯電話 移动 移動 行動 座机 固定电话 代表 直通 内線 内线 分机 分机号 分機 转 轉 转接
    電話番号 传真 傳真
    ファックス 和 或 電 电 机 機
    전화 전화번호 휴대폰 휴대전화 핸드폰 직통 대표 내선 교환 팩스 사무실
    هاتف جوال موبايل موبایل تلفن همراه ثابت مكتب تحويلة داخلي فاكس فکس أو و
    טלפון נייד טל פלאפון משרד שלוחה פקס או
    โทร โทรศัพท์ มือถือ เบอร์ ต่อ โทรสาร แฟกซ์ dien thoai di dong đt dt
    फोन मोबाइल फैक्स ফোন মোবাইল հեռ ֆաքս ტელ მობ ფაქსი
    """)
_NO_NAMES = word_set("bill reg")  # beside a number they are an invoice, a registration
_OF_OTHERS = word_set("""
    not wrong old former formerly previous previously outdated invalid incorrect bad bounced bounces bouncing dead
    unsure sure maybe perhaps possibly duplicate fake manager boss supervisor assistant secretary wife husband spouse
    brother sister father mother son daughter colleague coworker successor predecessor replaced replacement referred
    referrer via ask instead different another someone nobody
    falsch falsche falscher falsches nicht veraltet ungultig ungueltig ehemalig ehemalige ehemaliger ehemals vielleicht
    assistentin assistent assistenz sekretarin sekretaerin chefin vorgesetzter ehefrau ehemann kollege kollegin
    nachfolger nachfolgerin vorganger vertretung
    pas faux fausse mauvais mauvaise ancien ancienne invalide erronee assistante collegue
    antiguo antigua equivocado equivocada erroneo erronea incorrecto incorrecta invalido invalida jefe jefa
    sbagliato sbagliata errato errata inesistente vecchio vecchia collega antigo antiga errado errada nao
    niet oud oude verkeerd verkeerde onjuist fel gammal gammalt inte forkert gammel gammelt ikke feil
    nie stary stara bledny bledna zly nieaktualny neplatny neplatne spatny spatne teves regi gresit vechi yanlis eski
    gecersiz degil не неверный неверныи неправильный старый старыи бывший бывшии невірний старий
    错误 錯誤 不是 旧 舊 違う 違います 아님 틀림 خطأ ليس שגוי לא salah bukan
    """)


def is_of_a_phone(text: str) -> bool:
    """Tells whether words beside a number leave it a person's own: kinds of phones, places, hours, given names.

    Any other word may say that it is a tax number, an invoice, a date, out of use.
    """
    if text.isascii() and not text.strip(" .,;:()[]-/"):
        return True
    words = _words(_ASKED_NOT_TO.sub(" ", text))
    letters = [len(word) == 1 for word in words]
    if any(one and other for one, other in pairwise(letters)):
        return False  # T.C., P.O., S/N
    return all(_is_of_a_phone(word) for word in words)


def _is_of_a_phone(word: str) -> bool:
    plain = word.casefold()
    if plain in _OF_PHONES or (len(word) == 1 and word.isascii() and plain != "f"):
        return True
    return word.istitle() and is_given(plain) and plain not in _NO_NAMES


def is_of_another(text: str) -> bool:
    """Tells whether words beside an address say that it is somebody else's, or no longer in use."""
    return not _OF_OTHERS.isdisjoint(word.casefold() for word in _words(text))


def _words(text: str) -> list[str]:
    if text.isascii():
        return _ASCII_WORD.findall(text)
    bare = unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).translate(_LATIN_MARKS))
    return "".join(sign if sign.isalpha() or unicodedata.category(sign)[0] == "M" else " " for sign in bare).split()
