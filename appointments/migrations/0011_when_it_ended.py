from django.db import migrations, models
from django.db.models import F, Max, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce


def fill(apps, _schema_editor):
    """When each closed request was closed, from its history; and each visit's time was set when it was booked."""
    closings = (
        apps.get_model("appointments", "Event")
        .objects.filter(appointment_request=OuterRef("pk"), kind__in=["closed", "merged"])
        .order_by()
        .values("appointment_request")
        .annotate(last=Max("at"))
        .values("last")
    )
    requests = apps.get_model("appointments", "AppointmentRequest")
    requests.objects.filter(status="closed").update(ended_at=Coalesce(Subquery(closings), F("created_at")))
    apps.get_model("appointments", "Appointment").objects.update(agreed_at=F("created_at"))


class Migration(migrations.Migration):
    dependencies = [("appointments", "0010_the_patients_side")]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="appointmentrequest",
            constraint=models.CheckConstraint(
                condition=Q(("status", "closed"), ("ended_at", None), _connector="XOR"), name="what_is_closed_has_ended"
            ),
        ),
    ]
