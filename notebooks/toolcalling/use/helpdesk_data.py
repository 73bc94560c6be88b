"""An invented help desk's database, filled by a seed.

Some forty tickets, thirty users, thirty machines and a pool of devices. The same
seed gives the same desk; another seed gives other people, numbers and dates.
"""

import datetime
import random

SYSTEMS = ("email", "vpn", "payroll", "wiki")
DEVICES = {"laptop": "PL", "monitor": "PM", "headset": "PH", "projector": "PP"}

TABLES = """
CREATE TABLE desk (today TEXT, now TEXT, next_ticket INTEGER, collect_at TEXT);
CREATE TABLE technicians (category TEXT PRIMARY KEY, name TEXT);
CREATE TABLE tickets (
  number INTEGER PRIMARY KEY, summary TEXT, category TEXT, urgency TEXT, state TEXT,
  technician TEXT, due TEXT, place_in_queue INTEGER, part TEXT, needs TEXT,
  solved_on TEXT, fix TEXT, merged_into INTEGER);
CREATE TABLE users (
  login TEXT PRIMARY KEY, phone_end INTEGER, manager TEXT, disabled_since TEXT);
CREATE TABLE accounts (
  login TEXT, system TEXT, again_after TEXT, needs_manager INTEGER,
  PRIMARY KEY (login, system));
CREATE TABLE kinds (device TEXT PRIMARY KEY, most_days INTEGER);
CREATE TABLE devices (asset TEXT PRIMARY KEY, device TEXT);
CREATE TABLE loans (asset TEXT, first TEXT, last TEXT);
CREATE TABLE programs (
  name TEXT PRIMARY KEY COLLATE NOCASE, licences INTEGER, approver TEXT);
CREATE TABLE machines (tag TEXT PRIMARY KEY COLLATE NOCASE);
CREATE TABLE installs (tag TEXT, program TEXT);
"""

