"""How a treatment's page in another language begins."""

from django.db import transaction

from treatments.models.treatments import Treatment

LISTS = ["benefits", "contraindications", "steps", "recovery_notes", "faqs"]  # pictures stay the treatment's own
NOT_COPIED = {"id", "description", "reviewed_by", "reviewed_on", "next_review_on", "publish_at", "social_picture"}


def start_translation(treatment: Treatment, language: str) -> Treatment:
    """A draft that holds the words to be translated. Idempotent: one that is there already is left as it is."""
    kept = [field for field in treatment._meta.concrete_fields if field.name not in NOT_COPIED]
    words = {field.attname: getattr(treatment, field.attname) for field in kept}
    words |= {"status": Treatment.Status.DRAFT, "language": language, "original_id": treatment.pk}
    with transaction.atomic():
        draft, is_new = Treatment.objects.get_or_create(original=treatment, language=language, defaults=words)
        for name in LISTS if is_new else []:
            for point in getattr(treatment, name).all():
                point.pk, point.treatment, point._state.adding = None, draft, True
                point.save()
    return draft
