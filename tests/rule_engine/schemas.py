"""A small world to check rules against: frozen dataclasses behind the engine's protocols."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from rule_engine.types import Kind, Type


@dataclass(frozen=True)
class OptionOf:
    value: str
    labels: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, tuple[Type, object]] = field(default_factory=dict)


@dataclass(frozen=True)
class FieldOf:
    name: str
    type: Type
    labels: Mapping[str, str]
    nullable: bool = True
    writable: bool = True
    options: Mapping[str, OptionOf] = field(default_factory=dict)
    target: str | None = None
    currency: str | None = None


@dataclass(frozen=True)
class LinkOf:
    name: str
    target: str
    field: str
    many: bool = True


@dataclass(frozen=True)
class ObjectOf:
    name: str
    labels: Mapping[str, str]
    fields: Mapping[str, FieldOf]
    links: Mapping[str, LinkOf]


@dataclass(frozen=True)
class SchemaOf:
    objects: Mapping[str, ObjectOf]

    def object(self, name: str) -> ObjectOf | None:
        if name in self.objects:
            return self.objects[name]
        found = [o for o in self.objects.values() if name in o.labels.values()]
        return found[0] if len(found) == 1 else None


def text() -> Type:
    return Type(Kind.TEXT)


def number() -> Type:
    return Type(Kind.NUMBER)


PLAIN = {
    kind.value: Type(kind)
    for kind in (
        Kind.TEXT,
        Kind.NUMBER,
        Kind.PERCENT,
        Kind.MONEY,
        Kind.BOOLEAN,
        Kind.DATE,
        Kind.INSTANT,
        Kind.TIME,
        Kind.CLOCK_LENGTH,
    )
}


def make_field(name: str, written: str, label: str | None = None) -> FieldOf:
    """`text`, `money CNY`, `-> account`, `a|b`, `*a|b` (many of); `!` filled, `~` read-only."""
    nullable, writable = "!" not in written, "~" not in written
    words = written.replace("!", "").replace("~", "").strip()
    labels = {"en": label or name.replace("_", " ").capitalize()}
    options: dict[str, OptionOf] = {}
    target = currency = None
    if words.startswith("->"):
        target = words[2:].strip()
        kind = Type(Kind.REFERENCE, target=target)
    elif "|" in words:
        many = words.startswith("*")
        for part in words.lstrip("*").split("|"):
            value, _, percent = part.partition("=")
            attributes: dict[str, tuple[Type, object]] = {}
            if percent:
                attributes = {"probability": (Type(Kind.PERCENT), Decimal(percent) / 100)}
            options[value] = OptionOf(value, {"en": value.capitalize()}, attributes)
        kind = Type(Kind.CHOICES if many else Kind.CHOICE, options=tuple(options))
    else:
        name_of_kind, _, currency_word = words.partition(" ")
        currency = currency_word or None
        kind = PLAIN[name_of_kind]
    return FieldOf(name, kind, labels, nullable, writable, options, target, currency)


def make_link(name: str, written: str) -> LinkOf:
    target, reference = written.split(".")
    return LinkOf(name, target, reference)


SYSTEM = {
    "id": "text!~",
    "created_at": "instant!~",
    "updated_at": "instant!~",
    "owner": "-> user",
}


def make_object(
    name: str,
    fields: Mapping[str, str],
    links: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    titles: Mapping[str, str] | None = None,
) -> ObjectOf:
    """Fields as in `make_field`; links are name → "target.field"."""
    titles = titles or {}
    made = {n: make_field(n, w, titles.get(n)) for n, w in {**SYSTEM, **fields}.items()}
    ways = {n: make_link(n, w) for n, w in (links or {}).items()}
    return ObjectOf(name, labels or {"en": name.capitalize()}, made, ways)


def make_schema(objects: Sequence[ObjectOf]) -> SchemaOf:
    return SchemaOf({o.name: o for o in objects})


LEAD = make_object(
    "lead",
    {
        "name": "text",
        "title": "text",
        "industry": "Software|SaaS|Finance|Retail",
        "country": "CN|US|DE|FR|NL",
        "region": "CN|US|DE|FR|NL|EU",
        "status": "New|Open|Converted|Disqualified",
        "source": "Web|Fair|Call",
        "tags": "*vip|partner|press",
        "employees": "number",
        "annual_revenue": "money CNY",
        "amount": "money CNY",
        "chance": "percent",
        "emails_opened": "number",
        "links_clicked": "number",
        "demo_requests": "number",
        "email": "text",
        "phone": "text",
        "remark": "text",
        "opted_in": "boolean",
        "first_seen": "date",
        "due_on": "date",
        "opens_at": "time",
        "talked": "clock_length",
        "last_activity_at": "instant",
        "account": "-> account",
        "score": "number",
        "score_grade": "A|B|C",
    },
    links={"activities": "activity.lead"},
)
ACTIVITY = make_object(
    "activity",
    {
        "lead": "-> lead",
        "kind": "Meeting|Call|Mail",
        "happened_at": "instant",
        "minutes": "number",
        "cost": "money CNY",
        "subject": "text",
    },
)
ACCOUNT = make_object(
    "account",
    {
        "name": "text",
        "region": "East|West|North",
        "country": "CN|US|DE",
        "support_level": "Standard|Premium",
        "is_customer": "boolean",
        "dunning_block": "boolean",
        "credit": "money CNY",
        "billing_contact": "-> user",
    },
    links={"opportunities": "opportunity.account", "leads": "lead.account"},
)
QUOTE = make_object(
    "quote",
    {
        "name": "text",
        "status": "Draft|In approval|Approved|Sent",
        "discount": "percent",
        "margin": "percent",
        "amount": "money CNY",
        "currency": "text",
        "valid_until": "date",
        "approved_until": "date",
        "tax_number": "text",
        "account": "-> account",
    },
    links={"lines": "quote_line.quote"},
)
QUOTE_LINE = make_object(
    "quote_line",
    {
        "name": "text",
        "quote": "-> quote",
        "quantity": "number",
        "price": "money CNY",
        "total": "money CNY",
        "discount": "percent",
    },
    labels={"en": "Quote line"},
)
OPPORTUNITY = make_object(
    "opportunity",
    {
        "name": "text",
        "account": "-> account",
        "amount": "money CNY",
        "weighted_amount": "money CNY",
        "probability": "percent",
        "stage": "New=10|Offer=50|Won=100|Lost=0",
        "close_date": "date",
        "close_quarter": "number",
        "closed_at": "instant",
        "last_activity_at": "instant",
    },
)
INVOICE = make_object(
    "invoice",
    {
        "name": "text",
        "account": "-> account",
        "due_on": "date",
        "balance": "money CNY",
        "dunning_level": "number",
    },
)
TASK = make_object("task", {"subject": "text", "due_on": "date"})
TICKET = make_object(
    "ticket",
    {
        "subject": "text",
        "account": "-> account",
        "kind": "Incident|Question",
        "priority": "P1|P2|P3",
        "status": "Open|Waiting on customer|Resolved|Closed|Duplicate",
        "first_response_at": "instant",
        "response_breached": "boolean",
        "priority_flag": "Red|Amber",
    },
)
USER = make_object(
    "user",
    {
        "name": "text",
        "username": "text",
        "email": "text",
        "region": "East|West|North",
        "approval_limit": "money CNY",
        "manager": "-> user",
        "team": "-> team",
        "roles": "text",
    },
)
TEAM = make_object("team", {"name": "text", "manager": "-> user", "parent": "-> team"})
XIANSUO = make_object(
    "xiansuo",
    {
        "industry": "软件|金融",
        "employees": "number",
        "revenue": "money CNY",
        "phone": "text",
        "points": "number",
        "customer": "-> kehu",
    },
    labels={"en": "Prospect", "zh": "线索"},
    titles={
        "industry": "行业",
        "employees": "员工人数",
        "revenue": "年收入",
        "phone": "手机",
        "points": "评分",
        "customer": "客户",
    },
)
KEHU = make_object("kehu", {"level": "A|B"}, labels={"zh": "客户"}, titles={"level": "等级"})
CONTRACT = make_object(
    "contract",
    {"starts_on": "date", "ends_on": "date"},
    labels={"en": "Contract", "zh": "合同"},
    titles={"starts_on": "开始 日期", "ends_on": "结束 日期"},
)

SCHEMA = make_schema(
    [
        LEAD,
        ACTIVITY,
        ACCOUNT,
        QUOTE,
        QUOTE_LINE,
        OPPORTUNITY,
        INVOICE,
        TASK,
        TICKET,
        USER,
        TEAM,
        XIANSUO,
        KEHU,
        CONTRACT,
    ]
)