FIRST = (
    "Mara", "Tom", "Ines", "Ravi", "Joan", "Piet", "Lena", "Omar", "Ana", "Colm",
    "Yuki", "Dele", "Sian", "Luca", "Nadia", "Erik", "Fay", "Hugo", "Priya", "Sean",
    "Olga", "Ben", "Zara", "Milos", "Ruth", "Kofi", "Elsa", "Amir", "Jude", "Wanda",
    "Ivo", "Tess", "Noel", "Bibi", "Karl", "Maud", "Dario", "Greta", "Sunil",
    "Orla",
)  # fmt: skip
LAST = (
    "Lund", "Ward", "Roth", "Shah", "Moss", "Visser", "Koch", "Nasser", "Brito",
    "Walsh", "Mori", "Akande", "Price", "Conti", "Haddad", "Dahl", "Quinn", "Lenz",
    "Nair", "Burke", "Petrov", "Marsh", "Iqbal", "Novak", "Stone", "Mensah", "Berg",
    "Karimi", "Frost", "Zielak", "Horvat", "Boyle", "Grant", "Osei", "Winter",
    "Lacey", "Ricci", "Falk", "Menon", "Keane", "Tully", "Abara", "Sorley", "Pike",
    "Doran", "Vance", "Hale", "Jonas", "Reuter", "Solano",
)  # fmt: skip
# A fault, its category, a part that mends it, what was done in the end.
FAULTS = (
    ("dock gives no power", "hardware", "power supply", "dock exchanged"),
    ("laptop fan is loud", "hardware", "fan", "fan cleaned"),
    ("screen flickers", "hardware", "display cable", "cable reseated"),
    ("space bar sticks", "hardware", "keyboard", "keyboard replaced"),
    ("battery empty after an hour", "hardware", "battery", "battery replaced"),
    ("hand scanner trigger is dead", "hardware", "trigger", "scanner swapped"),
    ("desk phone has no dial tone", "hardware", "handset cord", "cord replaced"),
    ("mouse loses its connection", "hardware", "USB receiver", "new mouse issued"),
    ("tablet mount in cab 12 is broken", "hardware", "mount", "mount fitted"),
    ("weighbridge display is dark", "hardware", "display panel", "panel replaced"),
    ("webcam picture is green", "hardware", "webcam", "driver reinstalled"),
    ("headset crackles", "hardware", "headset cable", "headset exchanged"),
    ("Excel crashes when saving", "software", "add-in update", "add-in removed"),
    ("route planner shows old maps", "software", "map update", "maps updated"),
    ("mail search finds nothing", "software", "index patch", "index rebuilt"),
    ("time clock app shows an error", "software", "app update", "app reinstalled"),
    ("invoice program is slow", "software", "database patch", "database tidied"),
    ("calendar shows wrong time zone", "software", "server patch", "zone corrected"),
    ("customs program logs out by itself", "software", "update 4.2", "timeout raised"),
    ("PDF editor lost its signature tool", "software", "licence key", "tool restored"),
    ("dispatch board does not refresh", "software", "hotfix", "service restarted"),
    ("fuel card import fails", "software", "import filter", "file format corrected"),
    ("wifi drops in warehouse 2", "network", "access point", "access point moved"),
    ("no internet in the gatehouse", "network", "fibre module", "router restarted"),
    ("VPN drops every ten minutes", "network", "firewall update", "profile renewed"),
    ("shared drive is unreachable", "network", "disk", "share reconnected"),
    ("wall socket 31 is dead", "network", "patch cable", "port switched on"),
    ("slow connection in Antwerp", "network", "switch", "line reset"),
    ("guest wifi asks for a code twice", "network", "portal update", "portal reset"),
    ("yard camera is offline", "network", "power injector", "injector replaced"),
    ("label printer skips labels", "printing", "label sensor", "sensor cleaned"),
    ("copier jams in tray 3", "printing", "feed roller", "rollers replaced"),
    ("grey stripes on invoices", "printing", "drum", "drum replaced"),
    ("scan to mail does not arrive", "printing", "mail certificate", "address mended"),
    ("printer in dispatch is offline", "printing", "network card", "printer rejoined"),
    ("toner low on floor 3", "printing", "toner", "toner changed"),
    ("receipts come out blank", "printing", "print head", "print head cleaned"),
    ("badge printer prints off centre", "printing", "ribbon", "alignment corrected"),
)  # fmt: skip
NEEDS = (
    "a photo of it", "the serial number", "a time to call", "the room number",
    "the asset tag", "a screenshot", "the cost centre", "your phone extension",
    "your manager's approval", "a better description", "the date it began", "the floor",
)  # fmt: skip
PROGRAMS = (
    "VLC", "7-Zip", "AutoCAD LT", "TachoView", "Notepad++", "Zoom", "Webex", "Slack",
    "Firefox", "KeePass", "Bitwarden", "GIMP", "Inkscape", "Audacity", "Blender",
    "Visio", "Power BI Desktop", "Tableau", "Minitab", "SketchUp", "FreightDesk",
    "PalletPro", "RouteWise", "DockPlan", "CustomsLink", "FuelBook", "TyreTrack",
    "ShiftBoard", "LoadCheck", "ReeferLog", "Greenshot", "PDF24 Creator", "WinSCP",
    "PuTTY", "Wireshark", "FileZilla", "OBS Studio", "Camtasia", "Snagit", "Draw.io",
    "Obsidian", "Zotero", "LibreOffice", "Citrix Workspace", "Sage 50", "MapPoint",
    "AxleCalc", "CrateTally", "QuayNotes", "BerthPlan",
)  # fmt: skip
PLACES = (
    "room 014", "the IT store", "reception", "the gatehouse", "room 227", "the IT van",
    "depot office 3", "the post room", "locker 19", "the loading office", "room 108",
)  # fmt: skip
LETTERS = ("LT", "WS", "NB", "PC", "TR", "HR", "AC", "WH", "QM", "DSN", "OPS", "GATE")


