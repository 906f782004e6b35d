import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# Fields that another index begins with, or that hardly any new row has a value in.
NO_LONGER_INDEXED = [
    ('appointment', 'provider'),
    ('appointmentrequest', 'claimed_by'),
    ('appointmentrequest', 'duplicate_of'),
    ('appointmentrequest', 'treatment'),
    ('event', 'by'),
    ('healthanswer', 'appointment_request'),
    ('message', 'appointment_request'),
    ('preferredtime', 'appointment_request'),
]


def drop_indexes(apps, schema_editor):
    """Only the indexes: Django's own AlterField would write SQLite's tables anew, and check PostgreSQL's keys again.

    PostgreSQL locks each table for the moment in which its index goes. The indexes that are added below let nobody write
    to the table while it is read once: some two seconds for a million requests.
    """
    for name, column in NO_LONGER_INDEXED:
        model = apps.get_model('appointments', name)
        field = model._meta.get_field(column)
        for index in schema_editor._constraint_names(model, [field.column], index=True):
            schema_editor.execute(schema_editor._delete_index_sql(model, index))


def make_indexes(apps, schema_editor):
    for name, column in NO_LONGER_INDEXED:
        model = apps.get_model('appointments', name)
        schema_editor.execute(schema_editor._create_index_sql(model, fields=[model._meta.get_field(column)]))


class Migration(migrations.Migration):

    dependencies = [
        ('appointments', '0015_desk_at_a_million'),
        ('treatments', '0003_content_version'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='arrival',
            name='arrival_of_words',
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(drop_indexes, make_indexes)],
            state_operations=[
                migrations.AlterField(
                    model_name='appointment',
                    name='provider',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='appointments', to='treatments.provider'),
                ),
                migrations.AlterField(
                    model_name='appointmentrequest',
                    name='claimed_by',
                    field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='claimed_requests', to=settings.AUTH_USER_MODEL),
                ),
                migrations.AlterField(
                    model_name='appointmentrequest',
                    name='duplicate_of',
                    field=models.ForeignKey(blank=True, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='duplicates', to='appointments.appointmentrequest'),
                ),
                migrations.AlterField(
                    model_name='appointmentrequest',
                    name='treatment',
                    field=models.ForeignKey(blank=True, db_index=False, help_text='Empty: the patient would like advice.', null=True, on_delete=django.db.models.deletion.PROTECT, to='treatments.treatment'),
                ),
                migrations.AlterField(
                    model_name='event',
                    name='by',
                    field=models.ForeignKey(db_index=False, help_text='Empty: the patient, or a command at the console.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
                ),
                migrations.AlterField(
                    model_name='healthanswer',
                    name='appointment_request',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='health_answers', to='appointments.appointmentrequest'),
                ),
                migrations.AlterField(
                    model_name='message',
                    name='appointment_request',
                    field=models.ForeignKey(db_index=False, help_text='Empty: the morning digest.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='messages', to='appointments.appointmentrequest'),
                ),
                migrations.AlterField(
                    model_name='preferredtime',
                    name='appointment_request',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='preferred_times', to='appointments.appointmentrequest'),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name='appointmentrequest',
            index=models.Index(condition=models.Q(('claimed_by__isnull', False)), fields=['claimed_by'], name='request_claimer'),
        ),
        migrations.AddIndex(
            model_name='appointmentrequest',
            index=models.Index(condition=models.Q(('duplicate_of__isnull', False)), fields=['duplicate_of'], name='request_copy'),
        ),
        migrations.AddIndex(
            model_name='arrival',
            index=models.Index(condition=models.Q(('words_digest__gt', '')), fields=['words_digest', 'at'], name='arrival_of_words'),
        ),
    ]
