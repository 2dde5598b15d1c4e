"""The town and the people of its town hall: who they are and how they work."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from tocsin.rehearse.townhall.entry import guid

_TOWN_FIRST = ("Quill", "Osmer", "Tarrow", "Hollin", "Brindle", "Fenna", "Wyther", "Caldo", "Merrow", "Ostle")
_TOWN_LAST = ("marsh", "wick", "holt", "combe", "mere", "thwaite", "bourne", "garth")

_FIRST = (
    "Ada", "Alma", "Amir", "Ana", "Anton", "Arne", "Aron", "Bela", "Bruno", "Carla", "Celia", "Cora",
    "Dario", "Dina", "Edda", "Elin", "Emil", "Enzo", "Erika", "Ester", "Farid", "Felix", "Flora", "Frida",
    "Gael", "Greta", "Hana", "Henk", "Hilda", "Igor", "Ines", "Ivo", "Jana", "Joris", "Jule", "Kaya",
    "Lars", "Lena", "Leo", "Livia", "Luca", "Mara", "Milan", "Mira", "Nadia", "Nils", "Nora", "Olga",
    "Oskar", "Paula", "Petra", "Rafael", "Rosa", "Ruben", "Sami", "Selma", "Sonja", "Stella", "Tariq",
    "Thea", "Tilda", "Tomas", "Una", "Vera", "Viktor", "Wanda", "Yara", "Yusuf", "Zita",
)  # fmt: skip
_LAST = (
    "Abbing", "Adler", "Almqvist", "Arendt", "Balder", "Barros", "Becker", "Birk", "Bosman", "Brandt",
    "Castell", "Corvin", "Dahl", "Delmas", "Drost", "Ekman", "Falk", "Farkas", "Fontane", "Garrel",
    "Grau", "Haas", "Halloran", "Hedin", "Holub", "Ibarra", "Iversen", "Jansky", "Joubert", "Kaldor",
    "Karim", "Kessel", "Kovac", "Lanter", "Lindqvist", "Lorca", "Madsen", "Marek", "Moreau", "Nagy",
    "Norling", "Novak", "Okafor", "Olsen", "Orban", "Pinto", "Prager", "Quist", "Rahimi", "Renner",
    "Rossi", "Ruzicka", "Sabo", "Santos", "Serrano", "Solberg", "Strand", "Szabo", "Tamm", "Thorsen",
    "Toth", "Ulvang", "Vance", "Varga", "Vesely", "Weiss", "Wolff", "Ximenes", "Yilmaz", "Zander",
    "Zeller",
)  # fmt: skip

# department, code in host names, roles (the first is its head), share of the staff
_DEPARTMENTS: tuple[tuple[str, str, tuple[str, ...], int], ...] = (
    ("Mayor's Office", "MAY", ("Mayor", "Secretary", "Press Officer"), 3),
    ("Finance", "FIN", ("Treasurer", "Accountant", "Payroll Clerk", "Tax Clerk"), 6),
    ("Registry", "REG", ("Registrar", "Registry Clerk"), 5),
    ("Planning", "PLA", ("Head of Planning", "Planner", "Surveyor"), 5),
    ("Social Services", "SOC", ("Head of Social Services", "Case Worker"), 5),
    ("Public Works", "WRK", ("Works Manager", "Foreman", "Works Clerk"), 4),
    ("Library", "LIB", ("Librarian", "Library Assistant"), 3),
    ("Council", "COU", ("Councillor",), 4),
)


@dataclass(frozen=True, slots=True)
class Account:
    """An account as Windows names it.

    Attributes:
        name: sAMAccountName.
        domain: NetBIOS name of its domain, or the local authority.
        sid: Security identifier.
    """

    name: str
    domain: str
    sid: str


SYSTEM = Account("SYSTEM", "NT AUTHORITY", "S-1-5-18")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works for the town.

    Attributes:
        account: Their Windows account; the same name opens the VPN.
        upn: Their Microsoft 365 sign-in name and mail address.
        object_id: Their Entra object id.
        code: Their department's code in host names.
        starts, ends: Usual working hours, minutes after midnight.
        pace: How busy they are with a computer; 1 is usual.
        remote: Whether they may work at home through the VPN.
    """

    first: str
    last: str
    department: str
    code: str
    role: str
    account: Account
    upn: str
    object_id: str
    starts: int
    ends: int
    pace: float
    remote: bool

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first} {self.last}"


