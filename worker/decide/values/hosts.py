"""Lists hosts that are not an employer's own: of mail (free, disposable, alumni's), and of other people's pages.

Pages are those of networks, shops, builders and tenants, where a page or a subdomain is not the host's own. Free hosts
come from the list ``free_mail``, what it lacks and what it gets wrong from here; disposable ones from the package
``disposable-email-domains``, which is renewed every few days.
"""

from __future__ import annotations

import re
from functools import cache

from disposable_email_domains import blocklist

from worker.decide.values.words import listed, words

_BRANDS = re.compile(  # found under every country's suffix
    r"^(?:yahoo|ymail|rocketmail|hotmail|outlook|live|msn|windowslive|passport|gmail|googlemail|aol|gmx|yandex|lycos"
    r"|tiscali|wanadoo|protonmail|tutanota|hushmail|freemail|webmail|zohomail|fastmail|mail2000|terra)"
    r"\.(?:com|net|org|[a-z]{2}|(?:com?|net|org|ne)\.[a-z]{2})$"
)
_FREE = words(
    """
    icloud.com me.com mac.com proton.me pm.me tuta.io tuta.com hey.com duck.com mozmail.com privaterelay.appleid.com
    simplelogin.com simplelogin.co anonaddy.com addy.io relay.firefox.com kolabnow.com startmail.com runbox.com
    mailbox.org mailfence.com posteo.de posteo.net disroot.org riseup.net skiff.com zoho.com zoho.eu zoho.in
    rediffmail.com inbox.com inbox.lv inbox.lt inbox.ru mail.com email.com usa.com myself.com consultant.com
    engineer.com europe.com post.com writeme.com iname.com mail.de mail.bg mail.ee mail.by mail.kz mail.ua mail.dk
    mail.ru list.ru bk.ru internet.ru xmail.ru rambler.ru lenta.ru autorambler.ru myrambler.ru ro.ru r0.ru ya.ru
    qip.ru pochta.ru pochtamt.ru fromru.com front.ru hotbox.ru land.ru newmail.ru nm.ru pisem.net krovatka.su
    smtp.ru pop3.ru e1.ru ngs.ru sibmail.com nxt.ru hotmail.ru vk.com mts.ru ukr.net i.ua ua.fm email.ua meta.ua
    bigmir.net online.ua 3g.ua gala.net tut.by open.by nursat.kz abv.bg dir.bg gbg.bg mail.kg web.de freenet.de
    t-online.de arcor.de online.de onlinehome.de vodafone.de vodafonemail.de kabelmail.de unitybox.de unity-mail.de
    email.de o2online.de o2mail.de alice-dsl.net alice.de versanet.de netcologne.de ewetel.net ewe.net htp-tel.de
    m-net.de mnet-online.de mnet-mail.de osnanet.de kabelbw.de magenta.de 1und1.de s-direktnet.de directbox.com
    smart-mail.de epost.de telekom-mail.de t-mobile.de gmx-topmail.de aon.at a1.net chello.at utanet.at inode.at
    liwest.at kabsi.at tele2.at drei.at telering.at 1012surfnet.at bluewin.ch hispeed.ch sunrise.ch bluemail.ch
    swissonline.ch freesurf.ch vtxmail.ch vtxnet.ch tele2.ch romandie.com netplus.ch citycable.ch quickline.ch
    bluemail.swiss orange.fr sfr.fr neuf.fr free.fr freesbee.fr laposte.net bbox.fr numericable.fr numericable.com
    club-internet.fr cegetel.net noos.fr aliceadsl.fr libertysurf.fr voila.fr caramail.com 9online.fr 9business.fr
    dbmail.com estvideo.fr orange.es telefonica.net movistar.es ya.com ono.com euskaltel.net euskalnet.net
    mundo-r.com eresmas.com jazztel.es vodafone.es telecable.es correo.com hispavista.com latinmail.com iespana.es
    sapo.pt clix.pt iol.pt netcabo.pt aeiou.pt oninet.pt kanguru.pt mail.telepac.pt telepac.pt nos.pt meo.pt
    zonmail.pt vodafone.pt portugalmail.pt libero.it virgilio.it alice.it tin.it tim.it aruba.it pec.it legalmail.it
    postecert.it fastwebnet.it iol.it inwind.it blu.it giallo.it email.it katamail.com infostrada.it supereva.it
    interfree.it jumpy.it teletu.it vodafone.it poste.it wind.it tele2.it hotmail.it ziggo.nl kpnmail.nl
    kpnplanet.nl planet.nl home.nl xs4all.nl hetnet.nl upcmail.nl quicknet.nl casema.nl chello.nl wxs.nl zonnet.nl
    tele2.nl versatel.nl solcon.nl zeelandnet.nl caiway.nl caiway.net kabelfoon.nl multiweb.nl telfort.nl
    onsbrabantnet.nl concepts.nl online.nl freeler.nl hccnet.nl dds.nl xmsnet.nl proximus.be skynet.be belgacom.net
    telenet.be pandora.be scarlet.be voo.be brutele.be tvcablenet.be edpnet.be base.be mobistar.be vt4.be scarlet.nl
    pt.lu internet.lu vo.lu tango.lu btinternet.com btopenworld.com btconnect.com talk21.com virginmedia.com
    virgin.net ntlworld.com blueyonder.co.uk sky.com talktalk.net o2.co.uk plusnet.com plus.com plus.net
    force9.co.uk freeserve.co.uk fsnet.co.uk fsmail.net lineone.net onetel.com onetel.net supanet.com dsl.pipex.com
    pipex.com madasafish.com waitrose.com tesco.net uwclub.net zen.co.uk vodafone.net ee.co.uk orange.net
    orangehome.co.uk eclipse.co.uk demon.co.uk doctors.org.uk manx.net cwgsy.net jersey.com eircom.net eir.ie iol.ie
    indigo.ie o2.ie oceanfree.net vodafone.ie imagine.ie online.no broadpark.no getmail.no lyse.net c2i.net
    frisurf.no ebnett.no epost.no bluezone.no altibox.no telia.com telia.se comhem.se bredband.net bredband2.com
    spray.se tele2.se home.se swipnet.se passagen.se bahnhof.se bostream.nu glocalnet.net telenor.se ownit.nu
    tdcadsl.dk tdcmail.dk tdc.dk jubii.dk stofanet.dk sol.dk ofir.dk webspeed.dk email.dk get2net.dk post.tele.dk
    mail.tele.dk post.cybercity.dk vip.cybercity.dk privat.dk youmail.dk fibermail.dk dlgmail.dk waoo.dk
    youseepost.dk elisanet.fi kolumbus.fi saunalahti.fi luukku.com suomi24.fi welho.com dnainternet.net pp.inet.fi
    inet.fi netti.fi mbnet.fi surffi.net phnet.fi sci.fi nic.fi kotinet.com pp1.inet.fi simnet.is internet.is
    visir.is hive.is wp.pl o2.pl interia.pl interia.eu interia.com onet.pl onet.eu op.pl vp.pl poczta.onet.pl
    poczta.fm poczta.pl gazeta.pl tlen.pl go2.pl neostrada.pl autograf.pl spoko.pl buziaczek.pl amorki.pl orange.pl
    plusnet.pl vectranet.pl seznam.cz centrum.cz email.cz post.cz volny.cz atlas.cz quick.cz iol.cz cbox.cz
    tiscali.cz azet.sk zoznam.sk centrum.sk post.sk pobox.sk stonline.sk chello.sk inmail.sk t-online.hu
    citromail.hu freemail.hu indamail.hu vipmail.hu freestart.hu invitel.hu upcmail.hu digikabel.hu axelero.hu
    chello.hu mailbox.hu k.ro clicknet.ro rdslink.ro xnet.ro personal.ro home.ro email.ro otenet.gr forthnet.gr
    hol.gr in.gr freemail.gr pathfinder.gr cosmotemail.gr tellas.gr mailbox.gr net.hr inet.hr t-com.hr htnet.hr
    vip.hr optinet.hr siol.net t-2.net amis.net telemach.net volja.net eunet.rs sbb.rs ptt.rs open.telekom.rs mts.rs
    bih.net.ba takas.lt delfi.lt one.lt zebra.lt apollo.lv e-apollo.lv one.lv hot.ee neti.ee online.ee
    cytanet.com.cy primehome.com maltanet.net onvol.net go.net.mt mynet.com superonline.com ttmail.com ttnet.net.tr
    superposta.com comcast.net verizon.net att.net sbcglobal.net bellsouth.net ameritech.net pacbell.net swbell.net
    snet.net prodigy.net flash.net nvbell.net wans.net cox.net charter.net spectrum.net earthlink.net mindspring.com
    optonline.net optimum.net juno.com netzero.net netzero.com frontier.com frontiernet.net windstream.net
    centurylink.net centurytel.net embarqmail.com q.com qwest.net roadrunner.com rr.com twc.com suddenlink.net
    mchsi.com mediacombb.net insightbb.com cableone.net sparklight.net rcn.com wowway.com wideopenwest.com tds.net
    ptd.net epix.net fuse.net zoominternet.net knology.net bresnan.net hughes.net wildblue.net excede.net gci.net
    alaska.net hawaiiantel.net hawaii.rr.com consolidated.net gvtc.com atlanticbb.net metrocast.net sonic.net
    speakeasy.net peoplepc.com adelphia.net alltel.net netscape.net compuserve.com cs.com aim.com wow.com love.com
    ygm.com games.com excite.com usa.net bigfoot.com juno.net netins.net ix.netcom.com netcom.com erols.com
    starpower.net toast.net myfairpoint.net fairpoint.net sbcglobal.com worldnet.att.net attglobal.net
    bellatlantic.net pipeline.com ispwest.com vzw.com vtext.com tmomail.net cricketwireless.net mail.house.gov
    rogers.com shaw.ca sympatico.ca bell.net telus.net videotron.ca videotron.qc.ca cogeco.ca cogeco.net eastlink.ca
    sasktel.net mts.net mymts.net nb.sympatico.ca nf.sympatico.ca ns.sympatico.ca bellaliant.net nl.rogers.com
    tbaytel.net execulink.com primus.ca distributel.net xplornet.com xplornet.ca teksavvy.com vif.com
    globetrotter.net prodigy.net.mx infinitum.com.mx cablevision.net.mx megared.net.mx axtel.net avantel.net izzi.mx
    uol.com.br bol.com.br terra.com.br ig.com.br globo.com globomail.com r7.com zipmail.com.br oi.com.br
    click21.com.br veloxmail.com.br superig.com.br pop.com.br ibest.com.br brturbo.com.br netsite.com.br onda.com.br
    claro.com.br vivozap.com.br arnet.com.ar fibertel.com.ar speedy.com.ar ciudad.com.ar sinectis.com.ar
    uolsinectis.com.ar infovia.com.ar sion.com cablevisionfibertel.com.ar telecentro.com.ar netizen.com.ar vtr.net
    entelchile.net mi.cl manquehue.net une.net.co etb.net.co cable.net.co epm.net.co speedy.com.pe cantv.net
    adinet.com.uy montevideo.com.uy vera.com.uy racsa.co.cr ice.co.cr cwpanama.net cablenet.com.ni tigo.com.gt
    bigpond.com bigpond.net.au bigpond.com.au telstra.com optusnet.com.au optus.com.au iinet.net.au tpg.com.au
    internode.on.net westnet.com.au dodo.com.au ozemail.com.au adam.com.au netspace.net.au exetel.com.au aapt.net.au
    iprimus.com.au primusonline.com.au amnet.net.au aussiebroadband.com.au southernphone.com.au activ8.net.au
    xtra.co.nz slingshot.co.nz orcon.net.nz clear.net.nz paradise.net.nz ihug.co.nz vodafone.co.nz vodafone.net.nz
    inspire.net.nz actrix.co.nz actrix.gen.nz snap.net.nz kinect.co.nz callplus.net.nz woosh.co.nz qq.com vip.qq.com
    foxmail.com 163.com 126.com 163.net 188.com 263.net yeah.net vip.163.com vip.126.com sina.com sina.cn
    sina.com.cn vip.sina.com sohu.com 139.com 189.cn wo.cn wo.com.cn 21cn.com tom.com aliyun.com sogou.com eyou.com
    chinaren.com 56.com hinet.net msa.hinet.net seed.net.tw pchome.com.tw kimo.com xuite.net giga.net.tw url.com.tw
    so-net.net.tw tcts.com.tw netvigator.com biznetvigator.com hkbn.net i-cable.com ctimail.com hutchcity.com
    hknet.com pacific.net.hk macau.ctm.net ctm.net naver.com hanmail.net hanmail.com daum.net nate.com kakao.com
    empas.com empal.com paran.com chol.com dreamwiz.com korea.com lycos.co.kr netian.com hanafos.com freechal.com
    docomo.ne.jp ezweb.ne.jp au.com softbank.ne.jp i.softbank.jp vodafone.ne.jp disney.ne.jp ymobile.ne.jp
    willcom.com uqmobile.jp rakuten.jp nifty.com nifty.ne.jp biglobe.ne.jp biglobe.jp ocn.ne.jp ocn.jp so-net.ne.jp
    plala.or.jp dion.ne.jp asahi-net.or.jp infoweb.ne.jp dti.ne.jp hi-ho.ne.jp odn.ne.jp odn.jp ybb.ne.jp bbtec.net
    eonet.ne.jp zaq.ne.jp zaq.jp kcn.jp kcn.ne.jp jcom.home.ne.jp jcom.zaq.ne.jp commufa.jp ctk.ne.jp tnc.ne.jp
    wakwak.com goo.ne.jp goo.jp mail.goo.ne.jp infoseek.jp excite.co.jp excite.jp livedoor.com so-net.jp auone.jp
    auone-net.jp tiki.ne.jp mopera.net emobile.ne.jp nttpc.ne.jp interlink.or.jp iij4u.or.jp ninus.ocn.ne.jp
    sannet.ne.jp singnet.com.sg starhub.net.sg pacific.net.sg magix.com.sg m1net.com.sg streamyx.com tm.net.my
    jaring.my unifi.my telkom.net cbn.net.id indosat.net.id plasa.com indo.net.id truemail.co.th loxinfo.co.th
    cscoms.com csloxinfo.com thaimail.com sanook.com pldtdsl.net skyinet.net vnn.vn fpt.vn hcm.vnn.vn hn.vnn.vn
    viettel.vn rediff.com sify.com indiatimes.com in.com bsnl.in bsnl.co.in vsnl.net vsnl.com sancharnet.in
    airtelmail.in eth.net satyam.net.in mtnl.net.in dataone.in airtelmail.com jio.com hathway.com asianetindia.com
    ptcl.net.pk ptcl.net cyber.net.pk sltnet.lk slt.lk walla.com walla.co.il bezeqint.net netvision.net.il
    012.net.il 013.net 013net.net zahav.net.il barak-online.net barak.net.il actcom.co.il nana.co.il nana10.co.il
    inter.net.il smile.net.il 018.net.il 017.net.il emirates.net.ae eim.ae etisalat.ae du.ae maktoob.com
    saudi.net.sa awalnet.net.sa nesma.net.sa stc.com.sa qatar.net.qa batelco.com.bh omantel.net.om kems.net
    qualitynet.net link.net tedata.net.eg menara.ma topnet.tn planet.tn gnet.tn mweb.co.za telkomsa.net
    vodamail.co.za webmail.co.za iafrica.com absamail.co.za lantic.net cybersmart.co.za polka.co.za axxess.co.za
    isat.co.za imaginet.co.za afrihost.co.za intnet.mu wanadoo.mg iway.na mtnonline.com africaonline.co.ke
    safaricom.co.ke
    passmail.net passmail.com passinbox.com passfwd.com slmail.me slmails.com aleeas.com 8alias.com 8shield.net
    dralias.com silomails.com simplelogin.fr anonaddy.me addymail.com 33mail.com erine.email opayq.com cloaked.id
    ironvest.com private.icloud.com tutamail.com keemail.me tuta.de mail2tor.com onionmail.org atomicmail.io cock.li
    mailo.com net-c.com net-c.fr criptext.com ctemplar.com msgsafe.io eclipso.de eclipso.eu eclipso.ch mail.ch
    murena.io e.email vivaldi.net operamail.com thexyz.com countermail.com unseen.is neomailbox.com soverin.net
    mailfence.be infomaniak.ch ik.me ikmail.com etik.com posteo.eu posteo.ch posteo.at posteo.us emailn.de vfemail.net
    safe-mail.net autistici.org inventati.org systemli.org librem.one polarismail.com purelymail.com migadu.com
    mxroute.com disroot.net dismail.de snopyta.org airmail.cc national.shitposting.agency tfwno.gf xmpp.jp gmial.com
    gmai.com gmal.com gamil.com gnail.com gmaill.com gmail.co gmail.cm gmail.con gmail.om gmail.de gmail.fr gmail.it
    gmail.es hotmial.com hotmal.com hotmai.com hotmil.com hotamil.com homail.com hotmail.con hotmail.co yaho.com
    yahooo.com yhoo.com yahoo.con yahoo.co outlok.com outloo.com outlook.con outllok.com iclod.com icloud.co icoud.com
    indeedemail.com
    """
)
_COMPANIES = words(  # the lists call these free; their own employees write from them
    """
    about.com alibaba.com ancestry.com aver.com bt.com charter.com cntv.cn comcast.com cox.com detik.com
    discovery.com dnsmadeeasy.com doityourself.com easypost.com enel.net eurosport.com facebook.com hyatt.com
    infomart.or.jp ivillage.com kansascity.com law.com looksmart.com medscape.com name.com nus.edu.sg oath.com
    onmilwaukee.com parrot.com renren.com saudia.com singpost.com space.com swissinfo.org techspot.com test.de
    theglobe.com ttml.co.in unican.es upf.org visto.com adoption.com srilankan.net webindia123.com usma.net
    catholic.org
    """
)
_THROWN_AWAY = re.compile(  # what hosts for an hour call themselves
    r"^(?:te?mp-?e?-?mails?|e?mail-?temp|trash-?mail|throw-?away-?mail|disposable-?e?-?mail|wegwerf|fake-?e?-?mail|spam-?gourmet"
    r"|guerr?illa-?mail|mailinator|yopmail|\d+-?min(?:ute)?s?-?(?:e-?)?mail|minute-?mail|burner-?mail|jetable|ano?n-?mail)"
    r"[a-z0-9-]{0,6}\."
)
_ALUMNI = words(
    """
    post.harvard.edu aya.yale.edu alum.mit.edu cantab.net oxon.org alumni.net alumni.com ieee.org acm.org acm.com
    computer.org member.fsf.org uwalumni.com umalumni.com gradschool.org physics.org graduate.org
    """
)
_FORMER = words(
    "alumni alum alumnus alumna alumnae alumnos alumno ehemalige exalumnos antiguos student students studenti studente "
    "stud stu etu etudiant etudiants estudiante estudiantes estudante learner pupil"
)


