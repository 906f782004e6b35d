from django.urls import path

from appointments import views

app_name = "appointments"
urlpatterns = [
    path("request-an-appointment/", views.request_form, name="request_form"),
    path("my-request/<token>/", views.my_request, name="my_request"),
    path("privacy/", views.privacy_notice, name="privacy_notice"),
]
