"""What the policy lets go of."""

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from appointments import privacy, workflow
from medspa import doors

CLOCK_IN_DOUBT = 3  # exit code


class Command(BaseCommand):
    help = (
        "Carries out the retention policy (appointments/privacy/policy.toml, shown on /privacy/): details of patients, "
        "words of mails, searches, addresses and events go once their time is over. A request under a legal hold "
        "stays. "
        "--dry-run says what would go and changes nothing. Works in batches, each all or nothing: it may be stopped at "
        "any moment and started again, also beside itself. The message sender does the same every six hours. "
        "While the log says that nobody was here in the two months before yesterday, the clock may be years ahead: "
        f"then nothing goes, and the exit code is {CLOCK_IN_DOUBT}. --force says that the clock is right."
    )

    def add_arguments(self, parser):
        parser.add_argument("--dry-run", action="store_true", help="count, and change nothing")
        parser.add_argument("--batch", type=int, default=100, help="rows in one transaction (default 100)")
        parser.add_argument("--force", action="store_true", help="the clock is right, however long nobody was here")

    def handle(self, *, dry_run: bool, batch: int, force: bool, **options):
        now = timezone.now()
        if dry_run:
            for period in privacy.PERIODS:
                self.stdout.write(f"{rule(period)}: {period.over(now).count()} would go")
            return
        if not force:
            insist_on_the_clock(now)
        for period in privacy.PERIODS:
            gone = 0
            while some := workflow.let_go(period, now=now, at_most=max(batch, 1)):
                gone += some
                self._tell_whoever_watches(f"\r{rule(period)}: {gone}")
            self._tell_whoever_watches("\r")
            self.stdout.write(f"{rule(period)}: {gone} went")
        doors.tidy(now, events_before=privacy.ends_before("events", now))

    def _tell_whoever_watches(self, words: str) -> None:
        if self.stderr.isatty():
            self.stderr.write(words, ending="")


def insist_on_the_clock(now) -> None:
    try:
        privacy.insist_on_the_clock(now)
    except privacy.ClockInDoubt as doubt:
        advice = "If it is: manage.py apply_retention --force"
        raise CommandError(f"Nothing was let go. {doubt} {advice}", returncode=CLOCK_IN_DOUBT) from None


def rule(period: privacy.Period) -> str:
    months = privacy.months(period.name)
    return f"{months} {'month' if months == 1 else 'months'}: {period.words}"
