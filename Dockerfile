# docker build -t poller .     then see docs/deploying.md
ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
WORKDIR /src
COPY requirements.lock requirements-build.lock ./
RUN python -m venv /build \
 && /build/bin/python -m pip install --no-cache-dir \
    --require-hashes --only-binary :all: -r requirements-build.lock
RUN python -m venv --without-pip /app \
 && /build/bin/python -m pip --python /app/bin/python install --no-cache-dir --no-compile \
    --require-hashes --only-binary :all: -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY poller poller
COPY outputs outputs
# Bytecode that is never held against its source: nothing has to be written, nor looked up, at the start.
RUN /build/bin/python -m hatchling build -t wheel -d /dist \
 && /build/bin/python -m pip --python /app/bin/python install --no-cache-dir --no-compile \
    --no-deps --no-index /dist/*.whl \
 && /app/bin/python -m compileall -q --invalidation-mode unchecked-hash /app/lib

FROM python:${PYTHON}-slim
LABEL org.opencontainers.image.title="poller" \
      org.opencontainers.image.description="Polls calls and leads, and delivers every revision of every record once" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV PYTHONDONTWRITEBYTECODE=1 \
    POLLER_PORT=9090
# All that is ever written is under the working directory: relative paths of the configuration start there.
RUN mkdir -p /etc/poller /var/lib/poller && chown 10001:10001 /var/lib/poller && chmod 0700 /var/lib/poller
COPY --from=build /app /app
WORKDIR /var/lib/poller
VOLUME ["/var/lib/poller"]
USER 10001:10001
EXPOSE 9090
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=5m \
  CMD ["/app/bin/python", "-I", "-c", "import http.client, os, sys; \
door = http.client.HTTPConnection('127.0.0.1', int(os.environ['POLLER_PORT']), timeout=4); \
door.request('GET', '/livez'); \
sys.exit(door.getresponse().status != 200)"]
ENTRYPOINT ["/app/bin/poller"]
CMD ["run", "-c", "/etc/poller/config.yaml"]
