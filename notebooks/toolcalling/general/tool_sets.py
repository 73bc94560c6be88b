"""Which tools are declared together, and on which day."""

import datetime
from dataclasses import dataclass, field

from . import catalogue, dates
from .declarations import show
from .names import Names

SIZES, SIZE_WEIGHTS = range(1, 9), (9, 15, 17, 16, 13, 11, 10, 9)

# What can take nearly any request, so that hardly one could be declined beside it.
BROAD = {"handset.take_note", *(t.key for t in catalogue.by_field()["finder"])}

# Tools of which one could take what another one is asked for.
_ALIKE = (
    {"museum.book_guided_tour", "observatory.invite_school_group"},
    {"campsite.order_rolls", "bakery.order_loaves"},
    {"courts.book_court", "school.book_school_room", "council.rent_hall"},
    {"stage.schedule_rehearsal", "radio.schedule_show", "choir.plan_concert",
     "festival.book_act", "radio.song_request"},
    {"carshare.take_car", "storage.book_movers"},
    {"toolshed.borrow_item", "toolshed.reserve_item", "observatory.book_telescope"},
    {"house.doorbell_mode", "handset.silence_phone"},
    {"house.share_house_key", "storage.gate_code"},
    {"vet.register_animal", "council.register_dog"},
    {"pottery.book_kiln", "printshop.book_machine"},
    {"festival.sell_pass", "museum.buy_ticket_museum", "stage.reserve_seats"},
    {"deploy.release_version", "deploy.roll_back"},
    {"storage.find_box", "toolshed.who_has_item"},
    {"house.oven_timer", "handset.begin_countdown", "handset.wake_me"},
    {"wildlife.rescue_animal", "wildlife.report_sighting"},
    {"handset.navigate_between", "atlas.distance_between"},
    {"observatory.cloud_cover", "allotment.frost_risk", "atlas.climate_of"},
    {"handset.text_somebody", "tailor.ready_for_pickup", "school.write_to_parents"},
    {"choir.add_singer", "choir.change_voice"},
    {"kinship.add_relative", "kinship.record_marriage"},
)  # fmt: skip


def alike(keys):
    """Keys of the tools that could take what those are asked for, or the reverse."""
    return set().union(*(group for group in _ALIKE if group & set(keys)))


@dataclass(frozen=True)
class Day:
    """When a conversation takes place. told: the same date if it is told, or None."""

    date: datetime.date
    told: datetime.date | None


@dataclass
class ToolSet:
    """Tools that a batch shares. shown: in the order of their declaration.

    day: a Day. naming: names.Names. spare: tools shown, but not declared.
    """

    shown: list
    day: Day
    naming: Names
    spare: dict = field(default_factory=dict)

    @property
    def schemas(self):
        return [shown.schema for shown in self.shown]

    @property
    def fields(self):
        return {shown.tool.field for shown in self.shown}

    def undeclared(self, tool, draw):
        """A tool that is not declared, as this set would show it."""
        if tool.key not in self.spare:
            self.spare[tool.key] = show(tool, self.naming, draw)
        return self.spare[tool.key]


def draw_set(draw, near, needs=(), broad=True, empty_names=0.0, small=0.0):
    """A ToolSet. near: all tools of one field, at least two; else each of another.

    needs: names of Tool's properties; of each there is a tool for which it is true.
    broad: tools that search over everything may be among them. small: the chance
    of a set of one to four, else there are up to eight.
    """
    size = draw.choices(SIZES, SIZE_WEIGHTS)[0]
    if small and draw.random() < small:
        size = (size + 1) // 2
    fields = {
        name: [t for t in tools if broad or t.key not in BROAD]
        for name, tools in catalogue.by_field().items()
    }
    fields = {name: tools for name, tools in fields.items() if tools}
    order = draw.sample(sorted(fields), len(fields))
    if near:
        # Where a field has not so many, the next one's.
        pool = [
            t for name in order for t in draw.sample(fields[name], len(fields[name]))
        ]
        chosen = pool[: max(size, 2)]
    else:
        chosen = []
        for name in order:
            barred = alike(tool.key for tool in chosen)
            able = [tool for tool in fields[name] if tool.key not in barred]
            if len(chosen) < size and able:
                chosen.append(draw.choice(able))
    fits = near or not any(tool.field == "finder" for tool in chosen)
    if broad and fits and len(chosen) < 8 and draw.random() < 0.5:
        able = [t for t in fields.get("finder", ()) if t not in chosen]
        chosen += [draw.choice(able)] if able else []
    for need in needs:
        if not any(getattr(tool, need) for tool in chosen):
            _provide(chosen, need, fields, order, near, draw)
    draw.shuffle(chosen)
    naming = Names(draw, empty_names)
    return ToolSet(
        [show(tool, naming, draw) for tool in chosen], draw_day(draw), naming
    )


def _provide(chosen, need, fields, order, near, draw):
    """Put a tool that has what is needed among those chosen, of the fitting field."""
    taken = {tool.field for tool in chosen}
    own = [name for name in order if (name in taken) == near]
    for names in (own, order):
        able = [
            t
            for name in names
            for t in fields[name]
            if getattr(t, need)
            and t not in chosen
            and t.key not in alike(tool.key for tool in chosen if tool.field != t.field)
        ]
        if able:
            break
    if not able:
        raise ValueError(f"These fields are too few: none has a tool with {need!r}.")
    if len(chosen) > 7:
        chosen.pop(0)
    chosen.append(draw.choice(able))


def draw_day(draw):
    """A Day, told in nearly every second set."""
    start = datetime.date(draw.randrange(2021, 2034), 1, 1)
    date = start + datetime.timedelta(draw.randrange(364))
    return Day(date, date if draw.random() < 0.45 else None)


def developer_text(tool_set, draw, opening):
    """The developer message of a set. opening: the sentence before all else."""
    if tool_set.day.told is None:
        return opening
    return f"{opening}\n{dates.say_today(tool_set.day.told, draw)}"
