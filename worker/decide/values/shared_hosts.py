"""Tells hosts where a page or a subdomain is somebody else's than the host's: networks, shops, builders, tenants."""

from __future__ import annotations

import re

from worker.decide.values.words import words

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
    """
)
_BRANDS = re.compile(  # the same under every country's suffix
    r"^(?:google|amazon|ebay|blogspot|indeed|glassdoor|tripadvisor|yelp|yahoo|bing|booking|airbnb|groupon|etsy)"
    r"\.(?:com|net|org|[a-z]{2}|com?\.[a-z]{2})$"
)
_NOBODYS = words(
    """
    bit.ly bitly.com t.co goo.gl tinyurl.com ow.ly buff.ly is.gd v.gd rebrand.ly cutt.ly short.io shorturl.at rb.gy
    lnkd.in fb.me fb.watch youtu.be amzn.to amzn.eu a.co g.co g.page forms.gle app.goo.gl goo.su aka.ms msft.it
    1drv.ms apple.co spoti.fi pin.it redd.it wa.me wa.link m.me t.me ig.me vm.tiktok.com dlvr.it hubs.ly hubs.li
    hubs.la mailchi.mp eepurl.com conta.cc smarturl.it s.id t.ly tiny.cc clck.ru vk.cc bl.ink soo.gd x.gd lihi.cc
    reurl.cc linktr.ee linktree.com lnk.bio bio.link beacons.ai campsite.bio taplink.cc linkin.bio msha.ke carrd.co
    bio.site solo.to hoo.be allmylinks.com many.link flow.page koji.to withkoji.com calendly.com cal.com
    savvycal.com youcanbook.me acuityscheduling.com as.me doodle.com meetings.hubspot.com hubspotpagebuilder.com
    oncehub.com go.oncehub.com chilipiper.com calendar.app.google tidycal.com zcal.co setmore.com squareup.com
    square.site appointy.com simplybook.me bookings.cloud.microsoft wixsite.com squarespace.com jimdofree.com
    jimdo.com jimdosite.com weebly.com webnode.com webnode.page site123.me strikingly.com mystrikingly.com
    godaddysites.com business.site webflow.io wordpress.com blogspot.com typepad.com livejournal.com over-blog.com
    canalblog.com e-monsite.com hpage.com homestead.com tripod.com angelfire.com geocities.com yolasite.com ucoz.ru
    ucoz.com narod.ru tilda.ws nethouse.ru mozello.com zyrosite.com ueniweb.com webador.com webself.net durable.co
    framer.website framer.app framer.media notion.site notion.so super.site softr.app bubbleapps.io glide.page
    gitbook.io readthedocs.io github.io gitlab.io pages.dev netlify.app vercel.app herokuapp.com onrender.com
    fly.dev web.app firebaseapp.com azurewebsites.net cloudfront.net amazonaws.com r2.dev repl.co replit.app
    myshopify.com bigcartel.com ecwid.com storenvy.com shopee.com gumroad.com ko-fi.com buymeacoffee.com
    patreon.page onmicrosoft.com microsoftonline.com sharepoint.com my.salesforce.com salesforce-sites.com force.com
    lightning.force.com googlegroups.com groups.io mailgun.org sendgrid.net amazonses.com bounces.google.com
    mcsv.net mandrillapp.com list-manage.com hubspotemail.net zendesk-email.com freshdesk-email.com ngrok.io
    ngrok.app trycloudflare.com dyndns.org no-ip.org duckdns.org ddns.net hopto.org
    my.site.com site.com canva.site hotglue.me chayns.site mailchimpsites.com hsforms.com hs-sites.com
    hubspotpreview.com ghost.io podia.com mykajabi.com circle.so skool.com mn.co memberful.com clickfunnels.com
    myclickfunnels.com leadpages.co lpages.co unbouncepages.com pagedemo.co instapage.com getresponsepages.com gr8.com
    ck.page beehiiv.com systeme.io msgsndr.com multiscreensite.com wixstudio.io wixstudio.com editorx.io showit.site
    format.com pixieset.com smugmug.com zenfolio.com myportfolio.com cargo.site cargocollective.com skyrock.com
    webs.com freewebs.com ning.com wpcomstaging.com mystagingwebsite.com myftpupload.com myshoplaza.com
    shoplineapp.com imweb.me modoo.at base.shop thebase.in stores.jp ameblo.jp fc2.com hatenablog.com tistory.com
    pixnet.net applytojob.com powerappsportals.com dynamics.com cloudforce.com database.com visualforce.com
    translate.goog bubble.io retool.com streamlit.app hf.space surge.sh glitch.me zohosites.com zohodesk.com
    zohorecruit.com tally.so paperform.co wufoo.com cognitoforms.com jotform.com formstack.com sharefile.com
    egnyte.com evernote.com onedrive.com workplace.com teams.live.com loom.com vidyard.com pandadoc.com
    calendarhero.com zoho.site lp.page milkshake.app lnk.to linkpop.com pagecloud.com webador.de webador.nl
    webador.co.uk webnode.de webnode.fr webnode.it webnode.es webnode.cz webnode.nl webnode.at jimdo.de wix.site
    strato-hosting.eu ionos.space homepage.t-online.de beepworld.de npage.de page4.com chayns.net
    luma.com lu.ma read.cv campaign-archive.com readymag.website company.site sourceforge.io
    """
)
_TENANTS = words(
    """
    zendesk.com freshdesk.com freshservice.com helpscout.net intercom.help atlassian.net atlassian.com jira.com
    slack.com salesforce.com hubspot.com monday.com asana.com notion.com airtable.com typeform.com surveymonkey.com
    qualtrics.com workday.com myworkdayjobs.com myworkday.com greenhouse.io lever.co smartrecruiters.com personio.de
    personio.com bamboohr.com recruitee.com teamtailor.com workable.com breezy.hr ashbyhq.com jobvite.com icims.com
    taleo.net successfactors.com okta.com auth0.com zoom.us webex.com gotomeeting.com teamviewer.com servicenow.com
    service-now.com zohocorp.com zoho.com wixanswers.com statuspage.io uservoice.com gitbook.com readme.io
    mailchimp.com sendgrid.com pipedrive.com copper.com close.com chargebee.com recurly.com stripe.com paypal.me
    shopify.com bigcommerce.com lightspeedhq.com magentocloud.com wpengine.com kinsta.cloud pantheonsite.io
    cloudways.com hosting.de one.com strato.de ionos.com ionos.de all-inkl.com kasserver.com your-server.de
    rackspace.com oracle.com oraclecloud.com sap.com cisco.com adobe.com box.com dropbox.com
    odoo.com teachable.com kajabi.com thinkific.com learnworlds.com webflow.com shopware.store prestashop.com
    bigcartel.com cafe24.com softgarden.io join.com onlyfy.jobs rexx-systems.com welcometothejungle.com pinpointhq.com
    comeet.com paylocity.com ultipro.com adp.com dayforcehcm.com csod.com smartsheet.com clickup.com freshworks.com
    freshsales.io happyfox.com kayako.com gorgias.com zohocorp.eu fresha.com mindbodyonline.com vagaro.com booksy.com
    basecamp.com wrike.com trello.com miro.com coda.io quip.com github.dev podio.com bitrix24.com bitrix24.de
    amocrm.com amocrm.ru kommo.com insightly.com sugarcrm.com keap.com infusionsoft.com activehosted.com
    activecampaign.com klaviyo.com constantcontact.com campaignmonitor.com createsend.com eventbrite.com eventbrite.de
    ticketleap.com hopin.com on24.com livestorm.co bigmarker.com itch.io producthunt.com indiegogo.com
    opencollective.com contra.com toptal.com blogger.com ueni.com railway.app
    """
)


def is_nobodys(name: str, registrable: str) -> bool:
    """Tells whether nothing at a host is the host's: link shorteners, calendars, builders, tenants' mail."""
    labels = name.split(".")
    return any(".".join(labels[start:]) in _NOBODYS for start in range(len(labels) - 1)) or registrable in _NOBODYS


def is_shared(registrable: str) -> bool:
    """Tells whether pages at a domain, or subdomains of it, are other people's; the bare host is its company's own."""
    return registrable in _PAGES or registrable in _TENANTS or bool(_BRANDS.match(registrable))
