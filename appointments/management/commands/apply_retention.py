"""What the policy lets go of."""

from django.core.management.base import BaseCommand
from django.utils import timezone

from appointments import privacy, workflow
from medspa import doors


class Command(BaseCommand):
    help = (
        "Carries out the retention policy (appointments/privacy/policy.toml, shown on /privacy/): details of patients, "
        "words of mails, searches, addresses and events go once their time is over. A request under a legal hold "
        "stays. "
        "--dry-run says what would go and changes nothing. Works in batches, each all or nothing: it may be stopped at "
        "any moment and started again, also beside itself. The message sender does the same every six hours."
    )

    def add_arguments(self, parser):
        parser.add_argument("--dry-run", action="store_true", help="count, and change nothing")
        parser.add_argument("--batch", type=int, default=100, help="rows in one transaction (default 100)")

    def handle(self, *, dry_run: bool, batch: int, **options):
        now = timezone.now()
        for period in privacy.PERIODS:
            say = f"{privacy.months(period.name)} months: {period.words}"
            if dry_run:
                self.stdout.write(f"{say}: {period.over(now).count()} would go")
                continue
            gone = 0
            while some := workflow.let_go(period, now=now, at_most=max(batch, 1)):
                gone += some
                self.stderr.write(f"\r{say}: {gone}", ending="")
            self.stderr.write("\r", ending="")
            self.stdout.write(f"{say}: {gone} went")
        if not dry_run:
            doors.tidy(now, events_before=privacy.ends_before("events", now))
