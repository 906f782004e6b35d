"""Pages about the site itself: its health, its errors, what robots and researchers ask for."""

from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from appointments import outbox


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 while the database answers and mail moves, else 503. No patient data."""
    try:
        waited = outbox.oldest_due_seconds()
    except DatabaseError:
        state = {"status": "database does not answer", "database": "unreachable", "outbox_oldest_seconds": None}
        return JsonResponse(state, status=503)
    stuck = waited > outbox.STUCK_AFTER.total_seconds()
    state = {"status": "mail is stuck" if stuck else "ok", "database": "ok", "outbox_oldest_seconds": waited}
    return JsonResponse(state, status=503 if stuck else 200)