def fill(connection, seed):
    """Make the tables of an empty database and fill them."""
    draw = random.Random(str(seed))
    connection.executescript(TABLES)

    def put(table, *rows):
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)

    today = datetime.date(2026, 1, 5) + datetime.timedelta(draw.randrange(330))
    numbers = draw.sample(range(100), 41)
    digits = draw.choice((2, 3, 4))  # how long this desk's ticket numbers are
    base = draw.randrange(10**digits, 8 * 10**digits)
    tickets = [base + number for number in numbers]
    put("desk", (today.isoformat(), _time(draw, 8, 15), base + 100 + draw.randrange(60),
                 draw.choice(PLACES)))  # fmt: skip
    crew = [_person(draw) for _ in range(6)]
    for category in ("hardware", "software", "network", "printing"):
        put("technicians", (category, draw.choice(crew)))
    put("tickets", *(_ticket(n, draw, today, crew, tickets) for n in tickets[:40]))

    logins = list(dict.fromkeys(_login(draw) for _ in range(36)))[:30]
    for login in logins:
        gone = today - datetime.timedelta(draw.randint(3, 90))
        disabled = gone.isoformat() if draw.random() < 0.12 else None
        put("users", (login, draw.randint(10, 99), _person(draw), disabled))
        for system in draw.sample(SYSTEMS, draw.choice((3, 3, 4))):
            waits = _time(draw, 15, 18) if draw.random() < 0.15 else None
            needs = int(system == "payroll" and draw.random() < 0.4)
            put("accounts", (login, system, waits, needs))

    for device, letters in DEVICES.items():
        put("kinds", (device, draw.choice((10, 14, 21, 28, 30, 45, 60))))
        for number in draw.sample(range(100, 999), draw.randint(2, 4)):
            asset, first = f"{letters}-{number}", today
            put("devices", (asset, device))
            for _ in range(7):
                first += datetime.timedelta(draw.randint(1, 18))
                last = first + datetime.timedelta(draw.randint(2, 20))
                put("loans", (asset, first.isoformat(), last.isoformat()))
                first = last

    prefixes = draw.sample(LETTERS, 3)
    tags = {
        f"{draw.choice(prefixes)}-{draw.randrange(100, 9999):03}" for _ in range(30)
    }
    tags = sorted(tags)
    put("machines", *((tag,) for tag in tags))
    for name in draw.sample(PROGRAMS, 32):
        licences = draw.choice((None, None, None, 0, 1, 2, 3))
        approver = _person(draw) if draw.random() < 0.15 else None
        put("programs", (name, licences, approver))
        put("installs", *((tag, name) for tag in draw.sample(tags, 4)))
    connection.commit()


def _person(draw):
    return f"{draw.choice(FIRST)} {draw.choice(LAST)}"


def _login(draw):
    first, last = draw.choice(FIRST).lower(), draw.choice(LAST).lower()
    return draw.choice((
        f"{first[0]}.{last}", f"{first}.{last}", f"{first[0]}{last}", f"{first}.{last[0]}",
        f"{first[0]}_{last}{draw.randint(2, 9)}", f"{first[0]}{last}{draw.randint(2, 99)}",
    ))  # fmt: skip


def _time(draw, first, last):
    return f"{draw.randrange(first, last):02}:{draw.randrange(0, 60, 5):02}"


def _ticket(number, draw, today, crew, numbers):
    summary, category, part, fix = draw.choice(FAULTS)
    state = draw.choice(
        ("open", "in progress", "waiting for parts", "waiting for you", "solved",
         "merged")
    )  # fmt: skip
    due = (today + datetime.timedelta(draw.randint(1, 16))).isoformat()
    ago = (today - datetime.timedelta(draw.randint(1, 40))).isoformat()
    worked = state in ("in progress", "waiting for you")
    return (
        number, summary, category, None, state,
        draw.choice(crew) if worked else None,
        due if state in ("in progress", "waiting for parts") else None,
        draw.randint(2, 19) if state == "open" else None,
        part if state == "waiting for parts" else None,
        draw.choice(NEEDS) if state == "waiting for you" else None,
        ago if state == "solved" else None,
        fix if state == "solved" else None,
        numbers[-1] if state == "merged" else None,
    )  # fmt: skip
