"""Business time: calendars as monotone functions of the clock, and national holidays.

F(t) is the working time up to t. `worked(a, b)` is F(b) − F(a), `due(start, length)` its inverse.
"""

from rule_engine.calendars.business import (
    ORGANISATION,
    BusinessCalendar,
    business_calendar,
    business_calendars,
)
from rule_engine.calendars.clock import Continuous
from rule_engine.calendars.holiday_lists import HolidayList, find_mistake

__all__ = [
    "ORGANISATION",
    "BusinessCalendar",
    "Continuous",
    "HolidayList",
    "business_calendar",
    "business_calendars",
    "find_mistake",
]