@cache
def _free() -> frozenset[str]:
    return (frozenset(listed("free_mail")) | _FREE) - _COMPANIES


def is_free(name: str, registrable: str) -> bool:
    """Tells whether a host is a free or access provider's; ``registrable`` is its registrable domain."""
    if registrable in _COMPANIES:
        return False
    return name in _free() or registrable in _free() or bool(_BRANDS.match(registrable))


def is_disposable(name: str, registrable: str) -> bool:
    """Tells whether mail at a host is thrown away after minutes."""
    return name in blocklist or registrable in blocklist or bool(_THROWN_AWAY.match(registrable))


def is_of_former(name: str) -> bool:
    """Tells whether a host gives addresses to alumni, students or members of a society: it employs none of them."""
    return any(part in _ALUMNI for part in _tails(name)) or not _FORMER.isdisjoint(name.split("."))


def _tails(name: str) -> list[str]:
    labels = name.split(".")
    return [".".join(labels[start:]) for start in range(len(labels) - 1)]


_PAGES = words(
    """
    linkedin.com facebook.com fb.com instagram.com threads.net twitter.com x.com youtube.com tiktok.com snapchat.com
    pinterest.com reddit.com quora.com tumblr.com flickr.com vimeo.com dailymotion.com twitch.tv discord.com
    discord.gg telegram.org whatsapp.com signal.org vk.com ok.ru weibo.com wechat.com line.me kakao.com xing.com
    viadeo.com crunchbase.com angel.co wellfound.com glassdoor.com indeed.com monster.com stepstone.de kununu.com
    zoominfo.com apollo.io rocketreach.co lusha.com dnb.com opencorporates.com bloomberg.com pitchbook.com owler.com
    clutch.co g2.com capterra.com trustpilot.com yelp.com tripadvisor.com booking.com airbnb.com foursquare.com
    yellowpages.com gelbeseiten.de pagesjaunes.fr 11880.com northdata.de northdata.com wikipedia.org wikidata.org
    wikimedia.org github.com gitlab.com bitbucket.org sourceforge.net npmjs.com stackoverflow.com dev.to
    hashnode.com kaggle.com medium.com substack.com wordpress.org behance.net dribbble.com deviantart.com
    artstation.com soundcloud.com spotify.com bandcamp.com patreon.com kickstarter.com gofundme.com etsy.com
    fiverr.com upwork.com freelancer.com malt.com malt.fr malt.de about.me gravatar.com issuu.com scribd.com
    slideshare.net prezi.com canva.com figma.com eventbrite.com meetup.com apple.com microsoft.com office.com
    live.com bing.com yahoo.com dropbox.com box.com wetransfer.com docusign.com archive.org researchgate.net
    academia.edu orcid.org scholar.google.com imdb.com mobile.de autoscout24.de immobilienscout24.de willhaben.at
    leboncoin.fr alibaba.com aliexpress.com made-in-china.com globalsources.com indiamart.com justdial.com
    tradeindia.com europages.com wlw.de kompass.com mercadolibre.com rakuten.co.jp taobao.com tmall.com walmart.com
    zalando.de otto.de shopify.com wix.com godaddy.com
    doctolib.fr doctolib.de jameda.de provenexpert.com immowelt.de check24.de houzz.com houzz.de angi.com
    thumbtack.com bbb.org nextdoor.com opentable.com ubereats.com lieferando.de treatwell.de 1688.com jd.com hh.ru
    avito.ru 2gis.ru yandex.ru bilibili.com douyin.com xiaohongshu.com zhihu.com baidu.com bsky.app mastodon.social
    threads.com societe.com pappers.fr infogreffe.fr verif.com manageo.fr companieshouse.gov.uk handelsregister.de
    firmenabc.at herold.at local.ch moneyhouse.ch zefix.ch infobel.com cylex.de cylex-uk.co.uk yell.com
    thomsonlocal.com hotfrog.com manta.com whitepages.com
    firmenwissen.de branchenbuch.de meinestadt.de goyellow.de dasoertliche.de dastelefonbuch.de paginegialle.it
    paginebianche.it registroimprese.it ufficiocamerale.it paginasamarillas.es axesor.es einforma.com infocif.es
    panoramafirm.pl aleo.com pkt.pl gowork.pl krs-online.com.pl firmy.cz zivefirmy.cz zlatestranky.cz finstat.sk
    zoznam.sk cylex.at cylex.fr cylex.it cylex.es cylex.pl cylex.nl goudengids.be goudengids.nl detelefoongids.nl
    drimble.nl eniro.se hitta.se allabolag.se ratsit.se proff.no proff.se proff.dk gulesider.no krak.dk degulesider.dk
    finder.fi fonecta.fi vrisko.gr xo.gr allegro.pl olx.pl olx.ua olx.ro olx.bg olx.pt olx.com.br bazaraki.com emag.ro
    bol.com marktplaats.nl kleinanzeigen.de quoka.de manomano.fr cdiscount.com fnac.com subito.it wallapop.com
    milanuncios.com idealo.de billiger.de udemy.com coursera.org skillshare.com edx.org producthunt.com
    trustedshops.de trustedshops.com ausgezeichnet.org golocal.de werkenntdenbesten.de jobs.ch xing.de rusprofile.ru
    list-org.com tianyancha.com qcc.com justia.com avvo.com healthgrades.com zocdoc.com psychologytoday.com
    homeadvisor.com porch.com zillow.com realtor.com redfin.com rightmove.co.uk zoopla.co.uk checkatrade.com
    trustatrader.com gumtree.com craigslist.org
    calendly.com cal.com savvycal.com doodle.com setmore.com squareup.com squarespace.com jimdo.com weebly.com
    strikingly.com webador.com patreon.com bitly.com loom.com vidyard.com pandadoc.com jotform.com formstack.com
    egnyte.com evernote.com smugmug.com instapage.com beehiiv.com gumroad.com shopee.com fc2.com homestead.com
    acuityscheduling.com buymeacoffee.com campsite.bio clickfunnels.com podia.com
    """
)
_PAGE_BRANDS = re.compile(  # the same under every country's suffix
    r"^(?:google|amazon|ebay|blogspot|indeed|glassdoor|tripadvisor|yelp|yahoo|bing|booking|airbnb|groupon|etsy"
    r"|mercadolibre|mercadolivre|shopee|lazada|europages|kompass|trustpilot|houzz|gumtree|tokopedia|jumia|zalando|otto|olx)"
    r"\.(?:com|net|org|[a-z]{2}|com?\.[a-z]{2})$"
)
_NOBODYS = words(
    """
    bit.ly t.co goo.gl tinyurl.com ow.ly buff.ly is.gd v.gd rebrand.ly cutt.ly short.io shorturl.at rb.gy
    lnkd.in fb.me fb.watch youtu.be amzn.to amzn.eu a.co g.co g.page forms.gle app.goo.gl goo.su aka.ms msft.it
    1drv.ms apple.co spoti.fi pin.it redd.it wa.me wa.link m.me t.me ig.me vm.tiktok.com dlvr.it hubs.ly hubs.li
    hubs.la mailchi.mp eepurl.com conta.cc smarturl.it s.id t.ly tiny.cc clck.ru vk.cc bl.ink soo.gd x.gd lihi.cc
    reurl.cc linktr.ee linktree.com lnk.bio bio.link beacons.ai taplink.cc linkin.bio msha.ke carrd.co
    bio.site solo.to hoo.be allmylinks.com many.link flow.page koji.to withkoji.com
    youcanbook.me as.me meetings.hubspot.com hubspotpagebuilder.com
    oncehub.com go.oncehub.com chilipiper.com calendar.app.google tidycal.com zcal.co
    square.site appointy.com simplybook.me bookings.cloud.microsoft wixsite.com jimdofree.com
    jimdosite.com webnode.com webnode.page site123.me mystrikingly.com
    godaddysites.com business.site webflow.io wordpress.com blogspot.com typepad.com livejournal.com over-blog.com
    canalblog.com e-monsite.com hpage.com tripod.com angelfire.com geocities.com yolasite.com ucoz.ru
    ucoz.com narod.ru tilda.ws nethouse.ru mozello.com zyrosite.com ueniweb.com webself.net durable.co
    framer.website framer.app framer.media notion.site notion.so super.site softr.app bubbleapps.io glide.page
    gitbook.io readthedocs.io github.io gitlab.io pages.dev netlify.app vercel.app herokuapp.com onrender.com
    fly.dev web.app firebaseapp.com azurewebsites.net cloudfront.net amazonaws.com r2.dev repl.co replit.app
    myshopify.com bigcartel.com ecwid.com storenvy.com ko-fi.com
    patreon.page onmicrosoft.com microsoftonline.com sharepoint.com my.salesforce.com salesforce-sites.com force.com
    lightning.force.com googlegroups.com groups.io mailgun.org sendgrid.net amazonses.com bounces.google.com
    mcsv.net mandrillapp.com list-manage.com hubspotemail.net zendesk-email.com freshdesk-email.com ngrok.io
    ngrok.app trycloudflare.com dyndns.org no-ip.org duckdns.org ddns.net hopto.org
    my.site.com site.com canva.site hotglue.me chayns.site mailchimpsites.com hsforms.com hs-sites.com
    hubspotpreview.com ghost.io mykajabi.com circle.so skool.com mn.co memberful.com
    myclickfunnels.com leadpages.co lpages.co unbouncepages.com pagedemo.co getresponsepages.com gr8.com
    ck.page systeme.io msgsndr.com multiscreensite.com wixstudio.io wixstudio.com editorx.io showit.site
    format.com pixieset.com zenfolio.com myportfolio.com cargo.site cargocollective.com skyrock.com
    webs.com freewebs.com ning.com wpcomstaging.com mystagingwebsite.com myftpupload.com myshoplaza.com
    shoplineapp.com imweb.me modoo.at base.shop thebase.in stores.jp ameblo.jp hatenablog.com tistory.com
    pixnet.net applytojob.com powerappsportals.com dynamics.com cloudforce.com database.com visualforce.com
    translate.goog bubble.io retool.com streamlit.app hf.space surge.sh glitch.me zohosites.com zohodesk.com
    zohorecruit.com tally.so paperform.co wufoo.com cognitoforms.com sharefile.com
    onedrive.com workplace.com teams.live.com
    calendarhero.com zoho.site lp.page milkshake.app lnk.to linkpop.com pagecloud.com webador.de webador.nl
    webador.co.uk webnode.de webnode.fr webnode.it webnode.es webnode.cz webnode.nl webnode.at jimdo.de wix.site
    strato-hosting.eu ionos.space homepage.t-online.de beepworld.de npage.de page4.com chayns.net
    tictail.com home.pl de.tl business.google
    luma.com lu.ma read.cv campaign-archive.com readymag.website company.site sourceforge.io
"""
)


@cache
def _tenants() -> frozenset[str]:
    return frozenset(listed("tenants"))


def is_nobodys(name: str, registrable: str) -> bool:
    """Tells whether nothing at a host is the host's: link shorteners, calendars, builders, tenants' mail."""
    labels = name.split(".")
    return any(".".join(labels[start:]) in _NOBODYS for start in range(len(labels) - 1)) or registrable in _NOBODYS


def is_shared(registrable: str) -> bool:
    """Tells whether pages at a domain, or subdomains of it, are other people's; the bare host is its company's own."""
    return registrable in _PAGES or registrable in _tenants() or bool(_PAGE_BRANDS.match(registrable))
