"""Tells hosts where a page or a subdomain is somebody else's than the host's: networks, shops, builders, tenants."""

from __future__ import annotations

import re
from functools import cache

from worker.decide.values.words import listed, words

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
_BRANDS = re.compile(  # the same under every country's suffix
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
    """Returns platforms whose subdomains are their customers'."""
    return frozenset(listed("tenants"))


def is_nobodys(name: str, registrable: str) -> bool:
    """Tells whether nothing at a host is the host's: link shorteners, calendars, builders, tenants' mail."""
    labels = name.split(".")
    return any(".".join(labels[start:]) in _NOBODYS for start in range(len(labels) - 1)) or registrable in _NOBODYS


def is_shared(registrable: str) -> bool:
    """Tells whether pages at a domain, or subdomains of it, are other people's; the bare host is its company's own."""
    return registrable in _PAGES or registrable in _tenants() or bool(_BRANDS.match(registrable))
