"""The bench's score as somebody would write it for these leads and this moment alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from rule_engine.text import fold
from tests.bench.leads import Record

Judged = tuple[Decimal, str | None]

THOUSAND, TWO_HUNDRED, LAST_OF_HUNDREDS = Decimal(1000), Decimal(200), Decimal(999)
BUDGET, RICH, POOR, SMALL = Decimal(500_000), Decimal(10_000_000), Decimal(1_000_000), Decimal(20)
ZERO, THREE, FOUR, FIVE, TEN, FORTY = map(Decimal, (0, 3, 4, 5, 10, 40))


def by_hand(now: datetime) -> Callable[[Record], Judged]:
    """Gives a function with the dates worked out beforehand."""
    week_ago, long_ago = now - timedelta(days=7), now - timedelta(days=60)
    in_two_weeks = now + timedelta(days=14)
    year_ago: date = now.astimezone(UTC).date() - timedelta(days=365)

    def judge(record: Any) -> Judged:
        get = record.get
        total = 10
        employees = get("employees")
        if employees is not None:
            if employees >= THOUSAND:
                total += 20
            elif TWO_HUNDRED <= employees <= LAST_OF_HUNDREDS:
                total += 10
        industry = get("industry")
        if industry in {"software", "finance"}:
            total += 15
        elif industry == "manufacturing":
            total += 8
        if get("lead_source") in {"referral", "partner"}:
            total += 15
        budget = get("budget")
        if budget is not None and budget.currency == "CNY" and budget.amount >= BUDGET:
            total += 10
        title = get("title")
        if title is not None:
            title = fold(title)
            if "vp" in title or "director" in title or title.startswith("head of"):
                total += 8
        email = get("email")
        if email is not None:
            email = fold(email)
            if email.endswith("@gmail.com") or email.endswith("@qq.com"):
                total -= 15
        elif get("phone") is None:
            total -= 20
        if get("demo_requested"):
            total += 20
        revenue = get("annual_revenue")
        if revenue is not None and revenue.currency == "CNY":
            if revenue.amount > RICH:
                total += 12
            elif revenue.amount < POOR and employees is not None and employees < SMALL:
                total -= 6
        if get("website") is not None:
            total += 3
        company = get("company")
        if company is None or "test" in fold(company):
            total -= 7
        if get("city") in {"Beijing", "Shanghai", "Shenzhen", "Hangzhou"}:
            total += 4
        country = get("country")
        if country == "CN":
            total += 5
        elif country not in {"US", "DE"}:
            total -= 3
        if get("language") != "en":
            total += 1
        opened, clicked = get("emails_opened"), get("emails_clicked")
        if clicked is not None:
            if clicked >= THREE:
                total += 6
            if opened is not None:
                if opened > TEN and clicked == ZERO:
                    total -= 4
                if clicked * FOUR >= opened:
                    total += 3
        visits, views = get("visits"), get("page_views")
        if visits is not None:
            if views is not None and views + visits > FORTY:
                total += 7
            if FIVE <= visits <= SMALL:
                total += 3
        contacted = get("last_contacted_at")
        if contacted is not None:
            if week_ago <= contacted <= now:
                total += 5
            elif contacted < long_ago:
                total -= 8
        meeting = get("next_meeting_at")
        if meeting is not None and now <= meeting <= in_two_weeks:
            total += 9
        seen = get("first_seen_on")
        if seen is not None and seen < year_ago:
            total -= 5
        barred = get("do_not_contact")
        if get("newsletter") and not barred:
            total += 2
        if get("status") in {"working", "qualified"}:
            total += 6
        if barred:
            total -= 50
        total = 0 if total < 0 else min(total, 100)
        return Decimal(total), "A" if total >= 60 else "B" if total >= 30 else "C"

    return judge
