# One image for every process: refill web, refill worker, refill up, refill demo.
# Its contents: make sbom, or docker buildx build --sbom=true (deploy/README.md).
# The digest is that of Python 3.12.15 on every platform; make images renews it.
FROM python:3.12-slim-bookworm@sha256:34386ef0cb081344d7ec1c103ba398e6e9f64e9ab3a1509accc92a4e24a07258 AS build
WORKDIR /src
# No installer is shipped: this stage's own pip fills the environment.
RUN python -m venv --without-pip /opt/refill
# Traces need more packages (docs/metrics.md): docker build --build-arg LOCK=requirements-otel.lock
ARG LOCK=requirements.lock
COPY requirements.lock requirements-otel.lock ./
RUN pip --python /opt/refill/bin/python install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes -r ${LOCK}
COPY pyproject.toml README.md LICENSE ./
COPY connectors connectors
COPY config config
COPY worker worker
COPY sandbox sandbox
# Build tools are removed again, and so are the place names of phone numbers: 38 MB that Refill never reads.
RUN pip --python /opt/refill/bin/python install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation . \
    && pip --python /opt/refill/bin/python uninstall --yes hatchling packaging pathspec pluggy tomlkit trove-classifiers \
    && pip --python /opt/refill/bin/python check --disable-pip-version-check \
    && rm -rf /opt/refill/lib/python3.*/site-packages/phonenumbers/geodata

FROM python:3.12-slim-bookworm@sha256:34386ef0cb081344d7ec1c103ba398e6e9f64e9ab3a1509accc92a4e24a07258
# The distribution's server, so that the embedded Redis works on every architecture and gets security updates.
# Refill needs neither the base's installer nor ensurepip's copy of it.
RUN pip uninstall --yes --root-user-action=ignore pip \
    && rm -rf /usr/local/lib/python3*/ensurepip \
    && apt-get update \
    && apt-get install -y --no-install-recommends redis-server \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 refill \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin refill \
    && install -d -o 10001 -g 10001 -m 0700 /data \
    && install -d -m 0755 /config
COPY --from=build /opt/refill /opt/refill
ENV PATH=/opt/refill/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    REFILL_DATA_DIR=/data \
    REFILL_WEB__HOST=0.0.0.0
# refill.toml is looked for here; everything that is written goes to /data, so the rest may be read-only.
WORKDIR /config
VOLUME /data
EXPOSE 8080
USER 10001:10001
# Checks that the processes of this container are alive: a worker by the file it renews, a web process by its answer.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 CMD ["refill-alive"]
ENTRYPOINT ["refill"]
CMD ["up"]
