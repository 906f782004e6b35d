from django.urls import path

from appointments import views

app_name = "appointments"
urlpatterns = [
    path("request-an-appointment/", views.request_form, name="request_form"),
    path("my-request/<token>/", views.my_request, name="my_request"),
    path("my-request/<token>/cancel/", views.cancel, name="cancel"),
    path("my-request/<token>/times/", views.times, name="times"),
    path("my-request/<token>/health/", views.health_check, name="health_check"),
    path("my-request/<token>/visit.ics", views.visit_file, name="visit_file"),
    path("privacy/", views.privacy_notice, name="privacy_notice"),
]