@dataclass(frozen=True, slots=True)
class Town:
    """The organisation.

    Attributes:
        domain: DNS and mail domain, under `.example`.
        netbios: The Windows domain's short name.
        tenant: Microsoft 365 organisation id.
        technician: The one who looks after the computers; also among `people`.
        admin: The technician's second, privileged account.
        backup, scanner: Service accounts: of the backup job, and the one whose old password the copier still has.
    """

    name: str
    domain: str
    netbios: str
    domain_sid: str
    tenant: str
    people: tuple[Person, ...]
    technician: Person
    admin: Account
    backup: Account
    scanner: Account

    def machine(self, host: str) -> Account:
        """The account of the computer `host` (its sid is made of the name)."""
        rid = 1000 + sum(ord(letter) * 31**place for place, letter in enumerate(host)) % 9000
        return Account(f"{host}$", self.netbios, f"{self.domain_sid}-{rid}")


def found_town(rng: Random) -> Town:
    """A town, its name, domain and about 38 people."""
    name = rng.choice(_TOWN_FIRST) + rng.choice(_TOWN_LAST)
    domain, netbios = f"{name.lower()}.example", name.upper()
    sid = "S-1-5-21-" + "-".join(str(rng.randrange(10**8, 4 * 10**9)) for _ in range(3))
    people = tuple(_staff(rng, domain, netbios, sid))
    technician = next(person for person in people if person.department == "IT")
    return Town(
        name=name, domain=domain, netbios=netbios, domain_sid=sid, tenant=guid(rng), people=people,
        technician=technician,
        admin=Account(f"adm.{technician.last.lower()}", netbios, f"{sid}-1990"),
        backup=Account("svc-backup", netbios, f"{sid}-1991"),
        scanner=Account("svc-scan", netbios, f"{sid}-1992"),
    )  # fmt: skip


def _staff(rng: Random, domain: str, netbios: str, sid: str) -> list[Person]:
    names = list(zip(rng.sample(_FIRST, 45), rng.sample(_LAST, 45), strict=True))
    posts = [
        (department, code, roles[min(place, len(roles) - 1)])
        for department, code, roles, size in _DEPARTMENTS
        for place in range(size + (rng.random() < 0.25))
    ]
    posts.append(("IT", "ICT", "IT Technician"))
    return [
        _person(rng, names[place], post, Account("", netbios, f"{sid}-{1100 + place}"), domain)
        for place, post in enumerate(posts)
    ]


def _person(
    rng: Random, name: tuple[str, str], post: tuple[str, str, str], identity: Account, domain: str
) -> Person:
    first, last = name
    department, code, role = post
    login = f"{first}.{last}".lower()
    part_time = department == "Council" or rng.random() < 0.15
    starts = rng.randrange(7 * 60 + 15, 9 * 60)
    return Person(
        first, last, department, code, role,
        account=Account(login, identity.domain, identity.sid),
        upn=f"{login}@{domain}", object_id=guid(rng),
        starts=starts + (rng.choice((0, 240)) if part_time else 0),
        ends=starts + (rng.randrange(230, 260) if part_time else rng.randrange(490, 560)) + (240 if part_time else 0),
        pace=rng.uniform(0.75, 1.25),
        remote=department in {"Council", "IT", "Planning", "Mayor's Office"} or rng.random() < 0.2,
    )  # fmt: skip
