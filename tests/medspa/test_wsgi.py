"""What the WSGI callable does to the process that loads it."""


def test_the_servers_own_clock_is_utc_and_the_pages_clock_is_the_clinics(site):
    asked = "import time; from django.utils import timezone; "
    asked += "print(time.localtime().tm_gmtoff, timezone.localtime().tzname())"
    assert site.manage("shell", "--no-imports", "-c", asked).split()[-2:] == ["-25200", "MST"]
    assert site.manage("shell", "--no-imports", "-c", f"import medspa.wsgi; {asked}").split()[-2:] == ["0", "MST"]
