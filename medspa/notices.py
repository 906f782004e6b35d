"""What the desk is told after a press travels in a cookie, which no neighbouring host can set."""

from django.contrib.messages.storage.cookie import CookieStorage


class NoticesOfThisHost(CookieStorage):
    cookie_name = "__Host-notices"
