"""Who treats patients, at the desk."""

from django.contrib import admin

from treatments.models import Provider


@admin.register(Provider)
class ProviderAdmin(admin.ModelAdmin):
    list_display = ["name", "is_active", "user"]
    list_select_related = ["user"]
    list_filter = ["is_active"]
    search_fields = ["name"]
