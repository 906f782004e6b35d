# The site as an image: docker build -t medspa . ; compose.yaml runs it with PostgreSQL, the message sender and Caddy.
# Its root may be read-only. What it writes is below /var/lib/medspa, /var/cache/medspa, /run/medspa and /tmp.
# tests/deploy/test_image.py reads these lines and carries them out in a bare Debian.
FROM debian:12-slim

RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*

RUN useradd --system --user-group --uid 10001 --home-dir /var/lib/medspa --no-create-home --shell /usr/sbin/nologin medspa \
    && install --directory --owner=medspa --group=medspa --mode=0700 /var/lib/medspa \
    && install --directory --owner=medspa --group=medspa --mode=0755 /var/cache/medspa /run/medspa

WORKDIR /opt/medspa
COPY requirements.txt ./
COPY deploy/install.py ./deploy/
RUN VAR_DIR=/tmp/building python3 deploy/install.py && rm -rf /tmp/building /root/.cache

COPY . ./
RUN .venv/bin/python -m compileall -q medspa treatments appointments

ENV VAR_DIR=/var/lib/medspa PAGES_DIR=/var/cache/medspa TRUSTED_PROXIES=unix
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER medspa
HEALTHCHECK --interval=30s --timeout=15s --start-period=60s CMD ["python3", "deploy/ask_health.py"]
CMD [".venv/bin/python", "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py", "--bind", "unix:/run/medspa/web.sock", "medspa.wsgi"]
