"""What the mails say in Russian, how they are built, and what never gets into them."""

import asyncio
import json
import re
import smtplib
from dataclasses import replace
from datetime import date
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import compat32
from email.policy import default as modern
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.distribution import letter, russian
from flows.distribution.days import TableState
from flows.distribution.models import Campaign, Check, Numbers, Share, Skip, Stage
from sandbox.mail import MailSink
from tests.distribution import results

RUNBOOK = "docs/runbook.md#databaseunreachable"
URL = "https://ui.bank.example/runs/flow-run/0190c0de"
IIN = "850101300123"
HOSTILE = f'<script>alert("1")</script> & Co\r\nBcc: thief@example.org\r\n\r\n{IIN}'
HEADERS = {"Subject", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"}

names = st.text(st.characters(codec="utf-8"), max_size=60) | st.just(HOSTILE)


def failure(stage: Stage = Stage.MIRRORING, *, is_expected: bool = True, **other: object) -> EmailMessage:
    return letter.failed(results.trouble(stage, is_expected=is_expected, **other), runbook=RUNBOOK)


MAILS = {
    "✅ SoftCollection: Ежедневная дистрибуция завершена - 166 пользователей распределено": (
        letter.completed(results.three())
    ),
    "✅ SoftCollection: Ежедневная дистрибуция завершена - 1 пользователей распределено": (
        letter.completed(results.result(results.shares(1, 1)))
    ),
    "✅ SoftCollection: Ежедневная дистрибуция завершена - 1000000 пользователей распределено": (
        letter.completed(results.result(results.shares(100, 1_000_000)))
    ),
    "⏭️ SoftCollection: Ежедневная дистрибуция пропущена - Нет активных кампаний": (
        letter.skipped(results.skipped())
    ),
    "⏭️ SoftCollection: Ежедневная дистрибуция пропущена - Нет пользователей с COUNT_DAY = 5": (
        letter.skipped(results.skipped(Skip.NO_USERS))
    ),
    **{
        f"❌ SoftCollection: Ошибка ежедневной дистрибуции - {stage}": failure(Stage(stage))
        for stage in (
            "initialization", "getting_active_campaigns", "getting_spss_users", "distributing_users",
            "inserting_users", "mirroring", "reconciling",
        )
    },
    "🚨 SoftCollection: Критическая ошибка ежедневной дистрибуции": failure(is_expected=False),
}  # fmt: skip


def received(mail: EmailMessage) -> EmailMessage:
    """Return the mail as a program of our days reads it."""
    return message_from_bytes(mail.as_bytes(), EmailMessage, policy=modern)


def bodies(mail: EmailMessage) -> tuple[str, str]:
    """Return text and HTML, spaces that do not break as ordinary ones."""
    read = received(mail)
    return tuple(read.get_body((kind,)).get_content().replace("\u00a0", " ") for kind in ("plain", "html"))


def attached(mail: EmailMessage) -> dict[str, object]:
    (part,) = received(mail).iter_attachments()
    return json.loads(part.get_content())


class Links(HTMLParser):
    """Collects tags and where they point to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"href", "src", "background"}]


@pytest.mark.parametrize("subject", MAILS)
def test_subjects_are_those_that_people_filter_by(subject: str) -> None:
    """To the letter, read by a modern parser and by one that knows only the old rules."""
    mail = MAILS[subject]
    assert str(received(mail)["Subject"]) == subject
    old = message_from_bytes(mail.as_bytes(), policy=compat32)
    assert str(make_header(decode_header(old["Subject"]))) == subject


@pytest.mark.parametrize("mail", MAILS.values(), ids=MAILS)
def test_every_mail_has_text_and_html(mail: EmailMessage) -> None:
    """As alternatives of one another, in Russian, with nothing to be loaded from elsewhere."""
    read = received(mail)
    alternative = read.get_body(("related", "html", "plain"))
    assert alternative is not None
    plain, html = bodies(mail)
    assert "5 мая 2030 г., воскресенье" in plain
    assert "5 мая 2030 г., воскресенье" in html
    assert read["Auto-Submitted"] == "auto-generated"
    assert not {"img", "link", "script", "iframe"} & Links(html).tags
    assert "url(" not in html


def test_a_campaign_that_the_registry_has_lost_has_no_days() -> None:
    """Text and page show a dash for each."""
    lost = Share(Campaign("SC1", "", date.min, date.min), (1, 1, 1, 1, 1))
    for body in bodies(letter.completed(results.result((lost,)))):
        assert "0001" not in body.replace("SC00000001", "")
        assert re.search(r"– ?(–|<br>) ?–", body)


def test_a_finished_day_has_text_html_and_an_attachment() -> None:
    """The bodies stand beside the attachment, not among it."""
    read = received(letter.completed(results.three()))
    assert [part.get_content_type() for part in read.walk()] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "text/html", "application/json",
    ]  # fmt: skip


def test_the_attachment_is_the_complete_result() -> None:
    """Counts of campaigns, groups and tables, the checks, who asked; in a file named for the day."""
    mail = letter.completed(results.three(requested_by="А. Сериков", approved_by="Б. Ахметова"))
    (part,) = received(mail).iter_attachments()
    assert part.get_filename() == "distribution_2030-05-05.json"
    told = attached(mail)
    assert told["business_date"] == "2030-05-05"
    assert told["insert_datetime"] == "2030-05-05T09:00:12"
    assert told["run_id"] == str(results.RUN_ID)
    assert (told["users"], told["count_day"]) == (166, 5)
    assert [campaign["total"] for campaign in told["campaigns"]] == [55, 55, 56]
    assert told["campaigns"][2]["groups"] == {"A": 11, "B": 11, "C": 11, "D": 11, "E": 12}
    assert told["campaigns"][0]["name"] == "Мягкое напоминание"
    assert [group["users"] for group in told["groups"]] == [33, 33, 33, 33, 34]
    assert [(table["rows"], table["ok"]) for table in told["tables"]] == [
        (33, True),
        (133, True),
        (133, True),
    ]
    assert (told["requested_by"], told["approved_by"]) == ("А. Сериков", "Б. Ахметова")
    assert told["numbers"]["distributed"] == 166


@pytest.mark.parametrize("number", [0, 1, 100])
def test_every_campaign_is_told(number: int) -> None:
    """None, one or a hundred: each by its id, name, period and share, in text and HTML."""
    mail = letter.completed(results.result(results.shares(number, 5 * number)))
    for body in bodies(mail):
        for place in range(1, number + 1):
            assert f"SC{place:08}" in body
        assert body.count("31.05.2030") == number
    assert len(attached(mail)["campaigns"]) == number


def test_the_totals_are_told() -> None:
    """Groups, control and target, the rows of each table and the selection of the users."""
    plain, html = bodies(letter.completed(results.three()))
    assert "166 пользователей распределено по 3 кампаниям" in plain
    assert "166 пользователей распределено по 3 кампаниям" in html
    assert "✓ DSSB dssb_app.sc_local_target: 133 из 133" in plain
    assert "Контрольная группа: 33\nЦелевые группы: 133" in plain
    assert "E: 34 (20,5 %)" in plain
    assert "Повторы: 5" in plain
    row = r"<b>Итого</b></td><td></td>" + "".join(
        rf'<td align="right"><b>{users}</b></td>' for users in (33, 33, 33, 33, 34, 33, 133, 166)
    )
    assert row in html


def test_a_table_that_differs_stands_out() -> None:
    """A wrong number of rows is called a difference, beside what was expected."""
    wrong = TableState("SPSS", "spss.sc_theory_users", 132, 133)
    plain, html = bodies(letter.completed(replace(results.three(), tables=(wrong,))))
    assert "✗ РАСХОЖДЕНИЕ SPSS spss.sc_theory_users: 132 из 133" in plain
    assert "✗ расхождение" in html


def test_warnings_come_before_what_is_well() -> None:
    """They are counted at the top and stand first among the checks, in Russian and with the facts."""
    for body in bodies(letter.completed(results.three())):
        assert body.index("no active row for SC00000002.5") < body.index("Размеры групп за всё время")
        assert "у кампании нет строк для части групп" in body.lower()
    assert "<b>1 предупреждение</b>" in bodies(letter.completed(results.three()))[1]
    assert "предупреждени" not in bodies(letter.completed(results.three(checks=())))[1]


def test_a_check_that_is_not_known_speaks_for_itself() -> None:
    """A new check is shown by its own name and words, not left out."""
    mail = letter.completed(results.three(checks=(Check("new check", ok=False, told="odd"),)))
    for body in bodies(mail):
        assert "new check" in body.lower()
        assert "odd" in body


def test_who_is_behind_a_run_by_hand() -> None:
    """Both names, and that nobody has checked them; nothing of the kind for a scheduled run."""
    mail = letter.completed(results.three(requested_by="А. Сериков", approved_by="Б. Ахметова"))
    for body in bodies(mail):
        assert "запросил: А. Сериков" in body
        assert "утвердил: Б. Ахметова" in body
        assert "не проверены" in body
    assert "вручную" not in "".join(bodies(letter.completed(results.three())))


def test_a_resumed_day_is_told_as_such() -> None:
    """With the selection that the ledger has kept of the run that planned it."""
    for body in bodies(letter.completed(results.three(was_resumed=True))):
        assert "закончил день, начатый предыдущим" in body
        assert "прочитано строк" in body.lower()


@pytest.mark.parametrize(
    ("numbers", "why"),
    [(Numbers(0, 0, 0, 0, 0, 0), "нет ни одного пользователя"), (Numbers(9, 0, 0, 9, 0, 0), "уже участвуют")],
)
def test_a_skip_says_why(numbers: Numbers, why: str) -> None:
    """Nobody at all is another thing than nobody new; the campaigns that wait are named."""
    active = (results.campaign(7, "Весна"),)
    mail = letter.skipped(results.skipped(Skip.NO_USERS, campaigns=active, numbers=numbers))
    for body in bodies(mail):
        assert why in body
        assert "SC00000007" in body
        assert "ничего не записано" in body


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("is_expected", [True, False])
def test_an_error_says_what_happened_and_what_to_do(stage: Stage, is_expected: bool) -> None:
    """The stage by both names, the error, what is written, where to read on, and what not to do."""
    for body in bodies(failure(stage, is_expected=is_expected, url=URL)):
        assert russian.STAGES[stage] in body
        assert f"({stage})" in body
        assert "nobody answers at 10.0.0.7:1521" in body
        assert russian.written(stage) in body
        assert RUNBOOK in body
        assert URL in body
        assert "Не нажимать Retry" in body


def test_an_error_says_what_happens_by_itself() -> None:
    """A run that the guard takes up again, or none."""
    for body in bodies(failure()):
        assert "Автоматического повтора не будет" in body
    for body in bodies(letter.failed(results.trouble(), runbook=RUNBOOK, is_guarded=True)):
        assert "автоматически начнётся новый запуск" in body


def test_only_addresses_of_the_web_become_links() -> None:
    """Something else stays text."""
    _, html = bodies(failure(url="javascript:alert(1)"))
    assert Links(html).addresses == []
    _, html = bodies(letter.skipped(results.skipped(), url=URL))
    assert Links(html).addresses == [URL]


@given(names, names)
def test_whatever_a_campaign_is_called(name: str, person: str) -> None:
    """Its name is text: no header, no markup, no line of its own, and no IIN."""
    parts = (results.share(1, name, 7),)
    mail = letter.completed(results.result(parts, requested_by=person))
    assert set(received(mail).keys()) == HEADERS
    _, html = bodies(mail)
    assert "script" not in Links(html).tags
    assert IIN not in str(attached(mail))
    assert "\n" not in attached(mail)["campaigns"][0]["name"]


@pytest.mark.parametrize("kind", ["completed", "skipped", "failed", "critical"])
def test_no_iin_in_any_part(kind: str) -> None:
    """Twelve digits, wherever they come from, are in no header, text, HTML, attachment or raw byte."""
    glued = f"x{IIN}y{IIN}"
    checks = (Check("odd", ok=False, told=f"iin {IIN}"), Check(glued, ok=True, told=glued))
    parts = (results.share(1, glued, 7),)
    mails = {
        "completed": letter.completed(
            results.result(parts, checks=checks, requested_by=IIN, approved_by=glued)
        ),
        "skipped": letter.skipped(results.skipped(campaigns=(parts[0].campaign,), checks=checks)),
        "failed": failure(error=f"ORA-00001: ({glued})"),
        "critical": failure(is_expected=False, error=f"KeyError: '{IIN}'"),
    }
    read = received(mails[kind])
    told = [part.get_payload(decode=True) or b"" for part in read.walk()]
    for text in (*told, mails[kind].as_bytes(), "\n".join(map(str, read.values())).encode()):
        assert not re.search(rb"\d{12}", text)


def test_a_duplicate_is_recognised() -> None:
    """The same run and kind give the same mail to the byte; another kind or run another Message-ID."""
    first, again = (letter.completed(results.three()) for _ in range(2))
    assert first.as_bytes() == again.as_bytes()
    assert first["Message-ID"] == f"<{results.RUN_ID}.completed@metronome.invalid>"
    assert len({mail["Message-ID"] for mail in (first, failure(), failure(is_expected=False))}) == 3


@given(st.integers(0, 10**9))
def test_numbers_take_the_right_form(number: int) -> None:
    """As the language has it: 1, 21, 101 one form, 2-4 and 22-24 another, 5-20 and the rest a third."""
    digits = f"0{number}"
    if re.search(r"(?<!1)1$", digits):
        form = "one"
    else:
        form = "few" if re.search(r"(?<!1)[234]$", digits) else "many"
    assert russian.plural(number, "one", "few", "many") == form


def test_sentences_agree() -> None:
    """Noun, verb and campaigns follow their numbers."""
    sentences = [russian.distributed(*each).replace("\u00a0", " ") for each in ((1, 1), (22, 2), (1_005, 21))]
    assert sentences == [
        "1 пользователь распределён по 1 кампании",
        "22 пользователя распределены по 2 кампаниям",
        "1 005 пользователей распределено по 21 кампании",
    ]


async def test_the_recipient_reads_what_was_sent(tmp_path: Path) -> None:
    """Over SMTP: subject, both bodies and the attachment arrive as they were written."""
    mail = letter.completed(results.three())
    mail["From"], mail["To"] = "metronome@bank.example", "director@bank.example"
    async with MailSink(tmp_path, username="sandbox", password="s3cret") as sink:
        await asyncio.to_thread(send, sink.port, mail)
        (kept,) = sink.mails
    assert str(kept.message["Subject"]) in MAILS
    assert kept.recipients == ["director@bank.example"]
    plain, html = received(mail).get_body(("plain",)), received(mail).get_body(("html",))
    assert kept.part("plain") == plain.get_content()
    assert kept.part("html") == html.get_content()
    assert kept.attachments == ["distribution_2030-05-05.json"]
    assert attached(kept.message) == attached(mail)


def send(port: int, mail: EmailMessage) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=5) as client:
        client.login("sandbox", "s3cret")
        client.send_message(mail)
