from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('appointments', '0012_the_log_is_a_chain'),
    ]

    operations = [
        migrations.AlterField(
            model_name='event',
            name='digest',
            field=models.CharField(help_text='SHA-256 over this event and the digest before it.', max_length=64),
        ),
        migrations.AlterField(
            model_name='event',
            name='position',
            field=models.BigIntegerField(help_text='In the chain, from 1.', unique=True),
        ),
    ]
