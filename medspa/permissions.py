"""Who somebody is and what that person may do, in one query instead of three."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.db import models
from django.db.models.expressions import Expression

THEIRS = """
SELECT permission_id FROM auth_user_user_permissions WHERE user_id = {user}
UNION SELECT allowed.permission_id FROM auth_group_permissions AS allowed
JOIN auth_user_groups AS belongs ON belongs.group_id = allowed.group_id WHERE belongs.user_id = {user}
"""


class _Permissions(Expression):
    """The names of everything a user may do, by themselves or by a group, with spaces between them."""

    output_field = models.TextField()

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list]:
        join = "string_agg" if connection.vendor == "postgresql" else "group_concat"
        user = f"{connection.ops.quote_name(compiler.query.get_initial_alias())}.id"
        return (
            f"(SELECT {join}(kind.app_label || '.' || permission.codename, ' ') FROM auth_permission AS permission"
            " JOIN django_content_type AS kind ON kind.id = permission.content_type_id"
            f" WHERE permission.id IN ({THEIRS.format(user=user)}))",
            [],
        )


class StaffBackend(ModelBackend):
    """Django's own, but that whoever comes back with a session brings their permissions along."""

    def get_user(self, user_id: Any) -> User | None:
        user = User.objects.annotate(permissions_as_text=_Permissions()).filter(pk=user_id).first()
        if user is None or not self.user_can_authenticate(user):
            return None
        allowed = set((user.__dict__.pop("permissions_as_text") or "").split())
        if not user.is_superuser:  # Django gives them everything there is
            user._perm_cache = allowed
        return user
