"""How the mails say it in Russian: forms of words, dates, numbers, and the names of things. Pure."""

from datetime import date, datetime
from typing import NamedTuple

from flows.distribution.models import Skip, Stage

SPACE = "\u00a0"  # does not break, so that a number stays in one piece
MINUTE_S = 60
P_MIN = 0.0001

MONTHS = (
    "января", "февраля", "марта", "апреля", "мая", "июня",
    "июля", "августа", "сентября", "октября", "ноября", "декабря",
)  # fmt: skip
WEEKDAYS = ("понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье")

REASONS = {
    Skip.NO_CAMPAIGNS: "Нет активных кампаний",
    Skip.NO_USERS: "Нет пользователей с COUNT_DAY = {count_day}",
}

STAGES = {
    Stage.INITIALIZATION: "подготовка",
    Stage.CAMPAIGNS: "получение активных кампаний",
    Stage.USERS: "получение пользователей из SPSS",
    Stage.DISTRIBUTING: "распределение пользователей",
    Stage.INSERTING: "запись в DSSB",
    Stage.MIRRORING: "копирование в SPSS",
    Stage.RECONCILING: "сверка баз данных",
}

UNTOUCHED = "До записи не дошло: на этом этапе базы данных не изменяются."
WRITTEN = {
    Stage.INSERTING: "Запись в DSSB — одна операция: записано либо всё, либо ничего. SPSS пишется только после DSSB.",
    Stage.MIRRORING: "В DSSB всё записано. Копия в SPSS не закончена.",
    Stage.RECONCILING: "Запись в DSSB и SPSS выполнена, но сверка количества строк не закончена.",
}


class Meaning(NamedTuple):
    """What a quality check looks at, and what it means when it warns."""

    title: str
    warning: str


CHECKS = {
    "sample ratio": Meaning(
        "Размеры групп за всё время", "Группы A–E различаются по размеру сильнее, чем бывает случайно."
    ),
    "birth decade": Meaning(
        "Возраст в группах", "Группы A–E различаются по возрасту сильнее, чем бывает случайно."
    ),
    "sex": Meaning("Пол в группах", "Группы A–E различаются по полу сильнее, чем бывает случайно."),
    "volume": Meaning(
        "Количество пользователей", "Пользователей намного больше или намного меньше, чем обычно."
    ),
    "source": Meaning(
        "Обновление данных в SPSS", "Те же пользователи, что и в прошлый раз: похоже, SPSS не обновлялся."
    ),
    "control group": Meaning(
        "Наполнение групп", "В кампании меньше пользователей, чем групп: есть пустые группы."
    ),
    "iin length": Meaning("Длина ИИН", "ИИН длиннее 12 знаков не помещаются в таблицы и не учтены."),
    "registry blanks": Meaning(
        "Реестр кампаний: пустые поля", "Строки без идентификатора или без дат не учтены."
    ),
    "registry ids": Meaning(
        "Реестр кампаний: идентификаторы", "Строки с непонятным идентификатором не учтены."
    ),
    "registry dates": Meaning("Реестр кампаний: даты", "У строк одной кампании разные даты."),
    "registry groups": Meaning("Реестр кампаний: группы", "У кампании нет строк для части групп."),
}
"""By the name of the check."""


def meaning(check: str) -> Meaning:
    """Return what a check means; one that is not known here speaks for itself."""
    return CHECKS.get(check, Meaning(check, ""))


def plural(value: int, one: str, few: str, many: str) -> str:
    """Return the form that goes with the number.

    >>> [plural(days, "день", "дня", "дней") for days in (1, 2, 5, 11, 21, 112)]
    ['день', 'дня', 'дней', 'дней', 'день', 'дней']
    """
    last, is_teen = value % 10, value // 10 % 10 == 1
    if is_teen or last not in {1, 2, 3, 4}:
        return many
    return one if last == 1 else few


def number(value: int) -> str:
    """Return the number with its thousands apart: `12 345`."""
    return f"{value:,}".replace(",", SPACE)


def count(value: int, one: str, few: str, many: str) -> str:
    """Return the number with its noun: `5 пользователей`."""
    return f"{number(value)}{SPACE}{plural(value, one, few, many)}"


def distributed(users: int, campaigns: int) -> str:
    """Return the sentence that says it all.

    >>> distributed(1, 1).replace(SPACE, " ")
    '1 пользователь распределён по 1 кампании'
    """
    who = count(users, "пользователь", "пользователя", "пользователей")
    done = plural(users, "распределён", "распределены", "распределено")
    return f"{who} {done} по {count(campaigns, 'кампании', 'кампаниям', 'кампаниям')}"


def decimal(value: float, places: int = 1) -> str:
    """Return the number with a comma: `19,9`."""
    return f"{value:.{places}f}".replace(".", ",")


def probability(p: float) -> str:
    """Return a p-value in two digits, the smallest by their bound."""
    told = f"< {P_MIN:f}".rstrip("0") if p < P_MIN else f"= {p:.2g}"
    return f"p {told}".replace(".", ",").replace(" ", SPACE)


def duration(took_s: float) -> str:
    """Return how long it took: `2,4 с`, `3 мин 5 с`."""
    if took_s < MINUTE_S:
        return f"{decimal(took_s)}{SPACE}с"
    minutes, seconds = divmod(round(took_s), MINUTE_S)
    return f"{number(minutes)}{SPACE}мин {seconds}{SPACE}с"


def day(value: date) -> str:
    """Return the day as a heading has it: `5 мая 2030 г., воскресенье`."""
    return f"{value.day}{SPACE}{MONTHS[value.month - 1]} {value.year}{SPACE}г., {WEEKDAYS[value.weekday()]}"


def short_day(value: date | None) -> str:
    return f"{value:%d.%m.%Y}" if value else "–"


def moment(value: datetime) -> str:
    """Return a moment of Almaty's clock."""
    return f"{value:%d.%m.%Y %H:%M:%S} (Алматы)"


def reason(skip: Skip, count_day: int) -> str:
    return REASONS[skip].format(count_day=count_day)


def written(stage: Stage) -> str:
    """Return what a run that failed at this stage has left in the databases."""
    return WRITTEN.get(stage, UNTOUCHED)
