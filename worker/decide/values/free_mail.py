"""Mail hosts whose addresses say nothing about an employer, and sites that are nobody's own domain: data."""

from __future__ import annotations


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_FAMILIES = {  # brand -> the public suffixes it is found under
    "gmail": "com",
    "googlemail": "com de co.uk",
    "yahoo": "com de fr es it nl be at ch se no dk pl ro gr ie pt co.uk co.in co.id co.jp co.kr co.nz co.th co.za ca "
    "in com.ar com.au com.br com.cn com.hk com.mx com.my com.ph com.sg com.tr com.tw com.vn",
    "ymail": "com",
    "rocketmail": "com",
    "hotmail": "com de fr es it nl be ch se no dk fi ca co.uk co.jp co.th com.ar com.au com.br com.mx com.tr gr",
    "outlook": "com de fr es it be at dk ie pt cz sk co.th co.id co.nz com.ar com.au com.br com.gr com.tr com.vn in jp",
    "live": "com de fr it nl be at se no dk ie ca in ru cn jp co.uk co.za com.ar com.au com.mx com.pt com.sg com.my",
    "msn": "com",
    "aol": "com de fr it es co.uk com.br com.au",
    "icloud": "com",
    "gmx": "de net at ch com fr es it us co.uk info org",
    "web": "de",
    "proton": "me",
    "protonmail": "com ch",
    "pm": "me",
    "tutanota": "com de",
    "tuta": "io com",
    "yandex": "com ru by kz ua com.tr",
    "mail": "com ru ee de bg",
    "zohomail": "com eu in",
    "fastmail": "com fm",
    "inbox": "ru lv lt com",
    "rediffmail": "com",
    "laposte": "net",
    "orange": "fr es",
    "wanadoo": "fr es nl",
    "free": "fr",
    "bluewin": "ch",
    "libero": "it",
    "virgilio": "it",
    "tiscali": "it co.uk",
    "t-online": "de hu",
    "freenet": "de",
    "posteo": "de net",
    "seznam": "cz",
    "centrum": "cz sk",
    "uol": "com.br",
    "bol": "com.br",
    "terra": "com.br es com",
    "qq": "com",
    "163": "com",
    "126": "com",
    "naver": "com",
    "hanmail": "net",
    "daum": "net",
    "docomo": "ne.jp",
    "ezweb": "ne.jp",
    "softbank": "ne.jp",
    "telenet": "be",
    "skynet": "be",
}

_SINGLE = _set(
    """
    me.com mac.com email.com usa.com myself.com consultant.com engineer.com europe.com writeme.com post.com
    iname.com hey.com hushmail.com mailbox.org mailfence.com disroot.org riseup.net startmail.com runbox.com
    lavabit.com duck.com mozmail.com privaterelay.appleid.com simplelogin.com anonaddy.com kolabnow.com
    ctemplar.com cock.li comcast.net verizon.net att.net sbcglobal.net bellsouth.net cox.net charter.net
    earthlink.net optonline.net juno.com netzero.net frontier.com windstream.net centurylink.net roadrunner.com
    rr.com suddenlink.net mindspring.com rogers.com shaw.ca sympatico.ca telus.net videotron.ca bell.net
    cogeco.ca btinternet.com btopenworld.com virginmedia.com ntlworld.com sky.com talktalk.net blueyonder.co.uk
    o2.co.uk plusnet.com eircom.net sfr.fr neuf.fr numericable.fr bbox.fr aliceadsl.fr club-internet.fr gmx.li
    arcor.de online.de vodafone.de kabelmail.de unitybox.de email.de 1und1.de o2online.de aon.at chello.at
    chello.nl hispeed.ch sunrise.ch telefonica.net movistar.es ya.com sapo.pt clix.pt iol.pt netcabo.pt alice.it
    tin.it fastwebnet.it aruba.it tim.it ziggo.nl kpnmail.nl planet.nl home.nl xs4all.nl hetnet.nl upcmail.nl
    quicknet.nl proximus.be voo.be online.no broadpark.no telia.com comhem.se bredband.net spray.se telia.se
    tele2.se elisanet.fi kolumbus.fi luukku.com suomi24.fi tdcadsl.dk mail.dk jubii.dk stofanet.dk wp.pl o2.pl
    interia.pl interia.eu onet.pl op.pl poczta.onet.pl poczta.fm gazeta.pl vp.pl tlen.pl azet.sk zoznam.sk
    post.cz email.cz volny.cz freemail.hu citromail.hu indamail.hu abv.bg dir.bg otenet.gr forthnet.gr mynet.com
    superonline.com ttmail.com list.ru bk.ru rambler.ru ya.ru ukr.net i.ua meta.ua bigmir.net tut.by foxmail.com
    sina.com sina.cn sohu.com 139.com 189.cn yeah.net aliyun.com 21cn.com tom.com nate.com hanmail.com nifty.com
    biglobe.ne.jp ocn.ne.jp au.com i.softbank.jp so-net.ne.jp sify.com indiatimes.com in.com bigpond.com
    bigpond.net.au optusnet.com.au iinet.net.au tpg.com.au internode.on.net xtra.co.nz slingshot.co.nz
    vodamail.co.za mweb.co.za telkomsa.net webmail.co.za ig.com.br globo.com globomail.com r7.com zipmail.com.br
    prodigy.net.mx fibertel.com.ar speedy.com.ar walla.com walla.co.il 012.net.il bezeqint.net netvision.net.il
    emirates.net.ae eim.ae mailinator.com guerrillamail.com 10minutemail.com yopmail.com temp-mail.org
    trashmail.com sharklasers.com maildrop.cc
    """
)
FREE = _SINGLE | {f"{brand}.{suffix}" for brand, suffixes in _FAMILIES.items() for suffix in suffixes.split()}

NOBODYS = _set(
    """
    linkedin.com facebook.com instagram.com twitter.com x.com youtube.com tiktok.com xing.com crunchbase.com
    google.com bit.ly linktr.ee about.me medium.com github.com gitlab.com wikipedia.org yelp.com tripadvisor.com
    amazon.com ebay.com etsy.com apple.com t.me wa.me vk.com pinterest.com glassdoor.com indeed.com angel.co
    wellfound.com
    """
)
