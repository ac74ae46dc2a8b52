"""Three people's programs synchronise calendars and address books, make and change events, and delete them."""

from browser import User

users = [User(number) for number in range(3)]
stranger = User(3)

PROPS = (
    '<?xml version="1.0"?><D:propfind xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" '
    'xmlns:CS="http://calendarserver.org/ns/"><D:prop><D:resourcetype/><D:displayname/><D:getetag/><CS:getctag/>'
    "<D:sync-token/><D:current-user-principal/><D:current-user-privilege-set/><D:supported-report-set/>"
    "<C:calendar-home-set/><C:supported-calendar-component-set/><D:getcontenttype/><D:getcontentlength/>"
    "<D:owner/><D:quota-used-bytes/></D:prop></D:propfind>"
)
ALL = '<?xml version="1.0"?><D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>'
QUERY = (
    '<?xml version="1.0"?><C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop>'
    '<D:getetag/><C:calendar-data/></D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">'
    '<C:time-range start="20240312T000000Z" end="20240316T000000Z"/></C:comp-filter></C:comp-filter></C:filter>'
    "</C:calendar-query>"
)
SYNC = (
    '<?xml version="1.0"?><D:sync-collection xmlns:D="DAV:"><D:sync-token/><D:sync-level>1</D:sync-level>'
    "<D:prop><D:getetag/></D:prop></D:sync-collection>"
)
MAKE = (
    '<?xml version="1.0"?><C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>'
    "<D:displayname>Holidays</D:displayname></D:prop></D:set></C:mkcalendar>"
)
CHANGE = (
    '<?xml version="1.0"?><D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:displayname>Work, again'
    "</D:displayname></D:prop></D:set></D:propertyupdate>"
)


def event(name, summary):
    return (
        f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Shop//EN\r\nBEGIN:VEVENT\r\nUID:{name}\r\n"
        f"DTSTAMP:20240101T000000Z\r\nDTSTART:20240320T120000Z\r\nDTEND:20240320T130000Z\r\n"
        f"SUMMARY:{summary}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )


def dav(user, method, target, body, depth="0"):
    user.request(method, target, body, {"Content-Type": "application/xml", "Depth": depth})


for number, user in enumerate(users):
    user.get(f"/user{number}/")
    user.sign_in(f"user{number}", "wrong")
    dav(user, "PROPFIND", "/", PROPS)
    user.sign_in(f"user{number}", "secret")
    user.get("/")
    user.get("/.web/")
    user.get("/.well-known/caldav")
    user.get("/.well-known/carddav")

for turn in range(10):
    for number, user in enumerate(users):
        home = f"/user{number}"
        calendar = {"Content-Type": "text/calendar; charset=utf-8"}
        dav(user, "PROPFIND", "/", PROPS)
        dav(user, "PROPFIND", f"{home}/", PROPS, "1")
        dav(user, "PROPFIND", f"{home}/work/", PROPS, "1")
        dav(user, "PROPFIND", f"{home}/people/", ALL, "0")
        dav(user, "REPORT", f"{home}/work/", QUERY, "1")
        dav(user, "REPORT", f"{home}/work/", SYNC, "1")
        user.get(f"{home}/work/")
        user.get(f"{home}/people/")
        user.get(f"{home}/work/event-{turn}.ics")
        user.get(f"{home}/people/person-{turn % 5}.vcf")
        user.request("HEAD", f"{home}/work/event-{turn}.ics")
        user.request("OPTIONS", f"{home}/work/")
        user.request("PUT", f"{home}/work/new-{turn}.ics", event(f"new-{turn}", f"Lunch {turn}"), calendar)
        user.get(f"{home}/work/new-{turn}.ics")
        etag = user.etag or '"none"'
        user.request("PUT", f"{home}/work/new-{turn}.ics", event(f"new-{turn}", "Dinner"), {**calendar, "If-Match": '"old"'})
        user.request("PUT", f"{home}/work/new-{turn}.ics", event(f"new-{turn}", "Dinner"), {**calendar, "If-None-Match": "*"})
        user.get(f"{home}/work/new-{turn}.ics", If_None_Match=etag)
        user.get(f"{home}/work/nothing.ics")
        user.get(f"/user{(number + 1) % 3}/work/")
        stranger.get(f"{home}/work/")
        user.get("/.web/index.html")
        user.get("/.web/css/main.css")
        user.get("/.web/nothing.html")
        user.get("/nothing")
        if turn % 2 == 0:
            user.request("DELETE", f"{home}/work/new-{turn}.ics")
            user.request("DELETE", f"{home}/work/new-{turn}.ics")
            dav(user, "MKCALENDAR", f"{home}/holidays-{turn}/", MAKE)
            dav(user, "MKCALENDAR", f"{home}/holidays-{turn}/", MAKE)
            dav(user, "PROPPATCH", f"{home}/work/", CHANGE)
            user.request("PUT", f"{home}/work/broken.ics", "BEGIN:VCALENDAR\r\nbroken", calendar)
            dav(user, "PROPFIND", f"{home}/work/", "<broken", "0")
            user.request("MOVE", f"{home}/work/event-{turn}.ics", None, {"Destination": f"http://127.0.0.1:{user.port}{home}/work/moved-{turn}.ics"})
            user.request("DELETE", f"{home}/holidays-{turn}/")
            user.request("POST", f"{home}/work/", "x", {"Content-Type": "text/plain"})
