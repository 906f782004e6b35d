from django.db import migrations, models


def forget(apps, schema_editor):
    from treatments.content_rules import take_away

    take_away(schema_editor.connection.alias)


class Migration(migrations.Migration):
    dependencies = [("treatments", "0002_pictures_speak_spanish")]

    operations = [
        migrations.CreateModel(
            name="ContentVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.CharField(max_length=32)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("pk", 1)), name="exactly_one_content_version")
                ]
            },
        ),
        migrations.RunPython(migrations.RunPython.noop, forget),
    ]
