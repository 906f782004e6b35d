import json
import sys

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from medspa.models import Clinic, ClinicNotOpenedYet
from treatments import content_report
from treatments.content_report import Finding
from treatments.models import Treatment

SOMETHING_IS_NEEDED = 1


class Command(BaseCommand):
    help = (
        "Lists what the treatments' pages still lack, page by page, published ones first. "
        "NEEDED means that the page is not finished: a description of 70 to 160 characters, somebody who reviewed it "
        "and when, a review that is not overdue, reasons to wait, recovery notes, words for every picture; and for "
        "the clinic a telephone number, hours and an address of its own. "
        "A note is for the editor to weigh: no price, not translated yet, a school grade above 8 and the section that "
        "is hardest, more than 12 words a sentence, words that promise too much; and for the clinic its tagline or a "
        "closure's reason that Spanish pages show in English. "
        "The same list stands on each treatment's page at the desk. Changes nothing. "
        "Exit code: 1 if a page that patients can read, or the clinic, lacks something needed; otherwise 0. "
        "What a draft lacks is listed and does not count."
    )

    def add_arguments(self, parser):
        parser.add_argument("--json", action="store_true", help="one JSON object for programs instead of lines")

    def handle(self, **options):
        try:
            clinic = Clinic.objects.current()
        except ClinicNotOpenedYet as error:
            raise CommandError(str(error)) from error
        facts = content_report.about_clinic(clinic)
        treatments = sorted(content_report.to_report(), key=lambda treatment: not treatment.is_published)
        pages = [(row, content_report.about_treatment(row, clinic)) for row in treatments]
        counted = [facts, *(found for treatment, found in pages if treatment.is_published)]
        lacking = any(finding.is_needed for found in counted for finding in found)
        if options["json"]:
            self.stdout.write(
                json.dumps(as_object(clinic, facts, pages, lacking=lacking), indent=2, ensure_ascii=False)
            )
        else:
            self.print_lines(clinic, facts, pages)
        if lacking:
            sys.exit(SOMETHING_IS_NEEDED)

    def print_lines(self, clinic: Clinic, facts: list[Finding], pages: list[tuple[Treatment, list[Finding]]]) -> None:
        sections = [(f"{clinic} (every page)", facts)]
        sections += [(f"{row} ({state(row)}, {row.language}) {row.get_absolute_url()}", found) for row, found in pages]
        for heading, found in sections:
            self.stdout.write(heading)
            for finding in found:
                self.stdout.write(f"  {'NEEDED' if finding.is_needed else 'note  '}  {finding.words}")
            if not found:
                self.stdout.write("  Nothing is lacking.")


def state(treatment: Treatment) -> str:
    if treatment.is_published:
        return "published"
    if treatment.is_scheduled:
        return f"from {timezone.localtime(treatment.publish_at):%Y-%m-%d %H:%M}"
    return "draft"


def as_object(clinic: Clinic, facts: list[Finding], pages: list, *, lacking: bool) -> dict:
    return {
        "lacks_something_needed": lacking,
        "clinic": {"name": clinic.name, **_sorted(facts)},
        "pages": [
            {
                "name": row.name,
                "language": row.language,
                "url": row.get_absolute_url(),
                "state": state(row),
                **_sorted(found),
            }
            for row, found in pages
        ],
    }


def _sorted(found: list[Finding]) -> dict[str, list[str]]:
    return {
        "needed": [finding.words for finding in found if finding.is_needed],
        "notes": [finding.words for finding in found if not finding.is_needed],
    }
